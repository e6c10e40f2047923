//! A pause of the whole container: time that nobody ran counts against nobody.

#![allow(clippy::unwrap_used)] // A test that fails should fail loudly.

use std::time::Duration;

use nix::sys::signal::Signal;
use pilot_tests::pilot::{Pilot, jobs};
use pilot_tests::{SOON, fixture, processes};
use serde_json::json;

/// Longer than the watchdog, the probe's time-out and the stop's.
const PAUSE: Duration = Duration::from_secs(4);

#[test]
fn no_watchdog_and_no_deadline_passes_while_everything_stands_still() {
    let dir = "{{ .PILOT_TEST_DIR }}";
    let config = jobs(json!([
        { "name": "main", "restarts": "unlimited",
          "exec": [fixture(), "mark", format!("{dir}/runs"), "notify", "READY=1", "pulse", "200", format!("{dir}/never"), "forever"],
          "health": { "notify": { "watchdog": "2s" }, "interval": "100ms", "onFailure": "restart" } },
    ]));
    let mut pilot = Pilot::run(&config);
    pilot.wait_for_event("StatusHealthy main");
    let main = pilot.child_running("pulse");
    for round in 1..=2 {
        let heartbeats = pilot.count_events("StatusHealthy main");
        // As the freezer does it: everybody, and pilot is the first to go on.
        for pid in [pilot.pid(), main] {
            processes::signal(pid, Signal::SIGSTOP);
        }
        std::thread::sleep(PAUSE); // The pause is the stimulus.
        for pid in [pilot.pid(), main] {
            processes::signal(pid, Signal::SIGCONT);
        }
        pilot.wait_for_count("pilot stood still for", round);
        pilot.wait("heartbeats after the pause", SOON, |pilot| {
            (pilot.count_events("StatusHealthy main") > heartbeats + 10).then_some(())
        });
        assert_eq!(pilot.count_events("StatusUnhealthy main"), 0, "{}", pilot.log());
    }
    assert_eq!(pilot.marks("runs").len(), 1, "{}", pilot.log());
    assert_eq!(pilot.stop(), 0);
}
