//! Who starts when. reliability.md, section 2, cases 29 to 31.

use pilot_tests::pilot::jobs;
use pilot_tests::{Pilot, fixture};
use serde_json::{Value, json};

const ORDER: &str = "{{ .PILOT_TEST_DIR }}/order";

pub fn once(name: &str, source: &str) -> Value {
    json!({ "name": name, "exec": [fixture(), "mark", ORDER, "say", format!("{name} runs")],
            "when": { "source": source, "once": "exitSuccess" } })
}

pub fn first(name: &str) -> Value {
    json!({ "name": name, "exec": [fixture(), "mark", ORDER, "say", format!("{name} runs")] })
}

/// The position of a job's line among all lines.
pub fn position(pilot: &Pilot, name: &str) -> usize {
    let text = format!("{name} runs");
    pilot.lines().iter().position(|line| line.text.ends_with(&text)).unwrap_or(usize::MAX)
}

// Case 29.
#[test]
fn a_diamond_joins_when_both_sides_are_done() {
    let all = json!([{ "source": "left", "once": "exitSuccess" }, { "source": "right", "once": "exitSuccess" }]);
    let config = jobs(json!([
        { "name": "join", "exec": [fixture(), "say", "join runs"], "when": { "all": all } },
        once("left", "top"),
        { "name": "right", "exec": [fixture(), "say", "right runs", "wait", "300"], "when": { "source": "top", "once": "exitSuccess" } },
        first("top"),
    ]));
    let mut pilot = Pilot::run(&config);
    assert_eq!(pilot.exit_code(), 0);
    assert_eq!(pilot.count("join runs"), 1);
    let events = pilot.events();
    let at = |event: &str| events.iter().position(|seen| seen == event).unwrap();
    assert!(at("ExitSuccess top") < at("ExitSuccess left") && at("ExitSuccess right") < at("ExitSuccess join"));
}

/// `main` waits for the ends of `early` and `late`, which end after these times.
fn two_conditions(kind: &str, early: u64, late: u64) -> Value {
    let both = json!([{ "source": "early", "once": "exitSuccess" }, { "source": "late", "once": "exitSuccess" }]);
    jobs(json!([
        { "name": "main", "exec": [fixture(), "say", "main runs"], "when": { kind: both } },
        { "name": "early", "exec": [fixture(), "wait", early.to_string()] },
        { "name": "late", "exec": [fixture(), "wait", late.to_string()] },
    ]))
}

// Case 30.
#[test]
fn a_job_that_waits_for_two_events_starts_once_in_whichever_order_they_come() {
    for (early, late) in [(0, 300), (300, 0), (0, 0)] {
        let mut pilot = Pilot::run(&two_conditions("all", early, late));
        assert_eq!(pilot.exit_code(), 0);
        let events = pilot.events();
        let at = |event: &str| events.iter().position(|seen| seen == event).unwrap();
        assert_eq!(pilot.count("main runs"), 1, "{}", pilot.log());
        assert!(at("ExitSuccess early") < at("ExitSuccess main") && at("ExitSuccess late") < at("ExitSuccess main"));
    }
}

// Case 30: any.
#[test]
fn a_job_that_waits_for_any_of_two_events_starts_once_at_the_first() {
    let mut pilot = Pilot::run(&two_conditions("any", 0, 500));
    assert_eq!(pilot.exit_code(), 0);
    assert_eq!(pilot.count("main runs"), 1);
    let events = pilot.events();
    let at = |event: &str| events.iter().position(|seen| seen == event).unwrap();
    assert!(at("ExitSuccess main") < at("ExitSuccess late"), "{}", pilot.log());
}

// Case 30: one of the events was there before anybody could wait: `startup`.
#[test]
fn an_event_that_was_seen_before_counts() {
    let both = json!([{ "source": "global", "once": "startup" }, { "source": "late", "once": "exitSuccess" }]);
    let config = jobs(json!([
        { "name": "main", "exec": [fixture(), "say", "main runs"], "when": { "all": both } },
        { "name": "late", "exec": [fixture(), "wait", "200"] },
    ]));
    let mut pilot = Pilot::run(&config);
    assert_eq!(pilot.exit_code(), 0);
    assert_eq!(pilot.count("main runs"), 1, "{}", pilot.log());
}

#[test]
fn each_with_several_sources_starts_for_every_event() {
    let config = jobs(json!([
        { "name": "main", "exec": [fixture(), "env", "PILOT_SOURCE"], "when": { "source": ["a", "b"], "each": "exitSuccess" } },
        { "name": "a", "exec": [fixture(), "exit", "0"] },
        { "name": "b", "exec": [fixture(), "wait", "100"] },
    ]));
    let mut pilot = Pilot::run(&config);
    pilot.wait_for("PILOT_SOURCE=a");
    pilot.wait_for("PILOT_SOURCE=b");
    assert_eq!(pilot.stop(), 0);
    assert_eq!(pilot.count("PILOT_SOURCE="), 2);
}

#[test]
fn a_run_knows_which_event_started_it() {
    let config = jobs(json!([
        { "name": "a", "exec": [fixture(), "exit", "1"] },
        { "name": "main", "exec": [fixture(), "env", "PILOT_EVENT", "env", "PILOT_SOURCE"], "when": { "source": "a", "once": "exitFailed" } },
    ]));
    let mut pilot = Pilot::run(&config);
    assert_eq!(pilot.exit_code(), 0);
    assert_eq!((pilot.count("PILOT_EVENT=exitFailed"), pilot.count("PILOT_SOURCE=a")), (1, 1), "{}", pilot.log());
}
