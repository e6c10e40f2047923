//! Jobs and watches by their names: a plan may have thousands, and every event names one.

use std::collections::BTreeMap;

use super::super::plan::Plan;
use super::{JobAt, WatchAt};

/// Who is called what.
#[derive(Debug)]
pub(super) struct Names<'a> {
    jobs: BTreeMap<&'a str, Vec<JobAt>>,
    watches: BTreeMap<&'a str, WatchAt>,
}

impl<'a> Names<'a> {
    pub(super) fn of(plan: &'a Plan) -> Self {
        let mut jobs: BTreeMap<&str, Vec<JobAt>> = BTreeMap::new();
        for (index, job) in plan.jobs.iter().enumerate() {
            jobs.entry(&job.name).or_default().push(JobAt(index));
        }
        let mut watches = BTreeMap::new();
        for (index, watch) in plan.watches.iter().enumerate() {
            watches.entry(watch.name.as_str()).or_insert(WatchAt(index));
        }
        Names { jobs, watches }
    }

    /// The jobs of this name, in the order of the plan.
    pub(super) fn jobs(&self, name: &str) -> &[JobAt] {
        self.jobs.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// The first of them.
    pub(super) fn job(&self, name: &str) -> Option<JobAt> {
        self.jobs(name).first().copied()
    }

    /// The watch that is the source `watch.NAME`.
    pub(super) fn watch(&self, source: &str) -> Option<WatchAt> {
        self.watches.get(source.strip_prefix("watch.")?).copied()
    }
}
