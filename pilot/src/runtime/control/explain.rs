//! Why things are as they are: one model, written as JSON and read by the client for its text.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::report::JobReport;
use super::status::NextReport;
use crate::runtime::view::JobView;
use pilot_core::effect::JobRequest;
use pilot_core::engine::Engine;
use pilot_core::event::Event;
use pilot_core::graph::{Graph, Mode};
use pilot_core::history::{Cause, Entry, EntryId, What};
use pilot_core::plan::JobId;
use pilot_core::timers::Timer;
use pilot_core::why::Wait;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventReport {
    /// Its number; later ones are higher.
    pub id: u64,
    /// When (the first time, if it was repeated), in seconds since pilot began to supervise.
    pub at: f64,
    /// The same in seconds before now.
    pub ago: f64,
    /// What, for people.
    pub text: String,
    /// How often in a row.
    pub times: u64,
    /// Of a failing check or watch: what went wrong, the last time.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// The number of the one that caused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<u64>,
    /// What caused it, if that was nothing with a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

/// What happened after an entry, oldest first; at most `count` of the newest.
pub fn events(engine: &Engine, after: u64, count: usize, now: Duration) -> Vec<EventReport> {
    let all: Vec<_> = engine.history().after(EntryId(after)).collect();
    all.iter().skip(all.len().saturating_sub(count)).map(|entry| EventReport::new(entry, now)).collect()
}

impl EventReport {
    /// An entry as it reads at time `now` of the engine.
    pub fn new(entry: &Entry, now: Duration) -> Self {
        let text = match &entry.what {
            What::Event(event) => event_name(event),
            What::Started(job) => format!("{job} was started"),
            What::Ended { job, exit, lasted } => format!("{job} ended after {:.1}s: {exit}", lasted.as_secs_f64()),
            What::Reload => "a reload was requested".to_owned(),
            What::Asked { job, request } => {
                let verb = match request {
                    JobRequest::Start => "start",
                    JobRequest::Stop => "stop",
                    JobRequest::Restart => "restart",
                };
                format!("{verb} of {job} was requested")
            }
        };
        let (cause, because) = match entry.cause {
            Cause::Entry(EntryId(id)) => (Some(id), None),
            Cause::Beginning => (None, Some("pilot started".to_owned())),
            Cause::StopRequest => (None, Some("pilot was asked to stop".to_owned())),
            Cause::Signal(signal) => (None, Some(format!("pilot got {}", signal.name()))),
            Cause::Person => (None, Some("it was requested over the control socket".to_owned())),
            Cause::Timer => (None, Some("a timer fired".to_owned())),
            Cause::Seen => (None, Some("it was observed from outside".to_owned())),
        };
        let ago = now.saturating_sub(entry.at).as_secs_f64();
        EventReport {
            id: entry.id.0,
            at: entry.at.as_secs_f64(),
            ago,
            text,
            times: entry.times,
            reason: entry.reason.clone(),
            cause,
            because,
        }
    }
}

/// `event healthy of db`, in the configuration's words.
fn event_name(event: &Event) -> String {
    format!("event {} of {}", event.code.word(), event.source)
}

/// Why a job is as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WhyReport {
    /// How it is.
    pub job: JobReport,
    /// What may still start it.
    pub waits: Vec<WaitReport>,
    /// What time brings it next.
    pub next: Vec<NextReport>,
    /// Its last start and what led to it, newest first.
    pub story: Vec<EventReport>,
    /// The last start that was no restart, if that is another one, and what led to it.
    pub first: Vec<EventReport>,
    /// The end of its last run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<EventReport>,
}

/// An event that a job waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WaitReport {
    /// In the configuration's words, `event healthy of db`.
    pub event: String,
    /// `all`, `any` or `each` of the events counts.
    pub mode: String,
    /// It was there, and others are still waited for.
    pub seen: bool,
    /// When it was there last, in seconds before now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<f64>,
    /// Why it cannot come, or only under a condition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub obstacle: Option<String>,
}

impl WhyReport {
    /// The answer at time `now` of the engine. None: a reload has removed the job.
    pub fn new(engine: &Engine, id: JobId, job: &JobView, now: Duration) -> Option<Self> {
        let why = engine.why(id, &Graph::of(engine.plan()))?;
        let reports = |story: &[Arc<Entry>]| story.iter().map(|entry| EventReport::new(entry, now)).collect();
        Some(WhyReport {
            job: JobReport::from(job),
            waits: why.waits.iter().map(|wait| WaitReport::new(engine, wait, now)).collect(),
            next: engine
                .timers()
                .into_iter()
                .filter(|(_, job, due)| *job == id && !matches!(due, Timer::Check | Timer::Restart))
                .filter_map(|due| NextReport::new(engine, due, now))
                .collect(),
            story: reports(&why.story),
            first: reports(&why.first),
            end: why.end.map(|entry| EventReport::new(&entry, now)),
        })
    }
}

impl WaitReport {
    fn new(engine: &Engine, wait: &Wait, now: Duration) -> Self {
        let source = wait.source.and_then(|id| Some((&engine.job(id)?.name, engine.state(id)?)));
        let obstacle = match (&wait.never, source) {
            (Some(reason), _) => Some(format!("it never comes, because {}", reason.said(engine.plan(), &wait.event))),
            (None, _) if wait.seen => None,
            (None, Some((name, job))) if wait.source_is_over => {
                let how = job.last_exit().map(|exit| format!(" ({exit})")).unwrap_or_default();
                Some(format!("{name} has ended without emitting this event{how}"))
            }
            (None, Some((name, job))) if job.runs() == 0 => Some(format!("{name} is itself {}", job.state().as_str())),
            (None, _) if wait.at_the_stop => Some("it only comes when pilot stops".to_owned()),
            (None, _) => None,
        };
        WaitReport {
            event: event_name(&wait.event),
            mode: match wait.mode {
                Mode::All => "all",
                Mode::Any => "any",
                Mode::Each | Mode::Interval => "each",
            }
            .to_owned(),
            seen: wait.seen,
            last_seen: wait.last_seen.map(|at| now.saturating_sub(at).as_secs_f64()),
            obstacle,
        }
    }
}
