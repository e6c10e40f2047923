//! What the scheduler leaves: every limit yields to its deadline, so that the container is never killed in the middle of an
//! orderly stop. A stop budget takes its time from the drain first, then from hooks.

use std::time::Duration;

use crate::engine::Engine;
use crate::limits::{LEAVE_LIMIT, MARGIN, WITHDRAW_LIMIT};
use crate::plan::JobId;

impl Engine {
    /// Waiting for hooks may cost a drain all of its time, but nothing else of what comes after it.
    pub(super) fn hooks_in_time(&self, id: JobId, planned: Duration) -> Duration {
        let follows = self.departure(id).saturating_add(self.stop_grace(id)).saturating_add(self.lifecycle.tail(id));
        self.in_time(planned, follows)
    }

    /// A hook's run ends early enough for its own departure.
    pub(super) fn hook_in_time(&self, id: JobId, planned: Duration) -> Duration {
        self.in_time(planned, self.departure(id).saturating_add(self.lifecycle.tail(id)))
    }

    /// A drain ends early enough for everything that has to come after it.
    pub(super) fn drain_in_time(&self, id: JobId, planned: Duration) -> Duration {
        self.in_time(planned, self.stop_grace(id).saturating_add(self.lifecycle.tail(id)))
    }

    /// How long it may take to get out of Consul and out of its target group.
    fn departure(&self, id: JobId) -> Duration {
        let catalog = if self.is_in_catalog(id) { WITHDRAW_LIMIT } else { Duration::ZERO };
        let has_balancer = self.job(id).is_some_and(|job| job.balancer.is_some());
        catalog.saturating_add(if has_balancer { LEAVE_LIMIT } else { Duration::ZERO })
    }

    /// As planned, unless that is too late for what `follows` until the scheduler's deadline.
    fn in_time(&self, planned: Duration, follows: Duration) -> Duration {
        let Some(deadline) = self.lifecycle.deadline else { return planned };
        planned.min(deadline.saturating_sub(follows.saturating_add(MARGIN))).max(self.now)
    }
}
