//! Things by number. A number that nobody has any more is asked for in vain: there is no index that could be stale.

use std::collections::BTreeMap;

use crate::plan::{JobId, WatchId};

/// A number for life.
pub(crate) trait Number: Copy + Ord {
    fn number(self) -> usize;
}

impl Number for JobId {
    fn number(self) -> usize {
        self.0
    }
}

impl Number for WatchId {
    fn number(self) -> usize {
        self.0
    }
}

/// Things by number, in the order of their numbers.
#[derive(Debug)]
pub(crate) struct Table<N, T> {
    numbers: Vec<N>,
    things: Vec<T>,
}

impl<N: Number, T> Table<N, T> {
    pub(crate) fn new(things: impl IntoIterator<Item = (N, T)>) -> Self {
        let mut all: Vec<_> = things.into_iter().collect();
        all.sort_by_key(|(number, _)| *number);
        let (numbers, things) = all.into_iter().unzip();
        Table { numbers, things }
    }

    /// Every event asks this of every job several times, so it is no search as long as it need not be one: until a reload
    /// replaces a job, numbers are places.
    #[inline]
    fn place(&self, number: N) -> Option<usize> {
        match self.numbers.get(number.number()) {
            Some(found) if *found == number => Some(number.number()),
            _ => self.numbers.binary_search(&number).ok(),
        }
    }

    #[inline]
    pub(crate) fn get(&self, number: N) -> Option<&T> {
        self.things.get(self.place(number)?)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, number: N) -> Option<&mut T> {
        let place = self.place(number)?;
        self.things.get_mut(place)
    }

    /// Takes everything out.
    pub(crate) fn drain(&mut self) -> BTreeMap<N, T> {
        self.numbers.drain(..).zip(self.things.drain(..)).collect()
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &T> {
        self.things.iter()
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.things.iter_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_is_gone_or_was_never_given_is_nobody() {
        let mut table = Table::new([(JobId(0), 'a'), (JobId(3), 'd'), (JobId(1), 'b')]);
        let found: Vec<_> = (0..5).map(|number| table.get(JobId(number)).copied()).collect();
        assert_eq!(found, [Some('a'), Some('b'), None, Some('d'), None]);
        assert_eq!(table.drain().len(), 3);
        assert_eq!(table.get_mut(JobId(1)), None);
    }
}
