//! Probes, thresholds and what follows from them. reliability.md, section 2, cases 22 to 28.

use std::time::Duration;

use pilot_tests::mariadb::{PASSWORD, USER};
use pilot_tests::pilot::jobs;
use pilot_tests::{MariaDb, Pilot, SOON, fixture, ports};
use serde_json::{Value, json};

const ANSWER: &str = "{{ .PILOT_TEST_DIR }}/answer";

/// A job that serves HTTP as the file `answer` says, with this health block.
fn server(port: u16, health: &Value) -> Value {
    json!({ "name": "main", "exec": [fixture(), "mark", "{{ .PILOT_TEST_DIR }}/runs", "http", port.to_string(), ANSWER],
            "restarts": "unlimited", "health": health })
}

fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}/ready")
}

// Case 22: v3 has no start-up probe; pilot's is a grace in which failures do not count.
// Case 22: the grace ends with the first pass.
#[test]
fn after_the_first_pass_a_failure_counts_although_the_grace_is_not_over() {
    let port = ports::free();
    let health = json!({ "http": url(port), "interval": 1, "ttl": 5, "startGrace": "60s" });
    let mut pilot = Pilot::run(&jobs(json!([server(port, &health)])));
    pilot.wait_for_event("StatusHealthy main");
    pilot.scratch.write("answer", "500");
    pilot.wait_for_event("StatusUnhealthy main");
    assert_eq!(pilot.stop(), 0);
}

/// The commonest pattern there is.
#[test]
fn a_failed_migration_ends_the_container_with_1() {
    let migrate = json!({ "name": "migrate", "exec": [fixture(), "exit", "3"] });
    let sidecar = json!({ "name": "sidecar", "exec": [fixture(), "forever"] });
    let app = |more: Value| {
        let when = json!({ "source": "migrate", "once": "exitSuccess" });
        let mut app = json!({ "name": "app", "exec": [fixture(), "forever"], "when": when });
        app.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        app
    };
    let reason = "can no longer start: it waits for `exitSuccess` of migrate, and migrate has ended (exit status 3)";
    let mut pilot = Pilot::run(&jobs(json!([migrate, sidecar, app(json!({ "critical": true }))])));
    assert_eq!(pilot.exit_code(), 1);
    assert_eq!(pilot.count(&format!("app {reason}: stopping everything, exit code 1")), 1, "{}", pilot.log());
    // Where nothing is critical pilot goes on, as v3 does, and says so to whoever asks.
    let mut pilot = Pilot::run(&jobs(json!([migrate, sidecar, app(json!({}))])));
    pilot.wait_for("control: serving at ");
    pilot.wait_for(&format!("app {reason}"));
    for words in [&["health"][..], &["why", "app"], &["status"]] {
        let asked = pilot.ask(words);
        let said = asked.out + &asked.err;
        assert!(said.contains(reason), "{words:?}: {said}");
        assert_eq!(asked.code, i32::from(words == ["health"]), "{said}");
    }
    assert_eq!(pilot.stop(), 0);
}

// Case 22, and 21's second half: exactly one restart per threshold.
#[test]
fn a_failing_check_restarts_the_job_once_per_threshold() {
    let port = ports::free();
    let health = json!({ "http": url(port), "interval": 1, "ttl": 9, "failureThreshold": 2, "onFailure": "restart" });
    let mut pilot = Pilot::run(&jobs(json!([server(port, &health)])));
    pilot.wait_for_event("StatusHealthy main");
    pilot.scratch.write("answer", "500");
    let marks = pilot.wait_for_marks("runs", 3);
    // Two failures are at least one interval apart, so a life under failure lasts longer than one interval.
    assert!(marks[2].0 - marks[1].0 > 1.0, "{marks:?}\n{}", pilot.log());
    pilot.scratch.write("answer", "200");
    let seen = pilot.count_events("StatusHealthy main");
    pilot.wait_for_count("event: {StatusHealthy main}", seen + 3);
    assert_eq!(pilot.marks("runs").len(), 3, "a passing job is not restarted\n{}", pilot.log());
    assert_eq!(pilot.stop(), 0);
}

#[test]
fn without_on_failure_a_failing_check_never_restarts() {
    let port = ports::free();
    let health = json!({ "http": url(port), "interval": 1, "ttl": 9 });
    let mut pilot = Pilot::run(&jobs(json!([server(port, &health)])));
    pilot.scratch.write("answer", "500");
    pilot.wait_for_count("event: {StatusUnhealthy main}", 4);
    assert_eq!(pilot.marks("runs").len(), 1);
    assert_eq!(pilot.stop(), 0);
}

// Case 23.
// Case 24.
// Case 25.
// Case 26: pilot has no ready descriptor; the case's other half is a process that ends before it was ever ready.
#[test]
fn a_job_that_ends_before_it_was_ready_fails_once_and_is_never_healthy() {
    let config = jobs(json!([
        { "name": "main", "exec": [fixture(), "exit", "1"],
          "health": { "exec": "/bin/true", "interval": 1, "ttl": 5 } },
        { "name": "keep", "exec": [fixture(), "say", "tick"], "when": { "interval": "500ms" } },
    ]));
    let mut pilot = Pilot::run(&config);
    pilot.wait_for_count("tick", 5);
    assert_eq!(pilot.count_events("ExitFailed main"), 1);
    assert_eq!(pilot.count_events("StatusHealthy main"), 0, "{}", pilot.log());
}

// Case 27, with the real server.
// Case 27: the database goes and comes back.
#[test]
fn a_database_that_dies_and_returns_is_seen_each_time() {
    let mut database = MariaDb::start();
    let probe = json!({ "host": "127.0.0.1", "port": database.port(), "user": USER, "passwordEnv": "DB_PASSWD" });
    let config = json!({
        "consul": false, "logging": { "level": "DEBUG" },
        "jobs": [{ "name": "main", "exec": [fixture(), "forever"] }],
        "watches": [{ "name": "db", "interval": 1, "mysql": probe }],
    });
    let mut pilot = Pilot::with(&config).env("DB_PASSWD", PASSWORD).start();
    pilot.wait_for_event("StatusHealthy watch.db");
    database.kill();
    pilot.wait_for_event("StatusUnhealthy watch.db");
    database.begin(&[]);
    pilot.wait_for_count("event: {StatusHealthy watch.db}", 2);
    assert_eq!(pilot.stop(), 0);
}

// Case 28: the overlap; the heartbeat's half is in `consul`.
// Case 28 with a process: and the job itself is not delayed (v3 restarted it after 14 s).
#[test]
fn a_slow_exec_check_neither_overlaps_nor_delays_the_restart_of_its_job() {
    let dir = "{{ .PILOT_TEST_DIR }}";
    let config = jobs(json!([
        { "name": "main", "exec": [fixture(), "mark", format!("{dir}/runs"), "forever"], "restarts": "unlimited",
          "health": { "exec": [fixture(), "mark", format!("{dir}/begin"), "wait", "2500", "mark", format!("{dir}/end")],
                      "interval": 1, "ttl": 30, "timeout": "10s" } },
    ]));
    let mut pilot = Pilot::run(&config);
    pilot.wait_for_marks("begin", 1);
    let (_, pid) = pilot.marks("runs")[0];
    pilot_tests::processes::signal(pid, nix::sys::signal::Signal::SIGKILL);
    pilot.wait("the restart during the check", Duration::from_secs(2), |pilot| {
        (pilot.marks("runs").len() == 2).then_some(())
    });
    pilot.wait("two whole checks", SOON, |pilot| (pilot.marks("end").len() >= 2).then_some(()));
    let (begins, ends) = (pilot.marks("begin"), pilot.marks("end"));
    for (end, next) in ends.iter().zip(begins.iter().skip(1)) {
        assert!(next.0 >= end.0, "two checks at once");
    }
}
