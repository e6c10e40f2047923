//! How long to wait before a restart.

use std::time::Duration;

use crate::limits::HONEST_RUN;
use crate::plan::Backoff;

/// Quick ends in a row, and the randomness that spreads their delays.
#[derive(Debug)]
pub(crate) struct Streak {
    ends: u32,
    random: u64,
}

impl Streak {
    pub(crate) fn new(seed: u64) -> Self {
        Streak { ends: 0, random: seed }
    }

    /// The delay before the next run, after one that lasted `uptime`.
    pub(crate) fn next_delay(&mut self, backoff: &Backoff, uptime: Duration, success: bool) -> Duration {
        if uptime >= backoff.reset_after || (success && uptime >= HONEST_RUN) {
            self.ends = 0;
        }
        let before = self.ends;
        self.ends = self.ends.saturating_add(1);
        if before == 0 {
            return Duration::ZERO;
        }
        let grown = backoff.initial.as_secs_f64() * backoff.factor.powi(before.saturating_sub(1).min(1024) as i32);
        let capped = grown.min(backoff.max.as_secs_f64());
        let spread = 1.0 + backoff.jitter * (2.0 * self.uniform() - 1.0);
        Duration::try_from_secs_f64(capped * spread).unwrap_or(backoff.max).min(backoff.max)
    }

    /// The same randomness, no ends.
    pub(crate) fn forgotten(&self) -> Self {
        Streak { ends: 0, random: self.random }
    }

    /// Runs in a row that ended too soon.
    pub(crate) fn ends(&self) -> u32 {
        self.ends
    }

    /// SplitMix64: enough to keep restarts of many containers apart.
    fn uniform(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Duration = Duration::from_millis(3);

    fn delays(backoff: &Backoff, count: usize) -> Vec<f64> {
        let mut streak = Streak::new(7);
        (0..count).map(|_| streak.next_delay(backoff, QUICK, false).as_secs_f64()).collect()
    }

    #[test]
    fn the_first_restart_is_immediate_and_later_ones_double_up_to_the_cap() {
        let backoff = Backoff { jitter: 0.0, ..Backoff::default() };
        let got = delays(&backoff, 12);
        let want = [0.0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0];
        for (got, want) in got.iter().zip(want) {
            assert!((got - want).abs() < 1e-9, "{got} is not {want}");
        }
    }

    #[test]
    fn jitter_stays_within_its_share_and_below_the_cap() {
        let backoff = Backoff { jitter: 0.1, ..Backoff::default() };
        let exact = delays(&Backoff { jitter: 0.0, ..backoff }, 40);
        let spread = delays(&backoff, 40);
        assert_ne!(exact, spread);
        for (exact, spread) in exact.iter().zip(spread) {
            assert!(spread >= exact * 0.9 - 1e-9 && spread <= (exact * 1.1).min(30.0) + 1e-9);
        }
    }

    #[test]
    fn a_long_run_or_an_honest_success_forgets_earlier_failures() {
        let backoff = Backoff::default();
        for (uptime, success) in [(Duration::from_secs(10), false), (Duration::from_secs(1), true)] {
            let mut streak = Streak::new(1);
            for _ in 0..5 {
                streak.next_delay(&backoff, QUICK, false);
            }
            assert_eq!(streak.next_delay(&backoff, uptime, success), Duration::ZERO);
        }
    }

    #[test]
    fn a_huge_streak_neither_overflows_nor_exceeds_the_cap() {
        let mut streak = Streak { ends: u32::MAX, random: 1 };
        let backoff = Backoff { factor: 1e300, ..Backoff::default() };
        assert!(streak.next_delay(&backoff, QUICK, false) <= backoff.max);
    }
}
