//! An agent that fails, hangs or is gone harms nothing. reliability.md, section 2, cases 37 and 42.

use std::time::{Duration, Instant};

use pilot_tests::proxy::Proxy;
use pilot_tests::scripted::{Reply, Scripted};
use pilot_tests::services::{app, app_with, config, id, status, wait_for_status};
use pilot_tests::{Consul, Pilot, SOON, fixture, processes, until};
use serde_json::json;

use crate::observer;

/// Case 42: with an agent that fails in this way pilot does all its work and ends in time; when the agent is well again it
/// knows everything.
fn an_agent_that_fails(fault: Reply) {
    let consul = Consul::start();
    let proxy = Proxy::before(consul.port());
    proxy.fail_with(fault.clone());
    let jobs = json!([
        app_with("app", &json!({ "health": { "ttl": 1 } })),
        { "name": "crashing", "exec": [fixture(), "mark", "{{ .PILOT_TEST_DIR }}/runs", "exit", "1"],
          "restarts": { "max": 5, "delay": "10ms" } },
    ]);
    let mut pilot = Pilot::run(&config(&proxy.address(), jobs));
    pilot.wait_for_marks("runs", 6);
    pilot.wait("probes to go on", SOON, |pilot| (pilot.count_events("StatusHealthy app") >= 10).then_some(()));
    assert_eq!(consul.services(), Vec::<String>::new());
    assert_eq!(processes::children(pilot.pid()).len(), 1, "nothing but the app runs");

    proxy.heal();
    wait_for_status(&consul, &mut pilot, "app", "passing");
    proxy.fail_with(fault);
    wait_for_status(&consul, &mut pilot, "app", "critical");
    let output = observer::checks(&consul)[&format!("service:{}", id("app"))].output.clone().unwrap();
    assert!(output.starts_with("TTL expired"), "the state becomes unknown by time alone: {output}");
    let healthy = pilot.count_events("StatusHealthy app");
    pilot.wait("probes to go on", SOON, |pilot| (pilot.count_events("StatusHealthy app") > healthy + 3).then_some(()));

    // Case 37 as well: the agent's share of a stop is two seconds.
    let asked = Instant::now();
    assert_eq!(pilot.stop(), 0, "{}", pilot.log());
    assert!(asked.elapsed() < Duration::from_secs(8), "{:?}\n{}", asked.elapsed(), pilot.log());
    assert_eq!(pilot.processes(), Vec::<i32>::new());
    assert_eq!(pilot.count("panicked"), 0);
}

// Case 42.
#[test]
fn an_agent_that_answers_500_harms_nothing() {
    an_agent_that_fails(Reply::status(500));
}

// Case 42.
#[test]
fn an_agent_that_hangs_harms_nothing() {
    an_agent_that_fails(Reply::Hang);
}

// Case 42.
#[test]
fn an_agent_that_resets_connections_harms_nothing() {
    an_agent_that_fails(Reply::Reset);
}

// Case 42.
#[test]
fn an_agent_whose_answer_never_ends_harms_nothing() {
    an_agent_that_fails(Reply::Drip);
}

// Case 37.
#[test]
fn with_the_agent_away_a_stop_takes_no_more_than_its_share_and_the_ttl_does_the_rest() {
    let mut consul = Consul::start();
    let proxy = Proxy::before(consul.port());
    let mut silent = Pilot::run(&config(&proxy.address(), json!([app("silent")])));
    let mut gone = Pilot::run(&config(&consul.address(), json!([app("gone")])));
    consul.wait_for_passing("silent", 1);
    consul.wait_for_passing("gone", 1);
    let stop = |pilot: &mut Pilot| {
        let asked = Instant::now();
        assert_eq!(pilot.stop(), 0, "{}", pilot.log());
        assert!(asked.elapsed() < Duration::from_secs(8), "{:?}\n{}", asked.elapsed(), pilot.log());
    };
    proxy.fail_with(Reply::Hang);
    stop(&mut silent);
    assert_eq!(consul.instances("silent").len(), 1, "it could not be taken out");
    until("its TTL to pass", SOON, || (status(&consul, "silent") == "critical").then_some(()));
    consul.kill();
    stop(&mut gone);
}

// Case 42: nobody is hammered.
#[test]
fn attempts_at_a_faulty_agent_come_at_growing_distances() {
    let proxy = Scripted::start(|_| Reply::status(500));
    let never = json!({ "initial_status": "warning", "when": { "source": "SIGHUP" } });
    let mut pilot = Pilot::run(&config(&format!("127.0.0.1:{}", proxy.port()), json!([app_with("app", &never)])));
    let attempts = pilot.wait("four attempts", SOON, |_| Some(proxy.requests()).filter(|all| all.len() >= 4));
    let gap = |n: usize| attempts[n + 1].at.duration_since(attempts[n].at);
    for (n, nominal) in [500, 1000, 2000].map(Duration::from_millis).into_iter().enumerate() {
        assert!(gap(n) >= nominal / 2, "{:?} for {nominal:?}", gap(n));
    }
    assert_eq!(pilot.stop(), 0);
}
