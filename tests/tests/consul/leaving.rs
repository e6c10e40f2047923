//! A service leaves Consul before its process is told to end, and nothing brings it back. reliability.md, section 2, cases 7,
//! 34 and 38; v3 spec 5.7 and 10.5.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::sys::signal::Signal;
use pilot_tests::proxy::forward;
use pilot_tests::scripted::Scripted;
use pilot_tests::services::{app, app_with, config, end_slowly, id, wait_for_status};
use pilot_tests::{Consul, Pilot, SOON, Scratch, fixture, processes, until};
use serde_json::json;

/// Stands before the agent and lets whatever is written arrive late: a write is always under way. Says what has arrived.
fn slow_writes(port: u16, pause: Duration) -> (Scripted, Arc<Mutex<Vec<String>>>) {
    let arrived: Arc<Mutex<Vec<String>>> = Arc::default();
    let note = arrived.clone();
    let proxy = Scripted::start(move |request| {
        if request.line.contains("check/update") || request.line.contains("service/register") {
            std::thread::sleep(pause);
        }
        let answer = forward(port, request);
        note.lock().unwrap().push(request.line.clone());
        answer
    });
    (proxy, arrived)
}

// Case 7: the registration is on its way when the stop comes.
#[test]
fn a_stop_in_the_middle_of_the_first_registration_leaves_nothing() {
    let consul = Consul::start();
    let (proxy, arrived) = slow_writes(consul.port(), Duration::from_millis(500));
    let mut pilot = Pilot::run(&config(&format!("127.0.0.1:{}", proxy.port()), json!([app("app")])));
    pilot.wait("the registration", SOON, |_| (proxy.count("service/register") == 1).then_some(()));
    assert_eq!(pilot.stop(), 0);
    let lines = until("everything to arrive", SOON, || {
        Some(arrived.lock().unwrap().clone()).filter(|arrived| arrived.len() == proxy.requests().len())
    });
    assert_eq!(
        lines,
        ["PUT /v1/agent/service/register".to_owned(), format!("PUT /v1/agent/service/deregister/{}", id("app"))]
    );
    assert_eq!(consul.services(), Vec::<String>::new());
}

// Spec 5.7: a job leaves the catalog whatever ends it; 10.5: another one goes on.
#[test]
fn a_job_that_ends_by_itself_leaves_the_catalog_and_the_others_stay() {
    let consul = Consul::start();
    let mut short = app("short");
    short["restarts"] = json!("never");
    let mut pilot = Pilot::run(&config(&consul.address(), json!([short, app("app")])));
    consul.wait_for_passing("short", 1);
    consul.wait_for_passing("app", 1);
    let process = pilot.child_running("short.says");
    processes::signal(process, Signal::SIGKILL);
    pilot.wait_for_event("Stopped short");
    assert_eq!(consul.services(), [id("app")]);
    assert_eq!(pilot.stop(), 0);
    assert_eq!(consul.services(), Vec::<String>::new());
}

// Case 34's first half: v3 took a service out while or after its process was told to stop.
#[test]
fn a_service_has_left_the_catalog_before_its_process_gets_sigterm() {
    let consul = Consul::start();
    let port = consul.port();
    let scratch = Scratch::new();
    let term = scratch.file("term");
    // The deregistration is held up, so that a SIGTERM during it would be seen.
    let told: Arc<Mutex<Vec<bool>>> = Arc::default();
    let (seen, file) = (told.clone(), term.clone());
    let slow = Scripted::start(move |request| {
        if request.line.contains("deregister") {
            std::thread::sleep(Duration::from_millis(400));
            seen.lock().unwrap().push(std::path::Path::new(&file).exists());
        }
        forward(port, request)
    });
    let mut job = app("app");
    end_slowly(&mut job, &term, 500);
    let mut pilot = Pilot::run(&config(&format!("127.0.0.1:{}", slow.port()), json!([job])));
    wait_for_status(&consul, &mut pilot, "app", "passing");
    pilot.signal(Signal::SIGTERM);
    pilot.wait("the process to get SIGTERM", SOON, |_| std::path::Path::new(&term).exists().then_some(()));
    assert_eq!(consul.services(), Vec::<String>::new(), "the process still runs, its service is gone");
    assert_eq!(pilot.exit_code(), 0);
    assert_eq!(*told.lock().unwrap(), [false], "one deregistration, and SIGTERM only after its answer");
}

// Case 38.
#[test]
fn after_the_fence_nothing_is_written_any_more() {
    let consul = Consul::start();
    let (proxy, arrived) = slow_writes(consul.port(), Duration::from_millis(60));
    for moment in 0..8 {
        let mut app = app_with("app", &json!({ "health": { "interval": "20ms" } }));
        // It lives on and answers for a while after its SIGTERM.
        end_slowly(&mut app, "{{ .PILOT_TEST_DIR }}/term", 200);
        let jobs = json!([app, app_with("slow", &json!({ "health": { "interval": "50ms", "timeout": 1 } })),]);
        let mut pilot = Pilot::run(&config(&format!("127.0.0.1:{}", proxy.port()), jobs));
        pilot.scratch.write("slow.says", "slow 100");
        consul.wait_for_passing("app", 1);
        consul.wait_for_passing("slow", 1);
        // The moment of the stop is what is varied: within a probe, a heartbeat, the pause between them.
        std::thread::sleep(Duration::from_millis(moment * 13));
        let before = proxy.requests().len();
        assert_eq!(pilot.stop(), 0, "{}", pilot.log());
        until("everything to arrive", SOON, || (arrived.lock().unwrap().len() == proxy.requests().len()).then_some(()));
        assert_eq!(consul.services(), Vec::<String>::new(), "{}", pilot.log());
        let after = proxy.requests().split_off(before);
        for job in ["app", "slow"] {
            let fence = after.iter().position(|request| request.line.contains(&format!("deregister/{}", id(job))));
            let late = after[fence.unwrap()..].iter().filter(|request| {
                let about = request.line.contains(&id(job)) || request.body.contains(&id(job));
                about && !request.line.contains("deregister")
            });
            assert_eq!(late.count(), 0, "{after:?}");
        }
    }
}

// Case 34.
#[test]
fn a_consul_agent_that_is_a_job_stops_last_and_nothing_is_left_in_it() {
    let consul = Consul::reserved();
    let mut slow = app("slow");
    end_slowly(&mut slow, "{{ .PILOT_TEST_DIR }}/term", 300);
    let jobs = json!([
        { "name": "discovery", "exec": consul.command(), "restarts": "unlimited" },
        slow,
        app("app"),
        { "name": "goodbye", "exec": [fixture(), "wait", "100", "say", "goodbye said"], "when": { "source": "app", "once": "stopped" } },
    ]);
    let mut pilot = Pilot::run_as_pid_1(&config(&consul.address(), jobs));
    consul.wait_for_leader();
    consul.wait_for_passing("app", 1);
    consul.wait_for_passing("slow", 1);
    pilot.signal(Signal::SIGTERM);
    let mut last = None;
    pilot.wait("pilot to end", SOON, |pilot| {
        last = consul.get("/v1/agent/services").as_object().map(serde_json::Map::len).or(last);
        pilot.ended().then_some(())
    });
    assert_eq!(pilot.exit_code(), 0, "{}", pilot.log());
    assert_eq!(last, Some(0), "what the agent had when it answered for the last time");
    let lines = pilot.lines();
    let place = |text: &str| {
        let found = lines.iter().position(|line| line.holds(text));
        found.unwrap_or_else(|| panic!("no line with {text:?}\n{}", pilot.log()))
    };
    let end = place("discovery.term");
    let earlier = ["ExitSuccess slow}", "Stopped slow}", "Stopped app}", "goodbye said", "Stopped goodbye}"];
    for earlier in earlier {
        assert!(place(earlier) < end, "{earlier:?} comes before the agent's end\n{}", pilot.log());
    }
    for job in ["app", "slow"] {
        assert!(place(&format!("Deregistered service: service={}", id(job))) < end, "{}", pilot.log());
    }
}
