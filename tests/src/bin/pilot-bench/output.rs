//! Lines of 100 bytes from one job through the supervisor to a reader that counts them.

use std::io::Read;
use std::process::{ChildStdout, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use pilot_tests::{Scratch, processes};
use serde_json::json;

use crate::clock::{self, median};
use crate::memory::peak_kib;
use crate::namespace::{Place, start};
use crate::supervisors::{Again, Kind, pilot, verbs};
use crate::table::{Table, Target};

/// Lines of a run.
const LINES: u64 = 4_000_000;
/// Memory is flat when it grows by no more than this after the first quarter.
const FLAT_KIB: u64 = 512;

struct Run {
    lines: u64,
    a_second: f64,
    cpu_us: f64,
    peak_kib: u64,
    growth_kib: u64,
}

/// Counts lines, each of which has exactly one blank with an `x` after it, and notes when the last one came.
fn count(mut from: ChildStdout, lines: &AtomicU64, end: &AtomicU64) {
    let mut buffer = vec![0; 1 << 20];
    let mut last = 0;
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        let bytes = &buffer[..read];
        let pairs = bytes.windows(2).filter(|pair| *pair == b" x").count();
        let across = usize::from(last == b' ' && bytes[0] == b'x');
        last = bytes[read - 1];
        lines.fetch_add((pairs + across) as u64, Ordering::SeqCst);
        end.store(clock::now(), Ordering::SeqCst);
    }
}

fn once(command: impl FnOnce(&Scratch, &[String]) -> Vec<String>) -> Run {
    let scratch = Scratch::new();
    let job = verbs(&scratch, &format!("mark FILE lines {LINES} 100 forever"));
    let words = command(&scratch, &job);
    let mut running = start(Place::Beside, scratch, &words, Stdio::piped());
    let (lines, end) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let stdout = running.stdout();
    let (counted, ended) = (Arc::clone(&lines), Arc::clone(&end));
    spawn(move || count(stdout, &counted, &ended));
    let began = running.wait_for_marks("mark", 1)[0];
    let pid = running.pid();
    let mut quarter = None;
    let (mut seen, mut moved) = (0, Instant::now());
    loop {
        let now = lines.load(Ordering::SeqCst);
        if now >= LINES / 4 {
            quarter.get_or_insert_with(|| peak_kib(pid));
        }
        if now != seen {
            (seen, moved) = (now, Instant::now());
        }
        // Waits a little beyond the end: a line too many would be as wrong as one too few.
        if moved.elapsed() > Duration::from_secs(if now >= LINES { 1 } else { 10 }) {
            break;
        }
        sleep(Duration::from_millis(10));
    }
    let seconds = clock::ms(began, end.load(Ordering::SeqCst)) / 1e3;
    let cpu = processes::stat(pid).map_or(0.0, |stat| stat.ticks as f64 / 100.0);
    let peak = peak_kib(pid);
    Run {
        lines: seen,
        a_second: seen as f64 / seconds,
        cpu_us: cpu * 1e6 / LINES as f64,
        peak_kib: peak,
        growth_kib: peak.saturating_sub(quarter.unwrap_or(peak)),
    }
}

fn pilot_run(format: &str, raw: bool) -> Run {
    once(|scratch, job| {
        let exec = [vec![pilot_tests::fixture()], job.to_vec()].concat();
        let job = json!({ "name": "job", "exec": exec, "logging": { "raw": raw } });
        pilot(scratch, json!({ "consul": false, "logging": { "format": format }, "jobs": [job] }))
    })
}

fn peer(kind: Kind) -> Run {
    once(|scratch, job| kind.command(scratch, job, 1, Again::Never))
}

/// Wrapped, JSON, raw, and what the peers do.
pub fn lines_a_second(table: &mut Table) {
    type Way = (&'static str, &'static str, fn() -> Run, f64, &'static str);
    let ways: [Way; 6] = [
        ("lines/s, default", "pilot", || pilot_run("default", false), 2e6, "v3 229,000"),
        ("lines/s, json", "pilot", || pilot_run("json", false), 1e6, "v3 140,000"),
        ("lines/s, raw", "pilot", || pilot_run("default", true), 0.0, "8.6 M, the reader's limit"),
        ("lines/s, inherited", "tini", || peer(Kind::Tini), 0.0, "8.6 M, the reader's limit"),
        ("lines/s, inherited", "s6", || peer(Kind::S6), 0.0, "8.6 M, the reader's limit"),
        ("lines/s, copied", "supervisord", || peer(Kind::Supervisord), 0.0, "1,490,000"),
    ];
    let mut runs: Vec<Vec<Run>> = ways.iter().map(|_| Vec::new()).collect();
    for _ in 0..3 {
        for (way, runs) in ways.iter().zip(&mut runs) {
            runs.push(way.2());
        }
    }
    for ((what, who, _, target, elsewhere), runs) in ways.iter().zip(&runs) {
        let rate = median(&runs.iter().map(|run| run.a_second).collect::<Vec<_>>());
        let cpu = median(&runs.iter().map(|run| run.cpu_us).collect::<Vec<_>>());
        let peak = runs.iter().map(|run| run.peak_kib).max().unwrap_or(0);
        let here = format!("{:.2} M, {cpu:.2} µs of CPU a line, peak {peak} KiB", rate / 1e6);
        let aim = if *target > 0.0 {
            Target::Shown(format!("{:.0} M", target / 1e6), rate >= *target)
        } else if *who == "pilot" {
            Target::Decides("no CPU".into(), cpu < 0.01)
        } else {
            Target::None
        };
        table.row(what, who, &here, elsewhere, aim);
        if *who == "pilot" {
            let whole = runs.iter().all(|run| run.lines == LINES);
            let growth = runs.iter().map(|run| run.growth_kib).max().unwrap_or(0);
            let lost: Vec<i64> = runs.iter().map(|run| LINES as i64 - run.lines as i64).collect();
            let here = format!("lost {lost:?}, memory grew {growth} KiB after the first quarter");
            let aim = Target::Decides("0 lost, memory flat".into(), whole && growth <= FLAT_KIB);
            table.row(what, who, &here, "v3 0 lost, flat", aim);
        }
    }
}
