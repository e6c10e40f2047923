//! Ten thousand double-forked orphans for a PID 1: each ending at once, and all ending in one instant.

use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use pilot_tests::{SOON, Scratch, processes, until};

use crate::clock::median;
use crate::namespace::{Place, start};
use crate::supervisors::{Again, Kind, verbs};
use crate::table::{Table, Target};

/// After so long what is left counts as left for good.
const PATIENCE: Duration = Duration::from_secs(10);

/// Orphans left when the patience is over, and the CPU milliseconds of PID 1.
fn once(kind: Kind, job: &str) -> (usize, f64) {
    let scratch = Scratch::new();
    let job = verbs(&scratch, job);
    let words = kind.command(&scratch, &job, 1, Again::Never);
    let running = start(Place::First, scratch, &words, Stdio::null());
    let pid = running.pid();
    until("all orphans to be made", SOON * 8, || (!running.scratch.lines("mark").is_empty()).then_some(()));
    let began = Instant::now();
    // One child is the job, or what stands between it and the supervisor.
    let left = || processes::children(pid).len().saturating_sub(1);
    while left() > 0 && began.elapsed() < PATIENCE {
        sleep(Duration::from_millis(20));
    }
    (left(), processes::stat(pid).map_or(0.0, |stat| stat.ticks as f64 * 10.0))
}

/// A stream and a burst.
pub fn ten_thousand(table: &mut Table) {
    for (what, job, elsewhere) in [
        (
            "10,000 orphans, stream",
            "orphans 10000 0 mark FILE forever",
            ["v3 701 ms", "156 ms", "140 ms", "153 ms", "4,200 left after 60 s"],
        ),
        (
            "10,000 orphans, burst",
            "burst 10000 mark FILE forever",
            ["v3 90 ms", "53 ms", "57 ms", "61 ms", "4,600 left after 60 s"],
        ),
    ] {
        let kinds = [Kind::Pilot, Kind::Tini, Kind::DumbInit, Kind::S6, Kind::Supervisord];
        let mut runs: Vec<(Kind, Vec<(usize, f64)>)> = kinds.iter().map(|kind| (*kind, Vec::new())).collect();
        for round in 0..3 {
            for (kind, runs) in &mut runs {
                if *kind != Kind::Supervisord || round == 0 {
                    runs.push(once(*kind, job));
                }
            }
        }
        for ((kind, runs), elsewhere) in runs.iter().zip(elsewhere) {
            let left = runs.iter().map(|(left, _)| *left).max().unwrap_or(0);
            let cpu = median(&runs.iter().map(|(_, cpu)| *cpu).collect::<Vec<_>>());
            let here = format!("{left} left, {cpu:.0} ms of CPU");
            let target = match kind {
                Kind::Pilot => Target::Decides("none left".into(), left == 0),
                _ => Target::None,
            };
            table.row(what, kind.name(), &here, elsewhere, target);
        }
    }
}
