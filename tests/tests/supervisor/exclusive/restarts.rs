//! How often, how soon and whether at all a job is run again. reliability.md, section 2, cases 16 to 20.

use pilot_tests::pilot::jobs;
use pilot_tests::{Pilot, SOON, fixture};
use serde_json::{Value, json};

const RUNS: &str = "{{ .PILOT_TEST_DIR }}/runs";

/// The pauses between the ends and starts of runs that end at once, in milliseconds.
fn gaps(marks: &[(f64, i32)]) -> Vec<f64> {
    marks.windows(2).map(|pair| (pair[1].0 - pair[0].0) * 1000.0).collect()
}

#[track_caller]
fn assert_near(gap: f64, expected: f64, jitter: f64) {
    // A busy machine may be late, never early; not so late that the next step of the formula would pass too.
    let (low, high) = (expected * (1.0 - jitter) - 2.0, expected * (1.0 + jitter) + 600.0);
    assert!((low..=high).contains(&gap), "{gap:.1} ms, expected {low:.0} to {high:.0}");
}

fn crashing(restarts: &Value, verbs: &[&str]) -> Value {
    let mut exec = vec![fixture(), "mark".into(), RUNS.into()];
    exec.extend(verbs.iter().map(|verb| (*verb).to_owned()));
    jobs(json!([{ "name": "main", "exec": exec, "restarts": restarts }]))
}

// Case 16.
#[test]
fn a_crash_loop_restarts_at_once_then_by_the_formula_up_to_the_cap() {
    let restarts =
        json!({ "max": 7, "delay": "100ms", "growth": 2, "maxDelay": "400ms", "jitter": 0, "resetAfter": "10s" });
    let mut pilot = Pilot::run(&crashing(&restarts, &["exit", "1"]));
    assert_eq!(pilot.exit_code(), 0);
    let gaps = gaps(&pilot.marks("runs"));
    assert_eq!(gaps.len(), 7, "{}", pilot.log());
    for (gap, expected) in gaps.iter().zip([0.0, 100.0, 200.0, 400.0, 400.0, 400.0, 400.0]) {
        assert_near(*gap, expected, 0.0);
    }
}

// Case 16: jitter.
#[test]
fn jitter_stays_within_its_bounds_and_is_not_always_the_same() {
    let restarts =
        json!({ "max": 9, "delay": "200ms", "growth": 1, "maxDelay": "200ms", "jitter": 0.5, "resetAfter": "10s" });
    let mut pilot = Pilot::run(&crashing(&restarts, &["exit", "1"]));
    assert_eq!(pilot.exit_code(), 0);
    let gaps: Vec<f64> = gaps(&pilot.marks("runs")).into_iter().skip(1).collect();
    assert_eq!(gaps.len(), 8);
    for gap in &gaps {
        assert_near(*gap, 200.0, 0.5);
    }
    let spread = gaps.iter().cloned().fold(0.0, f64::max) - gaps.iter().cloned().fold(f64::MAX, f64::min);
    assert!(spread > 5.0, "eight jittered delays are all alike: {gaps:?}");
}

// Case 16: reset after a healthy time; case 20: a death after it is restarted at once.
#[test]
fn a_run_of_reset_after_forgets_earlier_failures() {
    let restarts =
        json!({ "max": 4, "delay": "2s", "growth": 2, "maxDelay": "5s", "jitter": 0, "resetAfter": "300ms" });
    let mut pilot = Pilot::run(&crashing(&restarts, &["wait", "400", "exit", "1"]));
    assert_eq!(pilot.exit_code(), 0);
    for gap in gaps(&pilot.marks("runs")) {
        assert_near(gap, 400.0, 0.0);
    }
}

// Case 20: before and after readiness.
#[test]
fn death_before_readiness_is_restarted_with_delay_and_death_after_it_at_once() {
    let restarts =
        json!({ "max": 2, "delay": "700ms", "growth": 1, "maxDelay": "700ms", "jitter": 0, "resetAfter": "1500ms" });
    let early = crashing(&restarts, &["exit", "1"]);
    let mut pilot = Pilot::run(&early);
    assert_eq!(pilot.exit_code(), 0);
    assert_near(gaps(&pilot.marks("runs"))[1], 700.0, 0.0);

    let mut late = crashing(&restarts, &["wait", "1700", "exit", "1"]);
    late["jobs"][0]["health"] = json!({ "exec": "/bin/true", "interval": 1, "ttl": 5 });
    let mut pilot = Pilot::run(&late);
    assert_eq!(pilot.exit_code(), 0);
    assert_near(gaps(&pilot.marks("runs"))[1], 1700.0, 0.0);
}

// Case 17.
#[test]
fn a_limit_of_three_gives_exactly_three_restarts_and_leaves_other_jobs_alone() {
    let config = jobs(json!([
        { "name": "main", "exec": [fixture(), "mark", RUNS, "exit", "1"], "restarts": 3 },
        { "name": "other", "exec": [fixture(), "mark", "{{ .PILOT_TEST_DIR }}/other", "forever"], "restarts": "unlimited" },
    ]));
    let mut pilot = Pilot::run(&config);
    pilot.wait_for_event("Stopped main");
    assert_eq!(pilot.stop(), 0);
    assert_eq!(pilot.marks("runs").len(), 4, "{}", pilot.log());
    assert_eq!(pilot.marks("other").len(), 1);
}

// v3 5.5: a restart follows a success as it follows a failure.
#[test]
fn success_is_restarted_as_failure_is() {
    let mut pilot = Pilot::run(&crashing(&json!(2), &["exit", "0"]));
    assert_eq!(pilot.exit_code(), 0);
    assert_eq!(pilot.marks("runs").len(), 3);
}

// Case 18.
#[test]
fn a_stop_during_the_back_off_wait_is_at_once_and_resurrects_nothing() {
    let restarts = json!({ "delay": "60s", "maxDelay": "60s" });
    let mut pilot = Pilot::run(&crashing(&restarts, &["exit", "1"]));
    pilot.wait_for_marks("runs", 2);
    pilot.wait_for_count("event: {ExitFailed main}", 2);
    assert_eq!(pilot.stop(), 0);
    assert_eq!(pilot.marks("runs").len(), 2);
}

// Case 18: during the end of a run.
#[test]
fn a_job_that_ends_while_pilot_stops_is_not_restarted() {
    let verbs = ["on-term", "{{ .PILOT_TEST_DIR }}/terms", "300", "1", "say", "listening", "forever"];
    let mut pilot = Pilot::run(&crashing(&json!("unlimited"), &verbs));
    pilot.wait_for("listening");
    assert_eq!(pilot.stop(), 0);
    assert_eq!(pilot.marks("runs").len(), 1, "{}", pilot.log());
    assert_eq!(pilot.marks("terms").len(), 1);
}

// Case 18: during a start condition that has just come true.
#[test]
fn what_waits_for_an_exit_is_not_started_by_a_stop() {
    let config = jobs(json!([
        { "name": "main", "exec": [fixture(), "say", "main runs", "forever"] },
        { "name": "heir", "exec": [fixture(), "mark", RUNS], "when": { "source": "main", "once": "exitFailed" } },
    ]));
    let mut pilot = Pilot::run(&config);
    pilot.wait_for("main runs");
    assert_eq!(pilot.stop(), 0);
    assert_eq!(pilot.marks("runs").len(), 0, "{}", pilot.log());
}

// Case 19.
#[test]
fn events_during_a_run_wait_for_its_end_and_none_is_lost() {
    let config = jobs(json!([
        { "name": "source", "exec": [fixture(), "say", "tock"], "when": { "interval": "100ms" }, "restarts": 4 },
        { "name": "slow", "exec": [fixture(), "mark", RUNS, "wait", "300", "mark", "{{ .PILOT_TEST_DIR }}/ends"],
          "when": { "source": "source", "each": "exitSuccess" } },
    ]));
    let mut pilot = Pilot::run(&config);
    pilot.wait("five runs to end", SOON, |pilot| (pilot.marks("ends").len() >= 5).then_some(()));
    pilot.wait_for_count("event: {ExitSuccess slow}", 5);
    assert_eq!(pilot.stop(), 0);
    let (starts, ends) = (pilot.marks("runs"), pilot.marks("ends"));
    assert_eq!((starts.len(), ends.len()), (5, 5));
    for (end, next) in ends.iter().zip(starts.iter().skip(1)) {
        assert!(next.0 >= end.0, "two runs at once");
    }
}
