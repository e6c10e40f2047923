//! What is remembered of a job for those who look at it; no rule depends on it.

use std::sync::Arc;
use std::time::Duration;

use super::{State, Status};
use crate::history::{Entry, EntryId};

#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// And since when.
    pub(crate) state: (State, Duration),
    /// And since when.
    pub(crate) status: (Status, Duration),
    /// How often its process was started.
    pub(crate) runs: u64,
    /// How many of these were restarts.
    pub(crate) restarts: u64,
    /// The entry of its last start.
    pub(crate) started: Option<EntryId>,
    /// Its last start and what led to it.
    pub(crate) story: Vec<Arc<Entry>>,
    /// Its last start that was no restart, and what led to it.
    pub(crate) first: Vec<Arc<Entry>>,
    /// The end of its last run.
    pub(crate) ended: Option<Arc<Entry>>,
}

impl Record {
    pub(crate) fn new(status: Status, now: Duration) -> Self {
        Record {
            state: (State::Waiting, now),
            status: (status, now),
            runs: 0,
            restarts: 0,
            started: None,
            story: Vec::new(),
            first: Vec::new(),
            ended: None,
        }
    }
}
