//! Jobs whose time comes again and again: by an interval, or by the wall clock (cron).
//!
//! The core has no wall clock: it asks to be told the time ([`Engine::next_timeout`], [`Input::Clock`]) when a cron job is due
//! and at least once a minute, because clocks are set. What was missed (a frozen container, a clock put forward) is run once,
//! at once; what has been run is not run again when the clock is put back a little.
//!
//! [`Input::Clock`]: crate::effect::Input::Clock

use std::sync::Arc;
use std::time::Duration;

use crate::engine::Engine;
use crate::history::Cause;
use crate::limits::{CLOCK_CORRECTION, CLOCK_EVERY};
use crate::plan::{Count, JobId, Level, Overlap, Start};
use crate::state::{Clock, CronTimes, Job, Phase};

impl Job {
    /// Whether it still waits for its time: it has not been told to stop.
    fn keeps_time(&self) -> bool {
        matches!(self.phase, Phase::Live(_) | Phase::Retired(_))
    }
}

impl Engine {
    /// Whether any job waits for the wall clock, so that [`crate::effect::Input::Clock`] is wanted instead of a tick.
    pub fn goes_by_the_clock(&self) -> bool {
        self.next_look().is_some()
    }

    /// When the wall clock has to be told at the latest.
    pub(crate) fn next_look(&self) -> Option<Duration> {
        let look = |job: &Job| {
            if !matches!(job.settings.start, Start::Cron(_)) || !job.keeps_time() {
                return None;
            }
            // A job that was not told the time yet asks at once.
            let (Some(clock), Some(times)) = (self.clock, job.ticks.cron) else { return Some(Duration::ZERO) };
            let next = Duration::from_secs(u64::try_from(times.next?).unwrap_or(0));
            Some(clock.at.saturating_add(next.saturating_sub(clock.utc).min(CLOCK_EVERY)))
        };
        self.jobs.values().filter_map(look).min()
    }

    /// When a cron job has its next time, if the clock is not set before.
    pub(crate) fn next_time(&self, id: JobId) -> Option<Duration> {
        let (clock, job) = (self.clock?, self.jobs.get(id).filter(|job| job.keeps_time())?);
        let next = Duration::from_secs(u64::try_from(job.ticks.cron?.next?).ok()?);
        Some(clock.at.saturating_add(next.saturating_sub(clock.utc)))
    }

    /// The wall clock shows this, since 1970.
    pub(crate) fn told_the_time(&mut self, utc: Duration) {
        self.clock = Some(Clock { utc, at: self.now });
        let seconds = i64::try_from(utc.as_secs()).unwrap_or(i64::MAX);
        for id in self.ids() {
            self.cause = Cause::Timer;
            self.tick_schedule(id, seconds);
        }
    }

    fn tick_schedule(&mut self, id: JobId, utc: i64) {
        let Some(job) = self.jobs.get_mut(id).filter(|job| job.keeps_time()) else { return };
        let settings = Arc::clone(&job.settings);
        let Start::Cron(schedule) = &settings.start else { return };
        let tolerance = if schedule.goes_by_the_face() { CLOCK_EVERY } else { CLOCK_CORRECTION };
        match job.ticks.cron {
            Some(times) if times.put_back(utc) <= tolerance.as_secs() => {
                if times.next.is_some_and(|next| next <= utc) {
                    job.ticks.cron = Some(CronTimes::after(schedule, utc));
                    self.come_round(id);
                }
            }
            Some(_) => {
                job.ticks.cron = Some(CronTimes::after(schedule, utc));
                let text = format!("the clock was put back: {} goes by the new time", settings.name);
                self.say(Level::Info, Some(id), text);
            }
            None => job.ticks.cron = Some(CronTimes::after(schedule, utc)),
        }
    }

    /// Rule 3 of spec 6.4.
    pub(crate) fn tick_interval(&mut self, id: JobId) {
        let now = self.now;
        let Some(job) = self.jobs.get_mut(id).filter(|job| job.keeps_time()) else { return };
        let Start::Interval(every) = job.settings.start else { return };
        let Some(at) = job.ticks.next_at.filter(|at| *at <= now) else { return };
        job.ticks.next_at = Some(next_tick(at, every, now));
        self.say_timer(id, "run-every");
        self.come_round(id);
    }

    /// A periodic job's time has come. Times that cause no run cost no restart.
    fn come_round(&mut self, id: JobId) {
        let Some(job) = self.jobs.get_mut(id) else { return };
        let settings = Arc::clone(&job.settings);
        let running = job.run().is_some();
        let used_up = |job: &Job| [job.starts, job.budget] == [Count::Finite(0); 2];
        if used_up(job) {
            if running {
                job.ticks.last_run = true;
                return;
            }
            let text = format!("interval expired but restart not permitted: {}", settings.name);
            self.say(Level::Debug, Some(id), text);
            return self.halt(id);
        }
        if running && (settings.overlap == Overlap::Skip || job.owed.starts > 0) {
            let text = format!("{} is still running and not started again", settings.name);
            return self.say(Level::Debug, Some(id), text);
        }
        let _first = job.starts.take() || job.budget.take();
        // v3 ends an interval job at the tick after its last run; a cron job need not wait for another night.
        job.ticks.last_run = matches!(settings.start, Start::Cron(_)) && used_up(job);
        self.run(id, None);
        if running && settings.overlap == Overlap::Kill {
            self.say(Level::Info, Some(id), format!("stopping {}: it is time for its next run", settings.name));
            self.stop_run(id);
        }
    }
}

/// The first tick after `now`. Ticks missed while the container was paused are not made up for.
pub(crate) fn next_tick(last: Duration, every: Duration, now: Duration) -> Duration {
    let next = last.saturating_add(every);
    if next > now || every.is_zero() {
        return next.max(now.saturating_add(Duration::from_millis(1)));
    }
    let missed = now.saturating_sub(last).as_nanos() / every.as_nanos();
    let all = u64::try_from((missed + 1).saturating_mul(every.as_nanos())).unwrap_or(u64::MAX);
    last.saturating_add(Duration::from_nanos(all))
}
