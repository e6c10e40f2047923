//! What is known of the end of everything.

use std::time::Duration;

use super::Table;
use crate::plan::JobId;

#[derive(Debug)]
pub(crate) struct Lifecycle {
    pub(crate) stopping: bool,
    /// A second request came.
    pub(crate) hurried: bool,
    /// When the scheduler's patience ends, if it is known.
    pub(crate) deadline: Option<Duration>,
    pub(crate) code: u8,
    pub(crate) exited: bool,
    pub(crate) order: Table<JobId, Turn>,
}

/// A job's place in the order of a stop.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turn {
    /// Those that must be gone before it is stopped.
    pub(crate) after: Vec<JobId>,
    /// How long those take that stop after it.
    pub(crate) tail: Duration,
}

impl Lifecycle {
    pub(crate) fn new(order: Table<JobId, Turn>) -> Self {
        Lifecycle { stopping: false, hurried: false, deadline: None, code: 0, exited: false, order }
    }

    /// How long those take that stop after this job.
    pub(crate) fn tail(&self, id: JobId) -> Duration {
        self.order.get(id).map(|turn| turn.tail).unwrap_or_default()
    }

    /// Those that must be gone before this job is stopped.
    pub(crate) fn after(&self, id: JobId) -> &[JobId] {
        self.order.get(id).map(|turn| turn.after.as_slice()).unwrap_or_default()
    }
}
