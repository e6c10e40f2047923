//! What can be asked over the control socket, and what the supervisor answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use nix::sys::signal::Signal;
use tokio::sync::{oneshot, watch};

use super::explain::{EventReport, WhyReport};
use super::report::{HealthReport, JobReport};
use super::status::StatusReport;
use crate::graph::Format;
use crate::runtime::output::Recent;
use crate::runtime::postmortem::Postmortem;
use pilot_core::effect::{JobRequest, Switch};
use pilot_core::plan::Secret;

/// A question and where its answer goes.
#[derive(Debug)]
pub struct Request {
    /// The question.
    pub ask: Ask,
    /// Who asked may be gone by the time of the answer.
    pub answer: oneshot::Sender<Answer>,
}

/// A question.
#[derive(Debug, PartialEq)]
pub enum Ask {
    /// Set these variables for processes started from now on.
    PutEnvironment(BTreeMap<String, Secret>),
    /// Record these values of user metrics.
    PutMetrics(Vec<Sample>),
    /// Read the configuration again.
    Reload(Summary),
    /// Maintenance mode.
    Maintenance(Switch),
    /// Everything.
    Status,
    /// The event graph, with what each job does.
    Graph(Format),
    /// All jobs.
    Jobs,
    /// Something about one job.
    Job {
        /// The job's name.
        name: String,
        /// The question.
        ask: JobAsk,
    },
    /// Whether the jobs are well.
    Health,
    /// What has happened after this entry of the history: at most `count` of the newest.
    Events {
        /// Zero: from the beginning.
        after: u64,
        /// How many, at most.
        count: usize,
    },
    /// To be told when something happens.
    News,
    /// What is known of the last ends: of all jobs, or of one.
    Postmortem(Option<String>),
}

/// What is said about a reload that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Summary {
    /// Nothing, as in v3.
    Silent,
    /// What has changed.
    Told,
}

/// A question about one job.
#[derive(Debug, PartialEq)]
pub enum JobAsk {
    /// How it is.
    Look,
    /// Start, stop or restart it.
    Change(JobRequest),
    /// Send a signal to its process group.
    Signal(Signal),
    /// Its last lines.
    Lines,
    /// Why it is as it is.
    Why,
}

/// A value of a user metric, both parts as v3 writes them into its event. v3 spec 8, 9.3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The metric's key, up to the first `|`.
    pub key: String,
    /// What should be a number; a Go float literal if it is one.
    pub value: String,
}

/// An answer.
#[derive(Debug)]
pub enum Answer {
    /// It is done, and there is nothing to say.
    Done,
    /// It is done, or under way.
    Said(String),
    /// Everything.
    Status(Box<StatusReport>),
    /// The event graph in this format.
    Graph(Format, String),
    /// All jobs.
    Jobs(Vec<JobReport>),
    /// The job.
    Job(Box<JobReport>),
    /// Whether the jobs are well.
    Health(HealthReport),
    /// What has happened.
    Events(Vec<EventReport>),
    /// The number of the newest entry of the history, now and whenever there is another one.
    News(watch::Receiver<u64>),
    /// What is known of the last ends.
    Postmortem(Box<Postmortem>),
    /// Why a job is as it is.
    Why(Box<WhyReport>),
    /// The job's last lines, and those to come.
    Lines(Arc<Recent>),
    /// It is not done.
    Refused(Refusal),
}

/// Why something is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Whose fault it is.
    pub why: Why,
    /// A sentence.
    pub text: String,
}

/// Whose fault it is that something is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// There is no such thing.
    Unknown,
    /// What was sent cannot be used.
    Unusable,
    /// The configuration or the asker's rights do not allow it.
    Forbidden,
    /// It does not fit the present state.
    Conflict,
    /// Nobody is there to do it (any more).
    Unavailable,
}

impl Refusal {
    /// A refusal.
    pub fn new(why: Why, text: impl Into<String>) -> Self {
        Refusal { why, text: text.into() }
    }
}
