//! The commands of the client, as v3's flags and as subcommands.

use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command};

use super::{ClientCommand, Until, Wanted};
use crate::cli::OutputFormat;
use crate::cli::offline::graph_format;
use crate::runtime::control::Summary;
use pilot_core::effect::{JobRequest, Switch};

/// How long `stop` waits unless it is told otherwise, in seconds.
const WAIT: &str = "60";

/// v3's flags. Not in the help, which shows the subcommands.
pub(in crate::cli) fn flags() -> Vec<Arg> {
    let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue).hide(true);
    let pairs = |name: &'static str| pairs(Arg::new(name).long(name)).action(ArgAction::Append).hide(true);
    vec![
        flag("reload"),
        Arg::new("maintenance")
            .long("maintenance")
            .value_parser(PossibleValuesParser::new(["enable", "disable", ""]))
            .hide(true),
        pairs("putenv"),
        pairs("putmetric"),
        flag("ping"),
    ]
}

/// What v3's flags ask for: exactly one thing, the first in v3's order (spec 1.1).
pub(in crate::cli) fn from_flags(matches: &ArgMatches) -> Option<ClientCommand> {
    if matches.get_flag("reload") {
        return Some(ClientCommand::Reload(Summary::Silent));
    }
    if let Some(word) = matches.get_one::<String>("maintenance").filter(|word| !word.is_empty()) {
        return Some(ClientCommand::Maintenance(switch(word)));
    }
    if matches.contains_id("putenv") {
        return Some(ClientCommand::PutEnvironment(given_pairs(matches, "putenv")));
    }
    if matches.contains_id("putmetric") {
        return Some(ClientCommand::PutMetrics(given_pairs(matches, "putmetric")));
    }
    matches.get_flag("ping").then_some(ClientCommand::Ping)
}

/// The subcommands.
pub(in crate::cli) fn subcommands() -> Vec<Command> {
    let command = |name: &'static str, about: &'static str| Command::new(name).about(about);
    let job = || Arg::new("job").value_name("JOB").required(true);
    let lines = || {
        let lines = Arg::new("lines").short('n').long("lines").value_name("N");
        let follow = Arg::new("follow").short('f').long("follow").action(ArgAction::SetTrue);
        [
            lines.value_parser(clap::value_parser!(usize)).default_value("20").help("How many"),
            follow.help("Keep showing new ones"),
        ]
    };
    let json = || Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print JSON");
    let pairs = || pairs(Arg::new("pairs")).num_args(1..).required(true);
    vec![
        command("status", "Show pilot and everything it supervises").arg(json()),
        command("jobs", "Show the state of the jobs").arg(job().required(false)).arg(json()),
        command("start", "Start a job now, whatever it is waiting for").arg(job()),
        command("stop", "Stop a job and keep it down; pilot keeps running").arg(job()).arg(
            Arg::new("wait")
                .long("wait")
                .value_name("SECONDS")
                .value_parser(clap::value_parser!(u64))
                .default_value(WAIT)
                .help("How long to wait; 0: do not wait"),
        ),
        command("restart", "Stop a job's process and start it again").arg(job()),
        command("signal", "Send a signal to a job's processes")
            .arg(job())
            .arg(Arg::new("signal").value_name("SIGNAL").required(true).help("For example HUP, USR1, TERM")),
        command("logs", "Show the last log lines of a job").arg(job()).args(lines()).arg(json()),
        command("health", "Exit with 0 if no job is failing its health check")
            .arg(
                Arg::new("ready")
                    .long("ready")
                    .action(ArgAction::SetTrue)
                    .help("Only if every job with a check is healthy and in service"),
            )
            .arg(json()),
        command("why", "Explain what a job is waiting for, or what started it").arg(job()).arg(json()),
        command("events", "Show recent events and what caused them").args(lines()).arg(json()),
        command("postmortem", "Show how jobs have ended, with their last checks and lines")
            .arg(job().required(false))
            .arg(json()),
        command("reload", "Reload the configuration and apply what has changed"),
        command("maintenance", "Deregister all services, or register them again")
            .arg(Arg::new("switch").value_name("enable|disable").required(true).value_parser(["enable", "disable"])),
        command("putenv", "Set environment variables for processes started from now on")
            .arg(pairs().value_name("NAME=VALUE")),
        command("putmetric", "Record values of metrics from the configuration").arg(pairs().value_name("NAME=VALUE")),
        command("ping", "Print `ok` if pilot answers"),
    ]
}

/// What a subcommand asks for, if it is one of [`subcommands`].
pub(in crate::cli) fn from_subcommand(name: &str, matches: &ArgMatches) -> Option<ClientCommand> {
    let text = |name: &str| matches.get_one::<String>(name).cloned();
    let job = || text("job").unwrap_or_default();
    let format = || if matches.get_flag("json") { OutputFormat::Json } else { OutputFormat::Text };
    let lines = || matches.get_one::<usize>("lines").copied().unwrap_or(0);
    let until = || if matches.get_flag("follow") { Until::Forever } else { Until::Now };
    let change = |request, wait| ClientCommand::Change { job: job(), request, wait };
    Some(match name {
        "status" => ClientCommand::Status(format()),
        "graph" => ClientCommand::Graph(graph_format(matches)?),
        "jobs" => ClientCommand::Jobs { job: text("job"), format: format() },
        "start" => change(JobRequest::Start, Duration::ZERO),
        "stop" => {
            let wait = matches.get_one::<u64>("wait").copied().unwrap_or(0);
            change(JobRequest::Stop, Duration::from_secs(wait))
        }
        "restart" => change(JobRequest::Restart, Duration::ZERO),
        "signal" => ClientCommand::Signal { job: job(), signal: text("signal").unwrap_or_default() },
        "logs" => ClientCommand::Logs { job: job(), lines: lines(), until: until(), format: format() },
        "health" => {
            let wanted = if matches.get_flag("ready") { Wanted::Ready } else { Wanted::Healthy };
            ClientCommand::Health { wanted, format: format() }
        }
        "postmortem" => ClientCommand::Postmortem { job: text("job"), format: format() },
        "why" => ClientCommand::Why { job: job(), format: format() },
        "events" => ClientCommand::Events { count: lines(), until: until(), format: format() },
        "reload" => ClientCommand::Reload(Summary::Told),
        "maintenance" => ClientCommand::Maintenance(switch(&text("switch").unwrap_or_default())),
        "putenv" => ClientCommand::PutEnvironment(given_pairs(matches, "pairs")),
        "putmetric" => ClientCommand::PutMetrics(given_pairs(matches, "pairs")),
        "ping" => ClientCommand::Ping,
        _ => return None,
    })
}

fn switch(word: &str) -> Switch {
    if word == "enable" { Switch::On } else { Switch::Off }
}

/// Cut at the first `=`; the value may hold more of them (#494).
fn pairs(arg: Arg) -> Arg {
    arg.value_parser(|text: &str| match text.split_once('=') {
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => Err(format!("write NAME=VALUE; `{text}=` is an empty value")),
    })
}

fn given_pairs(matches: &ArgMatches, name: &str) -> Vec<(String, String)> {
    matches.get_many::<(String, String)>(name).into_iter().flatten().cloned().collect()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::path::PathBuf;

    use clap::error::ErrorKind;

    use super::*;
    use crate::cli::arguments::{Action, parse};

    fn asked(words: &[&str]) -> Result<ClientCommand, ErrorKind> {
        match parse(["pilot"].iter().chain(words).map(OsString::from)) {
            Ok(Action::Client { command, .. }) => Ok(command),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error.kind()),
        }
    }

    fn given(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// v3 spec 1.1; v3 took every word but `enable` for `disable`, and cleared nothing by `-putenv NAME`.
    #[test]
    fn v3s_flags_ask_with_one_dash_and_with_two_and_as_subcommands() {
        let rows: [(&[&str], Result<ClientCommand, ErrorKind>); 18] = [
            (&["-reload"], Ok(ClientCommand::Reload(Summary::Silent))),
            (&["-reload=true", "-config", "/nowhere"], Ok(ClientCommand::Reload(Summary::Silent))),
            (&["reload"], Ok(ClientCommand::Reload(Summary::Told))),
            (&["--maintenance", "enable"], Ok(ClientCommand::Maintenance(Switch::On))),
            (&["-maintenance=disable"], Ok(ClientCommand::Maintenance(Switch::Off))),
            (&["-maintenance", "enabel"], Err(ErrorKind::InvalidValue)),
            (&["maintenance", "enable"], Ok(ClientCommand::Maintenance(Switch::On))),
            (&["maintenance"], Err(ErrorKind::MissingRequiredArgument)),
            (&["maintenance", "off"], Err(ErrorKind::InvalidValue)),
            (
                &["-putenv", "A=1", "--putenv", "B=x=y"],
                Ok(ClientCommand::PutEnvironment(given(&[("A", "1"), ("B", "x=y")]))),
            ),
            (&["putenv", "A=1", "B="], Ok(ClientCommand::PutEnvironment(given(&[("A", "1"), ("B", "")])))),
            (&["-putenv", "A"], Err(ErrorKind::ValueValidation)),
            (&["-putmetric", "m=42"], Ok(ClientCommand::PutMetrics(given(&[("m", "42")])))),
            (&["putmetric", "m=1", "n=-2"], Ok(ClientCommand::PutMetrics(given(&[("m", "1"), ("n", "-2")])))),
            (&["putmetric"], Err(ErrorKind::MissingRequiredArgument)),
            (&["-ping"], Ok(ClientCommand::Ping)),
            (&["ping"], Ok(ClientCommand::Ping)),
            (&["-ping=perhaps"], Err(ErrorKind::TooManyValues)),
        ];
        for (words, want) in rows {
            assert_eq!(asked(words), want, "{words:?}");
        }
    }

    /// v3 spec 1.1: exactly one action, the first in this order.
    #[test]
    fn of_several_flags_the_first_in_v3s_order_counts() {
        let flags =
            ["-version", "-template", "-reload", "-maintenance=enable", "-putenv=A=1", "-putmetric=m=1", "-ping"];
        let action = |from: usize| {
            let words = ["pilot"].iter().chain(flags[from..].iter().rev()).map(OsString::from);
            parse(words).unwrap()
        };
        assert_eq!(action(0), Action::Version);
        assert_eq!(action(1), Action::Template { config: None, out: None });
        for (from, name) in [(2, "reload"), (3, "maintenance"), (4, "putenv"), (5, "putmetric"), (6, "ping")] {
            let Action::Client { command, .. } = action(from) else { panic!("{from}") };
            assert_eq!(command.name(), name);
        }
        assert_eq!(parse(["pilot", "-maintenance", ""].map(OsString::from)).unwrap(), Action::Run { config: None });
        assert_eq!(parse(["pilot", "-reload=false"].map(OsString::from)).unwrap(), Action::Run { config: None });
    }

    #[test]
    fn jobs_are_asked_about_by_name() {
        let job = || "my job".to_owned();
        let stop = |seconds| ClientCommand::Change {
            job: job(),
            request: JobRequest::Stop,
            wait: Duration::from_secs(seconds),
        };
        let logs = |lines, until, format| ClientCommand::Logs { job: job(), lines, until, format };
        let rows: [(&[&str], Result<ClientCommand, ErrorKind>); 17] = [
            (&["jobs"], Ok(ClientCommand::Jobs { job: None, format: OutputFormat::Text })),
            (&["jobs", "--json", "my job"], Ok(ClientCommand::Jobs { job: Some(job()), format: OutputFormat::Json })),
            (
                &["start", "my job"],
                Ok(ClientCommand::Change { job: job(), request: JobRequest::Start, wait: Duration::ZERO }),
            ),
            (
                &["restart", "my job"],
                Ok(ClientCommand::Change { job: job(), request: JobRequest::Restart, wait: Duration::ZERO }),
            ),
            (&["stop", "my job"], Ok(stop(60))),
            (&["stop", "my job", "--wait", "0"], Ok(stop(0))),
            (&["stop", "my job", "--wait", "long"], Err(ErrorKind::ValueValidation)),
            (&["stop"], Err(ErrorKind::MissingRequiredArgument)),
            (&["signal", "my job", "HUP"], Ok(ClientCommand::Signal { job: job(), signal: "HUP".into() })),
            (&["signal", "my job"], Err(ErrorKind::MissingRequiredArgument)),
            (&["logs", "my job"], Ok(logs(20, Until::Now, OutputFormat::Text))),
            (&["logs", "my job", "-n", "5", "-f"], Ok(logs(5, Until::Forever, OutputFormat::Text))),
            (&["logs", "--follow", "--lines=0", "my job", "--json"], Ok(logs(0, Until::Forever, OutputFormat::Json))),
            (&["logs", "my job", "-n", "-1"], Err(ErrorKind::UnknownArgument)),
            (&["health"], Ok(ClientCommand::Health { wanted: Wanted::Healthy, format: OutputFormat::Text })),
            (
                &["health", "--ready", "--json"],
                Ok(ClientCommand::Health { wanted: Wanted::Ready, format: OutputFormat::Json }),
            ),
            (&["health", "app"], Err(ErrorKind::UnknownArgument)),
        ];
        for (words, want) in rows {
            assert_eq!(asked(words), want, "{words:?}");
        }
    }

    #[test]
    fn the_manual_has_every_command() {
        const MANUAL: &str = include_str!("../../../../docs/reference/command-line.md");
        for command in subcommands() {
            assert!(MANUAL.contains(&format!("| `pilot {}", command.get_name())), "{}", command.get_name());
        }
    }

    #[test]
    fn the_socket_may_be_named_before_and_after_the_command() {
        for words in [["pilot", "--socket", "/s", "ping"], ["pilot", "ping", "--socket", "/s"]] {
            let action = parse(words.map(OsString::from)).unwrap();
            assert_eq!(
                action,
                Action::Client { command: ClientCommand::Ping, socket: Some(PathBuf::from("/s")), config: None }
            );
        }
    }
}
