//! What is made from the command line's definition: completions and the manual page; and that help fits a screen.

use clap::Command;
use clap_complete::{Shell, generate};
use clap_mangen::Man;

use super::{HELP, command};
use crate::committed;

#[test]
fn the_completions_are_up_to_date() {
    for (shell, file) in [(Shell::Bash, "pilot.bash"), (Shell::Fish, "pilot.fish"), (Shell::Zsh, "_pilot")] {
        let mut script = Vec::new();
        generate(shell, &mut command(), "pilot", &mut script);
        committed::must_be(&format!("docs/reference/completions/{file}"), &String::from_utf8(script).unwrap());
    }
}

#[test]
fn the_manual_page_is_up_to_date() {
    committed::must_be("docs/reference/pilot.1", &manual());
}

fn manual() -> String {
    let page = Man::new(command()).title("PILOT").section("1").manual("pilot").source("pilot");
    let mut out = Vec::new();
    page.render_title(&mut out).unwrap();
    page.render_name_section(&mut out).unwrap();
    page.render_synopsis_section(&mut out).unwrap();
    let mut text = String::from_utf8(out).unwrap();
    text.push_str(
        ".SH DESCRIPTION\nWithout a command pilot runs its configuration and supervises the jobs in it until it is told to stop \
         (SIGTERM or SIGINT; a second one skips all waits), or until all jobs have ended. Flags may be written with one dash or \
         two.\n",
    );
    let mut out = Vec::new();
    page.render_options_section(&mut out).unwrap();
    text.push_str(&String::from_utf8(out).unwrap());
    text.push_str(".SH COMMANDS\n");
    let mut root = command();
    root.build();
    for sub in root.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help") {
        text.push_str(&of_a_command(sub));
    }
    text.push_str(
        ".SH SIGNALS\nSIGTERM and SIGINT stop everything in order. SIGHUP and SIGUSR2 are events that jobs can wait for. SIGUSR1 \
         reopens the log file.\n.SH EXIT STATUS\n0 after a requested stop, or when all jobs have ended; 1 if the configuration is \
         wrong or a command has failed; 2 for bad usage; and the exit code of a job with critical: true that has ended everything \
         (128 + n for a signal).\n.SH ENVIRONMENT\nCONTAINERPILOT names the configuration file, PILOT_SOCKET the control \
         socket. Every variable can be used in the configuration's template.\n.SH FILES\n/var/run/containerpilot.socket: the control \
         socket, if the configuration names no other.\n",
    );
    text
}

/// A command with its arguments, as a part of the page.
fn of_a_command(sub: &Command) -> String {
    let page = Man::new(sub.clone());
    let mut usage = Vec::new();
    page.render_synopsis_section(&mut usage).unwrap();
    let mut options = Vec::new();
    page.render_options_section(&mut options).unwrap();
    let body = |section: Vec<u8>| {
        let section = String::from_utf8(section).unwrap();
        section.split_once(".SH ").and_then(|(_, body)| Some(body.split_once('\n')?.1.to_owned())).unwrap_or_default()
    };
    let after = sub.get_after_help().map(|help| format!(".PP\n{help}\n")).unwrap_or_default();
    format!(
        ".SS {}\n{}.PP\n{}.\n{}{after}",
        sub.get_name(),
        body(usage),
        sub.get_about().unwrap_or_default(),
        body(options)
    )
}

fn fits_a_screen(name: &str, help: &str) {
    let lines: Vec<&str> = help.trim_end().lines().collect();
    assert!(lines.len() <= 24, "the help of {name} has {} lines:\n{help}", lines.len());
    for line in lines {
        assert!(line.chars().count() <= 80, "the help of {name} is {} wide:\n{line}", line.chars().count());
    }
}

#[test]
fn the_help_fits_a_screen_and_names_everything() {
    fits_a_screen("pilot", HELP);
    let root = command();
    let words: Vec<&str> = HELP.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').collect();
    for sub in root.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        assert!(words.contains(&sub.get_name()), "the help does not name the command {}", sub.get_name());
    }
    for arg in root.get_arguments().filter(|arg| !arg.is_hide_set()) {
        let flag = format!("--{}", arg.get_long().unwrap());
        assert!(words.contains(&flag.as_str()), "the help does not name {flag}");
    }
}

#[test]
fn the_help_of_each_command_fits_a_screen() {
    let mut root = command();
    root.build();
    // `pilot help help` is a line for each command, in no order; the page of all of them is HELP.
    for sub in root.get_subcommands_mut().filter(|sub| sub.get_name() != "help") {
        let name = sub.get_name().to_owned();
        let help = sub.render_help().to_string();
        fits_a_screen(&name, &help);
    }
}
