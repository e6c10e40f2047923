//! The control socket and its clients. v3 spec 1.1 to 1.3 and 8; defects 18 and 23; reliability.md, section 2, case 57.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use pilot_tests::control::{client, run};
use pilot_tests::pilot::jobs;
use pilot_tests::{Pilot, Scratch, fixture, tools};
use serde_json::{Value, json};

const DIR: &str = "{{ .PILOT_TEST_DIR }}";

/// One job that runs for ever and says so.
fn main_job() -> Value {
    json!({ "name": "main", "exec": [fixture(), "say", "main runs", "forever"] })
}

fn served(config: &Value) -> Pilot {
    let mut pilot = Pilot::run(config);
    pilot.wait_for("control: serving at ");
    pilot
}

#[test]
fn every_flag_of_v3_asks_the_running_pilot_also_where_it_is_pid_1() {
    let config = jobs(json!([main_job()]));
    let mut pilot = Pilot::run_as_pid_1(&config);
    pilot.wait_for("main runs");
    let file = pilot.scratch.write("client.json5", &json!({ "control": { "socket": pilot.socket() } }).to_string());
    let ask = |words: &[&str]| client(&[&["-config", &file], words].concat());
    assert_eq!((ask(&["-ping"]).code, ask(&["--ping"]).out), (0, "ok\n".into()));
    for words in [
        &["-maintenance", "enable"][..],
        &["--maintenance=disable"],
        &["-putenv", "A=1", "-putenv", "B=x=y"],
        &["-putmetric", "some_counter=42"],
    ] {
        let asked = ask(words);
        assert_eq!((asked.code, asked.out, asked.err), (0, String::new(), String::new()), "{words:?}");
    }
    pilot.wait_for_event("EnterMaintenance global");
    pilot.wait_for_event("ExitMaintenance global");
    pilot.wait_for("event: {Metric some_counter|42}");
}

// 12.1, defect 23: v3's client validated the whole file, and failed although the pilot that runs is fine.
#[test]
fn the_client_works_while_the_file_on_disk_has_a_mistake() {
    let mut pilot = served(&jobs(json!([main_job()])));
    let broken = format!("{{ control: {{ socket: '{}' }}, jobs: [ {{ nme: 'x', exec }}, ] ", pilot.socket().display());
    let file = pilot.scratch.write("broken.json5", &broken);
    for words in [&["-ping"][..], &["-putenv", "A=1"], &["-putmetric", "m=1"], &["-maintenance", "disable"]] {
        let asked = client(&[&["-config", &file], words].concat());
        assert_eq!((asked.code, asked.err), (0, String::new()), "{words:?}");
    }
    let asked = run(Command::new(tools::pilot()).arg("-ping").env("CONTAINERPILOT", &file).env_remove("PILOT_SOCKET"));
    assert_eq!((asked.code, asked.out.as_str()), (0, "ok\n"), "{}", asked.err);
    pilot.wait_for("event: {Metric m|1}");
}

// 1.3: as PID 1 v3 gave 0 for everything, and it ignored what the server answered.
#[test]
fn a_client_that_fails_says_why_and_exits_with_1_also_as_pid_1() {
    let scratch = Scratch::new();
    let nowhere = scratch.file("nowhere.socket");
    for words in
        [&["-ping"][..], &["-putenv", "A=1"], &["-maintenance", "enable"], &["-reload"], &["jobs"], &["health"]]
    {
        let asked = client(&[words, &["--socket", &nowhere]].concat());
        assert_eq!((asked.code, asked.out.as_str()), (1, ""), "{words:?}");
        let want = format!("there is no control socket {nowhere}: is pilot running in this container?");
        assert!(asked.err.contains(&want), "{}", asked.err);
    }
    let words =
        ["--pid", "--fork", "--mount-proc", "--kill-child", "--", &tools::pilot(), "-ping", "--socket", &nowhere];
    assert_eq!(run(Command::new("unshare").args(words)).code, 1);

    let dead = scratch.file("dead.socket");
    drop(std::os::unix::net::UnixListener::bind(&dead).unwrap());
    let asked = client(&["-ping", "--socket", &dead]);
    assert_eq!(asked.code, 1);
    assert!(asked.err.contains("the pilot that created it has ended"), "{}", asked.err);
}

// A v3 client waited for ever.
#[test]
fn a_client_does_not_wait_for_a_pilot_that_says_nothing() {
    let scratch = Scratch::new();
    let silent = scratch.file("silent.socket");
    let _listener = std::os::unix::net::UnixListener::bind(&silent).unwrap();
    let asked = client(&["-ping", "--socket", &silent]);
    assert_eq!(asked.code, 1);
    assert!(asked.err.contains("did not answer within 10 s"), "{}", asked.err);
}

// 1.1: v3 took every word but `enable` for `disable`.
#[test]
fn a_mistyped_maintenance_is_wrong_usage_and_changes_nothing() {
    let pilot = served(&jobs(json!([main_job()])));
    for word in ["enabel", "Enable", "off"] {
        let asked = pilot.ask(&["-maintenance", word]);
        assert_eq!(asked.code, 2, "{word}");
        assert!(asked.err.contains("enable, disable"), "{}", asked.err);
    }
    assert_eq!(pilot.count_events("ExitMaintenance global") + pilot.count_events("EnterMaintenance global"), 0);
}

#[test]
fn a_job_reaches_its_pilot_without_being_told_anything() {
    let call = json!({ "name": "call", "exec": [tools::pilot(), "-putmetric", "from_job=7"] });
    let mut pilot = Pilot::with(&jobs(json!([main_job(), call]))).without_env("CONTAINERPILOT").start();
    pilot.wait_for("event: {Metric from_job|7}");
    pilot.wait_for_event("ExitSuccess call");
}

#[test]
fn v3s_endpoints_answer_by_hand_as_in_v3() {
    let pilot = served(&jobs(json!([main_job()])));
    let rows = [
        ("GET", "/v3/ping", "", 200, "\n"),
        ("POST", "/v3/ping", "", 200, "\n"),
        ("POST", "/v3/environ", r#"{"A": "1", "B": null}"#, 200, "\n"),
        ("POST", "/v3/metric", r#"{"m": 1000000}"#, 200, "\n"),
        ("POST", "/v3/metric", r#"{"m": ["not a number"]}"#, 200, "\n"),
        ("POST", "/v3/maintenance/enable", "", 200, "\n"),
        ("POST", "/v3/maintenance/disable", "ignored", 200, "\n"),
        ("GET", "/v3/environ", "", 405, "Method Not Allowed\n"),
        ("GET", "/v3/reload", "", 405, "Method Not Allowed\n"),
        ("POST", "/v3/env", "", 404, "404 page not found\n"),
    ];
    for (method, path, body, status, want) in rows {
        let answer = pilot.control(method, path, body).unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (status, want), "{method} {path}");
        assert!(answer.head.to_lowercase().contains("connection: close"), "keep-alive is off: {}", answer.head);
    }
    for body in ["", "[]", r#"{"A": 1}"#, r#"{"A": "1", "B": 2}"#] {
        assert_eq!(pilot.control("POST", "/v3/environ", body).unwrap().status, 422, "{body}");
    }
    let long = format!(r#"{{"A": "{}"}}"#, "x".repeat(1 << 20));
    // The answer may come, or the connection break, before all of it is sent.
    let _ = pilot.control("POST", "/v3/environ", &long);
    assert_eq!(pilot.control("GET", "/v3/ping", "").unwrap().status, 200, "bodies are bounded");
}

// v3 spec 8, environ: later children, the running ones not.
#[test]
fn putenv_is_for_the_children_that_are_started_from_then_on() {
    let says = |variable: &str| json!({ "name": variable, "exec": [fixture(), "env", variable], "when": { "source": "SIGHUP" } });
    let mut pilot = served(&jobs(json!([main_job(), says("ONE"), says("TWO"), says("NOTHING")])));
    pilot.signal(Signal::SIGHUP);
    pilot.wait_for("ONE is unset");
    pilot.asked(&["putenv", "ONE=1=one", "TWO=", "NOTHING=x"]);
    let answer = pilot.control("POST", "/v3/environ", r#"{"NOTHING": null}"#).unwrap();
    assert_eq!(answer.status, 200);
    pilot.signal(Signal::SIGHUP);
    pilot.wait_for(" ONE=1=one");
    pilot.wait_for(" TWO=");
    pilot.wait_for(" NOTHING=");
    assert_eq!(pilot.count("NOTHING=x"), 0, "null is empty text");
}

#[test]
fn putenv_sets_nothing_that_loads_code_into_programs_and_can_be_forbidden() {
    let mut config = jobs(
        json!([main_job(), { "name": "say", "exec": [fixture(), "env", "GOOD"], "when": { "source": "SIGHUP" } }]),
    );
    let mut pilot = served(&config);
    for name in ["LD_PRELOAD", "LD_LIBRARY_PATH", "GLIBC_TUNABLES", "BASH_ENV"] {
        let asked = pilot.ask(&["putenv", "GOOD=1", &format!("{name}=/tmp/x.so")]);
        assert_eq!(asked.code, 1, "{name}");
        assert!(asked.err.contains(&format!("{name} changes how programs are loaded")), "{}", asked.err);
        let body = json!({ "GOOD": "1", name: "x" }).to_string();
        assert_eq!(pilot.control("POST", "/v3/environ", &body).unwrap().status, 422, "{name}");
    }
    pilot.signal(Signal::SIGHUP);
    pilot.wait_for("GOOD is unset");

    config["control"] = json!({ "socket": format!("{DIR}/control.socket"), "putenv": false });
    let pilot = served(&config);
    let asked = pilot.ask(&["-putenv", "GOOD=1"]);
    assert_eq!(asked.code, 1);
    assert!(asked.err.contains("the configuration forbids it"), "{}", asked.err);
}

#[test]
fn the_socket_is_its_owners_alone_whatever_the_umask_and_gone_after_the_stop() {
    for mask in ["0000", "0022", "0777"] {
        let script = format!("umask {mask}; exec \"$@\"");
        let mut pilot = Pilot::with(&jobs(json!([main_job()]))).through(&["sh", "-c", &script, "sh"]).start();
        pilot.wait_for("main runs");
        let found = fs::symlink_metadata(pilot.socket()).unwrap();
        assert!(found.file_type().is_socket());
        assert_eq!(found.permissions().mode() & 0o7777, 0o600, "umask {mask}");
        assert_eq!(pilot.stop(), 0);
        assert!(!pilot.socket().exists());
    }
}

// v3 deletes whatever is there.
#[test]
fn what_is_not_a_control_socket_is_left_alone_and_pilot_does_not_start() {
    for (what, target) in [
        ("a file", None),
        ("a folder", None),
        ("a symbolic link", Some("/etc/hostname")),
        ("a symbolic link", Some("/nowhere")),
    ] {
        let scratch = Scratch::new();
        let path = scratch.path().join("control.socket");
        match (what, target) {
            (_, Some(target)) => symlink(target, &path).unwrap(),
            ("a folder", None) => fs::create_dir(&path).unwrap(),
            (_, None) => fs::write(&path, "precious").unwrap(),
        }
        let mut config = jobs(json!([main_job()]));
        config["control"] = json!({ "socket": path });
        let mut pilot = Pilot::run(&config);
        assert_eq!(pilot.exit_code(), 1, "{what}");
        let sentence = format!("{} is {what}, not a control socket, and is left alone", path.display());
        assert_eq!(pilot.count(&sentence), 1, "{}", pilot.log());
        assert_eq!(pilot.count("main runs"), 0, "nothing was started");
        assert!(fs::symlink_metadata(&path).is_ok());
    }
}

#[test]
fn the_socket_of_a_pilot_that_was_killed_is_replaced() {
    let scratch = Scratch::new();
    let path = scratch.path().join("control.socket");
    let mut config = jobs(json!([main_job()]));
    config["control"] = json!({ "socket": path });
    let mut first = Pilot::run(&config);
    first.wait_for("main runs");
    first.signal(Signal::SIGKILL);
    first.exit_code();
    assert!(path.exists());
    let mut second = Pilot::run(&config);
    second.wait_for("main runs");
    assert_eq!(client(&["-ping", "--socket", &path.display().to_string()]).out, "ok\n");
    assert_eq!(second.stop(), 0);
}

// v3 takes the socket away from the pilot that serves it. Its ten attempts, a second apart, are kept.
#[test]
fn the_socket_of_a_live_pilot_is_waited_for_before_anything_is_started() {
    let scratch = Scratch::new();
    let path = scratch.path().join("control.socket");
    let mut config = jobs(json!([main_job()]));
    config["control"] = json!({ "socket": path });
    let mut first = Pilot::run(&config);
    first.wait_for("main runs");
    let mut second = Pilot::run(&config);
    second.wait_for(&format!("another process serves the control socket {}", path.display()));
    let mut third = Pilot::run(&config);
    third.wait_for("trying again");
    assert_eq!(third.stop(), 0, "a stop ends the wait");
    assert_eq!(client(&["-ping", "--socket", &path.display().to_string()]).code, 0, "the first one still serves");
    assert_eq!(second.count("main runs") + third.count("main runs"), 0);
    assert_eq!(first.stop(), 0);
    second.wait_for("main runs");
    assert!(path.exists(), "the first one's stop did not take the second one's socket away");
    assert_eq!(second.stop(), 0);
}

#[test]
fn a_socket_that_nobody_asked_for_and_that_cannot_be_made_is_a_warning() {
    let config = json!({ "logging": { "level": "DEBUG" }, "jobs": [main_job()] }).to_string();
    let words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let mut pilot = Pilot::with_text(&config).through(&words).start();
    pilot.wait_for("pilot goes on without a control socket");
    pilot.wait_for("main runs");
    assert_eq!(pilot.stop(), 0);
}

#[test]
fn another_user_is_not_heard_even_where_the_sockets_mode_was_changed() {
    let mut pilot = served(&jobs(json!([main_job()])));
    fs::set_permissions(pilot.socket(), fs::Permissions::from_mode(0o666)).unwrap();
    let socket = pilot.socket().display().to_string();
    let program = pilot.scratch.file("pilot");
    fs::copy(tools::pilot(), &program).unwrap();
    let words = ["--reuid=65534", "--regid=65534", "--clear-groups", &program, "-putenv", "A=1", "--socket", &socket];
    let asked = run(Command::new("setpriv").args(words));
    assert_eq!(asked.code, 1);
    assert!(asked.err.contains("user 65534 may not use the control socket: only root and user 0 may"), "{}", asked.err);
    pilot.wait_for("control: user 65534 may not use the control socket");
    assert_eq!(pilot.asked(&["ping"]), "ok\n");
}

// 12.1, defect 18: v3 hung when a client's connection was open for more than 600 ms.
#[test]
fn open_connections_of_clients_do_not_hold_up_the_stop() {
    let mut pilot = Pilot::run_as_pid_1(&jobs(json!([main_job()])));
    pilot.wait_for("main runs");
    let mut clients = Vec::new();
    // More than pilot serves at one time.
    for number in 0..50 {
        let mut stream = pilot.connection();
        let said = ["", "POST /v3/environ HT", "POST /v3/environ HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"]
            [number % 3];
        stream.write_all(said.as_bytes()).unwrap();
        clients.push(stream);
    }
    let mut follower = pilot.connection();
    follower.write_all(b"GET /v3/jobs/main/logs?follow=true HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let began = Instant::now();
    assert_eq!(pilot.stop(), 0);
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    assert!(!pilot.socket().exists());
}
