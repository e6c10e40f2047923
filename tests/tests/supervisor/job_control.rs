//! Jobs at run time over the control socket: maintenance, start and stop by a person, lines, health. v3 spec 5.9 and 8; defect 3;
//! wishes A13.

use std::io::{Read, Write};
use std::process::Command;

use nix::sys::signal::Signal;
use pilot_tests::pilot::jobs;
use pilot_tests::{Consul, Pilot, SOON, fixture, ports, processes, tools, until};
use serde_json::{Value, json};

const DIR: &str = "{{ .PILOT_TEST_DIR }}";

/// One job that runs for ever and says so.
fn main_job() -> Value {
    json!({ "name": "main", "exec": [fixture(), "say", "main runs", "forever"] })
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

// 12.1, defect 3: in v3 a service never came back.
#[test]
fn maintenance_takes_the_service_out_of_consul_keeps_it_running_and_brings_it_back() {
    let consul = Consul::start();
    let mut config = jobs(json!([
        { "name": "app", "exec": [fixture(), "say", "app runs", "forever"], "port": ports::free(), "interfaces": "lo",
          "health": { "exec": [fixture(), "mark", format!("{DIR}/checks")], "interval": 1, "ttl": 10 } },
        { "name": "early", "exec": [fixture(), "forever"], "port": ports::free(), "interfaces": "lo", "initial_status": "passing",
          "health": { "exec": "/bin/true", "interval": 1, "ttl": 10 } },
        { "name": "clock", "exec": [fixture(), "mark", format!("{DIR}/clock")], "when": { "interval": "500ms" } },
        { "name": "entered", "exec": [fixture(), "say", "hook entered"], "when": { "source": "global", "each": "enterMaintenance" } },
        { "name": "left", "exec": [fixture(), "say", "hook left"], "when": { "source": "global", "each": "exitMaintenance" } },
    ]));
    config["consul"] = json!(consul.address());
    let mut pilot = Pilot::run_as_pid_1(&config);
    consul.wait_for_passing("app", 1);
    consul.wait_for_passing("early", 1);
    let pid = pilot.child_running("app runs");
    for round in 1..=2 {
        pilot.asked(&["-maintenance", "enable"]);
        until("both to be out of the catalog", SOON, || consul.services().is_empty().then_some(()));
        pilot.wait_for_count("hook entered", round);
        assert_eq!(pilot.job("app")["health"], "maintenance");
        // Asked a second time nothing changes, as in v3 the event is there each time.
        pilot.asked(&["maintenance", "enable"]);
        let checks = pilot.marks("checks").len();
        let ticks = pilot.marks("clock").len();
        pilot.wait_for_marks("clock", ticks + 5);
        assert!(pilot.marks("checks").len() <= checks + 1, "checks are suspended");
        assert!(consul.services().is_empty(), "and nothing brings it back");
        pilot.asked(&["-maintenance", "disable"]);
        consul.wait_for_passing("app", 1);
        consul.wait_for_passing("early", 1);
        pilot.wait_for_count("hook left", round);
        assert_eq!(pilot.child_running("app runs"), pid, "the process ran on");
    }
    assert_eq!(pilot.count_events("Stopping app"), 0);
    assert_eq!(pilot.stop(), 0);
}

#[test]
fn a_person_stops_starts_and_restarts_a_job_and_the_container_goes_on() {
    let consul = Consul::start();
    let mut config = jobs(json!([
        { "name": "app", "exec": [fixture(), "mark", format!("{DIR}/runs"), "on-term", format!("{DIR}/term"), "0", "0", "forever"],
          "critical": true, "restarts": 1, "port": ports::free(), "interfaces": "lo",
          "health": { "exec": "/bin/true", "interval": 1, "ttl": 10 } },
        { "name": "preStop", "exec": [fixture(), "say", "pre-stop ran"], "when": { "source": "app", "once": "stopping" } },
    ]));
    config["consul"] = json!(consul.address());
    let mut pilot = Pilot::run_as_pid_1(&config);
    consul.wait_for_passing("app", 1);
    let first = pilot.job("app");
    assert_eq!((text_of(&first["state"]), &first["runs"]), ("running", &json!(1)));

    assert_eq!(pilot.asked(&["restart", "app"]), "restarting app\n");
    pilot.wait_for_marks("runs", 2);
    let again = pilot.job("app");
    assert_eq!((text_of(&again["state"]), &again["restartsLeft"]), ("running", &json!(1)), "no restart was used up");
    assert_eq!(consul.passing("app"), 1, "a restart leaves the catalog alone");
    assert_eq!(pilot.count("pre-stop ran"), 0);

    assert_eq!(pilot.asked(&["stop", "app"]), "app is down (exit status 0)\n");
    assert_eq!(pilot.marks("term").len(), 2);
    assert_eq!(pilot.count("pre-stop ran"), 1, "a stop has its hooks\n{}", pilot.log());
    assert!(consul.services().is_empty(), "a stop takes the service out of the catalog");
    assert_eq!(text_of(&pilot.job("app")["state"]), "stopped");
    assert_eq!(pilot.asked(&["stop", "app"]), "app is down (exit status 0)\n", "asked twice is asked once");
    assert!(!pilot.ended(), "neither its end nor that of a critical job ends pilot");

    assert_eq!(pilot.asked(&["start", "app"]), "starting app\n");
    pilot.wait_for_marks("runs", 3);
    consul.wait_for_passing("app", 1);
    assert_eq!(pilot.asked(&["start", "app"]), "app is already running\n");
    pilot.wait_for("starting app: asked by a person over the control socket");
    assert_eq!(pilot.stop(), 0);
    assert_eq!(pilot.count("pre-stop ran"), 2, "the hook is there for the next stop, too");
    assert_eq!(pilot.marks("runs").len(), 3);
}

#[test]
fn jobs_are_shown_as_a_table_and_as_json() {
    let mut pilot = Pilot::run(&jobs(json!([
        main_job(),
        { "name": "my job", "exec": [fixture(), "exit", "3"], "when": { "source": "SIGHUP" } },
    ])));
    pilot.wait_for("main runs");
    pilot.signal(Signal::SIGHUP);
    pilot.wait_for("my job exited with error: exit status 3");
    let table = pilot.asked(&["jobs"]);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(
        lines[0].split_whitespace().collect::<Vec<_>>(),
        ["JOB", "STATE", "SINCE", "PID", "HEALTH", "RESTARTS", "LAST", "EXIT"]
    );
    assert!(lines[1].starts_with("main    running"), "{table}");
    assert!(lines[2].starts_with("my job  idle") && lines[2].ends_with("exit status 3"), "{table}");
    let all: Value = serde_json::from_str(&pilot.asked(&["jobs", "--json"])).unwrap();
    let main = &all[0];
    assert_eq!((text_of(&main["name"]), text_of(&main["state"])), ("main", "running"));
    let pid = i32::try_from(main["pid"].as_i64().unwrap()).unwrap();
    assert_eq!(processes::stat(pid).map(|stat| stat.parent), Some(pilot.pid()));
    assert_eq!(pilot.job("my job")["lastExit"], "exit status 3", "names are escaped on the way");
    let asked = pilot.ask(&["jobs", "nope"]);
    assert_eq!((asked.code, asked.err.as_str()), (1, "pilot jobs: there is no job \"nope\": there are main, my job\n"));
}

#[test]
fn a_signal_reaches_the_whole_group_of_a_job() {
    let record = |name: &str| format!("{DIR}/{name}");
    let mut pilot = Pilot::run(&jobs(json!([
        { "name": "app", "exec": [fixture(), "record", record("parent"), "background", "record", record("child"), "say", "both record", "forever"] },
        { "name": "idle", "exec": "/bin/true", "when": { "source": "SIGHUP" } },
    ])));
    pilot.wait_for("both record");
    assert_eq!(pilot.asked(&["signal", "app", "usr1"]), "sent SIGUSR1 to app\n");
    for file in ["parent", "child"] {
        pilot.wait(&format!("SIGUSR1 in {file}"), SOON, |pilot| {
            pilot.scratch.lines(file).contains(&"SIGUSR1".into()).then_some(())
        });
    }
    let refusals = [
        (
            ["signal", "app", "NOPE"],
            "\"NOPE\" is not a signal: write its name, such as HUP, USR1 or TERM, or its number",
        ),
        (["signal", "idle", "HUP"], "idle has no process to signal"),
    ];
    for (words, text) in refusals {
        let asked = pilot.ask(&words);
        assert_eq!((asked.code, asked.err.as_str()), (1, format!("pilot signal: {text}\n").as_str()));
    }
}

#[test]
fn the_last_lines_of_a_job_can_be_read_and_followed() {
    let go = format!("{DIR}/go");
    let mut config = jobs(json!([
        { "name": "app", "exec": [fixture(), "lines", "500", "20", "cry", "from stderr", "until", go, "say", "after", "forever"] },
        { "name": "raw", "exec": [fixture(), "forever"], "logging": { "raw": true } },
        { "name": "tty-less", "exec": [fixture(), "forever"] },
    ]));
    // The level hides the lines in the log, not here.
    config["logging"]["level"] = json!("WARN");
    let mut pilot = Pilot::run(&config);
    let asked = pilot.wait("the last line", SOON, |pilot| {
        let asked = pilot.ask(&["logs", "app", "-n", "3"]);
        asked.out.contains("from stderr").then_some(asked.out)
    });
    assert_eq!(asked.lines().count(), 3, "{asked}");
    assert!(asked.contains("00000499 "), "{asked}");
    assert_eq!(pilot.asked(&["logs", "app"]).lines().count(), 20);
    let all = pilot.asked(&["logs", "app", "-n", "100000"]);
    assert!(all.len() <= 16 * 1024, "bounded: {}", all.len());
    assert_eq!(pilot.asked(&["logs", "tty-less"]), "", "nothing yet");

    let mut stream = pilot.connection();
    stream.write_all(b"GET /v3/jobs/app/logs?lines=1&follow=true HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    pilot.scratch.write("go", "");
    let mut got = String::new();
    let mut buffer = [0; 4096];
    while !got.contains("{\"line\":\"after\"}") {
        let read = stream.read(&mut buffer).expect("the line comes");
        assert_ne!(read, 0, "{got}");
        got.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    let asked = pilot.ask(&["logs", "raw"]);
    assert_eq!(asked.code, 1);
    assert!(asked.err.contains("its output is raw and bypasses pilot"), "{}", asked.err);
}

#[test]
fn following_ends_with_pilot() {
    let mut pilot = Pilot::run(&jobs(json!([main_job()])));
    pilot.wait_for("main runs");
    let socket = pilot.socket().display().to_string();
    let mut follower = Command::new(tools::pilot())
        .args(["logs", "main", "--follow", "--socket", &socket])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = [0; 10];
    follower.stdout.as_mut().unwrap().read_exact(&mut line).unwrap();
    assert_eq!(&line, b"main runs\n");
    assert_eq!(pilot.stop(), 0);
    let status = until("the follower to end", SOON, || follower.try_wait().unwrap());
    assert_eq!(status.code(), Some(1));
}

#[test]
fn pilot_health_is_an_exit_code_for_those_who_watch_the_container() {
    let mut pilot = Pilot::run_as_pid_1(&jobs(json!([
        { "name": "app", "exec": [fixture(), "forever"],
          "health": { "exec": [fixture(), "exit-from", format!("{DIR}/health")], "interval": 1, "ttl": 5 } },
        { "name": "late", "exec": [fixture(), "forever"], "when": { "source": "app", "once": "unhealthy" },
          "health": { "exec": "/bin/true", "interval": 1, "ttl": 5 } },
    ])));
    pilot.wait_for_event("StatusHealthy app");
    let asked = pilot.ask(&["health"]);
    assert_eq!((asked.code, asked.out.as_str()), (0, "healthy: late has not started yet\n"));
    let asked = pilot.ask(&["health", "--ready"]);
    assert_eq!((asked.code, asked.out.as_str()), (1, "not ready: late has not started yet\n"));
    pilot.asked(&["start", "late"]);
    pilot.wait_for_event("StatusHealthy late");
    let asked = pilot.ask(&["health", "--ready"]);
    assert_eq!((asked.code, asked.out.as_str()), (0, "ready\n"));

    pilot.scratch.write("health", "1");
    pilot.wait_for_event("StatusUnhealthy app");
    let asked = pilot.ask(&["health"]);
    assert_eq!((asked.code, asked.out.as_str(), asked.err.as_str()), (1, "not healthy: app is unhealthy\n", ""));
    let report: Value = serde_json::from_str(&pilot.ask(&["health", "--json"]).out).unwrap();
    assert_eq!((&report["healthy"], text_of(&report["jobs"][0]["readiness"])), (&json!(false), "failing"));
    assert_eq!(pilot.control("GET", "/v3/health", "").unwrap().status, 503);
}
