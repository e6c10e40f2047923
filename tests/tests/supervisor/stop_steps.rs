//! A stop, read along by hand: each step of the stop plan is an event, a line with what it waits for and what is left, and a
//! metric. Every step waits for something of the test's, so that none is over before it is read.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::spawn;
use std::time::Duration;

use nix::sys::signal::Signal;
use pilot_tests::aws::{Aws, GROUP};
use pilot_tests::proxy::forward;
use pilot_tests::scripted::{Reply, Scripted};
use pilot_tests::{Consul, Pilot, Running, SOON, fixture, http, ports, tools};
use serde_json::{Value, json};

const BUDGET: u64 = 200;
/// The agent takes so long to answer to a deregistration, AWS to a call, the app to end.
const ANSWER: Duration = Duration::from_millis(400);

/// `pilot events --follow`, as a person runs it.
struct Follower {
    _client: Running,
    lines: Receiver<String>,
}

impl Follower {
    fn of(pilot: &Pilot) -> Follower {
        let mut command = Command::new(tools::pilot());
        command.args(["events", "--follow", "--socket"]).arg(pilot.socket()).stdout(Stdio::piped());
        let mut client = command.spawn().unwrap();
        let mut out = BufReader::new(client.stdout.take().unwrap()).lines().map_while(Result::ok);
        let (send, lines) = channel();
        spawn(move || out.try_for_each(|line| send.send(line)));
        Follower { _client: Running(client), lines }
    }

    /// Reads on to this event of the app; that it comes after those that were read before is what is asked.
    #[track_caller]
    fn read(&self, event: &str) {
        let text = format!("event {event} of app ");
        let mut read = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(SOON) {
            let found = line.contains(&text);
            read.push(line);
            if found {
                return;
            }
        }
        panic!("no {text:?} in:\n{}", read.join("\n"));
    }
}

/// The app is hooked, in Consul, in a target group, drains, and is slow to end. The database ends after it, and with it
/// pilot: not before the last step of the app has been read.
fn config(consul: u16, [app, database, telemetry]: [u16; 3]) -> Value {
    let file = |name: &str| format!("{{{{ .PILOT_TEST_DIR }}}}/{name}");
    json!({
        "consul": format!("127.0.0.1:{consul}"), "logging": { "level": "DEBUG" }, "stopBudget": BUDGET,
        "telemetry": { "port": telemetry, "interfaces": "static:127.0.0.1" },
        "jobs": [
            { "name": "database", "exec": [fixture(), "http", database.to_string(), "none"], "port": database,
              "interfaces": "static:127.0.0.1", "health": { "tcp": database, "interval": "1s", "ttl": 10 },
              "drain": { "max": "60s", "inFlight": "connections" } },
            { "name": "app", "when": { "source": "database", "once": "healthy" },
              "exec": [fixture(), "on-term", file("term"), ANSWER.as_millis().to_string(), "0", "http", app.to_string(), "none"],
              "port": app, "interfaces": "static:127.0.0.1", "health": { "http": "/", "interval": "200ms", "ttl": 10 },
              "loadBalancer": { "targetGroup": GROUP, "mode": "self" },
              "drain": { "min": "1s", "max": "30s", "inFlight": "connections" }, "stopTimeout": "20s" },
            { "name": "preStop", "exec": [fixture(), "until", file("go")], "when": { "source": "app", "once": "stopping" } },
            { "name": "notice", "exec": [fixture(), "say", "notice runs"],
              "when": { "source": "app", "once": "leavingTargetGroup" } },
        ],
    })
}

/// The line of a step, and how many seconds of the stop budget it says are left.
#[track_caller]
fn left(pilot: &mut Pilot, step: &str) -> u64 {
    let line = pilot.wait_for(&format!("app: {step}; ")).text;
    let (_, rest) = line.split_once("; ").unwrap();
    rest.strip_suffix("s of the stop budget left")
        .and_then(|left| left.parse().ok())
        .unwrap_or_else(|| panic!("{line}"))
}

#[track_caller]
fn sample(telemetry: u16, name: &str) -> f64 {
    let page = http::get(telemetry, "/metrics").unwrap().body;
    let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
    value.unwrap_or_else(|| panic!("no {name} in:\n{page}"))
}

#[test]
fn every_step_of_a_stop_is_an_event_a_line_with_what_is_left_and_a_metric() {
    let consul = Consul::start();
    let agent = consul.port();
    let slow_to_deregister = Scripted::start(move |request| match forward(agent, request) {
        Reply::Answer { status, head, body, .. } if request.line.contains("/agent/service/deregister/") => {
            Reply::Answer { status, head, body, after: ANSWER }
        }
        reply => reply,
    });
    let aws = Aws::start();
    let [port, database, telemetry] = [(); 3].map(|()| ports::free());
    let mut start = Pilot::with(&config(slow_to_deregister.port(), [port, database, telemetry]));
    for (name, value) in aws.environment() {
        start = start.env(&name, &value);
    }
    let mut pilot = start.start();
    pilot.wait_for("is healthy in target group app");
    consul.wait_for_passing("app", 1);
    aws.world().pause = ANSWER;
    let request = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let query = TcpStream::connect(("127.0.0.1", database)).unwrap();
    let follower = Follower::of(&pilot);
    pilot.signal(Signal::SIGTERM);

    follower.read("stopping");
    let mut budget = vec![BUDGET, left(&mut pilot, "stopping, waiting for preStop, at most 20s")];
    assert_eq!(
        (consul.passing("app"), aws.state_of("127.0.0.1", port).as_str()),
        (1, "healthy"),
        "it serves as before"
    );

    pilot.scratch.write("go", "");
    follower.read("leavingConsul");
    budget.push(left(&mut pilot, "out of Consul, waiting for the agent, at most 2s"));

    follower.read("leavingTargetGroup");
    budget.push(left(&mut pilot, "out of target group app, waiting for AWS, at most 8s"));
    assert_eq!(consul.instances("app"), [], "it is out of Consul");

    follower.read("draining");
    pilot.wait_for("app drains: it serves on for at least 1s, then until nothing is in flight, at most 30s");
    assert_eq!(aws.state_of("127.0.0.1", port), "draining", "it is out of its group");
    let told = pilot.wait_for("app drains: 1 in flight, ").text;
    let seconds =
        told.split_once("in flight, ").and_then(|(_, rest)| rest.strip_suffix("s left at most")?.parse().ok());
    assert!(seconds.is_some_and(|seconds: u64| (1..30).contains(&seconds)), "{told}");
    assert_eq!(http::get(port, "/").unwrap().status, 200, "it serves on");
    let page = http::get(telemetry, "/").unwrap().body;
    for event in ["stopping", "leavingConsul", "leavingTargetGroup", "draining"] {
        assert!(page.contains(&format!("event {event} of app")), "{event} in the timeline of the status page:\n{page}");
    }
    let why = pilot.asked(&["why", "notice"]);
    assert!(why.contains("because") && why.contains("event leavingTargetGroup of app"), "{why}");

    drop(request);
    follower.read("drained");
    pilot.wait_for("app has drained: nothing is in flight");

    follower.read("stopped");
    let last = "stop signal, waiting for the end of its processes before SIGKILL, at most 20s";
    budget.push(left(&mut pilot, last));
    follower.read("exitSuccess");
    assert!(
        budget.is_sorted_by(|earlier, later| earlier >= later) && budget[4] + 5 <= BUDGET,
        "less and less: {budget:?}"
    );

    pilot.wait_for("database drains: ");
    let answer = ANSWER.as_secs_f64();
    for (step, least) in [("hooks", 0.0), ("catalog", answer), ("balancer", answer), ("drain", 5.0), ("kill", answer)] {
        let labels = format!(r#"{{job="app",step="{step}"}}"#);
        assert_eq!(sample(telemetry, &format!("pilot_stop_step_duration_seconds_count{labels}")), 1.0, "{step}");
        let took = sample(telemetry, &format!("pilot_stop_step_duration_seconds_sum{labels}"));
        assert!((least..20.0).contains(&took), "{step} took {took}s");
    }
    for code in ["Stopping", "LeavingConsul", "LeavingTargetGroup", "Draining", "Drained", "Stopped"] {
        assert_eq!(
            sample(telemetry, &format!(r#"containerpilot_events{{code="{code}",source="app"}}"#)),
            1.0,
            "{code}"
        );
    }

    drop(query);
    assert_eq!(pilot.exit_code(), 0);
    let events = pilot.events();
    let of_app: Vec<&str> = events.iter().filter_map(|event| event.strip_suffix(" app")).collect();
    let way_out = ["Stopping", "LeavingConsul", "LeavingTargetGroup", "Draining", "Drained", "Stopped", "ExitSuccess"];
    assert_eq!(of_app[of_app.len() - 7..], way_out);
}
