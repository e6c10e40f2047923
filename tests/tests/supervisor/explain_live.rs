//! A running pilot explains itself: why a job waits or runs, and what has happened.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;
use pilot_tests::pilot::jobs;
use pilot_tests::{Pilot, fixture};
use serde_json::{Value, json};

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

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
    assert!(never.starts_with("never: waiting for "), "{never}");
    let reason = "waiting for event healthy of main (not seen yet): it never comes, because \"main\" has no health check that could pass or fail";
    assert!(never.contains(reason), "{never}");

    let after = pilot.asked(&["why", "after"]);
    let over = "waiting for event exitSuccess of setup (not seen yet): setup has ended without emitting this event (exit status 3)";
    assert!(after.contains(over), "{after}");

    let then: Value = serde_json::from_str(&pilot.asked(&["why", "then", "--json"])).unwrap();
    assert_eq!(then["job"]["state"], "running");
    let story: Vec<&str> = then["story"].as_array().unwrap().iter().filter_map(|step| step["text"].as_str()).collect();
    assert_eq!(story.len(), 5, "{story:?}");
    assert_eq!(story[0..2], ["then was started", "event exitFailed of setup"]);
    assert!(story[2].starts_with("setup ended after") && story[2].ends_with("exit status 3"), "{story:?}");
    assert_eq!(story[3..], ["setup was started", "event startup of global"]);
    assert_eq!(then["story"][4]["because"], "pilot started");
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
    assert!(named("restart of main was requested")["because"].as_str().unwrap().contains("control socket"));
    let text = pilot.asked(&["events", "-n", "1"]);
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[test]
fn who_follows_sees_what_happens_and_the_history_outlasts_a_reload() {
    let mut pilot = Pilot::run(&jobs(json!([
        { "name": "main", "exec": [fixture(), "say", "main runs", "forever"] },
        { "name": "old", "exec": [fixture(), "say", "old runs", "forever"] },
    ])));
    pilot.wait_for("main runs");
    pilot.wait_for("old runs");
    let mut stream = BufReader::new(pilot.connection());
    stream.get_mut().write_all(b"GET /v3/events?lines=1&follow=true HTTP/1.1\r\nHost: control\r\n\r\n").unwrap();
    let mut told = Vec::new();
    let mut see = |what: &str| {
        while !told.iter().any(|event: &Value| event["text"] == what) {
            let mut line = String::new();
            assert!(stream.read_line(&mut line).unwrap() > 0, "the stream ended before {what:?}: {told:?}");
            told.extend(serde_json::from_str(line.trim()).ok().filter(Value::is_object));
        }
        told.clone()
    };
    assert_eq!(see("old was started").len(), 1, "the last one, as asked");
    pilot.rewrite(&jobs(json!([
        { "name": "main", "exec": [fixture(), "say", "main runs", "forever"] },
        { "name": "new", "exec": [fixture(), "say", "new runs", "forever"] },
    ])));
    pilot.asked(&["reload"]);
    let seen = see("new was started");
    let of = |text: &str| seen.iter().find(|event| event["text"] == text).unwrap_or_else(|| panic!("{text}: {seen:?}"));
    let reload = of("a reload was requested");
    assert_eq!(of("new was started")["cause"], reload["id"]);
    assert_eq!(of("event stopping of old")["cause"], reload["id"]);
    let ids: Vec<u64> = seen.iter().filter_map(|event| event["id"].as_u64()).collect();
    assert!(ids.windows(2).all(|pair| pair[1] == pair[0] + 1), "each once and in order: {ids:?}");

    let all = read(&pilot.asked(&["events", "-n", "1000", "--json"]));
    assert!(all.as_array().unwrap().iter().any(|event| event["text"] == "old was started"), "of a job that is gone");
    let why = read(&pilot.asked(&["why", "main", "--json"]));
    assert_eq!(why["story"][1]["text"], "event startup of global");
    assert!(pilot.asked(&["why", "new"]).contains("because"), "a person's reload");
}

/// The client's own `--follow`: it prints lines for people, and ends when pilot does. The job stops when the test has
/// read what it waits for: what happens in pilot's last moment may not be sent any more.
#[test]
fn the_client_follows_until_pilot_ends() {
    let mut pilot = Pilot::run(&json!({
        "consul": false,
        "logging": { "level": "DEBUG" },
        "stopTimeout": 60,
        "jobs": [{ "name": "main", "exec": [fixture(), "ignore", "15", "say", "main runs", "until", "{{ .PILOT_TEST_DIR }}/read"] }],
    }));
    pilot.wait_for("main runs");
    let mut client = Command::new(pilot_tests::tools::pilot())
        .args(["events", "-f", "--socket"])
        .arg(pilot.socket())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(client.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("main was started")));
    pilot.signal(Signal::SIGTERM);
    let stop = lines.find(|line| line.contains("event shutdown of global"));
    assert!(stop.as_ref().is_some_and(|line| line.contains("(cause: pilot was asked to stop)")), "{stop:?}");
    fs::write(pilot.scratch.path().join("read"), "").unwrap();
    assert_eq!(pilot.exit_code(), 0);
    assert_eq!(client.wait().unwrap().code(), Some(1));
}

#[test]
fn an_unknown_job_is_answered_with_the_nearest_known_one() {
    let mut pilot = Pilot::run(&jobs(json!([
        { "name": "main", "exec": [fixture(), "say", "main runs", "forever"] },
    ])));
    pilot.wait_for("main runs");
    let asked = pilot.ask(&["why", "mian"]);
    let want = "pilot why: there is no job \"mian\" (did you mean \"main\"?): there are main\n";
    assert_eq!((asked.code, asked.err.as_str()), (1, want));
    let asked = pilot.ask(&["events", "-n", "many"]);
    assert_eq!(asked.code, 2, "{}", asked.err);
    let answer = pilot.control("GET", "/v3/events?from=1", "").unwrap();
    assert_eq!(answer.status, 422, "{answer:?}");
}

#[test]
fn status_shows_jobs_services_watches_and_what_comes_next() {
    let mut pilot = Pilot::run(&json!({
        "consul": false,
        "logging": { "level": "DEBUG" },
        "watches": [{ "name": "db", "tcp": "127.0.0.1:1", "interval": 1 }],
        "jobs": [
            { "name": "main", "exec": [fixture(), "say", "main runs", "forever"], "port": 8080,
              "interfaces": ["static:127.0.0.1"], "health": { "exec": [fixture(), "exit", "0"], "interval": 1, "ttl": 9 } },
            { "name": "hourly", "exec": [fixture(), "exit", "0"], "when": { "interval": "1h" } },
            { "name": "late", "exec": [fixture(), "forever"], "when": { "source": "main", "once": "exitFailed", "timeout": "2h" } },
        ],
    }));
    pilot.wait_for("main runs");
    pilot.wait_for_event("StatusHealthy main");
    let status = read(&pilot.asked(&["status", "--json"]));
    assert_eq!(status["pid"], pilot.pid());
    let states: Vec<_> = status["jobs"].as_array().unwrap().iter().map(|job| job["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["running", "idle", "waiting"]);
    assert_eq!(status["services"][0]["address"], "127.0.0.1:8080");
    assert_eq!(status["services"][0]["health"], "healthy");
    assert_eq!(status["watches"][0]["name"], "db");
    let next: Vec<_> = status["next"].as_array().unwrap().iter().map(|next| next["text"].as_str().unwrap()).collect();
    let want = ["main is checked", "hourly runs (`when.interval`)", "late gives up waiting to start (`when.timeout`)"];
    assert_eq!(next, want);
    let text = pilot.asked(&["status"]);
    assert!(text.starts_with("pilot ") && text.contains("\nSERVICE ") && text.contains("\nWATCH "), "{text}");
    pilot.asked(&["maintenance", "enable"]);
    pilot.wait_for_event("EnterMaintenance global");
    assert_eq!(read(&pilot.asked(&["status", "--json"]))["maintenance"], true);
    let hourly = pilot.asked(&["why", "hourly"]);
    assert!(hourly.contains("in 59m") && hourly.contains("hourly runs (`when.interval`)"), "{hourly}");
}

/// The plan in force, not the file: a job that a reload has brought is in it, one that it has removed is not.
#[test]
fn the_graph_of_a_running_pilot_has_the_states_of_its_jobs_and_watches_in_every_form() {
    let db = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = db.local_addr().unwrap().to_string();
    let config = |last: &str| {
        json!({
            "consul": false,
            "logging": { "level": "DEBUG" },
            "watches": [{ "name": "db", "tcp": address, "interval": 1 }],
            "jobs": [
                { "name": "setup", "exec": [fixture(), "exit", "3"] },
                { "name": "main", "exec": [fixture(), "say", "main runs", "forever"],
                  "health": { "exec": [fixture(), "exit", "0"], "interval": 1, "ttl": 9 } },
                { "name": last, "exec": [fixture(), "forever"], "when": { "source": "setup", "once": "exitSuccess" } },
            ],
        })
    };
    let mut pilot = Pilot::run(&config("late"));
    pilot.wait_for("main runs");
    pilot.wait_for_event("StatusHealthy main");
    pilot.wait_for_event("StatusHealthy watch.db");
    pilot.wait_for_event("Stopped setup");

    let text = pilot.asked(&["graph", "--live"]);
    let line = |name: &str| {
        text.lines().find(|line| line.trim_start().starts_with(name)).unwrap_or_else(|| panic!("{name}: {text}"))
    };
    assert!(line("setup").contains("ended ") && line("setup").contains("ago, last: exit status 3"), "{text}");
    assert!(line("main").contains("running for ") && line("main").contains("healthy; check exec 1s"), "{text}");
    assert!(line("late").contains("once setup exitSuccess") && line("late").contains("waiting for "), "{text}");
    assert!(line("watch.db").contains(", healthy for "), "{text}");

    let mermaid = pilot.asked(&["graph", "--live", "--format", "mermaid"]);
    assert!(
        mermaid.starts_with("flowchart LR\n") && mermaid.contains(":::well") && mermaid.contains(":::unwell"),
        "{mermaid}"
    );
    let dot = pilot.asked(&["graph", "--live", "--format", "dot"]);
    assert!(dot.starts_with("digraph pilot {") && dot.contains("ago, last: exit status 3\""), "{dot}");
    let json: serde_json::Value = serde_json::from_str(&pilot.asked(&["graph", "--live", "--json"])).unwrap();
    assert_eq!((&json["jobs"][0]["name"], &json["jobs"][0]["now"]["mood"]), (&json!("setup"), &json!("unwell")));
    let svg = pilot.control("GET", "/v3/graph?format=svg", "").unwrap();
    assert!(svg.body.starts_with("<svg ") && svg.body.contains("<g class=\"well\">"), "{svg:?}");

    pilot.rewrite(&config("new"));
    pilot.asked(&["reload"]);
    let after = pilot.asked(&["graph", "--live"]);
    assert!(after.contains("\n  new ") && !after.contains("late"), "{after}");

    let answer = pilot.control("GET", "/v3/graph?format=png", "").unwrap();
    assert_eq!(answer.status, 422, "{answer:?}");
    assert_eq!(pilot.control("POST", "/v3/graph", "").unwrap().status, 405);
    assert_eq!(pilot.ask(&["graph", "--live", "file"]).code, 2);
}

/// The last lines of a job are in it although it ended in the same moment; whatever the format of the log, it is JSON.
#[test]
fn before_pilot_exits_with_a_failure_the_last_line_says_how_all_ended() {
    for format in ["default", "json", "text"] {
        let mut pilot = Pilot::run(&json!({
            "consul": false,
            "logging": { "level": "INFO", "format": format },
            "jobs": [
                { "name": "main", "critical": true, "exec": [fixture(), "cry", "\"cannot <go> on\"", "exit", "3"],
                  "when": { "source": "other", "once": "healthy" } },
                { "name": "other", "exec": [fixture(), "say", "other runs", "forever"],
                  "health": { "exec": [fixture(), "exit", "0"], "interval": 1, "ttl": 9 } },
            ],
        }));
        assert_eq!(pilot.exit_code(), 3);
        let last = read(&pilot.lines().last().unwrap().text);
        assert_eq!((&last["level"], &last["msg"]), (&json!("error"), &json!("pilot exits with 3")));
        let report = &last["postmortem"];
        assert_eq!(report["exitCode"], 3);
        let ends = report["ends"].as_array().unwrap();
        let of = |job: &str| ends.iter().find(|end| end["job"] == job).unwrap_or_else(|| panic!("{job}: {last}"));
        assert_eq!((&of("main")["code"], &of("main")["stopped"]), (&json!(3), &json!(false)));
        assert_eq!((&of("other")["signal"], &of("other")["stopped"]), (&json!("SIGTERM"), &json!(true)));
        assert_eq!(report["jobs"][0], json!({ "name": "main", "probes": [], "lines": ["\"cannot <go> on\""] }));
        assert_eq!(report["jobs"][1]["probes"][0]["passed"], true);
        assert_eq!(report["jobs"][1]["lines"], json!(["other runs"]));
    }
}

#[test]
fn an_end_as_asked_leaves_no_last_words() {
    let mut pilot = Pilot::run(&jobs(json!([
        { "name": "main", "exec": [fixture(), "say", "main runs", "forever"] },
    ])));
    pilot.wait_for("main runs");
    assert_eq!(pilot.stop(), 0);
    assert_eq!(pilot.count("postmortem"), 0);
}

#[test]
fn a_post_mortem_tells_of_codes_signals_output_and_checks_also_of_a_job_that_a_reload_has_removed() {
    let main = json!({ "name": "main", "exec": [fixture(), "say", "main runs", "forever"],
        "health": { "exec": [fixture(), "exit", "7"], "interval": 1, "ttl": 9 } });
    let crash = json!({ "name": "crash", "exec": [fixture(), "say", "here I crash", "die", "11"] });
    let nowhere = json!({ "name": "nowhere", "exec": "/no/such/program" });
    let mut pilot = Pilot::run(&jobs(json!([main, crash, nowhere])));
    pilot.wait_for("here I crash");
    pilot.wait_for_event("ExitFailed crash");
    pilot.wait_for_event("ExitFailed nowhere");
    pilot.wait_for_event("StatusUnhealthy main");

    let all = read(&pilot.asked(&["postmortem", "--json"]));
    let of =
        |report: &Value, job: &str| report["ends"].as_array().unwrap().iter().find(|end| end["job"] == job).cloned();
    let crashed = of(&all, "crash").unwrap();
    assert_eq!((&crashed["signal"], &crashed["code"]), (&json!("SIGSEGV"), &Value::Null));
    assert_eq!(of(&all, "nowhere").unwrap()["code"], 127);
    assert_eq!(of(&all, "main"), None, "it runs");
    let one = read(&pilot.asked(&["postmortem", "main", "--json"]));
    assert_eq!(one["jobs"][0]["probes"][0]["note"], "exit status 7");
    let text = pilot.asked(&["postmortem", "crash"]);
    assert!(text.contains("signal: segmentation fault after 0.") && text.contains("  | here I crash\n"), "{text}");

    pilot.rewrite(&jobs(json!([main])));
    pilot.asked(&["reload"]);
    assert!(pilot.asked(&["postmortem", "crash"]).contains("segmentation fault"), "it is gone, its end is not");
    let asked = pilot.ask(&["postmortem", "mian"]);
    let want = "pilot postmortem: there is no job \"mian\" (did you mean \"main\"?): there are main\n";
    assert_eq!((asked.code, asked.err.as_str()), (1, want));
}

/// A cgroup of its own with little memory, in the version that is mounted here; gone when dropped.
struct Narrow(PathBuf);

impl Narrow {
    fn new() -> Option<Narrow> {
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        let path = |prefix: &str| own.lines().find_map(|line| line.split_once(prefix)).map(|(_, path)| path.to_owned());
        let (root, file, path) = match path(":memory:/") {
            Some(path) => ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", path),
            None => ("/sys/fs/cgroup", "memory.max", path("0::/")?),
        };
        let folder = Path::new(root).join(path).join(format!("pilot-oom-{}", std::process::id()));
        fs::create_dir(&folder).ok()?;
        let narrow = Narrow(folder);
        fs::write(narrow.0.join(file), "67108864").ok()?;
        Some(narrow)
    }
}

impl Drop for Narrow {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

/// Needs root and the memory controller; the kernel's files of both versions are covered by a unit test as well.
#[test]
fn a_job_that_the_kernel_has_killed_for_its_memory_is_told_from_one_that_a_person_has_killed() {
    let Some(narrow) = Narrow::new() else {
        eprintln!("left out: no cgroup with a memory limit can be made here");
        return;
    };
    let enter = format!("echo $$ > {}/cgroup.procs && exec \"$@\"", narrow.0.display());
    let mut pilot = Pilot::with(&jobs(json!([
        { "name": "main", "exec": [fixture(), "say", "main runs", "forever"] },
        { "name": "killed", "exec": [fixture(), "say", "killed runs", "forever"] },
        { "name": "greedy", "exec": ["tail", "/dev/zero"], "when": { "source": "killed", "once": "exitFailed" } },
    ])))
    .through(&["sh", "-c", &enter, "sh"])
    .start();
    pilot.wait_for("main runs");
    pilot.wait_for("killed runs");
    pilot.asked(&["signal", "killed", "KILL"]);
    pilot.wait_for_event("ExitFailed greedy");
    let report = read(&pilot.asked(&["postmortem", "--json"]));
    let of = |job: &str| report["ends"].as_array().unwrap().iter().find(|end| end["job"] == job).unwrap();
    assert_eq!((&of("greedy")["signal"], &of("greedy")["oomKills"]), (&json!("SIGKILL"), &json!(1)), "{report}");
    assert_eq!((&of("killed")["signal"], &of("killed")["oomKills"]), (&json!("SIGKILL"), &Value::Null), "{report}");
    let text = pilot.asked(&["postmortem", "greedy"]);
    assert!(text.contains("killed by the kernel: out of memory in the container"), "{text}");
    pilot.stop();
    drop(pilot);
}
