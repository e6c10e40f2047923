//! Resident memory as PID 1, with one job and with a hundred, a second after the last of them has started.

use std::fs;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use pilot_tests::{Scratch, processes};

use crate::clock::median;
use crate::namespace::{Place, start};
use crate::supervisors::{Again, Kind, verbs};
use crate::table::{Table, Target};

/// Resident memory of a supervisor's own processes (its jobs are the fixture), in KiB, and how many they are.
fn own_processes(pid: i32) -> (u64, usize) {
    let command = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    if command.contains("pilot-fixture") && !command.contains("tini") && !command.contains("dumb-init") {
        return (0, 0);
    }
    let children = processes::children(pid).into_iter().map(|child| own_processes(child.pid));
    children.fold((processes::resident_kib(pid), 1), |sum, (kib, count)| (sum.0 + kib, sum.1 + count))
}

fn once(kind: Kind, count: usize) -> (u64, usize) {
    let scratch = Scratch::new();
    let job = verbs(&scratch, "mark FILE forever");
    let words = kind.command(&scratch, &job, count, Again::Never);
    let running = start(Place::First, scratch, &words, Stdio::null());
    running.wait_for_marks("mark", count);
    sleep(Duration::from_secs(1));
    own_processes(running.pid())
}

/// The most that `/proc` says a process ever had, in KiB.
pub fn peak_kib(pid: i32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}

/// One job, a hundred jobs.
pub fn at_rest(table: &mut Table) {
    for (count, what, limit, peers) in [
        (
            1,
            "memory, 1 job, PID 1",
            5000.0,
            [
                (Kind::Pilot, "v3 14,988 KiB in 2 processes"),
                (Kind::Tini, "1,592 KiB"),
                (Kind::DumbInit, "1,228 KiB"),
                (Kind::S6, "3,240 KiB"),
                (Kind::Supervisord, "30,896 KiB"),
            ]
            .as_slice(),
        ),
        (
            100,
            "memory, 100 jobs, PID 1",
            6500.0,
            [
                (Kind::Pilot, "v3 23,640 KiB in 2 processes"),
                (Kind::S6, "163,340 KiB"),
                (Kind::Supervisord, "32,152 KiB"),
            ]
            .as_slice(),
        ),
    ] {
        for (kind, elsewhere) in peers {
            let samples: Vec<(u64, usize)> = (0..3).map(|_| once(*kind, count)).collect();
            let kib = median(&samples.iter().map(|(kib, _)| *kib as f64).collect::<Vec<_>>());
            let here = format!("{kib:.0} KiB in {} process(es)", samples[0].1);
            let target = match kind {
                // A megabyte of the target is 1,000 KB, of /proc's kB 1,024 bytes.
                Kind::Pilot => Target::Decides(format!("{:.1} MB", limit / 1000.0), kib * 1.024 <= limit),
                _ => Target::None,
            };
            table.row(what, kind.name(), &here, elsewhere, target);
        }
    }
}
