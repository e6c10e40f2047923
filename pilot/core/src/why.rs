//! Why a job is as it is: what it waits for, or what has started it.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::Engine;
use crate::event::Event;
use crate::graph::{Chance, Graph, JobAt, Mode, Node, Reason};
use crate::history::{Cause, Entry, EntryId, What, story};
use crate::plan::{Count, JobId};
use crate::state::{Job, State};

/// One event that a job waits for.
#[derive(Clone, Debug, PartialEq)]
pub struct Wait {
    /// The event.
    pub event: Event,
    /// How it counts.
    pub mode: Mode,
    /// Of a job that waits for all of its events: this one was there.
    pub seen: bool,
    /// When it was there last.
    pub last_seen: Option<Duration>,
    /// Why it can never come, if the plan says so.
    pub never: Option<Reason>,
    /// Whether it comes only while pilot stops.
    pub at_the_stop: bool,
    /// The job whose event it is.
    pub source: Option<JobId>,
    /// That job is over, and was before it made the event.
    pub source_is_over: bool,
}

/// Why a job is as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Why {
    /// What may still start it; empty if nothing will.
    pub waits: Vec<Wait>,
    /// Its last start and what led to it, newest first.
    pub story: Vec<Arc<Entry>>,
    /// The last start that was no restart, if that is another one.
    pub first: Vec<Arc<Entry>>,
    /// How its last run ended, and what led to that, newest first.
    pub end: Option<Arc<Entry>>,
}

impl Engine {
    /// Why a job is as it is. None: a reload has removed it.
    pub fn why(&self, id: JobId, graph: &Graph) -> Option<Why> {
        let job = self.state(id)?;
        let record = &job.record;
        Some(Why {
            waits: self.waits(id, job, graph),
            story: record.story.clone(),
            first: if record.first == record.story { Vec::new() } else { record.first.clone() },
            end: record.ended.clone(),
        })
    }

    fn waits(&self, id: JobId, job: &Job, graph: &Graph) -> Vec<Wait> {
        let over = matches!(job.state(), State::Stopping | State::Stopped | State::Ended);
        let Some(place) = self.job_ids().iter().position(|other| *other == id) else { return Vec::new() };
        if over || job.starts == Count::Finite(0) {
            return Vec::new();
        }
        let edges = graph.waits(JobAt(place)).filter(|edge| edge.mode != Mode::Interval);
        edges
            .enumerate()
            .map(|(number, edge)| {
                let source = match edge.from {
                    Some(Node::Job(at)) => self.job_ids().get(at.0).copied(),
                    Some(Node::Watch(_) | Node::Signal(_) | Node::Global) | None => None,
                };
                let source_is_over = source
                    .and_then(|source| self.state(source))
                    .is_some_and(|source| matches!(source.state(), State::Ended | State::Stopped));
                Wait {
                    event: edge.event.clone(),
                    mode: edge.mode,
                    seen: edge.mode == Mode::All && job.seen.get(number).copied().unwrap_or(false),
                    last_seen: self.history().last_seen(&edge.event),
                    never: edge.reason.clone(),
                    at_the_stop: edge.chance == Chance::AtTheStop,
                    source,
                    source_is_over,
                }
            })
            .collect()
    }

    /// Notes that a run has begun, and keeps its story for as long as it is the last one.
    pub(crate) fn note_start(&mut self, id: JobId, cause: Cause, restart: bool) {
        let at = self.now;
        let Some(what) = self.job(id).map(|job| What::Started(job.name.clone())) else { return };
        let number = self.history.note(what, cause, at, None);
        let Some(entry) = self.entry(number) else { return };
        let told = story(&entry, |id| self.entry(id));
        let Some(job) = self.jobs.get_mut(id) else { return };
        let record = &mut job.record;
        record.started = Some(number);
        if !restart {
            record.first.clone_from(&told);
        }
        record.story = told;
    }

    /// Notes that a run has ended; what comes now is caused by it.
    pub(crate) fn note_end(&mut self, id: JobId, what: What) {
        let at = self.now;
        let started = self.jobs.get(id).and_then(|job| job.record.started);
        let cause = started.map_or(Cause::Seen, Cause::Entry);
        let number = self.history.note(what, cause, at, None);
        self.cause = Cause::Entry(number);
        let entry = self.entry(number);
        if let Some(job) = self.jobs.get_mut(id) {
            job.record.ended = entry;
        }
    }

    /// What a check of this run finds is caused by the run.
    pub(crate) fn blame_run(&mut self, id: JobId) {
        let started = self.jobs.get(id).and_then(|job| job.record.started);
        self.cause = started.map_or(Cause::Seen, Cause::Entry);
    }

    /// What comes now is caused by this job's last end.
    pub(crate) fn blame_end(&mut self, id: JobId) {
        if let Some(entry) = self.jobs.get(id).and_then(|job| job.record.ended.as_ref()) {
            self.cause = Cause::Entry(entry.id);
        }
    }

    /// An entry, from the history or from a story that was kept.
    fn entry(&self, id: EntryId) -> Option<Arc<Entry>> {
        let kept = |entry: &&Arc<Entry>| entry.id == id;
        let told = |job: &Job| job.record.first.iter().chain(&job.record.story).find(kept).cloned();
        self.history.get(id).cloned().or_else(|| self.jobs.values().find_map(told))
    }
}
