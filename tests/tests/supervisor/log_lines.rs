//! The lines of ContainerPilot's log that other tools grep for, with their levels. v3 spec, appendix B.

use pilot_tests::scripted::{Reply, Scripted};
use pilot_tests::{Consul, Pilot, SOON, fixture, ports};
use serde_json::{Value, json};

/// Whether a line of this level begins so.
fn said(pilot: &Pilot, level: &str, text: &str) -> bool {
    pilot.lines().iter().any(|line| {
        let line: Value = serde_json::from_str(&line.text).unwrap_or_default();
        line["level"] == level && line["msg"].as_str().is_some_and(|told| told.starts_with(text))
    })
}

#[track_caller]
fn wait_for_all(pilot: &mut Pilot, expected: &[(&str, &str)]) {
    for (level, text) in expected {
        pilot.wait(&format!("{level}: {text}"), SOON, |pilot| said(pilot, level, text).then_some(()));
    }
}

fn config(consul: &str, jobs: Value) -> Value {
    json!({
        "consul": consul, "logging": { "level": "DEBUG", "format": "json" }, "stopTimeout": 1, "jobs": jobs,
        "watches": [{ "name": "backend", "interval": 1 }],
    })
}

fn app(port: u16, more: Value) -> Value {
    let mut app = json!({
        "name": "app", "exec": [fixture(), "forever"], "port": port, "interfaces": "static:127.0.0.1",
        "health": { "exec": "/bin/true", "interval": "200ms", "ttl": 5 },
    });
    app.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    app
}

#[test]
fn what_happens_is_logged_in_v3s_words() {
    let consul = Consul::start();
    let (app_port, port) = (ports::free(), ports::free());
    let mut config = config(
        &consul.address(),
        json!([
            app(app_port, json!({ "initial_status": "warning" })),
            { "name": "periodic", "exec": "/bin/true", "when": { "interval": "100ms" }, "restarts": 1 },
            { "name": "slow", "exec": [fixture(), "forever"], "timeout": "100ms" },
            { "name": "missing", "exec": "/no/such/program" },
            { "name": "waits", "exec": "/bin/true", "when": { "source": "nobody", "once": "healthy", "timeout": "100ms" } },
            { "name": "stuck", "exec": [fixture(), "forever"],
              "health": { "exec": [fixture(), "forever"], "interval": "200ms", "timeout": "100ms", "ttl": 5 } },
            { "name": "deaf", "exec": [fixture(), "ignore", "15", "say", "deaf", "forever"] },
        ]),
    );
    config["telemetry"] = json!({
        "port": port, "interfaces": ["static:127.0.0.1"],
        "metrics": [{ "name": "some_counter", "help": "h", "type": "counter" }],
    });
    let mut pilot = Pilot::run_as_pid_1(&config);
    let serving = format!("control: serving at {}", pilot.socket().display());
    wait_for_all(
        &mut pilot,
        &[
            ("debug", "loaded config: {"),
            ("info", &serving),
            ("info", &format!("telemetry: serving at 127.0.0.1:{port}")),
            ("debug", "event: {Startup global}"),
            ("info", "Registering service app with initial status set to warning"),
            ("info", "Service registered: app"),
            ("debug", "app.Run start"),
            ("debug", "check.app.Run start"),
            ("debug", "check.app.Run end"),
            ("debug", "check.app exited without error"),
            ("debug", "timer: {TimerExpired app.heartbeat}"),
            ("debug", "timer: {TimerExpired periodic.run-every}"),
            ("debug", "timer: {TimerExpired watch.backend.poll}"),
            ("debug", "interval expired but restart not permitted: periodic"),
            ("warning", "slow timeout after 100ms: '[forever]'"),
            ("debug", "slow.kill"),
            ("debug", "slow.Run end"),
            ("error", "slow exited with error: signal: killed"),
            ("error", "unable to start missing: "),
            ("debug", "timeout: {TimerExpired waits.wait-timeout}"),
            ("warning", "check.stuck timeout after 100ms: '[forever]'"),
            ("error", "check.stuck exited with error: signal: killed"),
        ],
    );
    // Nobody shows v3's own heartbeat either.
    consul.wait_for_passing("containerpilot", 1);
    assert!(!said(&pilot, "debug", "timer: {TimerExpired containerpilot.heartbeat}"));

    pilot.asked(&["-putmetric", "__some_counter=-1"]);
    pilot.asked(&["-reload"]);
    pilot.rewrite_text("{ jobs: [ }");
    assert_eq!(pilot.ask(&["-reload"]).code, 1);
    wait_for_all(
        &mut pilot,
        &[
            ("error", "metric some_counter: -1 is not recorded"),
            ("debug", "control: reloading app via control plane"),
            ("debug", "control: reloaded app via control plane"),
            ("error", "error initializing config:"),
        ],
    );
    assert_eq!(pilot.stop(), 0);
    let deregistering =
        format!("deregistering: app-{}", std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim());
    wait_for_all(
        &mut pilot,
        &[
            ("debug", &deregistering),
            ("debug", "app.term"),
            ("debug", "killing all processes in 1 seconds"),
            ("info", "killing processes for job \"deaf\""),
            ("debug", "deaf.kill"),
        ],
    );
}

#[test]
fn what_consul_refuses_is_logged_in_v3s_words() {
    // The first registration succeeds, so that an update can fail.
    let agent =
        Scripted::start(|request| Reply::status(if request.line.contains("/service/register") { 200 } else { 500 }));
    let mut pilot = Pilot::run(&config(&format!("127.0.0.1:{}", agent.port()), json!([app(ports::free(), json!({}))])));
    wait_for_all(
        &mut pilot,
        &[
            ("info", "Service registered: app"),
            ("warning", "service update TTL failed: "),
            ("warning", "failed to query backend: "),
        ],
    );
    assert_eq!(pilot.stop(), 0);

    let agent = Scripted::start(|_| Reply::status(500));
    let mut pilot = Pilot::run(&config(&format!("127.0.0.1:{}", agent.port()), json!([app(ports::free(), json!({}))])));
    wait_for_all(&mut pilot, &[("warning", "service registration failed: ")]);
    assert_eq!(pilot.stop(), 0);
    wait_for_all(&mut pilot, &[("info", "deregistering failed: ")]);
}
