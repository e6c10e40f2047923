//! pilot as a client: asks the pilot that supervises this container, over its control socket.
//!
//! Needs nothing but the socket's path; every wait has a deadline; what is refused or fails is one sentence and exit code 1.

mod arguments;
mod connection;
mod perform;
mod render;
mod socket_path;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

pub(super) use arguments::{flags, from_flags, from_subcommand, subcommands};

use super::OutputFormat;
use crate::graph;
use crate::runtime::control::Summary;
use pilot_core::effect::{JobRequest, Switch};

/// The running pilot refused, or could not be reached.
const FAILED: u8 = 1;

/// A command for the running pilot.
#[derive(Debug, PartialEq)]
pub(super) enum ClientCommand {
    Reload(Summary),
    Maintenance(Switch),
    PutEnvironment(Vec<(String, String)>),
    PutMetrics(Vec<(String, String)>),
    Ping,
    Status(OutputFormat),
    Graph(graph::Format),
    /// All jobs, or one.
    Jobs {
        job: Option<String>,
        format: OutputFormat,
    },
    /// A stop is waited for up to `wait`.
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
        format: OutputFormat,
    },
    Health {
        wanted: Wanted,
        format: OutputFormat,
    },
    Events {
        count: usize,
        until: Until,
        format: OutputFormat,
    },
    Postmortem {
        job: Option<String>,
        format: OutputFormat,
    },
    Why {
        job: String,
        format: OutputFormat,
    },
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

impl ClientCommand {
    /// The command's name, for what is said about it.
    fn name(&self) -> &'static str {
        match self {
            ClientCommand::Reload(_) => "reload",
            ClientCommand::Maintenance(_) => "maintenance",
            ClientCommand::PutEnvironment(_) => "putenv",
            ClientCommand::PutMetrics(_) => "putmetric",
            ClientCommand::Ping => "ping",
            ClientCommand::Status(_) => "status",
            ClientCommand::Graph(_) => "graph",
            ClientCommand::Jobs { .. } => "jobs",
            ClientCommand::Change { request: JobRequest::Start, .. } => "start",
            ClientCommand::Change { request: JobRequest::Stop, .. } => "stop",
            ClientCommand::Change { request: JobRequest::Restart, .. } => "restart",
            ClientCommand::Signal { .. } => "signal",
            ClientCommand::Logs { .. } => "logs",
            ClientCommand::Health { .. } => "health",
            ClientCommand::Events { .. } => "events",
            ClientCommand::Postmortem { .. } => "postmortem",
            ClientCommand::Why { .. } => "why",
        }
    }
}

/// Asks, shows the answer, and gives the exit code.
pub(super) fn run(command: &ClientCommand, socket: Option<PathBuf>, config: Option<PathBuf>) -> ExitCode {
    let socket = socket_path::find(socket, config);
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(command, &format!("cannot start the async runtime: {error}")),
    };
    match runtime.block_on(perform::perform(command, &socket)) {
        Ok(code) => code,
        Err(text) => failed(command, &text),
    }
}

fn failed(command: &ClientCommand, text: &str) -> ExitCode {
    eprintln!("pilot {}: {}", command.name(), text.trim_end());
    ExitCode::from(FAILED)
}
