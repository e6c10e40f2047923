//! Circles: jobs that can never start because each waits for another of them, and jobs that start each other for ever.

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
        let mut rings: Vec<Vec<JobAt>> = Vec::new();
        for index in 0..self.starts.len() {
            let first = JobAt(index);
            if rings.iter().any(|ring| ring.contains(&first)) {
                continue;
            }
            rings.extend(shortest_ring(first, self.starts.len(), &next));
        }
        rings
    }
}

/// The shortest way from a job back to itself.
fn shortest_ring(first: JobAt, count: usize, next: impl Fn(JobAt) -> Vec<JobAt>) -> Option<Vec<JobAt>> {
    let mut came_from: Vec<Option<JobAt>> = vec![None; count];
    let mut open = std::collections::VecDeque::from([first]);
    while let Some(id) = open.pop_front() {
        for to in next(id) {
            if to == first {
                let mut ring = vec![id];
                let mut at = id;
                while let Some(before) = came_from[at.0].filter(|_| at != first) {
                    ring.push(before);
                    at = before;
                }
                ring.reverse();
                return Some(ring);
            }
            if came_from[to.0].is_none() {
                came_from[to.0] = Some(id);
                open.push_back(to);
            }
        }
    }
    None
}
