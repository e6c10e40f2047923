//! Delays between attempts: growing, capped, spread, so that a hundred containers do not come back in step.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

/// Doubling delays from `first` to `most`, each between half and all of its nominal length.
pub(crate) struct Backoff {
    first: Duration,
    most: Duration,
    next: Duration,
}

impl Backoff {
    /// The first delay is at most `first`, no delay is longer than `most`.
    pub(crate) fn new(first: Duration, most: Duration) -> Self {
        Backoff { first, most, next: first }
    }

    /// The delay before the next attempt.
    pub(crate) fn delay(&mut self) -> Duration {
        let nominal = self.next.min(self.most);
        self.next = (nominal * 2).min(self.most);
        nominal.mul_f64(0.5 + 0.5 * chance())
    }

    /// It worked: the next delay is the first one again.
    pub(crate) fn reset(&mut self) {
        self.next = self.first;
    }
}

/// A number from 0 to 1; std's hash keys are random enough to spread load.
fn chance() -> f64 {
    let random = RandomState::new().build_hasher().finish();
    f64::from((random >> 32) as u32) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_cap_within_the_jitter_and_start_over_after_success() {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(10));
        for nominal in [500, 1000, 2000, 4000, 8000, 10_000, 10_000] {
            let delay = backoff.delay();
            let nominal = Duration::from_millis(nominal);
            assert!(delay >= nominal / 2 && delay <= nominal, "{delay:?} for {nominal:?}");
        }
        backoff.reset();
        assert!(backoff.delay() <= Duration::from_millis(500));
    }
}
