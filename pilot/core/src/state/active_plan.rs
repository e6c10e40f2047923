//! The plan that holds now, and the numbers its jobs and watches go by.
//!
//! A number is given once and never again: what is late (an exit, a probe's result) cannot be taken for another job's.

use std::ops::Deref;
use std::sync::Arc;

use crate::plan::{self, JobId, Plan, WatchId};

/// A plan with its numbers. Everything of it but jobs and watches is read through it; a job's definition is with its state.
#[derive(Debug)]
pub(crate) struct ActivePlan {
    pub(crate) file: Arc<Plan>,
    /// In the order of the file.
    pub(crate) job_ids: Vec<JobId>,
    /// In the order of the file.
    pub(crate) watch_ids: Vec<WatchId>,
}

impl ActivePlan {
    /// The numbers are those of the jobs and watches in their order.
    pub(crate) fn new(file: Arc<Plan>, job_ids: Vec<JobId>, watch_ids: Vec<WatchId>) -> Self {
        ActivePlan { file, job_ids, watch_ids }
    }

    pub(crate) fn watch(&self, id: WatchId) -> Option<&plan::Watch> {
        let place = self.watch_ids.iter().position(|other| *other == id)?;
        self.file.watches.get(place)
    }
}

impl Deref for ActivePlan {
    type Target = Plan;

    fn deref(&self) -> &Plan {
        &self.file
    }
}
