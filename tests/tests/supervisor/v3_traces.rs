//! The event sequences and run counts of ContainerPilot v3: spec 10.7 A to F, tables 5.4 and 5.5.

use nix::sys::signal::Signal;
use pilot_tests::pilot::jobs;
use pilot_tests::{Consul, Pilot, fixture, ports};
use serde_json::{Value, json};

/// Asserts that these events came in this order, others in between allowed.
#[track_caller]
fn assert_in_order(pilot: &Pilot, expected: &[&str]) {
    let events = pilot.events();
    let mut rest = events.iter();
    for event in expected {
        assert!(rest.any(|seen| seen == event), "{event} is missing or late in:\n{}", events.join("\n"));
    }
}

// 10.7 A.
#[test]
fn trace_a_one_job_that_succeeds() {
    let mut pilot = Pilot::run(&jobs(json!([{ "name": "job", "exec": "/bin/true" }])));
    assert_eq!(pilot.exit_code(), 0);
    assert_eq!(pilot.events(), ["Startup global", "ExitSuccess job", "Stopping job", "Stopped job"]);
}

// 10.7 B.
#[test]
fn trace_b_setup_then_app_with_health_and_service() {
    let consul = Consul::start();
    let port = ports::free();
    let config = json!({
        "consul": consul.address(), "logging": { "level": "DEBUG" },
        "jobs": [
            { "name": "setup", "exec": "/bin/true" },
            { "name": "app", "exec": [fixture(), "say", "app runs", "forever"], "when": { "source": "setup", "once": "exitSuccess" },
              "port": port, "interfaces": "lo",
              "health": { "exec": [fixture(), "exit-from", "{{ .PILOT_TEST_DIR }}/health"], "interval": 1, "ttl": 30 } },
        ],
    });
    let mut pilot = Pilot::run(&config);
    pilot.wait_for("app runs");
    assert!(consul.instances("app").is_empty(), "nothing is registered before the first passing check");
    pilot.wait_for_event("StatusHealthy app");
    consul.wait_for_passing("app", 1);
    pilot.scratch.write("health", "3");
    pilot.wait_for_event("StatusUnhealthy app");
    assert_in_order(
        &pilot,
        &[
            "Startup global",
            "ExitSuccess setup",
            "Stopping setup",
            "Stopped setup",
            "ExitSuccess check.app",
            "StatusHealthy app",
            "ExitFailed check.app",
            "Error check.app: exit status 3",
            "StatusUnhealthy app",
        ],
    );
    assert_eq!(consul.passing("app"), 1, "a failing check is not reported: the TTL must lapse");
    assert_eq!(pilot.stop(), 0);
    assert!(consul.instances("app").is_empty());
}

// 10.7 C.
#[test]
fn trace_c_sigterm_with_pre_and_post_stop() {
    let config = jobs(json!([
        { "name": "app", "exec": [fixture(), "say", "app runs", "forever"] },
        { "name": "preStop", "exec": "/bin/true", "when": { "source": "app", "once": "stopping" } },
        { "name": "postStop", "exec": "/bin/true", "when": { "source": "app", "once": "stopped" } },
    ]));
    let mut pilot = Pilot::run(&config);
    pilot.wait_for("app runs");
    assert_eq!(pilot.stop(), 0);
    assert_in_order(
        &pilot,
        &[
            "Shutdown global",
            "Stopping app",
            "ExitSuccess preStop",
            "Stopping preStop",
            "Stopped preStop",
            "Stopped app",
            "ExitSuccess postStop",
            "Stopping postStop",
            "Stopped postStop",
        ],
    );
    assert_in_order(&pilot, &["Stopping app", "ExitFailed app", "Error app: signal: terminated"]);
}

// 10.7 D.
#[test]
fn trace_d_a_crash_loop_with_two_restarts() {
    let mut pilot = Pilot::run(&jobs(json!([{ "name": "job", "exec": [fixture(), "exit", "4"], "restarts": 2 }])));
    assert_eq!(pilot.exit_code(), 0);
    let failure = ["ExitFailed job", "Error job: exit status 4"];
    let expected: Vec<&str> = ["Startup global"]
        .into_iter()
        .chain(failure)
        .chain(failure)
        .chain(failure)
        .chain(["Stopping job", "Stopped job"])
        .collect();
    assert_eq!(pilot.events(), expected);
}

// 10.7 E.
#[test]
fn trace_e_a_watched_service_appears_grows_and_disappears() {
    let consul = Consul::start();
    let config = json!({
        "consul": consul.address(), "logging": { "level": "DEBUG" },
        "jobs": [{ "name": "keep", "exec": [fixture(), "forever"] }],
        "watches": [{ "name": "svc", "interval": 1 }],
    });
    let mut pilot = Pilot::run(&config);
    pilot.wait_for_event("Startup global");
    consul.register("s-1", "svc", 1001);
    pilot.wait_for_event("StatusHealthy watch.svc");
    consul.register("s-2", "svc", 1002);
    pilot.wait_for_count("event: {StatusHealthy watch.svc}", 2);
    consul.deregister("s-1");
    pilot.wait_for_count("event: {StatusHealthy watch.svc}", 3);
    consul.deregister("s-2");
    pilot.wait_for_event("StatusUnhealthy watch.svc");
    let seen: Vec<String> = pilot.events().into_iter().filter(|event| event.ends_with("watch.svc")).collect();
    let (changed, healthy) = ("StatusChanged watch.svc", "StatusHealthy watch.svc");
    assert_eq!(seen, [changed, healthy, changed, healthy, changed, healthy, changed, "StatusUnhealthy watch.svc"]);
}

// 10.7 F.
#[test]
fn trace_f_a_when_timeout_that_expires() {
    let config = jobs(json!([
        { "name": "job", "exec": "/bin/true", "when": { "source": "nobody", "once": "healthy", "timeout": "300ms" } },
    ]));
    let mut pilot = Pilot::run(&config);
    assert_eq!(pilot.exit_code(), 0);
    assert_eq!(pilot.events(), ["Startup global", "TimerExpired job", "Stopping job", "Stopped job"]);
}

// Case 33: the timeout is disarmed by the start.
#[test]
fn a_when_timeout_does_not_touch_a_job_that_has_started() {
    let config = jobs(json!([
        { "name": "setup", "exec": "/bin/true" },
        { "name": "job", "exec": [fixture(), "wait", "900"], "when": { "source": "setup", "once": "exitSuccess", "timeout": "400ms" } },
    ]));
    let mut pilot = Pilot::run(&config);
    assert_eq!(pilot.exit_code(), 0);
    assert_eq!(pilot.count_events("TimerExpired job"), 0);
    assert_eq!(pilot.count_events("ExitSuccess job"), 1);
}

/// How often `job` ran in `time`, given its `when` and `restarts`; three events of `source` come in that time.
fn runs(when: Value, restarts: Value) -> (usize, bool) {
    let mut job = json!({ "name": "job", "exec": [fixture(), "mark", "{{ .PILOT_TEST_DIR }}/runs"] });
    if !when.is_null() {
        job["when"] = when;
    }
    if !restarts.is_null() {
        job["restarts"] = restarts;
    }
    let config = jobs(json!([
        job,
        { "name": "source", "exec": "/bin/true", "when": { "interval": "200ms" }, "restarts": 2 },
        { "name": "end", "exec": [fixture(), "wait", "1500", "say", "time is up", "forever"] },
    ]));
    let mut pilot = Pilot::run(&config);
    pilot.wait_for("time is up");
    let completed = pilot.count_events("Stopped job") == 1;
    assert_eq!(pilot.stop(), 0);
    (pilot.marks("runs").len(), completed)
}

// Table 5.5: `number of runs` and `job completes by itself`.
#[test]
fn table_5_5_started_once() {
    assert_eq!(runs(Value::Null, Value::Null), (1, true));
    assert_eq!(runs(Value::Null, json!("never")), (1, true));
    assert_eq!(runs(Value::Null, json!(0)), (1, true));
    assert_eq!(runs(Value::Null, json!(2)), (3, true));
    assert_eq!(runs(Value::Null, json!("1")), (2, true));
    let (count, completed) = runs(Value::Null, json!("unlimited"));
    assert!(count > 3 && !completed, "{count}");
    assert_eq!(runs(json!({ "source": "source", "once": "exitSuccess" }), json!(1)), (2, true));
}

#[test]
fn table_5_5_started_by_each_event() {
    let each = json!({ "source": "source", "each": "exitSuccess" });
    assert_eq!(runs(each.clone(), Value::Null), (3, false));
    assert_eq!(runs(each.clone(), json!("never")), (3, false));
    assert_eq!(runs(each, json!(2)), (5, false));
}

#[test]
fn table_5_5_started_by_a_clock() {
    let clock = json!({ "interval": "300ms" });
    assert_eq!(runs(json!({ "interval": "250ms" }), json!(2)), (3, true), "appendix A");
    assert_eq!(runs(clock.clone(), json!("never")), (1, true));
    assert_eq!(runs(clock.clone(), json!(0)), (1, true));
    for restarts in [Value::Null, json!("unlimited")] {
        let (count, completed) = runs(clock.clone(), restarts);
        assert!((4..=7).contains(&count) && !completed, "{count} in 1.5 s");
    }
}

// Table 5.4: what never starts.
#[test]
fn table_5_4_conditions_that_never_come_true() {
    assert_eq!(runs(json!({}), Value::Null), (0, false));
    assert_eq!(runs(json!({ "timeout": "300ms" }), Value::Null), (0, true));
    assert_eq!(runs(json!({ "source": "nobody", "once": "exitSuccess" }), Value::Null), (0, false));
}

#[test]
fn table_5_5_started_by_a_signal() {
    let job = |restarts: Value| {
        jobs(json!([
            { "name": "job", "exec": [fixture(), "mark", "{{ .PILOT_TEST_DIR }}/runs"], "when": { "source": "SIGHUP" }, "restarts": restarts },
            { "name": "keep", "exec": [fixture(), "say", "ready", "forever"] },
        ]))
    };
    for (restarts, expected) in [(json!("never"), 2), (json!(2), 4)] {
        let mut pilot = Pilot::run(&job(restarts));
        pilot.wait_for("ready");
        pilot.signal(Signal::SIGHUP);
        pilot.wait_for_marks("runs", expected - 1);
        pilot.wait_for_count("event: {ExitSuccess job}", expected - 1);
        pilot.signal(Signal::SIGHUP);
        pilot.wait_for_marks("runs", expected);
        assert_eq!(pilot.stop(), 0);
        assert_eq!(pilot.marks("runs").len(), expected);
        assert_eq!(pilot.count_events("Stopped job"), 1, "only by the stop");
    }
}
