//! `pilot wait`: a script goes on when all that it names answers. Looks as the health checks do; starts and changes nothing.
//!
//! Exit code 0 when all have answered, 1 when the time is over (with what was last wrong), 2 when it was called wrongly. A
//! password comes from the environment or a file and is never shown.

mod progress;
mod target;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Arg, ArgMatches, Command};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout_at};

use super::BAD_USAGE;
use crate::runtime::probe::Prober;
use crate::runtime::task;
use pilot_core::plan::Password;
use progress::Progress;
use target::Target;

/// From the end of a look to the next one at the same target.
const PAUSE: Duration = Duration::from_millis(500);
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// What is waited for.
#[derive(Debug, PartialEq)]
pub(super) struct Wait {
    /// As they were written; read later, for what is wrong in them must not be repeated with a password in it.
    targets: Vec<String>,
    timeout: Duration,
    password_file: Option<PathBuf>,
    password_env: Option<String>,
}

pub(super) fn subcommand() -> Command {
    Command::new("wait")
        .about("Wait for dependencies: databases, Consul, web servers, ports")
        .after_help(
            "Targets:\n  mysql://USER@HOST:PORT/DATABASE  lets USER in\n  consul://HOST:PORT               the agent has a leader\n  \
             consul://HOST:PORT/SERVICE       and a healthy instance of SERVICE\n  http://HOST:PORT/PATH            or https: answers 200 to 399\n  \
             tcp://HOST:PORT                  takes connections\n\
             Consul's token and TLS: CONSUL_HTTP_TOKEN and its like.\nExit code 1 when one has not answered in time.",
        )
        .arg(Arg::new("target").value_name("TARGET").num_args(1..).required(true).help("URLs to wait for, all at the same time"))
        .arg(
            Arg::new("timeout")
                .long("timeout")
                .value_name("TIME")
                .value_parser(pilot_config::duration)
                .help("Limit for all of them [default: 60s]"),
        )
        .arg(
            Arg::new("password-env")
                .long("password-env")
                .value_name("NAME")
                .conflicts_with("password-file")
                .help("Environment variable with the MySQL password"),
        )
        .arg(
            Arg::new("password-file")
                .long("password-file")
                .value_name("FILE")
                .value_parser(clap::value_parser!(PathBuf))
                .help("File with the MySQL password, read at each attempt"),
        )
}

pub(super) fn from_subcommand(command: &ArgMatches) -> Wait {
    Wait {
        targets: command.get_many::<String>("target").into_iter().flatten().cloned().collect(),
        timeout: command.get_one::<Duration>("timeout").copied().unwrap_or(DEFAULT_TIMEOUT),
        password_file: command.get_one::<PathBuf>("password-file").cloned(),
        password_env: command.get_one::<String>("password-env").cloned(),
    }
}

pub(super) fn wait(wait: &Wait) -> ExitCode {
    let targets = match read(wait) {
        Ok(targets) => targets,
        Err(message) => {
            eprintln!("error: {message}");
            return ExitCode::from(BAD_USAGE);
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: cannot start the async runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(all_of(targets, wait.timeout));
    // Dropping it would wait for the look-ups that cannot be interrupted.
    runtime.shutdown_background();
    code
}

fn read(wait: &Wait) -> Result<Vec<Target>, String> {
    let password = match (&wait.password_file, &wait.password_env) {
        (Some(path), _) => Password::File(path.clone()),
        (None, Some(name)) if std::env::var_os(name).is_none() => {
            return Err(format!("--password-env names {name:?}, which is not set"));
        }
        (None, Some(name)) => Password::Env(name.clone()),
        (None, None) => Password::None,
    };
    let env =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let env = env.collect();
    wait.targets.iter().map(|text| Target::read(text, &password, &env)).collect()
}

/// Looks at all of them, each at its own pace, until each has answered once.
async fn all_of(targets: Vec<Target>, timeout: Duration) -> ExitCode {
    let until = Instant::now() + timeout;
    let mut progress = Progress::new(targets.iter().map(|target| target.name.clone()).collect());
    let (said, mut heard) = mpsc::unbounded_channel();
    let prober = Prober::new();
    for (number, target) in targets.into_iter().enumerate() {
        let (said, prober) = (said.clone(), prober.clone());
        let watching = async move {
            loop {
                let found = target.look(&prober).await;
                let there = found.is_ok();
                if said.send((number, found)).is_err() || there {
                    break;
                }
                sleep(PAUSE).await;
            }
        };
        task::spawn("a look", watching).detach();
    }
    while !progress.all_there() {
        match timeout_at(until, heard.recv()).await {
            Ok(Some((number, found))) => progress.tell(number, found),
            Ok(None) | Err(_) => break,
        }
    }
    if progress.all_there() {
        return ExitCode::SUCCESS;
    }
    progress.give_up(timeout);
    ExitCode::FAILURE
}
