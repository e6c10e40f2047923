//! pilot as a client: asks the pilot that supervises this container, over its control socket.
//!
//! Needs nothing but the socket's path; every wait has a deadline; what is refused or fails is one sentence and exit code 1.

mod arguments;
mod connection;
mod perform;
mod place;
mod shown;
mod told;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

pub(super) use arguments::{flags, from_flags, from_subcommand, subcommands};

use crate::picture;
use crate::runtime::control::Summary;
use pilot_core::effect::{JobRequest, Switch};

/// The running pilot refused, or could not be reached.
const FAILED: u8 = 1;

/// What is to be asked.
#[derive(Debug, PartialEq)]
pub(super) enum Ask {
    Reload(Summary),
    Maintenance(Switch),
    PutEnvironment(Vec<(String, String)>),
    PutMetrics(Vec<(String, String)>),
    Ping,
    Status(Form),
    Graph(picture::Form),
    /// All jobs, or one.
    Jobs {
        job: Option<String>,
        form: Form,
    },
    /// A stop is waited for so long.
    Change {
        job: String,
        request: JobRequest,
        wait: Duration,
    },
    Signal {
        job: String,
        signal: String,
    },
    Logs {
        job: String,
        lines: usize,
        until: Until,
        form: Form,
    },
    Health {
        wanted: Wanted,
        form: Form,
    },
    Events {
        count: usize,
        until: Until,
        form: Form,
    },
    Postmortem {
        job: Option<String>,
        form: Form,
    },
    Why {
        job: String,
        form: Form,
    },
}

/// How an answer is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// For people.
    Text,
    /// As it came.
    Json,
}

/// When lines end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// With the last one there is.
    Now,
    /// Never: new ones are shown as they come.
    Forever,
}

/// What `health` wants to be true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// No job fails.
    Healthy,
    /// Every job is ready.
    Ready,
}

impl Ask {
    /// The command's name, for what is said about it.
    fn name(&self) -> &'static str {
        match self {
            Ask::Reload(_) => "reload",
            Ask::Maintenance(_) => "maintenance",
            Ask::PutEnvironment(_) => "putenv",
            Ask::PutMetrics(_) => "putmetric",
            Ask::Ping => "ping",
            Ask::Status(_) => "status",
            Ask::Graph(_) => "graph",
            Ask::Jobs { .. } => "jobs",
            Ask::Change { request: JobRequest::Start, .. } => "start",
            Ask::Change { request: JobRequest::Stop, .. } => "stop",
            Ask::Change { request: JobRequest::Restart, .. } => "restart",
            Ask::Signal { .. } => "signal",
            Ask::Logs { .. } => "logs",
            Ask::Health { .. } => "health",
            Ask::Events { .. } => "events",
            Ask::Postmortem { .. } => "postmortem",
            Ask::Why { .. } => "why",
        }
    }
}

/// Asks, shows the answer, and gives the exit code.
pub(super) fn ask(ask: &Ask, socket: Option<PathBuf>, config: Option<PathBuf>) -> ExitCode {
    let socket = place::socket(socket, config);
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(ask, &format!("cannot start: {error}")),
    };
    match runtime.block_on(perform::perform(ask, &socket)) {
        Ok(code) => code,
        Err(text) => failed(ask, &text),
    }
}

fn failed(ask: &Ask, text: &str) -> ExitCode {
    eprintln!("pilot {}: {}", ask.name(), text.trim_end());
    ExitCode::from(FAILED)
}
