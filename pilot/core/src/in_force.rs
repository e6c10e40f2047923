//! The plan that holds now, and the numbers its jobs and watches go by.
//!
//! A number is given once and never again: what is late (an exit, a probe's result) cannot be taken for another job's.

use std::ops::{Deref, Index, IndexMut};
use std::sync::Arc;

use super::plan::{self, JobId, Plan, WatchId};

/// Things by number, in the order of their numbers.
#[derive(Debug)]
pub(super) struct Table<T> {
    numbers: Vec<usize>,
    things: Vec<T>,
}

impl<T> Table<T> {
    pub(super) fn new(things: impl IntoIterator<Item = (usize, T)>) -> Self {
        let mut all: Vec<_> = things.into_iter().collect();
        all.sort_by_key(|(number, _)| *number);
        let (numbers, things) = all.into_iter().unzip();
        Table { numbers, things }
    }

    /// Every event asks this of every job several times, so it is no search as long as it need not be one: until a reload
    /// replaces a job, numbers are places.
    #[inline]
    fn place(&self, number: usize) -> Option<usize> {
        match self.numbers.get(number) {
            Some(found) if *found == number => Some(number),
            _ => self.numbers.binary_search(&number).ok(),
        }
    }

    pub(super) fn get(&self, number: usize) -> Option<&T> {
        self.things.get(self.place(number)?)
    }

    /// Has the numbers of `other` from now on: drops what is not in it and makes what is missing.
    pub(super) fn follow<U>(&mut self, other: &Table<U>, make: impl Fn(usize, &U) -> T) {
        let mut old = std::mem::take(&mut self.numbers).into_iter().zip(std::mem::take(&mut self.things)).peekable();
        let things = other.numbers.iter().zip(&other.things).map(|(number, thing)| {
            while old.next_if(|(gone, _)| gone < number).is_some() {}
            old.next_if(|(kept, _)| kept == number).map_or_else(|| make(*number, thing), |(_, kept)| kept)
        });
        self.things = things.collect();
        self.numbers.clone_from(&other.numbers);
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &T> {
        self.things.iter()
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.things.iter_mut()
    }
}

impl<T> Index<usize> for Table<T> {
    type Output = T;

    #[inline]
    #[allow(clippy::expect_used)] // As with every index.
    fn index(&self, number: usize) -> &T {
        self.get(number).expect("only numbers that are in force are used")
    }
}

impl<T> IndexMut<usize> for Table<T> {
    #[inline]
    #[allow(clippy::expect_used)] // As with every index.
    fn index_mut(&mut self, number: usize) -> &mut T {
        let place = self.place(number).expect("only numbers that are in force are used");
        &mut self.things[place]
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
