//! Images that call for another signal than SIGTERM (`STOPSIGNAL`): nginx and php-fpm QUIT, systemd RTMIN+3, LXC PWR.

use std::process::Command;

use pilot_tests::pilot::jobs;
use pilot_tests::{Pilot, fixture};
use serde_json::json;

/// By number, because a real-time signal has no name in `nix`.
fn send(pid: i32, number: u32) {
    assert!(Command::new("kill").args([format!("-{number}"), pid.to_string()]).status().unwrap().success());
}

#[test]
fn the_stop_signals_of_base_images_stop_as_sigterm_does() {
    const QUIT: u32 = 3;
    const PWR: u32 = 30;
    const RTMIN_3: u32 = 37;
    for as_pid_1 in [true, false] {
        for number in [QUIT, PWR, RTMIN_3] {
            let start = Pilot::with(&jobs(json!([
                { "name": "main", "exec": [fixture(), "on-term", "{{ .PILOT_TEST_DIR }}/term", "0", "0", "say", "main runs", "forever"] },
            ])));
            let mut pilot = if as_pid_1 { start.as_pid_1().start() } else { start.start() };
            pilot.wait_for("main runs");
            send(pilot.pid(), number);
            assert_eq!(pilot.exit_code(), 0, "signal {number}, as PID 1: {as_pid_1}\n{}", pilot.log());
            assert_eq!(pilot.marks("term").len(), 1, "signal {number}: the job was told\n{}", pilot.log());
            assert_eq!(pilot.processes(), Vec::<i32>::new());
        }
    }
}
