//! What has happened and why: the last entries, each with what caused it.
//!
//! No rule depends on it. A fixed number of entries is kept; what every check repeats is counted in one entry, so that
//! hours of good health do not push out why something was started.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::effect::{JobRequest, UserSignal};
use super::event::{Class, Event};
use super::exit::Exit;
use super::limits::{KEPT_ENTRIES, STORY_STEPS};

/// One entry; never reused within one engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(pub u64);

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// An event was on the bus.
    Event(Event),
    /// A run of this job began; or it has no process and is in place.
    Started(String),
    /// A run ended.
    Ended {
        /// The job.
        job: String,
        /// How it ended.
        exit: Exit,
        /// After this time.
        lasted: Duration,
    },
    /// A person asked for another configuration, and it was good.
    Reload,
    /// A person asked for something.
    Asked {
        /// The job.
        job: String,
        /// What is wanted.
        request: JobRequest,
    },
}

/// What caused it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// An earlier entry.
    Entry(EntryId),
    /// pilot has begun its work.
    Beginning,
    /// pilot was told to stop: SIGTERM or SIGINT.
    StopRequest,
    /// A signal that is an event.
    Signal(UserSignal),
    /// A person, over the control socket.
    Person,
    /// Time has passed.
    Timer,
    /// Something outside was seen: by a check or a watch, or told by the catalog or the load balancer.
    Seen,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its number; later ones are higher.
    pub id: EntryId,
    /// When, as the engine counts time; the first time, if it was repeated.
    pub at: Duration,
    /// How often in a row.
    pub times: u64,
    /// When it was repeated last.
    pub last_at: Duration,
    /// What caused it (the first time).
    pub cause: Cause,
    /// What happened.
    pub what: What,
    /// Of a failing check or watch: what went wrong, the last time.
    pub reason: Option<String>,
}

/// The last [`KEPT_ENTRIES`] entries.
#[derive(Debug)]
pub struct History {
    /// Shared with the stories that jobs keep.
    entries: VecDeque<Arc<Entry>>,
    last: u64,
}

impl History {
    pub(super) fn new() -> Self {
        History { entries: VecDeque::new(), last: 0 }
    }

    /// The number of the newest entry; zero before the first one.
    pub fn last(&self) -> EntryId {
        EntryId(self.last)
    }

    /// How many entries are kept.
    pub fn count(&self) -> usize {
        self.entries.len()
    }

    /// All entries that are kept after this one, oldest first.
    pub fn after(&self, id: EntryId) -> impl Iterator<Item = &Arc<Entry>> {
        self.entries.iter().skip(self.entries.partition_point(|entry| entry.id <= id))
    }

    /// An entry, if it is still kept.
    pub fn get(&self, id: EntryId) -> Option<&Arc<Entry>> {
        let at = self.entries.binary_search_by_key(&id, |entry| entry.id).ok()?;
        self.entries.get(at)
    }

    /// When an event was on the bus last, as far as is remembered.
    pub fn last_seen(&self, event: &Event) -> Option<Duration> {
        let is_it = |entry: &&Arc<Entry>| matches!(&entry.what, What::Event(seen) if seen == event);
        self.entries.iter().rev().find(is_it).map(|entry| entry.last_at)
    }

    pub(super) fn note(&mut self, what: What, cause: Cause, at: Duration, reason: Option<String>) -> EntryId {
        if let What::Event(event) = &what
            && let Some(same) = self.repeated(event)
        {
            (same.times, same.last_at, same.reason) = (same.times + 1, at, reason);
            return same.id;
        }
        if self.entries.len() == KEPT_ENTRIES {
            self.entries.pop_front();
        }
        self.last += 1;
        let id = EntryId(self.last);
        self.entries.push_back(Arc::new(Entry { id, at, times: 1, last_at: at, cause, what, reason }));
        id
    }

    /// The entry of a check's result that has not changed since.
    fn repeated(&mut self, event: &Event) -> Option<&mut Entry> {
        if !of_a_check(event) {
            return None;
        }
        let about_it = |entry: &&mut Arc<Entry>| match &entry.what {
            What::Event(seen) => of_a_check(seen) && seen.source == event.source,
            // A new run begins a new story.
            What::Started(job) => *job == event.source,
            What::Ended { .. } | What::Reload | What::Asked { .. } => false,
        };
        let last = self.entries.iter_mut().rev().find(about_it)?;
        matches!(&last.what, What::Event(seen) if seen == event).then(|| Arc::make_mut(last))
    }
}

/// Whether every check makes such an event.
fn of_a_check(event: &Event) -> bool {
    match event.code.class() {
        Class::Health => true,
        Class::Exit | Class::Error => event.source.starts_with("check."),
        Class::Stop | Class::Change | Class::Timer | Class::Container | Class::Signal => false,
    }
}

/// An entry and what led to it, newest first. `find` gives an entry, also one that the history has forgotten.
/// Ends where nothing earlier is known, or with an earlier start of the same job: that has a story of its own.
pub(super) fn story(first: &Arc<Entry>, find: impl Fn(EntryId) -> Option<Arc<Entry>>) -> Vec<Arc<Entry>> {
    let mut story = vec![Arc::clone(first)];
    while let Some(Cause::Entry(id)) = story.last().map(|entry| entry.cause).filter(|_| story.len() < STORY_STEPS) {
        let Some(entry) = find(id) else { break };
        let ends = entry.what == first.what;
        story.push(entry);
        if ends {
            break;
        }
    }
    story.shrink_to_fit(); // Kept for as long as the run.
    story
}
