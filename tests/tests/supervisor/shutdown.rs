//! Everything ends, in order, in time, and nothing is left. reliability.md, section 2, cases 6, 12, 18, 34; v3 spec 10.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use pilot_tests::pilot::jobs;
use pilot_tests::{Pilot, fixture};
use serde_json::json;

const DIR: &str = "{{ .PILOT_TEST_DIR }}";

#[test]
fn a_stop_takes_as_long_as_the_job_and_not_the_stop_timeout() {
    let mut config = jobs(json!([{ "name": "main", "exec": [fixture(), "say", "main runs", "forever"] }]));
    config["stopTimeout"] = json!(60);
    for as_pid_1 in [false, true] {
        let start = Pilot::with(&config);
        let mut pilot = if as_pid_1 { start.as_pid_1().start() } else { start.start() };
        pilot.wait_for("main runs");
        assert_eq!(pilot.stop(), 0);
        assert_eq!(pilot.processes(), Vec::<i32>::new());
    }
}

#[test]
fn when_all_jobs_have_ended_pilot_ends_at_once_with_0() {
    let mut pilot = Pilot::run(&jobs(json!([{ "name": "main", "exec": [fixture(), "exit", "0"] }])));
    assert_eq!(pilot.exit_code(), 0);
}

// 12.1, defect 19: v3 could only be killed.
#[test]
fn with_no_job_at_all_sigterm_ends_pilot() {
    let mut pilot = Pilot::run(&jobs(json!([])));
    pilot.wait_for_event("Startup global");
    assert_eq!(pilot.stop(), 0);
}

#[test]
fn sigint_stops_as_sigterm_does() {
    let mut pilot = Pilot::run(&jobs(json!([{ "name": "main", "exec": [fixture(), "say", "main runs", "forever"] }])));
    pilot.wait_for("main runs");
    pilot.signal(Signal::SIGINT);
    assert_eq!(pilot.exit_code(), 0);
    assert_eq!(pilot.count_events("Shutdown global"), 1);
}

// Case 12.
#[test]
fn a_deaf_child_and_a_slow_grandchild_are_waited_for_and_then_killed() {
    let mut config = jobs(json!([{ "name": "main", "exec": [
        fixture(), "ignore", "15", "say", "deaf",
        "background", "on-term", format!("{DIR}/grandchild"), "1000", "0", "say", "grandchild listens", "forever",
    ] }]));
    config["stopTimeout"] = json!(2);
    let mut pilot = Pilot::run(&config);
    pilot.wait_for("grandchild listens");
    let began = Instant::now();
    assert_eq!(pilot.stop(), 0);
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(1900), "{took:?}\n{}", pilot.log());
    assert_eq!(pilot.marks("grandchild").len(), 1, "the whole group got SIGTERM");
    assert_eq!(pilot.processes(), Vec::<i32>::new());
}

#[test]
fn a_jobs_own_stop_timeout_goes_before_the_global_one() {
    let mut config = jobs(json!([
        { "name": "main", "exec": [fixture(), "ignore", "15", "say", "deaf", "forever"], "stopTimeout": "500ms" },
    ]));
    config["stopTimeout"] = json!(60);
    let mut pilot = Pilot::run(&config);
    pilot.wait_for("deaf");
    assert_eq!(pilot.stop(), 0);
}

// v3 10.3: the pre-stop job runs to its end while the job still runs; the post-stop job after.
#[test]
fn pre_stop_runs_before_the_signal_and_post_stop_after_it() {
    let mark = |file: &str| format!("{DIR}/{file}");
    let config = jobs(json!([
        { "name": "app", "exec": [fixture(), "on-term", mark("term"), "0", "0", "say", "app runs", "forever"] },
        { "name": "preStop", "exec": [fixture(), "wait", "300", "mark", mark("pre")], "when": { "source": "app", "once": "stopping" } },
        { "name": "postStop", "exec": [fixture(), "mark", mark("post")], "when": { "source": "app", "once": "stopped" } },
    ]));
    let mut pilot = Pilot::run(&config);
    pilot.wait_for("app runs");
    assert_eq!(pilot.stop(), 0);
    let at = |file: &str| pilot.marks(file).first().unwrap_or_else(|| panic!("no {file}\n{}", pilot.log())).0;
    assert!(at("pre") < at("term") && at("term") < at("post") + 0.05, "{}", pilot.log());
    assert_eq!(pilot.marks("post").len(), 1);
}

// 12.1, defect 4: v3 waited for ever.
#[test]
fn a_pre_stop_job_that_hangs_holds_its_job_up_for_the_stop_timeout_and_no_longer() {
    let config = jobs(json!([
        { "name": "app", "exec": [fixture(), "say", "app runs", "forever"], "stopTimeout": "1s" },
        { "name": "preStop", "exec": [fixture(), "forever"], "when": { "source": "app", "once": "stopping" }, "timeout": "4s" },
    ]));
    let mut pilot = Pilot::run(&config);
    pilot.wait_for("app runs");
    pilot.signal(Signal::SIGTERM);
    let stopping = pilot.wait_for_event("Stopping app").at;
    let stopped = pilot.wait_for_event("Stopped app").at;
    let held = stopped.duration_since(stopping);
    assert!(held >= Duration::from_millis(900), "{held:?}\n{}", pilot.log());
    assert_eq!(pilot.exit_code(), 0, "the hook's own timeout ends the rest");
    let events = pilot.events();
    let at = |event: &str| events.iter().position(|seen| seen == event);
    assert!(at("Stopped app") < at("Stopped preStop") && at("Stopped preStop").is_some(), "{events:?}");
    assert_eq!(pilot.processes(), Vec::<i32>::new());
}

// The hook alone may take 120 s.
#[test]
fn a_pre_stop_job_that_hangs_does_not_use_up_the_stop_budget() {
    let mut config = jobs(json!([
        { "name": "app", "exec": [fixture(), "say", "app runs", "forever"] },
        { "name": "preStop", "exec": [fixture(), "forever"], "when": { "source": "app", "once": "stopping" } },
    ]));
    (config["stopTimeout"], config["stopBudget"]) = (json!(2), json!("8s"));
    let mut pilot = Pilot::run(&config);
    pilot.wait_for("app runs");
    pilot.signal(Signal::SIGTERM);
    pilot.wait_for("app: stopping, waiting for preStop, at most 4s; 8s of the stop budget left");
    assert_eq!(pilot.exit_code(), 0);
    pilot.wait_for("app stops before the jobs hooked on it are done");
    assert_eq!(pilot.processes(), Vec::<i32>::new());
}

// 12.1, defect 21: v3 hung here.
#[test]
fn each_stopping_and_an_end_of_its_own_accord_does_not_hang() {
    let config = jobs(json!([
        { "name": "app", "exec": [fixture(), "exit", "0"] },
        { "name": "preStop", "exec": [fixture(), "say", "hook ran"], "when": { "source": "app", "each": "stopping" } },
    ]));
    let mut pilot = Pilot::run(&config);
    pilot.wait_for("hook ran");
    pilot.wait_for_event("Stopped app");
    assert_eq!(pilot.stop(), 0);
}

// Case 34: whoever waited for another's health is stopped before it.
#[test]
fn jobs_stop_in_the_reverse_of_the_order_of_their_health() {
    let health = json!({ "exec": "/bin/true", "interval": 1, "ttl": 5 });
    let config = jobs(json!([
        { "name": "database", "exec": [fixture(), "on-term", format!("{DIR}/order"), "0", "0", "forever"], "health": health },
        { "name": "app", "exec": [fixture(), "on-term", format!("{DIR}/order"), "200", "0", "mark", format!("{DIR}/app"), "say", "app runs", "forever"],
          "when": { "source": "database", "once": "healthy" } },
    ]));
    let mut pilot = Pilot::run(&config);
    pilot.wait_for("app runs");
    assert_eq!(pilot.stop(), 0);
    let order = pilot.marks("order");
    assert_eq!(order.len(), 2, "{}", pilot.log());
    assert_eq!(order[0].1, pilot.marks("app")[0].1, "the app first");
    assert!(order[1].0 - order[0].0 > 0.15, "the database was signalled when the app had gone");
}

// Case 39's first half: nothing that pilot started outlives a pilot that was killed, as PID 1.
#[test]
fn when_pid_1_is_killed_nothing_is_left() {
    let mut pilot =
        Pilot::run_as_pid_1(&jobs(json!([{ "name": "main", "exec": [fixture(), "say", "main runs", "forever"] }])));
    pilot.wait_for("main runs");
    pilot.signal(Signal::SIGKILL);
    assert_ne!(pilot.exit_code(), 0, "unshare's code");
    assert_eq!(pilot.processes(), Vec::<i32>::new());
}

#[test]
fn a_timeout_kills_the_run_and_says_so() {
    let config = jobs(json!([
        { "name": "main", "exec": [fixture(), "ignore", "15", "background", "ignore", "15", "forever"], "timeout": "300ms" },
    ]));
    let mut pilot = Pilot::run(&config);
    assert_eq!(pilot.exit_code(), 0);
    pilot.wait_for("main timeout after");
    assert_eq!(pilot.count_events("ExitFailed main"), 1);
    assert_eq!(pilot.processes(), Vec::<i32>::new(), "the group is killed");
}
