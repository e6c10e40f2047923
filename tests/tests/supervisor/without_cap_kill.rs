//! A pilot that may not signal its own children: what cannot be ended is said, and nothing is taken for gone.

#![allow(clippy::unwrap_used)] // A test that fails should fail loudly.

use std::time::Duration;

use pilot_tests::pilot::{Pilot, jobs};
use pilot_tests::{SOON, Scratch, fixture, processes};
use serde_json::{Value, json};

/// Another user than pilot's.
const OTHER: i32 = 54321;

/// pilot as root without CAP_KILL, as with `cap_drop: ALL, cap_add: SETUID, SETGID`.
fn without_cap_kill(config: &Value) -> Pilot {
    Pilot::with(config).through(&["setpriv", "--bounding-set=-kill", "--inh-caps=-kill"]).start()
}

#[test]
fn a_check_that_cannot_be_killed_has_failed_at_its_deadline_and_checking_goes_on() {
    let programs = Scratch::new();
    let fixture = &programs.program(&fixture());
    let script = format!("[ -e {{{{ .PILOT_TEST_DIR }}}}/mended ] || exec {fixture} forever");
    let config = jobs(json!([
        { "name": "main", "exec": [fixture, "say", "main runs", "forever"], "user": OTHER, "stopTimeout": "100ms",
          "health": { "exec": ["sh", "-c", script], "interval": "100ms", "timeout": "100ms", "ttl": 60 } },
        { "name": "alarm", "exec": [fixture, "say", "alarmed"], "when": { "source": "main", "once": "unhealthy" } },
    ]));
    let mut pilot = without_cap_kill(&config);
    pilot.wait_for("main runs");
    pilot.wait_for_event("StatusUnhealthy main");
    pilot.wait_for("alarmed");
    pilot.wait("the next check", SOON, |pilot| (pilot.count("check.main.Run start") > 1).then_some(()));
    pilot.wait_for("CAP_KILL");
    pilot.wait("the leftovers to be named", SOON, |pilot| {
        let lines = pilot.lines();
        lines.iter().any(|line| line.holds("check.main") && line.holds("has not ended")).then_some(())
    });
    pilot.scratch.write("mended", "");
    pilot.wait("checks that pass", SOON, |pilot| {
        let stuck: Vec<i32> = processes::children(pilot.pid())
            .into_iter()
            .map(|child| child.pid)
            .filter(|pid| {
                let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                !String::from_utf8_lossy(&line).contains("main runs")
            })
            .collect();
        // A person ends them: pilot cannot.
        stuck.iter().for_each(|pid| processes::signal(*pid, nix::sys::signal::Signal::SIGKILL));
        (pilot.count_events("StatusHealthy main") > 0).then_some(())
    });
    assert_eq!(pilot.exit_code_after_stop(), 0, "{}", pilot.log());
}

#[test]
fn a_job_that_cannot_be_signalled_is_not_down_and_gets_no_second_copy() {
    let programs = Scratch::new();
    let fixture = &programs.program(&fixture());
    let config = jobs(json!([
        { "name": "main", "exec": [fixture, "say", "main runs", "forever"], "user": OTHER, "stopTimeout": "100ms" },
        { "name": "other", "exec": [fixture, "say", "other runs", "forever"] },
    ]));
    let mut pilot = without_cap_kill(&config);
    pilot.wait_for("main runs");
    pilot.wait_for("other runs");
    assert!(pilot.count("CAP_KILL") > 0, "said at the start\n{}", pilot.log());
    let main = pilot.child_running("main runs");
    let stopped = pilot.ask(&["stop", "main"]);
    assert_eq!(stopped.code, 1, "{stopped:?}");
    assert!(stopped.err.contains("CAP_KILL"), "{stopped:?}");
    assert!(stopped.err.contains(&main.to_string()), "{stopped:?}");
    let _ = pilot.ask(&["start", "main"]);
    pilot.wait_for("an earlier process of it is still there");
    let copies = processes::children(pilot.pid()).len();
    assert_eq!((copies, pilot.count("main runs")), (2, 1), "{}", pilot.log());
    // Once it is gone, it can be started.
    processes::signal(main, nix::sys::signal::Signal::SIGKILL);
    pilot.wait("the second run", SOON, |pilot| {
        let _ = pilot.ask(&["start", "main"]);
        (pilot.count("main runs") > 1).then_some(())
    });
    assert_eq!(pilot.exit_code_after_stop(), 0, "{}", pilot.log());
}

trait StopSlowly {
    fn exit_code_after_stop(&mut self) -> i32;
}

impl StopSlowly for Pilot {
    /// What is left is waited for before pilot gives up.
    fn exit_code_after_stop(&mut self) -> i32 {
        self.signal(nix::sys::signal::Signal::SIGTERM);
        self.exit_code_within(SOON + Duration::from_secs(15))
    }
}
