//! A running pilot explains itself: why a job waits or runs, and what has happened.

use pilot_tests::pilot::jobs;
use pilot_tests::{Pilot, fixture};
use serde_json::{Value, json};

#[test]
fn why_tells_what_a_job_waits_for_and_what_has_started_another() {
    let mut pilot = Pilot::run(&jobs(json!([
        { "name": "main", "exec": [fixture(), "say", "main runs", "forever"] },
        { "name": "setup", "exec": [fixture(), "exit", "3"] },
        { "name": "after", "exec": [fixture(), "forever"], "when": { "source": "setup", "once": "exitSuccess" } },
        { "name": "never", "exec": [fixture(), "forever"], "when": { "source": "main", "once": "healthy" } },
        { "name": "then", "exec": [fixture(), "say", "then runs", "forever"], "when": { "source": "setup", "once": "exitFailed" } },
    ])));
    pilot.wait_for("main runs");
    pilot.wait_for("then runs");
    pilot.wait_for_event("Stopped setup");

    let never = pilot.asked(&["why", "never"]);
    assert!(never.starts_with("never is waiting since "), "{never}");
    let reason = "waits for event healthy of main (not seen yet): it can never come: main has no health check";
    assert!(never.contains(reason), "{never}");

    let after = pilot.asked(&["why", "after"]);
    let over = "waits for event exitSuccess of setup (not seen yet): setup is over (exit status 3) and has not made it";
    assert!(after.contains(over), "{after}");

    let then: Value = serde_json::from_str(&pilot.asked(&["why", "then", "--json"])).unwrap();
    assert_eq!(then["job"]["state"], "running");
    let story: Vec<&str> = then["story"].as_array().unwrap().iter().filter_map(|step| step["text"].as_str()).collect();
    assert_eq!(story.len(), 5, "{story:?}");
    assert_eq!(story[0..2], ["then was started", "event exitFailed of setup"]);
    assert!(story[2].starts_with("setup ended after") && story[2].ends_with("exit status 3"), "{story:?}");
    assert_eq!(story[3..], ["setup was started", "event startup of global"]);
    assert_eq!(then["story"][4]["because"], "pilot began its work");
}

#[test]
fn events_are_listed_with_what_caused_them() {
    let mut pilot = Pilot::run(&jobs(json!([
        { "name": "main", "exec": [fixture(), "say", "main runs", "forever"] },
    ])));
    pilot.wait_for("main runs");
    pilot.asked(&["restart", "main"]);
    pilot.wait_for_count("main runs", 2);
    let all: Vec<Value> = serde_json::from_str(&pilot.asked(&["events", "--json"])).unwrap();
    let named = |text: &str| all.iter().find(|event| event["text"] == text).unwrap();
    assert_eq!(named("main was started")["cause"], named("event startup of global")["id"]);
    assert!(named("a person asked to restart main")["because"].as_str().unwrap().contains("control socket"));
    let text = pilot.asked(&["events", "-n", "1"]);
    assert_eq!(text.lines().count(), 1, "{text}");
}
