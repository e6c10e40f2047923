//! The engine's clock: time since pilot began, less the time in which pilot itself could not run.
//!
//! A container that is paused (the freezer, a suspended machine) stands still with everything in it, while the system's
//! clock goes on. Nobody could keep a deadline in that time, so none passes in it.

use std::time::{Duration, Instant};

/// Waking up later than this after it was due is a pause and not a busy machine.
const PAUSE: Duration = Duration::from_secs(1);

/// While something is due soon the loop wakes this often, or a pause that ends before it would go unnoticed.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// What is due later than this is no deadline that a pause could break.
const SOON: Duration = Duration::from_secs(60);

/// What is due later than the system can count is due then, which is never.
const FAR: Duration = Duration::from_secs(365 * 86_400);

/// Time as the engine knows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// When pilot began, later by every pause since.
    began: Instant,
    paused: Duration,
}

impl Clock {
    pub(super) fn new() -> Self {
        Clock { began: Instant::now(), paused: Duration::ZERO }
    }

    /// Now.
    pub(super) fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// When a time on this clock comes.
    pub(super) fn at(&self, time: Duration) -> Instant {
        self.began.checked_add(time).unwrap_or_else(|| Instant::now() + FAR)
    }

    /// When the loop has to look whether it stood still, given what it waits for.
    pub(super) fn heartbeat(now: Instant, due: Option<Instant>) -> Option<Instant> {
        due.filter(|due| due.saturating_duration_since(now) <= SOON).map(|_| now + HEARTBEAT)
    }

    /// All pauses so far.
    pub(super) fn paused(&self) -> Duration {
        self.paused
    }

    /// The loop has waited since `since`, and should have woken at `due`. A pause meanwhile counts for nothing.
    pub(super) fn woke(&mut self, since: Instant, due: Option<Instant>, now: Instant) {
        let Some(due) = due else { return };
        let late = now.saturating_duration_since(due.max(since));
        if late > PAUSE {
            self.began += late;
            self.paused += late;
            tracing::warn!(
                "pilot stood still for {:.1} s (was its container paused?): no deadline passes in that time",
                late.as_secs_f64()
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_does_not_count_and_a_busy_machine_does() {
        let mut clock = Clock::new();
        let start = clock.began;
        let after = |seconds| start + Duration::from_secs_f64(seconds);
        clock.woke(after(0.0), Some(after(1.0)), after(1.9));
        assert_eq!(clock.paused(), Duration::ZERO, "late, and no pause");
        clock.woke(after(0.0), Some(after(1.0)), after(13.0));
        assert_eq!(clock.paused(), Duration::from_secs(12));
        assert_eq!(clock.at(Duration::from_secs(5)), after(17.0), "what was due four seconds later still is");
        clock.woke(after(20.0), Some(after(1.0)), after(20.5));
        assert_eq!(clock.paused(), Duration::from_secs(12), "it was due before the wait began");
        clock.woke(after(20.0), None, after(99.0));
        assert_eq!(clock.paused(), Duration::from_secs(12), "nothing was due");
    }
}
