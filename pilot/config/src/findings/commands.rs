//! Commands: checks that start a process for what pilot can ask by itself, and text that is meant for a shell.

use std::collections::BTreeSet;

use pilot_core::graph::Graph;
use pilot_core::plan::{Command, Probe};

use super::super::diagnostic::{Rule, Severity};
use super::super::document::Document;
use super::super::loose::Field;
use super::super::numbers::whole;
use super::super::value::Kind;
use super::native;

pub(super) fn find(document: &Document<'_>, graph: &Graph) {
    let sources: BTreeSet<&str> = graph.edges.iter().map(|edge| edge.event.source.as_str()).collect();
    for (job, place) in document.plan.jobs.iter().zip(&document.jobs) {
        if let Some(command) = &job.exec {
            look_for_shell(&place.within(&["exec"]), command);
        }
        let Some(Probe::Exec(command)) = job.health.as_ref().and_then(|health| health.probe.as_ref()) else { continue };
        let exec = place.within(&["health", "exec"]);
        look_for_shell(&exec, command);
        // Who waits for the check's own exits needs the process.
        if sources.contains(format!("check.{}", job.name).as_str()) {
            continue;
        }
        // What is written instead repeats the command.
        let instead = native::instead_of(command, local_port(place)).filter(|_| !exec.value.holds_rendered());
        if let Some(instead) = instead {
            exec.find(
                Severity::Note,
                Rule::ForkPerProbe,
                "starts a process for every check, which pilot can do without",
                format!("write `{instead}` instead of `exec`"),
            );
        }
    }
}

/// The port that the job listens on; it may advertise another one.
fn local_port(job: &Field<'_>) -> Option<u16> {
    let port = job.value.member("port").and_then(whole)?;
    u16::try_from(port).ok().filter(|port| *port != 0)
}

/// A command in one text that only a shell would understand; a list is taken as it is and meant so.
fn look_for_shell(exec: &Field<'_>, command: &Command) {
    let Kind::Text(text) = &exec.value.kind else { return };
    let words = || std::iter::once(&command.program).chain(&command.args);
    let remedy = "write the words as a list, or [\"/bin/sh\", \"-c\", \"...\"] where there is a shell";
    if let Some(word) = words().find(|word| is_for_a_shell(word)) {
        let word = exec.quoted(word);
        let complaint = format!("is run without a shell: {word} is handed to the program as it is");
        exec.find(Severity::Warning, Rule::NoShell, &complaint, remedy.to_owned());
    } else if text.trim().contains("  ") {
        let complaint = "has two spaces in a row: the program is given an empty argument between them";
        exec.find(Severity::Warning, Rule::NoShell, complaint, "write one space, or the words as a list".to_owned());
    }
}

/// Operators, quotes, substitutions, variables and patterns.
fn is_for_a_shell(word: &str) -> bool {
    let operator = ["&&", "||", "|", ">", ">>", "<", "2>&1", "&", ";"].contains(&word);
    let quoted = word.starts_with(['\'', '"']) || word.ends_with(['\'', '"']);
    let variable = word.match_indices('$').any(|(at, _)| {
        word.get(at + 1..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic() || "_{(".contains(c)))
    });
    // A pattern of a shell is a path or stands alone; a URL, an expression or an option may have its letters too.
    let path = word == "*" || word.starts_with(['/', '.', '~']) || word.starts_with("*.");
    operator || quoted || word.contains('`') || variable || (path && (word.contains('*') || word.starts_with("~/")))
}
