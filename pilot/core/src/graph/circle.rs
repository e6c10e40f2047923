//! Circles: jobs that can never start because each waits for another of them, and jobs that start each other for ever.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};

use super::super::circles::near_circles;
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
        let mut next: Vec<Vec<JobAt>> = (0..self.starts.len()).map(|index| next(JobAt(index))).collect();
        let places: Vec<Vec<usize>> = next.iter().map(|ways| ways.iter().map(|to| to.0).collect()).collect();
        let near = near_circles(&places);
        for (from, ways) in next.iter_mut().enumerate() {
            ways.retain(|to| near[from] && near[to.0]);
        }
        let mut is_in_ring = vec![false; next.len()];
        let mut rings: Vec<Vec<JobAt>> = Vec::new();
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
