//! What time brings next: each timer of a job, and what it does when it has run down.

use std::time::Duration;

use crate::engine::Engine;
use crate::plan::JobId;
use crate::state::{Job, Phase, StopStep};

/// What happens to a job at a moment that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
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
    fn timers(&self) -> impl Iterator<Item = (Duration, Timer)> {
        let run = self.run().and_then(|run| run.kill_at).map(|at| (at, Timer::Kill));
        let restart = self.restarts_at().map(|at| (at, Timer::Restart));
        let wait = self.give_up_at.filter(|_| self.phase.is_live()).map(|at| (at, Timer::TimerExpired));
        let in_time = matches!(self.phase, Phase::Live(_) | Phase::Retired(_));
        let tick = self.ticks.next_at.filter(|_| in_time).map(|at| (at, Timer::Tick));
        let step = self.phase.step().map(|step| match step {
            StopStep::Hooks { until } => (*until, Timer::HooksOver),
            StopStep::Catalog { until, .. } => (*until, Timer::WithdrawOver),
            StopStep::Balancer { until } => (*until, Timer::LeaveOver),
            StopStep::Drain(draining) => (draining.next_timeout(), Timer::Drain),
            StopStep::Kill { next, killed: false } => (*next, Timer::Sigkill),
            StopStep::Kill { next, killed: true } => (*next, Timer::GiveUp),
        });
        let check = self.check.next_at.filter(|_| self.is_before_the_fence()).map(|at| (at, Timer::Check));
        [run, restart, wait, step, tick, check].into_iter().flatten()
    }

    /// The earliest moment at which a rule of this job depends on time.
    pub(crate) fn next_timeout(&self) -> Option<Duration> {
        self.timers().map(|(at, _)| at).min()
    }
}

impl Engine {
    /// What time brings, the earliest first. A check of what may not report its health does nothing and is left out.
    pub fn timers(&self) -> Vec<(Duration, JobId, Timer)> {
        let of = |id: &JobId| {
            let job = self.state(*id)?;
            let id = *id;
            let counts = |timer: &Timer| *timer != Timer::Check || job.may_report();
            Some(job.timers().filter(move |(_, timer)| counts(timer)).map(move |(at, timer)| (at, id, timer)))
        };
        let scheduled = |id: &JobId| Some((self.next_time(*id)?, *id, Timer::Schedule));
        let scheduled = self.job_ids().iter().filter_map(scheduled);
        let mut all: Vec<_> = self.job_ids().iter().filter_map(of).flatten().chain(scheduled).collect();
        all.sort_by_key(|(at, _, _)| *at);
        all
    }
}
