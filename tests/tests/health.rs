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
#[test]
fn the_start_grace_holds_back_the_restart_until_it_is_over() {
    let port = ports::free();
    let health = json!({ "http": url(port), "interval": 1, "ttl": 5, "startGrace": "3s", "onFailure": "restart" });
    let mut pilot = Pilot::with(&jobs(json!([server(port, &health)]))).start();
    pilot.scratch.write("answer", "500");
    let marks = pilot.wait_for_marks("runs", 2);
    let first_life = marks[1].0 - marks[0].0;
    assert!((2.8..8.0).contains(&first_life), "it lived {first_life} s\n{}", pilot.log());
    assert_eq!(pilot.stop(), 0);
}

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
#[test]
fn tcp_stays_green_while_http_answers_500() {
    let (port, other) = (ports::free(), ports::free());
    let mut by_tcp = server(port, &json!({ "tcp": format!("127.0.0.1:{port}"), "interval": 1, "ttl": 9 }));
    by_tcp["name"] = json!("tcp");
    let mut by_http = server(other, &json!({ "http": url(other), "interval": 1, "ttl": 9 }));
    by_http["name"] = json!("http");
    let mut pilot = Pilot::run(&jobs(json!([by_tcp, by_http])));
    pilot.scratch.write("answer", "500");
    pilot.wait_for_count("event: {StatusHealthy tcp}", 3);
    pilot.wait_for_count("event: {StatusUnhealthy http}", 3);
    assert_eq!(pilot.count_events("StatusUnhealthy tcp"), 0, "{}", pilot.log());
}

// Case 24.
#[test]
fn a_redirect_to_the_own_host_is_followed_and_one_to_another_host_is_not() {
    let (port, target) = (ports::free(), ports::free());
    let health = json!({ "http": url(port), "interval": 1, "ttl": 9, "timeout": "800ms" });
    let redirecting = server(port, &health);
    let config = jobs(json!([
        redirecting,
        { "name": "target", "exec": [fixture(), "http", target.to_string(), "{{ .PILOT_TEST_DIR }}/target"], "logging": { "raw": true } },
    ]));
    let mut pilot = Pilot::run(&config);
    pilot.scratch.write("target", "500");
    // To the own host, where the answer is a failure: it must have been followed to fail.
    pilot.scratch.write("answer", &format!("302 http://127.0.0.1:{target}/"));
    pilot.wait_for_event("StatusUnhealthy main");
    assert!(
        pilot.lines().iter().any(|line| line.text == "request, 1 running"),
        "the target was asked\n{}",
        pilot.log()
    );
    // To another host: not followed; 302 itself is within the accepted statuses of a check.
    pilot.scratch.write("answer", "302 http://192.0.2.1/");
    let seen = pilot.count_events("StatusHealthy main");
    pilot.wait_for_count("event: {StatusHealthy main}", seen + 2);
    assert!(pilot.log().contains("192.0.2.1"), "the foreign host is reported\n{}", pilot.log());
}

// Case 25.
#[test]
fn a_check_that_flaps_below_the_threshold_restarts_nothing() {
    let port = ports::free();
    let health =
        json!({ "http": url(port), "interval": "200ms", "ttl": 9, "failureThreshold": 3, "onFailure": "restart" });
    let mut pilot = Pilot::run(&jobs(json!([server(port, &health)])));
    pilot.wait_for("request,");
    for _ in 0..4 {
        pilot.scratch.write("answer", "500");
        let seen = pilot.count("request,");
        pilot.wait_for_count("request,", seen + 2);
        pilot.scratch.write("answer", "200");
        let seen = pilot.count("request,");
        pilot.wait_for_count("request,", seen + 2);
    }
    assert_eq!(pilot.marks("runs").len(), 1, "{}", pilot.log());
    assert_eq!(pilot.stop(), 0);
}

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

#[test]
fn the_success_threshold_delays_healthy() {
    let port = ports::free();
    let health = json!({ "http": url(port), "interval": "300ms", "ttl": 9, "successThreshold": 4 });
    let mut pilot = Pilot::run(&jobs(json!([server(port, &health)])));
    pilot.wait_for_event("StatusHealthy main");
    assert!(pilot.count("request,") >= 4, "{}", pilot.log());
}

// Case 27, with the real server.
#[test]
fn the_mysql_probe_tells_every_state_apart_and_never_says_the_password() {
    let database = MariaDb::start();
    let silent = ports::free();
    let refused = ports::free();
    let probe = |port: u16, more: Value| {
        let mut probe =
            json!({ "host": "127.0.0.1", "port": port, "user": USER, "passwordEnv": "DB_PASSWD", "tls": "disabled" });
        probe.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        probe
    };
    let watch = |name: &str, probe: Value| json!({ "name": name, "interval": 1, "timeout": "900ms", "mysql": probe });
    let config = json!({
        "consul": false, "logging": { "level": "DEBUG" },
        "jobs": [
            { "name": "silent", "exec": [fixture(), "silent", silent.to_string()] },
            { "name": "after", "exec": [fixture(), "say", "the database is there"], "when": { "source": "watch.good", "once": "healthy" } },
        ],
        "watches": [
            watch("good", probe(database.port(), json!({ "database": "db" }))),
            watch("writer", probe(database.port(), json!({ "role": "writer" }))),
            watch("replica", probe(database.port(), json!({ "role": "replica" }))),
            watch("refused", probe(refused, json!({}))),
            watch("mute", probe(silent, json!({}))),
            watch("stranger", probe(database.port(), json!({ "user": "nobody-here" }))),
            watch("tls", probe(database.port(), json!({ "tls": "required" }))),
        ],
    });
    let mut pilot = Pilot::with(&config).env("DB_PASSWD", PASSWORD).start();
    pilot.wait_for("the database is there");
    pilot.wait_for_event("StatusHealthy watch.writer");
    // A server that is made read-only stops being the writer and becomes a replica, without a new address.
    assert!(database.sql("SET GLOBAL read_only = 1"));
    pilot.wait_for_event("StatusUnhealthy watch.writer");
    pilot.wait_for_event("StatusHealthy watch.replica");
    for dead in ["refused", "mute", "stranger", "tls"] {
        assert_eq!(pilot.count_events(&format!("StatusHealthy watch.{dead}")), 0, "{}", pilot.log());
    }
    assert_eq!(pilot.stop(), 0, "a silent server does not hold the stop up");
    assert!(!pilot.log().contains(PASSWORD), "the password is in the log");
}

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

// Case 28: the overlap; the heartbeat's half is in consul.rs.
#[test]
fn a_probe_slower_than_its_interval_never_overlaps_itself() {
    let port = ports::free();
    let health = json!({ "http": url(port), "interval": "200ms", "ttl": 30, "timeout": "5s" });
    let mut pilot = Pilot::run(&jobs(json!([server(port, &health)])));
    pilot.scratch.write("answer", "slow 900");
    pilot.wait_for_count("event: {StatusHealthy main}", 4);
    assert_eq!(pilot.count("request, 2 running"), 0, "{}", pilot.log());
}

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
