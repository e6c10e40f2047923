//! What time brings next: each timer of a job, and what it does when it has run down.

use std::time::Duration;

use super::engine::Engine;
use super::job::{Activity, Job, Phase};
use super::plan::JobId;

/// What happens to a job at a moment that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Its delay is over and it is started again.
    Restart,
    /// Its run has lasted as long as it may (`timeout`, or a stop that takes too long), and is killed.
    Kill,
    /// Its `when.timeout` passes.
    TimerExpired,
    /// Its interval is over and it runs.
    Tick,
    /// The clock shows a time of its schedule and it runs.
    Schedule,
    /// Its health is looked at.
    Check,
    /// Its hooks are waited for no longer.
    HooksOver,
    /// The catalog is waited for no longer.
    WithdrawOver,
    /// The load balancer is waited for no longer.
    LeaveOver,
    /// Its drain is looked at.
    Drain,
    /// SIGKILL, because its stop signal was not enough.
    Sigkill,
    /// It is given up: not even SIGKILL has ended it.
    GiveUp,
}

impl Job {
    /// Each timer that runs.
    pub(super) fn due(&self) -> impl Iterator<Item = (Duration, Due)> {
        let activity = match self.activity {
            Activity::Idle => None,
            Activity::Running { kill_at, .. } => kill_at.map(|at| (at, Due::Kill)),
            Activity::BackingOff { until } => Some((until, Due::Restart)),
        };
        let (phase, tick) = match &self.phase {
            Phase::Live => (self.give_up_at.map(|at| (at, Due::TimerExpired)), self.tick_at.map(|at| (at, Due::Tick))),
            Phase::Hooks { until } => (Some((*until, Due::HooksOver)), None),
            Phase::Withdrawing { until, .. } => (Some((*until, Due::WithdrawOver)), None),
            Phase::Leaving { until } => (Some((*until, Due::LeaveOver)), None),
            Phase::Draining(draining) => (Some((draining.next_timeout(), Due::Drain)), None),
            Phase::Ending { next, killed: false } => (Some((*next, Due::Sigkill)), None),
            Phase::Ending { next, killed: true } => (Some((*next, Due::GiveUp)), None),
            Phase::Done => (None, None),
        };
        let check = match self.phase {
            Phase::Live | Phase::Hooks { .. } => self.check.next_at.map(|at| (at, Due::Check)),
            Phase::Withdrawing { .. }
            | Phase::Leaving { .. }
            | Phase::Draining(_)
            | Phase::Ending { .. }
            | Phase::Done => None,
        };
        let is_over = self.phase == Phase::Done;
        [activity, phase, tick, check].into_iter().flatten().filter(move |_| !is_over)
    }

    /// The earliest moment at which a rule of this job depends on time.
    pub(super) fn next_timeout(&self) -> Option<Duration> {
        self.due().map(|(at, _)| at).min()
    }
}

impl Engine {
    /// What time brings, the earliest first. A check of what may not report its health does nothing and is left out.
    pub fn due(&self) -> Vec<(Duration, JobId, Due)> {
        let of = |id: &JobId| {
            let job = self.state(*id)?;
            let id = *id;
            Some(
                job.due().filter(|(_, due)| *due != Due::Check || job.may_report()).map(move |(at, due)| (at, id, due)),
            )
        };
        let scheduled = |id: &JobId| Some((self.next_time(*id)?, *id, Due::Schedule));
        let scheduled = self.job_ids().iter().filter_map(scheduled);
        let mut all: Vec<_> = self.job_ids().iter().filter_map(of).flatten().chain(scheduled).collect();
        all.sort_by_key(|(at, _, _)| *at);
        all
    }
}
