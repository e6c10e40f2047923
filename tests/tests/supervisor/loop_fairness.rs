//! Nobody who talks to pilot takes its one thread from the others: timers, requests and signals have their turn.

#![allow(clippy::unwrap_used)] // A test that fails should fail loudly.

use std::fs;
use std::time::{Duration, Instant};

use pilot_tests::pilot::{Pilot, jobs};
use pilot_tests::{Scratch, fixture};
use serde_json::{Value, json};

/// How far apart two ticks of the clock job may be meant to be.
const INTERVAL: &str = "10ms";

/// What the process that floods says first.
const DEEP: &str = "sixty-generations-deep";

/// A job that is asked to tell of its readiness, a clock, and a flood of the readiness socket by another job: of another
/// user, in a session of its own, sixty generations below its job's process.
fn flooded(fixture: &str) -> Value {
    let dir = "{{ .PILOT_TEST_DIR }}";
    let deep = format!(
        "down() {{ if [ $1 -gt 0 ]; then (down $(($1 - 1))); :; else {fixture} say {DEEP} flood; fi; }}; down 60"
    );
    let flood =
        format!("{fixture} until {dir}/address; export NOTIFY_SOCKET=$(cat {dir}/address); setsid sh -c '{deep}'; :");
    jobs(json!([
        { "name": "main", "exec": [fixture, "say", "main runs", "forever"],
          "health": { "notify": true, "interval": 3600 } },
        { "name": "clock", "exec": [fixture, "mark", format!("{dir}/ticks")], "when": { "interval": INTERVAL } },
        { "name": "flood", "exec": ["sh", "-c", flood], "user": 54321 },
    ]))
}

fn notify_socket(pid: i32) -> String {
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap();
    let mut variables = environment.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    variables.find_map(|variable| Some(variable.strip_prefix("NOTIFY_SOCKET=")?.to_owned())).unwrap()
}

#[test]
fn a_flood_from_deep_inside_a_process_tree_starves_neither_timers_nor_requests_nor_the_stop() {
    let programs = Scratch::new();
    let mut pilot = Pilot::run(&flooded(&programs.program(&fixture())));
    pilot.wait_for("main runs");
    let main = pilot.child_running("main runs");
    let written = pilot.scratch.write("address.new", &notify_socket(main));
    fs::rename(written, pilot.scratch.path().join("address")).unwrap();
    pilot.wait_for(DEEP);
    pilot.wait_for("(64 so far)");
    let before = pilot.marks("ticks").len();
    let marks = pilot.wait_for_marks("ticks", before + 100);
    let gaps =
        marks[before..].windows(2).map(|pair| Duration::from_secs_f64((pair[1].0 - pair[0].0).max(0.0))).collect();
    let gap = median(gaps);
    assert!(gap < Duration::from_millis(10 + 50), "a tick of {INTERVAL} came every {gap:?}");
    let pings = (0..21).map(|_| {
        let began = Instant::now();
        assert_eq!(pilot.control("GET", "/v3/ping", "").unwrap().status, 200);
        began.elapsed()
    });
    let ping = median(pings.collect());
    assert!(ping < Duration::from_millis(100), "a ping took {ping:?}");
    let began = Instant::now();
    assert_eq!(pilot.stop(), 0);
    assert!(began.elapsed() < Duration::from_secs(8), "the stop took {:?}", began.elapsed());
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
