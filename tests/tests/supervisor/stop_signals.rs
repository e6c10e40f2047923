//! Every signal that images use to stop their container stops pilot in order.

use pilot_tests::pilot::{Pilot, jobs};
use pilot_tests::{fixture, processes};
use serde_json::{Value, json};

/// Where a job notes that it was asked to end.
const ASKED: &str = "asked";

fn config() -> Value {
    let asked = format!("{{{{ .PILOT_TEST_DIR }}}}/{ASKED}");
    jobs(json!([{ "name": "main", "exec": [fixture(), "on-term", asked, "0", "0", "say", "main runs", "forever"] }]))
}

/// SIGTERM, SIGINT, SIGQUIT (nginx, php-fpm), SIGPWR (LXC) and SIGRTMIN+3 (systemd).
fn stop_signals() -> [i32; 5] {
    use nix::libc::{SIGINT, SIGPWR, SIGQUIT, SIGTERM};
    [SIGTERM, SIGINT, SIGQUIT, SIGPWR, 37]
}

fn assert_stops(mut pilot: Pilot, signal: i32) {
    pilot.wait_for("main runs");
    processes::signal_number(pilot.pid(), signal);
    assert_eq!(pilot.exit_code(), 0, "signal {signal}\n{}", pilot.log());
    assert_eq!(pilot.marks(ASKED).len(), 1, "signal {signal}: the job was not asked to end\n{}", pilot.log());
}

#[test]
fn as_pid_1_each_stop_signal_of_an_image_ends_the_jobs_in_order() {
    for signal in stop_signals() {
        assert_stops(Pilot::run_as_pid_1(&config()), signal);
    }
}

#[test]
fn as_an_ordinary_process_each_stop_signal_ends_the_jobs_in_order() {
    for signal in stop_signals() {
        assert_stops(Pilot::run(&config()), signal);
    }
}
