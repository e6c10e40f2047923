//! The plan that holds now, and the numbers its jobs and watches go by.
//!
//! A number is given once and never again: what is late (an exit, a probe's result) cannot be taken for another job's.

use std::collections::BTreeMap;
use std::ops::{Deref, Index, IndexMut};
use std::sync::Arc;

use super::plan::{self, JobId, Plan, WatchId};

/// Things by number.
#[derive(Debug)]
pub(super) struct Table<T>(BTreeMap<usize, T>);

impl<T> Table<T> {
    pub(super) fn new(things: impl IntoIterator<Item = (usize, T)>) -> Self {
        Table(things.into_iter().collect())
    }

    pub(super) fn get(&self, number: usize) -> Option<&T> {
        self.0.get(&number)
    }

    /// Has the numbers of `other` from now on: drops what is not in it and makes what is missing.
    pub(super) fn follow<U>(&mut self, other: &Table<U>, make: impl Fn(usize, &U) -> T) {
        self.0.retain(|number, _| other.0.contains_key(number));
        for (number, thing) in &other.0 {
            self.0.entry(*number).or_insert_with(|| make(*number, thing));
        }
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &T> {
        self.0.values()
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.values_mut()
    }
}

impl<T> Index<usize> for Table<T> {
    type Output = T;

    fn index(&self, number: usize) -> &T {
        &self.0[&number]
    }
}

impl<T> IndexMut<usize> for Table<T> {
    #[allow(clippy::expect_used)] // As with every index.
    fn index_mut(&mut self, number: usize) -> &mut T {
        self.0.get_mut(&number).expect("only numbers that are in force are used")
    }
}

/// A plan with its numbers. Everything of it but jobs and watches is read through it.
#[derive(Debug)]
pub(super) struct InForce {
    pub(super) file: Arc<Plan>,
    pub(super) jobs: Table<plan::Job>,
    pub(super) watches: Table<plan::Watch>,
    /// In the order of the file.
    pub(super) job_ids: Vec<JobId>,
    /// In the order of the file.
    pub(super) watch_ids: Vec<WatchId>,
}

impl InForce {
    /// The numbers are those of the jobs and watches in their order.
    pub(super) fn new(file: Arc<Plan>, job_ids: Vec<JobId>, watch_ids: Vec<WatchId>) -> Self {
        let jobs = Table::new(job_ids.iter().map(|id| id.0).zip(file.jobs.iter().cloned()));
        let watches = Table::new(watch_ids.iter().map(|id| id.0).zip(file.watches.iter().cloned()));
        InForce { file, jobs, watches, job_ids, watch_ids }
    }
}

impl Deref for InForce {
    type Target = Plan;

    fn deref(&self) -> &Plan {
        &self.file
    }
}
