//! A job that drains.

use std::time::Duration;

/// A job that is told nothing new any more and finishes what it has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draining {
    /// Not before this time, unless the load balancer says that it is done.
    pub quiet: Duration,
    /// No longer than this.
    pub until: Duration,
    /// What is in flight, as counted last; `None`: not known.
    pub in_flight: Option<u64>,
    /// The quiet time is over.
    pub(crate) quiet_passed: bool,
    pub(crate) count_at: Option<Duration>,
    pub(crate) tell_at: Duration,
}

impl Draining {
    pub(crate) fn next_timeout(&self) -> Duration {
        let quiet = (!self.quiet_passed).then_some(self.quiet);
        [Some(self.until), Some(self.tell_at), quiet, self.count_at].into_iter().flatten().min().unwrap_or(self.until)
    }
}
