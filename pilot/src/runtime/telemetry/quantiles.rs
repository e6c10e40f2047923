//! Quantiles of what was observed in the last ten minutes, in bounded memory.
//!
//! A sketch keeps some of the observed values, each with how many it stands for, dense where a quantile is asked for and
//! sparse elsewhere (targeted quantiles after Cormode, Korn, Muthukrishnan and Srivastava, 2005): what it answers is an
//! observed value whose rank is off by at most the target's error. As in v3, five sketches that begin two minutes apart
//! see every value, and the oldest one answers: it covers the last eight to ten minutes.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long a value counts at most.
const WINDOW: Duration = Duration::from_secs(600);
/// Sketches that share the window.
const SKETCHES: u32 = 5;
/// Values that are collected before they are sorted in.
const BATCH: usize = 128;
/// Of one sketch, 32 bytes each.
const MOST_SAMPLES: usize = 1000;

/// The share of all values by which an answer's rank may be wrong: a tenth of the way to the nearer end, which gives v3's
/// 0.5 ± 0.05, 0.9 ± 0.01, 0.99 ± 0.001.
fn promised(quantile: f64) -> f64 {
    quantile.min(1.0 - quantile) / 10.0
}

/// A quantile and its error.
#[derive(Clone, Copy, Debug)]
struct Target {
    quantile: f64,
    error: f64,
}

impl Target {
    /// By how much ranks around `rank` of `count` may be uncertain.
    fn slack(self, rank: f64, count: f64) -> f64 {
        if rank < self.quantile * count {
            2.0 * self.error * (count - rank) / (1.0 - self.quantile)
        } else {
            2.0 * self.error * rank / self.quantile
        }
    }
}

/// The quantiles of a moving window.
#[derive(Debug)]
pub(super) struct Window {
    targets: Vec<Target>,
    batch: Vec<f64>,
    /// The oldest first.
    sketches: VecDeque<Sketch>,
    /// When the oldest sketch ends.
    ends: Instant,
}

impl Window {
    /// An empty window for these quantiles, each between 0 and 1.
    pub fn new(quantiles: &[f64], now: Instant) -> Self {
        let target = |&quantile: &f64| Target { quantile, error: promised(quantile) };
        Window {
            targets: quantiles.iter().map(target).collect(),
            batch: Vec::new(),
            sketches: (0..SKETCHES).map(|_| Sketch::default()).collect(),
            ends: now + WINDOW / SKETCHES,
        }
    }

    /// Takes a value.
    pub fn observe(&mut self, value: f64, now: Instant) {
        self.move_on(now);
        self.batch.push(value);
        if self.batch.len() >= BATCH {
            self.sort_in();
        }
    }

    /// Each quantile with its value now; NaN if nothing was observed.
    pub fn quantiles(&mut self, now: Instant) -> Vec<(f64, f64)> {
        self.move_on(now);
        self.sort_in();
        let Window { targets, sketches, .. } = self;
        targets.iter().map(|target| (target.quantile, sketches[0].value(target.quantile))).collect()
    }

    fn move_on(&mut self, now: Instant) {
        if now < self.ends {
            return;
        }
        self.sort_in();
        // After a pause that is longer than the window, one round through all sketches empties it.
        for _ in 0..SKETCHES {
            if now < self.ends {
                break;
            }
            self.sketches.rotate_left(1);
            if let Some(youngest) = self.sketches.back_mut() {
                *youngest = Sketch::default();
            }
            self.ends += WINDOW / SKETCHES;
        }
        if self.ends <= now {
            self.ends = now + WINDOW / SKETCHES;
        }
    }

    fn sort_in(&mut self) {
        self.batch.sort_by(f64::total_cmp);
        for sketch in &mut self.sketches {
            sketch.merge(&self.batch, &self.targets);
        }
        self.batch.clear();
    }
}

/// An observed value that stands for itself and for values between the sample before it and itself.
#[derive(Clone, Copy, Debug)]
struct Sample {
    value: f64,
    /// How often exactly this value was observed, as far as it is known.
    own: f64,
    /// For how many it stands, itself included.
    width: f64,
    /// How many values that later samples stand for may be smaller than it.
    spread: f64,
}

impl Sample {
    /// How many values it knows only to be no greater than itself, or cannot rank at all.
    fn unsure(&self) -> f64 {
        self.width - self.own + self.spread
    }
}

#[derive(Debug, Default)]
struct Sketch {
    /// Sorted, values differ.
    samples: Vec<Sample>,
    count: f64,
}

impl Sketch {
    fn merge(&mut self, sorted: &[f64], targets: &[Target]) {
        if sorted.is_empty() {
            return;
        }
        let mut merged: Vec<Sample> = Vec::with_capacity(self.samples.len() + sorted.len());
        let mut rest = std::mem::take(&mut self.samples).into_iter().peekable();
        for &value in sorted {
            while let Some(sample) = rest.next_if(|sample| sample.value.total_cmp(&value).is_le()) {
                merged.push(sample);
            }
            self.count += 1.0;
            match merged.last_mut() {
                Some(last) if last.value.total_cmp(&value).is_eq() => {
                    last.own += 1.0;
                    last.width += 1.0;
                }
                Some(_) => {
                    let spread = rest.peek().map_or(0.0, Sample::unsure);
                    merged.push(Sample { value, own: 1.0, width: 1.0, spread });
                }
                // Nothing is smaller than the smallest.
                None => merged.push(Sample { value, own: 1.0, width: 1.0, spread: 0.0 }),
            }
        }
        merged.extend(rest);
        self.samples = merged;
        self.compress(1.0, targets);
        // Orders of arrival that the method is bad at cost precision, not memory.
        let mut allowance = 2.0;
        while self.samples.len() > MOST_SAMPLES {
            self.compress(allowance, targets);
            allowance *= 2.0;
        }
    }

    /// Lets a sample stand for the one before it where the loss of precision is allowed, or so many times as much.
    fn compress(&mut self, allowance: f64, targets: &[Target]) {
        let mut rank = self.count;
        let mut kept: Vec<Sample> = Vec::with_capacity(self.samples.len());
        for (index, sample) in self.samples.iter().enumerate().rev() {
            rank -= sample.width;
            let slack = targets.iter().map(|target| target.slack(rank, self.count)).fold(f64::INFINITY, f64::min);
            match kept.last_mut() {
                Some(next) if index > 0 && sample.width + next.unsure() + 1.0 <= allowance * slack => {
                    next.width += sample.width;
                }
                _ => kept.push(*sample),
            }
        }
        kept.reverse();
        self.samples = kept;
    }

    /// The sample whose rank is nearest to the wanted one, even if everything unsure about it is as bad as can be.
    fn value(&self, quantile: f64) -> f64 {
        let wanted = (quantile * self.count).ceil();
        let mut before = 0.0;
        let (mut answer, mut least) = (f64::NAN, f64::INFINITY);
        for sample in &self.samples {
            let first = before + sample.unsure() + 1.0;
            before += sample.width;
            let off = (first - wanted).max(wanted - before).max(0.0);
            if off < least {
                (answer, least) = (sample.value, off);
            }
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V3: [f64; 3] = [0.5, 0.9, 0.99];

    fn window(quantiles: &[f64]) -> (Window, Instant) {
        let now = Instant::now();
        (Window::new(quantiles, now), now)
    }

    fn values(window: &mut Window, now: Instant) -> Vec<f64> {
        window.quantiles(now).into_iter().map(|(_, value)| value).collect()
    }

    #[test]
    fn few_values_are_answered_exactly_and_many_different_ones_cost_precision_at_most() {
        let (mut window, now) = window(&V3);
        assert!(values(&mut window, now).iter().all(|value| value.is_nan()));
        window.observe(42.0, now);
        assert_eq!(values(&mut window, now), [42.0, 42.0, 42.0]);
        for value in [3.0, 1.0, 2.0, 5.0, 4.0, 7.0, 6.0, 9.0, 8.0] {
            window.observe(value, now);
        }
        assert_eq!(values(&mut window, now), [5.0, 9.0, 42.0]);

        // So many quantiles that everything would have to be kept.
        let everywhere: Vec<f64> = (1..2_000).map(|number| f64::from(number) / 2_000.0).collect();
        let mut window = Window::new(&everywhere, now);
        (0..5_000).for_each(|value| window.observe(f64::from(value), now));
        let middle = window.quantiles(now)[999];
        assert!(middle.0 == 0.5 && (2_200.0..2_800.0).contains(&middle.1), "{middle:?}");
        assert!(window.sketches.iter().all(|sketch| sketch.samples.len() <= MOST_SAMPLES));
    }

    /// The ranks of `answer` among the sorted values, as shares.
    fn ranks(sorted: &[f64], answer: f64) -> (f64, f64) {
        let below = sorted.partition_point(|value| *value < answer);
        let up_to = sorted.partition_point(|value| *value <= answer);
        assert!(up_to > below, "{answer} was never observed");
        (below as f64 / sorted.len() as f64, up_to as f64 / sorted.len() as f64)
    }

    /// Numbers in different orders and distributions, from a generator that needs no dependency.
    fn series(count: u64, shape: fn(u64, f64) -> f64) -> Vec<f64> {
        let mut state = 88_172_645_463_325_252u64;
        let mut random = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 53) as f64
        };
        (0..count).map(|index| shape(index, random())).collect()
    }

    #[test]
    fn every_answer_is_an_observed_value_of_about_the_right_rank_and_memory_is_bounded() {
        let shapes: [fn(u64, f64) -> f64; 8] = [
            |_, random| random,
            |index, _| index as f64,
            |index, _| -(index as f64),
            |_, random| (random * 10.0).floor(),
            |_, random| 1.0 / (random + 1e-9),
            |index, random| if index % 2 == 0 { random } else { -1e9 * random },
            |index, _| if index % 2 == 0 { index as f64 } else { -(index as f64) },
            |index, _| (index * 7919 % 100_003) as f64,
        ];
        for quantiles in [&V3[..], &[0.01], &[0.001, 0.25, 0.5, 0.75, 0.95, 0.999]] {
            for (number, shape) in shapes.into_iter().enumerate() {
                for count in [10, 1_000, 30_000] {
                    let (mut window, now) = window(quantiles);
                    let mut seen = series(count, shape);
                    seen.iter().for_each(|value| window.observe(*value, now));
                    seen.sort_by(f64::total_cmp);
                    for (quantile, answer) in window.quantiles(now) {
                        let (from, to) = ranks(&seen, answer);
                        let error = promised(quantile) + 1.0 / count as f64;
                        let near = quantile >= from - error && quantile <= to + error;
                        assert!(near, "shape {number}, {count} values, {quantile}: rank {from} to {to}");
                    }
                    let most = window.sketches.iter().map(|sketch| sketch.samples.len()).max().unwrap();
                    assert!(most <= MOST_SAMPLES, "shape {number}, {count} values: {most} samples");
                }
            }
        }
    }

    #[test]
    fn a_value_is_forgotten_between_eight_and_ten_minutes_later() {
        let (mut window, start) = window(&[0.5]);
        let minutes = |minutes: u64| start + Duration::from_secs(60 * minutes);
        window.observe(1.0, start);
        assert_eq!(values(&mut window, minutes(7)), [1.0]);
        assert!(values(&mut window, minutes(10))[0].is_nan());
        window.observe(2.0, minutes(10));
        window.observe(4.0, minutes(11));
        window.observe(6.0, minutes(14));
        assert_eq!(values(&mut window, minutes(17)), [4.0]);
        assert_eq!(values(&mut window, minutes(21)), [6.0]);
        assert!(values(&mut window, minutes(1000))[0].is_nan());
        window.observe(8.0, minutes(1000));
        assert_eq!(values(&mut window, minutes(1007)), [8.0]);
    }
}
