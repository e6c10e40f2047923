//! Looking for a history that breaks a promise: rounds of histories, each from a seed that is printed, and what breaks one
//! is kept in a file.
//!
//! `make test` always begins at the same seed, so that what fails on one machine fails on every other. Looking for what nobody
//! has seen yet is `make test-random`, which asks for `PILOT_RANDOM_SEED=new` and more events.
//!
//! `PILOT_RANDOM_EVENTS=200000000` plays for longer, `PILOT_RANDOM_SEED=…` plays from that round on,
//! `PILOT_RANDOM_KEEP=folder` says where a failing history goes (otherwise `random-histories` in the target folder).

use std::hash::{BuildHasher, Hasher};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestError, TestRng, TestRunner};

use super::history::{History, history};

/// The first round of every `make test`; any number does.
const FIRST_SEED: u64 = 2_026;

/// Histories in one round: what a seed stands for.
fn histories() -> u32 {
    from_environment("PILOT_RANDOM_HISTORIES").unwrap_or(1_000)
}

fn from_environment<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

fn first_seed() -> u64 {
    match std::env::var("PILOT_RANDOM_SEED") {
        Err(_) => FIRST_SEED,
        Ok(text) if text == "new" => std::hash::RandomState::new().build_hasher().finish(),
        Ok(text) => text.parse().expect("PILOT_RANDOM_SEED is a number or \"new\""),
    }
}

/// Plays rounds on every core until the engine has handled this many inputs, `PILOT_RANDOM_EVENTS` if that is set. `play`
/// gives how many it has handled in one history.
pub fn search(name: &str, events: u64, play: impl Fn(&History) -> Result<u64, TestCaseError> + Sync) {
    let wanted = from_environment("PILOT_RANDOM_EVENTS").unwrap_or(events);
    let seed = first_seed();
    println!("{name}: seed {seed}");
    let (next, handled, played) = (AtomicU64::new(seed), AtomicU64::new(0), AtomicU64::new(0));
    let rounds = || {
        while handled.load(Ordering::Relaxed) < wanted {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            let failed = round(seed, |history| {
                handled.fetch_add(play(history)?, Ordering::Relaxed);
                played.fetch_add(1, Ordering::Relaxed);
                Ok(())
            });
            if let Err(failure) = failed {
                // The other threads have looked for long enough.
                handled.store(wanted, Ordering::Relaxed);
                let kept = keep(name, seed, &failure);
                panic!("seed {seed}, kept in {kept:?}: {failure}");
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(rounds);
        }
    });
    println!("{name}: {} random events in {} histories", handled.into_inner(), played.into_inner());
}

fn round(seed: u64, play: impl Fn(&History) -> Result<(), TestCaseError>) -> Result<(), Box<TestError<History>>> {
    let config = ProptestConfig {
        cases: histories(),
        failure_persistence: None,
        max_shrink_iters: 20_000,
        max_shrink_time: 30_000,
        ..ProptestConfig::default()
    };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes(seed)));
    runner.run(&history(), |history| play(&history)).map_err(Box::new)
}

/// A seed as the random generator wants it.
fn bytes(seed: u64) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes
}

/// Where the history is kept; `None` if it could not be written.
fn keep(name: &str, seed: u64, failure: &TestError<History>) -> Option<PathBuf> {
    let folder = from_environment("PILOT_RANDOM_KEEP").or_else(|| {
        let test = std::env::current_exe().ok()?;
        let target = test.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists())?;
        Some(target.join("random-histories"))
    })?;
    std::fs::create_dir_all(&folder).ok()?;
    let file = folder.join(format!("{name}-{seed}.txt"));
    std::fs::write(&file, format!("PILOT_RANDOM_SEED={seed}\n{failure}\n")).ok()?;
    Some(file)
}
