//! Periodic jobs with real processes and the real clock: cron, overlap, runs without a limit. What clocks do when they are
//! set is played in virtual time (`core::tests::periodic`); here the machine's own is only read.

use std::time::Duration;

use pilot_tests::pilot::jobs;
use pilot_tests::{Pilot, SOON, fixture};
use serde_json::{Value, json};

/// A job without a limit that says how to stop it, marks its start, lasts so long and marks its end.
fn lasting(ms: u32, when: Value) -> Value {
    let dir = "{{ .PILOT_TEST_DIR }}";
    json!({
        "name": "task", "when": when, "timeout": "never",
        "exec": [fixture(), "on-term", format!("{dir}/told"), "0", "0", "mark", format!("{dir}/begun"),
                 "wait", ms.to_string(), "mark", format!("{dir}/done")],
    })
}

#[test]
fn a_cron_job_runs_when_the_clock_shows_a_full_minute_and_not_before() {
    let every_minute = json!({ "name": "minutely", "exec": "date +now=%s", "when": { "cron": "* * * * *" } });
    let never_here =
        json!({ "name": "rare", "exec": "date +rare=%s", "when": { "cron": "0 0 29 2 *", "timezone": "UTC" } });
    let mut pilot = Pilot::run(&jobs(json!([every_minute, never_here])));
    pilot.wait_for_event("Startup global");
    // As soon as pilot has been told the time.
    let next = pilot.wait("both jobs to have a next time", SOON, |pilot| {
        let status: Value = serde_json::from_str(&pilot.asked(&["status", "--json"])).unwrap();
        let next = status["next"].as_array().unwrap().clone();
        (next.len() == 2).then_some(next)
    });
    assert_eq!((&next[0]["text"], &next[1]["job"]), (&json!("minutely runs (`when.cron`)"), &json!("rare")));
    let due_in = next[0]["dueIn"].as_f64().unwrap();
    assert!((0.0..=60.0).contains(&due_in), "{due_in}");
    let text = pilot.asked(&["status"]);
    assert!(text.contains("minutely runs (`when.cron`)"), "{text}");
    let line = pilot.wait_for_within("now=", Duration::from_secs(75));
    let seconds: u64 = line.text.rsplit_once("now=").unwrap().1.trim().parse().unwrap();
    assert!(seconds % 60 < 30, "{seconds} is {} s after a full minute", seconds % 60);
    assert_eq!((pilot.count("now="), pilot.count("rare=")), (1, 0), "one run, and none at startup");
    // The other one waits for years; nobody waits for it.
    assert_eq!(pilot.stop(), 0);
}

#[test]
fn overlap_kill_ends_each_run_for_the_next() {
    let when = json!({ "interval": "600ms", "overlap": "kill" });
    let mut pilot = Pilot::run(&jobs(json!([lasting(600_000, when)])));
    let begun = pilot.wait_for_marks("begun", 4);
    let told = pilot.wait_for_marks("told", 3);
    for (before, after) in told.iter().zip(&begun[1..]) {
        assert!(before.0 <= after.0, "a run begins when the one before has been told to end");
    }
    pilot.wait_for("stopping task: it is time for its next run");
    assert_eq!(pilot.marks("done").len(), 0);
    assert_eq!(pilot.stop(), 0);
    assert_eq!(pilot.processes(), Vec::<i32>::new());
}

// A run of 3.3 s, a tick every 3 s: 2.7 s are left until the next one, or none at all.
#[test]
fn overlap_skip_leaves_a_run_alone_and_queue_follows_it_at_once() {
    let pilots = ["skip", "queue"]
        .map(|overlap| Pilot::run(&jobs(json!([lasting(3_300, json!({ "interval": "3s", "overlap": overlap }))]))));
    for (mut pilot, at_once) in pilots.into_iter().zip([false, true]) {
        let begun = pilot.wait_for_marks("begun", 2);
        let pause = begun[1].0 - pilot.marks("done")[0].0;
        assert!(pause >= 0.0, "never two runs at once");
        assert_eq!(pause < 1.3, at_once, "{pause}");
        let left_alone = pilot.count("task is still running and not started again") > 0;
        assert!(at_once || left_alone, "{}", pilot.log());
        assert_eq!(pilot.count("timeout after"), 0, "no run has a limit\n{}", pilot.log());
        assert_eq!(pilot.stop(), 0);
    }
}

#[test]
fn an_interval_jobs_limit_is_its_interval_unless_it_has_none() {
    let pilots = [json!(null), json!("never")].map(|timeout| {
        let mut task = lasting(3_500, json!({ "interval": "2s" }));
        task["timeout"] = timeout;
        task["restarts"] = json!(1);
        Pilot::run(&jobs(json!([task])))
    });
    for (mut pilot, done) in pilots.into_iter().zip([0, 2]) {
        pilot.wait("pilot to end with its only job", SOON * 2, |pilot| pilot.ended().then_some(()));
        assert_eq!(pilot.marks("begun").len(), 2);
        assert_eq!(pilot.marks("done").len(), done, "{}", pilot.log());
    }
}

#[test]
fn a_schedule_that_is_none_keeps_pilot_from_starting_and_says_what_is_wrong() {
    for (when, message) in [
        (json!({ "cron": "0 25 * * *" }), "when.cron has \"25\" as the hour"),
        (
            json!({ "cron": "@daily", "timezone": "Mars/Olympus" }),
            "when.timezone is not a time zone of this machine: \"Mars/Olympus\"",
        ),
    ] {
        let mut pilot = Pilot::run(&jobs(json!([{ "name": "task", "exec": "true", "when": when }])));
        assert_ne!(pilot.exit_code(), 0);
        assert_eq!(pilot.count(message), 1, "{}", pilot.log());
    }
}

// The rules of a zone as POSIX writes them need no file of the image.
#[test]
fn a_time_zone_may_be_written_as_its_rules() {
    let when = json!({ "cron": "30 3 * * *", "timezone": "CET-1CEST,M3.5.0,M10.5.0/3" });
    let mut pilot = Pilot::run(&jobs(json!([{ "name": "nightly", "exec": "true", "when": when }])));
    pilot.wait_for_event("Startup global");
    assert_eq!(pilot.stop(), 0, "{}", pilot.log());
}
