//! So many a second, after a first burst of as many. Waits; refuses nothing.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// One second's worth may come at once.
const BURST: Duration = Duration::from_secs(1);

pub(super) struct Pace {
    step: Duration,
    /// When the next one would be due if they came evenly.
    due: Instant,
}

impl Pace {
    pub(super) fn new(per_second: u32) -> Self {
        Pace { step: BURST / per_second.max(1), due: Instant::now() }
    }

    /// Comes back when the next one may pass.
    pub(super) async fn wait(&mut self) {
        let now = Instant::now();
        self.due = self.due.max(now) + self.step;
        if self.due > now + BURST {
            sleep_until(self.due - BURST).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_at_once_and_then_one_every_step() {
        let mut pace = Pace::new(10);
        let began = Instant::now();
        let mut passed = Vec::new();
        for _ in 0..13 {
            pace.wait().await;
            passed.push(began.elapsed().as_millis());
        }
        assert_eq!(passed[..10], [0; 10]);
        assert_eq!(passed[10..], [100, 200, 300]);
        tokio::time::sleep(Duration::from_secs(60)).await;
        let rested = Instant::now();
        for _ in 0..10 {
            pace.wait().await;
        }
        assert!(rested.elapsed().is_zero(), "after a rest there is a burst again");
    }
}
