//! Looking for a history that breaks a promise: rounds of histories, each from a seed that is printed, and what breaks one
//! is kept in a file.
//!
//! `PILOT_RANDOM_EVENTS=200000000` plays for longer, `PILOT_RANDOM_SEED=…` plays a round again,
//! `PILOT_RANDOM_KEEP=folder` says where a failing history goes (otherwise `random-histories` in the target folder).

use std::cell::Cell;
use std::hash::{BuildHasher, Hasher};
use std::path::PathBuf;

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestError, TestRng, TestRunner};

use super::history::{History, history};

/// Histories in one round: what a seed stands for.
fn histories() -> u32 {
    from_environment("PILOT_RANDOM_HISTORIES").unwrap_or(1_000)
}

fn from_environment<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

/// Plays rounds until the engine has handled this many inputs, `PILOT_RANDOM_EVENTS` if that is set. `play` gives how many
/// it has handled in one history.
pub fn search(name: &str, events: u64, play: impl Fn(&History) -> Result<u64, TestCaseError>) {
    let wanted = from_environment("PILOT_RANDOM_EVENTS").unwrap_or(events);
    let chosen = from_environment("PILOT_RANDOM_SEED");
    let mut seed = chosen.unwrap_or_else(|| std::hash::RandomState::new().build_hasher().finish());
    println!("{name}: seed {seed}");
    let (handled, played) = (Cell::new(0), Cell::new(0u64));
    while handled.get() < wanted {
        let config = ProptestConfig {
            cases: histories(),
            failure_persistence: None,
            max_shrink_iters: 20_000,
            max_shrink_time: 30_000,
            ..ProptestConfig::default()
        };
        let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes(seed)));
        let round = runner.run(&history(), |history| {
            handled.set(handled.get() + play(&history)?);
            played.set(played.get() + 1);
            Ok(())
        });
        if let Err(failure) = round {
            let kept = keep(name, seed, &failure);
            panic!("seed {seed}, kept in {kept:?}: {failure}");
        }
        seed = seed.wrapping_add(1);
    }
    println!("{name}: {} random events in {} histories", handled.get(), played.get());
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
