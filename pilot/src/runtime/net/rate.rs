//! A bucket of permits: a burst passes at once, the long run is bounded. Waits; refuses nothing.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// A rate, with the burst it allows. One caller at a time.
pub(crate) struct RateLimit {
    /// Between two permits in the long run.
    interval: Duration,
    /// How far ahead of an even pace a burst may be.
    burst: Duration,
    /// When the next one would be due if they came evenly.
    due: Instant,
}

impl RateLimit {
    /// `burst` permits at once, then `per_second` of them; both at least one.
    pub(crate) fn new(per_second: u32, burst: u32) -> Self {
        let interval = Duration::from_secs(1) / per_second.max(1);
        RateLimit { interval, burst: interval * burst.max(1), due: Instant::now() }
    }

    /// Comes back when the next one may pass.
    pub(crate) async fn take(&mut self) {
        let now = Instant::now();
        self.due = self.due.max(now) + self.interval;
        if self.due > now + self.burst {
            sleep_until(self.due - self.burst).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_at_once_and_then_one_every_interval() {
        let mut rate = RateLimit::new(10, 20);
        let began = Instant::now();
        let mut passed = Vec::new();
        for _ in 0..23 {
            rate.take().await;
            passed.push(began.elapsed().as_millis());
        }
        assert_eq!(passed[..20], [0; 20]);
        assert_eq!(passed[20..], [100, 200, 300]);
        tokio::time::sleep(Duration::from_secs(60)).await;
        let rested = Instant::now();
        for _ in 0..20 {
            rate.take().await;
        }
        assert!(rested.elapsed().is_zero(), "after a rest there is a burst again");
    }
}
