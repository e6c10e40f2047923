//! Circles: jobs that can never start because each waits for another of them, and jobs that start each other for ever.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};

use super::super::event::Code;
use super::{Graph, JobAt, Mode, Node, Reason};

impl Graph {
    /// Rings of jobs of which each waits in vain for the next one, which waits for the one after it.
    pub fn deadlocks(&self) -> Vec<Vec<JobAt>> {
        let next = |id: JobAt| -> Vec<JobAt> {
            let blocker = |edge: &&super::Edge| match edge.reason {
                Some(Reason::NeverStarts(id)) => Some(id),
                _ => None,
            };
            self.obstacles(id).iter().filter_map(blocker).collect()
        };
        self.rings(next)
    }

    /// Rings of jobs that run each other without end: every exit of one starts the next one.
    pub fn loops(&self) -> Vec<Vec<JobAt>> {
        let next = |id: JobAt| -> Vec<JobAt> {
            let by_exit = |edge: &&super::Edge| {
                edge.mode == Mode::Each && matches!(edge.event.code, Code::ExitSuccess | Code::ExitFailed)
            };
            self.starts_of(Node::Job(id)).filter(by_exit).map(|edge| edge.to).collect()
        };
        self.rings(next)
    }

    /// Every ring once, beginning with its first job in the order of the plan.
    fn rings(&self, next: impl Fn(JobAt) -> Vec<JobAt>) -> Vec<Vec<JobAt>> {
        let next: Vec<Vec<JobAt>> = (0..self.starts.len()).map(|index| next(JobAt(index))).collect();
        let mut is_in_ring = vec![false; next.len()];
        let mut rings: Vec<Vec<JobAt>> = Vec::new();
        let next = without_ends(next);
        for index in 0..next.len() {
            if is_in_ring[index] || next[index].is_empty() {
                continue;
            }
            if let Some(ring) = shortest_ring(JobAt(index), &next) {
                ring.iter().for_each(|id| is_in_ring[id.0] = true);
                rings.push(ring);
            }
        }
        rings
    }
}

/// Only the ways between jobs that come from somewhere and lead somewhere for ever: most jobs are in no ring, and a search
/// from each of them would be long.
fn without_ends(mut next: Vec<Vec<JobAt>>) -> Vec<Vec<JobAt>> {
    let mut before: Vec<Vec<JobAt>> = vec![Vec::new(); next.len()];
    for (from, ways) in next.iter().enumerate() {
        ways.iter().for_each(|to| before[to.0].push(JobAt(from)));
    }
    let mut is_end = vec![false; next.len()];
    mark_ends(&next, &before, &mut is_end);
    mark_ends(&before, &next, &mut is_end);
    for (from, ways) in next.iter_mut().enumerate() {
        ways.retain(|to| !is_end[from] && !is_end[to.0]);
    }
    next
}

/// Marks the jobs from which every way leads to an end.
fn mark_ends(next: &[Vec<JobAt>], before: &[Vec<JobAt>], is_end: &mut [bool]) {
    let mut ways: Vec<usize> = next.iter().map(|ways| ways.iter().filter(|to| !is_end[to.0]).count()).collect();
    let mut open: Vec<usize> = (0..next.len()).filter(|at| ways[*at] == 0 && !is_end[*at]).collect();
    while let Some(end) = open.pop() {
        is_end[end] = true;
        for from in before[end].iter().filter(|from| !is_end[from.0]) {
            ways[from.0] -= 1;
            if ways[from.0] == 0 {
                open.push(from.0);
            }
        }
    }
}

/// The shortest way from a job back to itself.
fn shortest_ring(first: JobAt, next: &[Vec<JobAt>]) -> Option<Vec<JobAt>> {
    let mut came_from: BTreeMap<JobAt, JobAt> = BTreeMap::new();
    let mut open = VecDeque::from([first]);
    while let Some(id) = open.pop_front() {
        for to in next[id.0].iter().copied() {
            if to == first {
                let mut ring = vec![id];
                let mut at = id;
                while let Some(before) = came_from.get(&at).filter(|_| at != first) {
                    ring.push(*before);
                    at = *before;
                }
                ring.reverse();
                return Some(ring);
            }
            if let Entry::Vacant(new) = came_from.entry(to) {
                new.insert(id);
                open.push_back(to);
            }
        }
    }
    None
}
