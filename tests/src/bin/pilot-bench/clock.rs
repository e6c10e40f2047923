//! Time: the boot clock, which is the same in every process, and what a list of times comes down to.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::time::{ClockId, clock_gettime};
use pilot_tests::Scratch;

/// Nanoseconds since the machine started; the fixture's `mark` uses the same clock.
pub fn now() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_BOOTTIME).expect("the boot clock");
    u64::try_from(now.tv_sec()).unwrap() * 1_000_000_000 + u64::try_from(now.tv_nsec()).unwrap()
}

/// `stamp FILE PROGRAM ARGUMENTS…`: notes the time and becomes the program.
pub fn stamp_and_become(words: &[String]) -> ! {
    let [file, program, arguments @ ..] = words else { panic!("stamp FILE PROGRAM ARGUMENTS…") };
    fs::write(file, now().to_string()).expect("the stamp can be written");
    let error = Command::new(program).args(arguments).exec();
    panic!("cannot become {program}: {error}");
}

/// The times in a file of marks: the first word of each line.
pub fn marks(scratch: &Scratch, file: &str) -> Vec<u64> {
    let time = |line: &String| line.split(' ').next().and_then(|word| word.parse().ok());
    scratch.lines(file).iter().filter_map(time).collect()
}

/// From one time to a later one, in milliseconds; negative when it is earlier.
pub fn ms(from: u64, to: u64) -> f64 {
    (to as f64 - from as f64) / 1e6
}

/// The middle of some figures.
pub fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN);
    let lower = sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN);
    f64::midpoint(lower, upper)
}

/// The smallest figure.
pub fn least(figures: &[f64]) -> f64 {
    figures.iter().copied().fold(f64::INFINITY, f64::min)
}

/// The largest figure.
pub fn most(figures: &[f64]) -> f64 {
    figures.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}
