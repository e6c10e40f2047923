//! What a periodic job waits for, and what is known of the wall clock.

use std::time::Duration;

use crate::plan::Schedule;

/// The wall clock as it was told last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// Since 1970.
    pub(crate) utc: Duration,
    /// And when that was, on the engine's clock.
    pub(crate) at: Duration,
}

/// When a job's time comes, if it is a periodic one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ticks {
    /// Of an interval job.
    pub(crate) next_at: Option<Duration>,
    /// Of a cron job, once it was told the time.
    pub(crate) cron: Option<CronTimes>,
    /// Its restarts are used up: it is over when the run that is going has ended.
    pub(crate) last_run: bool,
}

/// What a cron job has had and what it waits for, in seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CronTimes {
    /// Everything up to here has been run, or was never its business.
    pub(crate) settled: i64,
    /// Its next time; `None`: there is none any more.
    pub(crate) next: Option<i64>,
}

impl CronTimes {
    pub(crate) fn after(schedule: &Schedule, utc: i64) -> Self {
        CronTimes { settled: utc, next: schedule.next_after(utc) }
    }

    /// By how many seconds the clock was put back since.
    pub(crate) fn put_back(self, utc: i64) -> u64 {
        u64::try_from(self.settled.saturating_sub(utc)).unwrap_or(0)
    }
}
