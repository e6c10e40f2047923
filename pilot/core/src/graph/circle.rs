//! Circles: jobs that can never start because each waits for another of them, and jobs that start each other for ever.

use std::collections::{HashMap, VecDeque};

use super::{Graph, JobAt, Mode, Node, Reason};
use crate::event::Class;

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
            let by_exit = |edge: &&super::Edge| edge.mode == Mode::Each && edge.event.code.class() == Class::Exit;
            self.starts_of(Node::Job(id)).filter(by_exit).map(|edge| edge.to).collect()
        };
        self.rings(next)
    }

    /// Every ring once, beginning with its first job in the order of the plan.
    fn rings(&self, next: impl Fn(JobAt) -> Vec<JobAt>) -> Vec<Vec<JobAt>> {
        let mut rings: Vec<Vec<JobAt>> = Vec::new();
        for index in 0..self.starts.len() {
            let first = JobAt(index);
            if rings.iter().any(|ring| ring.contains(&first)) {
                continue;
            }
            rings.extend(shortest_ring(first, &next));
        }
        rings
    }
}

/// The shortest way from a job back to itself.
fn shortest_ring(first: JobAt, next: impl Fn(JobAt) -> Vec<JobAt>) -> Option<Vec<JobAt>> {
    let mut came_from: HashMap<JobAt, JobAt> = HashMap::new();
    let mut open = VecDeque::from([first]);
    while let Some(id) = open.pop_front() {
        for to in next(id) {
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
            came_from.entry(to).or_insert_with(|| {
                open.push_back(to);
                id
            });
        }
    }
    None
}
