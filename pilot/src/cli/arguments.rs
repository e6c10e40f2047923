//! Arguments: clap behind a normaliser, for v3 accepts Go's `-config x` as well as `--config=x` (v3 spec 1.1).

mod trailing;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use clap::{Arg, ArgAction, Command};

use super::check::Check;
use super::wait::Wait;
use super::{client, offline, wait};
use crate::graph::Format;

/// What pilot is asked to do.
#[derive(Debug, PartialEq)]
pub(super) enum Action {
    /// Supervise.
    Run { config: Option<PathBuf> },
    /// Report every mistake in a configuration.
    Check(Check),
    /// Draw a configuration's event graph.
    Graph { config: Option<PathBuf>, format: Format },
    /// Print a text that is part of pilot.
    Print(&'static str),
    /// Print the JSON Schema of the configuration.
    Schema,
    /// Render the configuration's template only.
    Template { config: Option<PathBuf>, out: Option<PathBuf> },
    /// Tell the supervisor of this process that it is ready, or something else.
    Notify { assignments: Vec<String> },
    /// Wait until others answer.
    Wait(Wait),
    /// Ask the running pilot.
    Client { command: client::ClientCommand, socket: Option<PathBuf>, config: Option<PathBuf> },
    /// Print the version.
    Version,
}

pub(super) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Action, clap::Error> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    match plain_run(&arguments) {
        Some(run) => Ok(run),
        None => by_clap(arguments),
    }
}

/// How a container starts pilot: with nothing, or with `-config FILE`. Known without clap, which takes a tenth of a
/// millisecond to set up while the first job waits.
fn plain_run(arguments: &[OsString]) -> Option<Action> {
    let config = match arguments {
        [_] => None,
        [_, flag, path] if flag == "-config" || flag == "--config" => Some(path),
        _ => return None,
    };
    match config {
        Some(path) if path.is_empty() || path.as_bytes().starts_with(b"-") => None,
        given => Some(Action::Run { config: given.map(PathBuf::from) }),
    }
}

fn by_clap(arguments: Vec<OsString>) -> Result<Action, clap::Error> {
    let command = command();
    let arguments = trailing::cut_off(arguments, &command);
    let matches = command.try_get_matches_from(arguments.into_iter().map(two_dashes).filter_map(set_flag))?;
    let path = |name: &str| matches.get_one::<PathBuf>(name).cloned();
    let config = path("config").filter(|path| !path.as_os_str().is_empty());
    let socket = path("socket");
    match matches.subcommand() {
        Some(("notify", notify)) => {
            let assignments = notify.get_many::<String>("assignment").into_iter().flatten().cloned().collect();
            return Ok(Action::Notify { assignments });
        }
        Some(("wait", command)) => return Ok(Action::Wait(wait::from_subcommand(command))),
        Some((name, command)) => {
            if let Some(action) = offline::from_subcommand(name, command, &config) {
                return Ok(action);
            }
            if let Some(command) = client::from_subcommand(name, command) {
                return Ok(Action::Client { command, socket, config });
            }
        }
        None => {}
    }
    if matches.get_flag("version") {
        return Ok(Action::Version);
    }
    if matches.get_flag("template") {
        return Ok(Action::Template { config, out: path("out") });
    }
    Ok(match client::from_flags(&matches) {
        Some(command) => Action::Client { command, socket, config },
        None => Action::Run { config },
    })
}

/// One screen. A test sees to it that every command and flag is in it.
const HELP: &str = "\
Usage: pilot [OPTIONS] [COMMAND]

Without a command pilot runs the configuration and supervises its jobs until it
is told to stop (SIGTERM or SIGINT; a second one skips all waits), or until all
jobs have ended.

Commands (details: `pilot COMMAND --help`):
  on a configuration    check, graph, template, schema
  on a running pilot    status, jobs, health, logs, why, events, postmortem,
                        start, stop, restart, signal, reload, maintenance,
                        putenv, putmetric, ping
  inside a job          notify, wait
  about pilot itself    version, completion, man, help

Options (one dash works too, as in ContainerPilot 3, whose flags all work):
  --config FILE         Configuration file [env: CONTAINERPILOT]
  --socket PATH         Control socket of the running pilot [env: PILOT_SOCKET]
  --template            Print the rendered configuration [--out FILE: write it]
  --version             Print version and git hash
  -h, --help            Print this

Exit codes: 0 after a requested stop, 1 bad configuration, 2 bad usage, and
the exit code of a job with `critical: true` that has ended everything.
";

pub(super) fn command() -> Command {
    let path = |name: &'static str| Arg::new(name).value_parser(clap::value_parser!(PathBuf));
    let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
    Command::new("pilot")
        .about("Supervises the jobs of a container: starts, health, Consul, an orderly stop.")
        .override_help(HELP)
        .disable_version_flag(true)
        .args_conflicts_with_subcommands(false)
        .arg(path("config").long("config").value_name("FILE").help("Configuration file [env: CONTAINERPILOT]"))
        .arg(flag("version").help("Print version and git hash"))
        .arg(flag("template").help("Print the rendered configuration and exit"))
        .arg(path("out").long("out").value_name("FILE").help("With --template: write to this file instead of stdout"))
        .arg(
            path("socket")
                .long("socket")
                .value_name("PATH")
                .global(true)
                .help("Socket of the running pilot [env: PILOT_SOCKET]"),
        )
        .args(client::flags())
        .subcommands(offline::subcommands())
        .subcommand(
            Command::new("notify").about("In a job: tell pilot that it is ready (health.notify)").arg(
                Arg::new("assignment")
                    .value_name("NAME=VALUE")
                    .num_args(0..)
                    .value_parser(assignment)
                    .help("For example \"STATUS=3 clients\", WATCHDOG=1 [default: READY=1]"),
            ),
        )
        .subcommand(wait::subcommand())
        .subcommands(client::subcommands())
}

/// One line of a readiness message.
fn assignment(text: &str) -> Result<String, String> {
    let one_line = text.contains('=') && !text.contains(['\n', '\0']);
    one_line.then(|| text.to_owned()).ok_or_else(|| "write NAME=value on one line, for example READY=1".to_owned())
}

/// `-config` is `--config`; `-h` and a lone `-` stay.
fn two_dashes(argument: OsString) -> OsString {
    let bytes = argument.as_bytes();
    let is_go_flag = bytes.len() > 2 && bytes[0] == b'-' && bytes[1].is_ascii_lowercase();
    if !is_go_flag {
        return argument;
    }
    let mut two = OsStr::new("-").to_owned().into_vec();
    two.extend_from_slice(bytes);
    OsString::from_vec(two)
}

/// Go's `--reload=true` is `--reload`, and `--reload=false` is nothing.
fn set_flag(argument: OsString) -> Option<OsString> {
    const FLAGS: [&str; 5] = ["--version", "--template", "--reload", "--ping", "--help"];
    let Some((flag, value)) = argument.to_str().and_then(|text| text.split_once('=')) else { return Some(argument) };
    match (FLAGS.contains(&flag), value) {
        (true, "1" | "t" | "T" | "true" | "TRUE" | "True") => Some(flag.into()),
        (true, "0" | "f" | "F" | "false" | "FALSE" | "False") => None,
        _ => Some(argument),
    }
}

#[cfg(test)]
mod generated;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::error::ErrorKind;

    use super::super::OutputFormat;
    use super::super::check::Strictness;
    use super::super::client::ClientCommand;
    use super::*;

    fn parsed(line: &str) -> Result<Action, ErrorKind> {
        parse(line.split(' ').map(OsString::from)).map_err(|error| error.kind())
    }

    #[test]
    fn flags_work_with_one_dash_and_with_two() {
        let run = |path: &str| Ok(Action::Run { config: Some(path.into()) });
        let check = |check: Check| Ok(Action::Check(Check { config: Some("a.json5".into()), ..check }));
        let rows = [
            ("pilot", Ok(Action::Run { config: None })),
            ("pilot -config a.json5", run("a.json5")),
            ("pilot --config a.json5", run("a.json5")),
            ("pilot -config=a.json5", run("a.json5")),
            ("pilot --config=a.json5", run("a.json5")),
            ("pilot -version", Ok(Action::Version)),
            ("pilot check a.json5", check(Check::default())),
            ("pilot -config a.json5 check", check(Check::default())),
            (
                "pilot check a.json5 -strict --json --stop-timeout 1m",
                check(Check {
                    stop_budget: Some(Duration::from_secs(60)),
                    strictness: Strictness::Warnings,
                    format: OutputFormat::Json,
                    ..Check::default()
                }),
            ),
            ("pilot check -stop-timeout 1x", Err(ErrorKind::ValueValidation)),
            (
                "pilot -template -config a -out b",
                Ok(Action::Template { config: Some("a".into()), out: Some("b".into()) }),
            ),
            ("pilot template a -out b", Ok(Action::Template { config: Some("a".into()), out: Some("b".into()) })),
            ("pilot -config a template", Ok(Action::Template { config: Some("a".into()), out: None })),
            ("pilot version", Ok(Action::Version)),
            ("pilot graph a", Ok(Action::Graph { config: Some("a".into()), format: Format::Text })),
            ("pilot -config a graph -format svg", Ok(Action::Graph { config: Some("a".into()), format: Format::Svg })),
            ("pilot graph --format png", Err(ErrorKind::InvalidValue)),
            ("pilot graph a --json", Ok(Action::Graph { config: Some("a".into()), format: Format::Json })),
            ("pilot graph --json --format svg", Err(ErrorKind::ArgumentConflict)),
            (
                "pilot graph --live --json",
                Ok(Action::Client { command: ClientCommand::Graph(Format::Json), socket: None, config: None }),
            ),
            (
                "pilot -config a graph --live --format dot",
                Ok(Action::Client {
                    command: ClientCommand::Graph(Format::Dot),
                    socket: None,
                    config: Some("a".into()),
                }),
            ),
            ("pilot graph --live a", Err(ErrorKind::ArgumentConflict)),
            ("pilot completion tcsh", Err(ErrorKind::InvalidValue)),
            ("pilot completion", Err(ErrorKind::MissingRequiredArgument)),
            ("pilot notify", Ok(Action::Notify { assignments: vec![] })),
            (
                "pilot notify READY=1 STATUS=a=b",
                Ok(Action::Notify { assignments: vec!["READY=1".into(), "STATUS=a=b".into()] }),
            ),
            ("pilot notify ready", Err(ErrorKind::ValueValidation)),
            ("pilot -confg a", Err(ErrorKind::UnknownArgument)),
            ("pilot -h", Err(ErrorKind::DisplayHelp)),
            ("pilot -help", Err(ErrorKind::DisplayHelp)),
        ];
        for (line, want) in rows {
            assert_eq!(parsed(line), want, "{line}");
        }
    }

    #[test]
    fn what_is_known_without_clap_is_what_clap_says() {
        for line in ["pilot", "pilot -config a.json5", "pilot --config a.json5", "pilot --config b=c"] {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert_eq!(plain_run(&words), Some(by_clap(words.clone()).unwrap()), "{line}");
        }
        for line in ["pilot -config -x", "pilot -config ", "pilot check", "pilot -version", "pilot -config a -template"]
        {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert_eq!(plain_run(&words), None, "{line}");
        }
    }
}
