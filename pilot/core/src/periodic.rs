//! Jobs whose time comes again and again: by an interval, or by the wall clock (cron).
//!
//! The core has no wall clock: it asks to be told the time ([`Engine::next_timeout`], [`Input::Clock`]) when a cron job is due
//! and at least once a minute, because clocks are set. What was missed (a frozen container, a clock put forward) is run once,
//! at once; what has been run is not run again when the clock is put back a little.
//!
//! [`Input::Clock`]: super::effect::Input::Clock

use std::sync::Arc;
use std::time::Duration;

use super::engine::Engine;
use super::history::Cause;
use super::job::Phase;
use super::plan::{Count, JobId, Level, Overlap, Schedule, Start};

/// The wall clock is looked at so often at least while a cron job waits.
const LOOK: Duration = Duration::from_secs(60);
/// A clock that is put back further than this was wrong before: a job that names its times goes by the new one. (A job that
/// goes by the clock's face does so after [`LOOK`] already: it would stand still otherwise.)
const CORRECTION: Duration = Duration::from_secs(3 * 60 * 60);

/// The wall clock as it was told last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// Since 1970.
    utc: Duration,
    /// And when that was, on the engine's clock.
    at: Duration,
}

/// What a cron job has had and what it waits for, in seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due {
    /// Everything up to here has been run, or was never its business.
    settled: i64,
    /// Its next time; `None`: there is none any more.
    next: Option<i64>,
}

impl Due {
    fn after(schedule: &Schedule, utc: i64) -> Due {
        Due { settled: utc, next: schedule.next_after(utc) }
    }
}

impl Engine {
    /// Whether any job waits for the wall clock, so that [`super::effect::Input::Clock`] is wanted instead of a tick.
    pub fn goes_by_the_clock(&self) -> bool {
        self.next_look().is_some()
    }

    /// When the wall clock has to be told at the latest.
    pub(super) fn next_look(&self) -> Option<Duration> {
        let look = |id: JobId| {
            let (Start::Cron(_), job) = (&self.plan.jobs[id.0].start, &self.jobs[id.0]) else { return None };
            if job.phase != Phase::Live || job.leaving {
                return None;
            }
            // A job that was not told the time yet asks at once.
            let (Some(clock), Some(due)) = (self.clock, job.due) else { return Some(Duration::ZERO) };
            let next = Duration::from_secs(u64::try_from(due.next?).unwrap_or(0));
            Some(clock.at + next.saturating_sub(clock.utc).min(LOOK))
        };
        self.ids().filter_map(look).min()
    }

    /// When a cron job has its next time, if the clock is not set before.
    pub(super) fn next_time(&self, id: JobId) -> Option<Duration> {
        let (clock, job) = (self.clock?, self.jobs.get(id.0)?);
        if job.phase != Phase::Live || job.leaving {
            return None;
        }
        let next = Duration::from_secs(u64::try_from(job.due?.next?).ok()?);
        Some(clock.at + next.saturating_sub(clock.utc))
    }

    /// The wall clock shows this, since 1970.
    pub(super) fn told_the_time(&mut self, utc: Duration) {
        self.clock = Some(Clock { utc, at: self.now });
        let seconds = i64::try_from(utc.as_secs()).unwrap_or(i64::MAX);
        for id in self.ids() {
            self.cause = Cause::Timer;
            self.tick_schedule(id, seconds);
        }
    }

    fn tick_schedule(&mut self, id: JobId, utc: i64) {
        let plan = Arc::clone(&self.plan);
        let Start::Cron(schedule) = &plan.jobs[id.0].start else { return };
        let job = &mut self.jobs[id.0];
        if job.phase != Phase::Live || job.leaving {
            return;
        }
        let tolerance = if schedule.goes_by_the_face() { LOOK } else { CORRECTION };
        let back = |due: Due| u64::try_from(due.settled.saturating_sub(utc)).unwrap_or(0);
        match job.due {
            Some(due) if back(due) <= tolerance.as_secs() => {
                if due.next.is_some_and(|next| next <= utc) {
                    job.due = Some(Due::after(schedule, utc));
                    self.come_round(id);
                }
            }
            Some(_) => {
                job.due = Some(Due::after(schedule, utc));
                let name = &plan.jobs[id.0].name;
                self.say(Level::Info, Some(id), format!("the clock was put back: {name} goes by the new time"));
            }
            None => job.due = Some(Due::after(schedule, utc)),
        }
    }

    /// Rule 3 of spec 6.4.
    pub(super) fn tick_interval(&mut self, id: JobId) {
        let now = self.now;
        let Start::Interval(every) = self.plan.jobs[id.0].start else { return };
        let job = &mut self.jobs[id.0];
        if job.phase != Phase::Live || job.tick_at.is_none_or(|at| at > now) {
            return;
        }
        job.tick_at = job.tick_at.map(|at| next_tick(at, every, now));
        self.say_timer(id, "run-every");
        self.come_round(id);
    }

    /// A periodic job's time has come. Times that cause no run cost no restart.
    fn come_round(&mut self, id: JobId) {
        let plan = Arc::clone(&self.plan);
        let settings = &plan.jobs[id.0];
        let job = &mut self.jobs[id.0];
        let running = job.run().is_some();
        let used_up = |starts: Count, budget: Count| [starts, budget] == [Count::Finite(0); 2];
        if used_up(job.starts, job.budget) {
            if running {
                job.last_run = true;
            } else {
                let text = format!("interval expired but restart not permitted: {}", settings.name);
                self.say(Level::Debug, Some(id), text);
                self.halt(id);
            }
            return;
        }
        if running && (settings.overlap == Overlap::Skip || job.pending > 0) {
            self.say(Level::Debug, Some(id), format!("{} is still running and not started again", settings.name));
            return;
        }
        let _first = job.starts.take() || job.budget.take();
        // v3 ends an interval job at the tick after its last run; a cron job need not wait for another night.
        job.last_run = matches!(settings.start, Start::Cron(_)) && used_up(job.starts, job.budget);
        self.run(id, None);
        if running && settings.overlap == Overlap::Kill {
            self.say(Level::Info, Some(id), format!("stopping {}: it is time for its next run", settings.name));
            self.stop_run(id);
        }
    }
}

/// The first tick after `now`. Ticks missed while the container was paused are not made up for.
pub(super) fn next_tick(last: Duration, every: Duration, now: Duration) -> Duration {
    let next = last + every;
    if next > now || every.is_zero() {
        return next.max(now + Duration::from_millis(1));
    }
    let missed = (now - last).as_nanos() / every.as_nanos();
    last + Duration::from_nanos(u64::try_from((missed + 1) * every.as_nanos()).unwrap_or(u64::MAX))
}
