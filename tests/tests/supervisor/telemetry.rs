//! Metrics, status and the page of a running pilot. v3 spec section 9 and test_telemetry of section 11; rows 10, 11, 14 and
//! 26 of its defects.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use nix::sys::signal::Signal;
use pilot_tests::pilot::jobs;
use pilot_tests::{Consul, Pilot, SOON, fixture, http, ports, tools, until};
use serde_json::{Value, json};

/// A configuration with telemetry on this port of loopback: one interface as text, which v3 refused (row 14).
fn with_telemetry(port: u16, list: Value) -> Value {
    let mut config = jobs(list);
    config["telemetry"] = json!({ "port": port, "interfaces": "static:127.0.0.1", "tags": ["metrics"] });
    config
}

fn get(port: u16, path: &str) -> String {
    http::get(port, path).map(|answer| answer.body).unwrap_or_default()
}

/// The value of a sample in `/metrics`.
fn sample(port: u16, name: &str) -> Option<f64> {
    get(port, "/metrics").lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

#[track_caller]
fn wait_for_sample(pilot: &mut Pilot, port: u16, name: &str, holds: impl Fn(f64) -> bool) -> f64 {
    let seen = pilot.wait(name, SOON, |_| sample(port, name).filter(|value| holds(*value)));
    assert!(holds(seen));
    seen
}

/// Asks over the control socket, and gives the status of the answer.
fn post(pilot: &Pilot, path: &str, body: &Value) -> u16 {
    let mut socket = UnixStream::connect(pilot.scratch.path().join("control.socket")).unwrap();
    let body = body.to_string();
    let head = format!("POST {path} HTTP/1.1\r\nHost: control\r\nContent-Length: {}\r\n\r\n", body.len());
    socket.write_all((head + &body).as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

fn status(port: u16) -> Value {
    serde_json::from_str(&get(port, "/status")).unwrap_or(Value::Null)
}

// Section 11, test_telemetry.
#[test]
fn services_are_healthy_metrics_are_there_and_telemetry_itself_is_a_service_until_the_stop() {
    let consul = Consul::start();
    let (port, app) = (ports::free(), ports::free());
    let mut config = with_telemetry(
        port,
        json!([
            { "name": "setup", "exec": [fixture(), "exit", "0"] },
            { "name": "app", "port": app, "interfaces": "static:127.0.0.1", "exec": [fixture(), "forever"],
              "health": { "exec": "true", "interval": 1, "ttl": 5 } },
            { "name": "count", "exec": [tools::pilot(), "-putmetric", "containerpilot_app_some_counter=42"],
              "when": { "interval": 1 }, "restarts": 1 },
        ]),
    );
    config["telemetry"]["metrics"] = json!([{ "namespace": "containerpilot", "subsystem": "app", "name": "some_counter", "help": "h", "type": "counter" }]);
    config["consul"] = json!(consul.address());
    config["watches"] = json!([{ "name": "backend", "interval": 1 }]);
    consul.register("backend-1", "backend", 8001);
    consul.register("backend-2", "backend", 8002);
    let mut pilot = Pilot::run_as_pid_1(&config);
    pilot.wait_for(&format!("telemetry: serving at 127.0.0.1:{port}"));
    consul.wait_for_passing("app", 1);
    consul.wait_for_passing("containerpilot", 1);

    let shown = status(port);
    let services: Vec<_> = shown["Services"].as_array().unwrap().iter().map(|one| one.to_string()).collect();
    assert_eq!(
        services,
        [
            format!(r#"{{"Address":"127.0.0.1","Name":"app","Port":{app},"Status":"healthy"}}"#),
            format!(r#"{{"Address":"127.0.0.1","Name":"containerpilot","Port":{port},"Status":"healthy"}}"#),
        ]
    );
    let jobs = ["setup", "count"].map(|name| json!({ "Name": name, "Status": "unknown" }));
    assert_eq!(shown["Jobs"], json!(jobs));
    assert_eq!(shown["Watches"], json!(["backend"]));
    let build = format!(r#",version="{}"}} 1"#, shown["Version"].as_str().unwrap());
    let metrics = get(port, "/metrics");
    assert!(metrics.lines().any(|line| line.starts_with("pilot_build_info{") && line.ends_with(&build)), "{metrics}");
    let (id, _) = consul.instances("containerpilot").remove(0);
    let service = consul.service(&id);
    assert_eq!((service["Port"].as_u64(), service["Address"].as_str()), (Some(port.into()), Some("127.0.0.1")));
    assert_eq!(service["Tags"], json!(["metrics", shown["Version"]]));

    wait_for_sample(&mut pilot, port, r#"containerpilot_watch_instances{service="backend"}"#, |count| count == 2.0);
    consul.deregister("backend-2");
    wait_for_sample(&mut pilot, port, r#"containerpilot_watch_instances{service="backend"}"#, |count| count == 1.0);
    wait_for_sample(&mut pilot, port, "containerpilot_app_some_counter", |value| value == 42.0 || value == 84.0);
    for (name, least) in [
        (r#"containerpilot_events{code="Startup",source="global"}"#, 1.0),
        (r#"containerpilot_events{code="StatusHealthy",source="app"}"#, 2.0),
        (r#"containerpilot_control_http_requests{code="200",path="/v3/metric"}"#, 1.0),
        (r#"containerpilot_events{code="StatusChanged",source="watch.backend"}"#, 2.0),
        (r#"pilot_job_starts_total{job="app"}"#, 1.0),
        (r#"pilot_job_exits_total{code="0",job="setup",signal=""}"#, 1.0),
        (r#"pilot_job_run_duration_seconds_count{job="setup"}"#, 1.0),
        (r#"pilot_probes_total{result="pass",source="check.app"}"#, 2.0),
        (r#"pilot_probe_duration_seconds_count{source="check.app"}"#, 2.0),
        (r#"pilot_consul_requests_total{operation="register",result="200"}"#, 2.0),
        (r#"pilot_consul_requests_total{operation="update_check",result="200"}"#, 3.0),
        (r#"pilot_consul_requests_total{operation="health",result="200"}"#, 2.0),
        (r#"pilot_consul_request_duration_seconds_count{operation="register"}"#, 2.0),
        ("pilot_event_loop_lag_seconds_count", 5.0),
        ("process_resident_memory_bytes", 1e6),
    ] {
        wait_for_sample(&mut pilot, port, name, |value| value >= least);
    }
    assert_eq!(pilot.stop(), 0, "{}", pilot.log());
    assert_eq!(consul.services(), ["backend-1"]);
    assert!(http::get(port, "/metrics").is_err(), "nobody listens any more");
}

// Rows 10 (#569: a name without a namespace could not be recorded) and 11 (a negative value for a counter ended v3).
#[test]
fn values_are_recorded_under_either_key_and_wrong_ones_are_told_and_do_no_harm() {
    let port = ports::free();
    let mut config = with_telemetry(port, json!([{ "name": "app", "exec": [fixture(), "forever"] }]));
    config["telemetry"]["metrics"] = json!([
        { "namespace": "containerpilot", "subsystem": "app", "name": "some_counter", "help": "h", "type": "counter" },
        { "name": "free_mem", "help": "h", "type": "gauge" },
        { "name": "took", "help": "h", "type": "histogram" },
        { "name": "size", "help": "h", "type": "summary" },
        { "name": "orders", "help": "h", "type": "counter", "labels": ["country"] },
    ]);
    let mut pilot = Pilot::run(&config);
    pilot.wait_for("telemetry: serving at");
    wait_for_sample(&mut pilot, port, "containerpilot_app_some_counter", |value| value == 0.0);
    let put = |values: Value| assert_eq!(post(&pilot, "/v3/metric", &values), 200);
    put(json!({ "containerpilot_app_some_counter": "42" }));
    put(json!({ "free_mem": 7, "nobody": 1, "took": 1.5, "size": 3, "orders{country:de}": 2 }));
    put(json!({ "size": "1e+06", "__took": 0.3 }));
    put(json!({ "containerpilot_app_some_counter": -1 }));
    put(json!({ "free_mem": "plenty" }));
    for (name, value) in [
        ("containerpilot_app_some_counter", 42.0),
        ("free_mem", 7.0),
        (r#"took_bucket{le="0.5"}"#, 1.0),
        (r#"took_bucket{le="2.5"}"#, 2.0),
        ("took_sum", 1.8),
        (r#"size{quantile="0.99"}"#, 1e6),
        ("size_count", 2.0),
        (r#"orders{country="de"}"#, 2.0),
        (r#"containerpilot_control_http_requests{code="200",path="/v3/metric"}"#, 5.0),
    ] {
        assert_eq!(sample(port, name), Some(value), "{name}\n{}", get(port, "/metrics"));
    }
    pilot.wait_for("metric containerpilot_app_some_counter: -1 is not recorded, because a counter only grows");
    pilot.wait_for("metric free_mem: \"plenty\" is not a number and is not recorded");
    assert_eq!(pilot.stop(), 0);
}

// The end of spec 8: v3 deregistered telemetry and let its heartbeats fail.
#[test]
fn maintenance_takes_out_the_jobs_and_leaves_telemetry_where_it_is() {
    let consul = Consul::start();
    let port = ports::free();
    let app = json!({
        "name": "app", "port": ports::free(), "interfaces": "static:127.0.0.1", "exec": [fixture(), "forever"],
        "health": { "exec": "true", "interval": 1, "ttl": 5 },
    });
    let mut config = with_telemetry(port, json!([app]));
    config["consul"] = json!(consul.address());
    let mut pilot = Pilot::run(&config);
    consul.wait_for_passing("app", 1);
    consul.wait_for_passing("containerpilot", 1);
    assert_eq!(post(&pilot, "/v3/maintenance/enable", &Value::Null), 200);
    pilot.wait("app to leave the catalog", SOON, |_| consul.instances("app").is_empty().then_some(()));
    let states = |port| {
        let shown = status(port);
        [0, 1].map(|index| shown["Services"][index]["Status"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(states(port), ["maintenance", "healthy"]);
    assert_eq!(consul.passing("containerpilot"), 1);
    wait_for_sample(&mut pilot, port, r#"containerpilot_events{code="EnterMaintenance",source="global"}"#, |n| {
        n == 1.0
    });
    assert_eq!(post(&pilot, "/v3/maintenance/disable", &Value::Null), 200);
    consul.wait_for_passing("app", 1);
    pilot.wait("the status to be healthy again", SOON, |_| (states(port) == ["healthy", "healthy"]).then_some(()));
    assert_eq!(pilot.count("service update TTL failed"), 0, "{}", pilot.log());
    assert_eq!(pilot.stop(), 0);
}

// Row 26: v3 made a series of every text of an error.
#[test]
fn a_job_that_fails_in_ever_other_ways_is_one_series_of_errors() {
    let port = ports::free();
    let list = json!([{
        "name": "app", "restarts": { "max": "unlimited", "delay": "1ms", "maxDelay": "1ms" },
        "exec": ["sh", "-c", "echo >>runs; exit $(($(wc -l <runs) % 200 + 1))"],
    }]);
    let mut pilot = Pilot::run(&with_telemetry(port, list));
    wait_for_sample(&mut pilot, port, r#"containerpilot_events{code="Error",source="app"}"#, |count| count >= 20.0);
    wait_for_sample(&mut pilot, port, r#"pilot_job_restarts_total{job="app"}"#, |count| count >= 20.0);
    let errors = get(port, "/metrics").lines().filter(|line| line.contains(r#"code="Error""#)).count();
    assert_eq!(errors, 1);
    wait_for_sample(&mut pilot, port, r#"pilot_job_exits_total{code="7",job="app",signal=""}"#, |count| count >= 1.0);
    assert_eq!(pilot.stop(), 0);
}

// Spec 9.1, 10.5.
#[test]
fn with_telemetry_pilot_outlives_its_jobs_but_not_a_critical_one() {
    let port = ports::free();
    let mut pilot = Pilot::run(&with_telemetry(port, json!([{ "name": "app", "exec": [fixture(), "exit", "3"] }])));
    pilot.wait_for_event("Stopped app");
    pilot.wait("the status to be served", SOON, |_| (status(port)["Jobs"][0]["Name"] == "app").then_some(()));
    assert!(!pilot.ended());
    assert_eq!(pilot.stop(), 0);

    let list = json!([{ "name": "app", "exec": [fixture(), "exit", "3"], "critical": true }]);
    assert_eq!(Pilot::run(&with_telemetry(ports::free(), list)).exit_code(), 3);
}

#[test]
fn on_port_0_any_free_port_is_served_and_nothing_registered() {
    let consul = Consul::start();
    let mut config = with_telemetry(0, json!([]));
    config["consul"] = json!(consul.address());
    let mut pilot = Pilot::run(&config);
    let line = pilot.wait_for("telemetry: serving at 127.0.0.1:").text;
    let port: u16 = line.rsplit(':').next().unwrap().parse().unwrap();
    assert_eq!(status(port)["Jobs"], json!([{ "Name": "containerpilot", "Status": "healthy" }]));
    // Its heartbeats would come every 5 s.
    pilot.wait("two heartbeats to be left out", SOON * 2, |_| {
        sample(port, "pilot_event_loop_lag_seconds_count").filter(|count| *count >= 2.0)
    });
    assert_eq!(consul.services(), Vec::<String>::new());
    assert_eq!(pilot.stop(), 0);
}

#[test]
fn only_the_chosen_address_is_listened_on() {
    let port = ports::free();
    let mut pilot = Pilot::run(&with_telemetry(port, json!([])));
    pilot.wait_for("telemetry: serving at");
    assert!(std::net::TcpStream::connect(("127.0.0.2", port)).is_err());
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
    assert_eq!(pilot.stop(), 0);
}

// Spec 9.1: v3 tries ten times, a second apart, and then is done for; it could not be stopped meanwhile.
#[test]
fn a_port_that_is_taken_ends_pilot_after_a_while_in_order_and_does_not_hold_up_a_stop() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let list = json!([{ "name": "app", "exec": [fixture(), "forever"] }]);
    let mut pilot = Pilot::run(&with_telemetry(port, list.clone()));
    let mut impatient = Pilot::run(&with_telemetry(port, list));
    for pilot in [&mut pilot, &mut impatient] {
        pilot.child_running("forever");
        pilot.wait_for(&format!("telemetry: cannot listen on 127.0.0.1:{port}"));
    }
    assert_eq!(impatient.stop(), 0, "{}", impatient.log());
    assert_eq!(impatient.count("attempts ("), 0, "it was stopped while it tried");

    assert_eq!(pilot.exit_code_within(SOON * 3), 1);
    let log = pilot.log();
    assert!(log.contains("after 10 attempts") && log.contains("choose another `telemetry.port`"), "{log}");
    assert!(pilot.events().contains(&"Stopped app".to_owned()), "{log}");
    assert_eq!(pilot.processes(), Vec::<i32>::new());
}

#[test]
fn a_port_that_is_given_free_is_taken_over() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut pilot = Pilot::run(&with_telemetry(port, json!([])));
    pilot.wait_for("telemetry: cannot listen on");
    drop(taken);
    pilot.wait_for(&format!("telemetry: serving at 127.0.0.1:{port}"));
    assert_eq!(pilot.stop(), 0);
}

#[test]
fn nothing_on_the_port_changes_anything() {
    let port = ports::free();
    let mut pilot = Pilot::run(&with_telemetry(port, json!([{ "name": "app", "exec": [fixture(), "forever"] }])));
    pilot.wait_for("telemetry: serving at");
    pilot.child_running("forever");
    for path in ["/", "/status", "/metrics", "/v3/reload", "/v3/metric", "/v3/environ", "/v3/maintenance/enable"] {
        for method in ["POST", "PUT", "DELETE", "PATCH"] {
            let answer = http::request(port, method, path, "{}").unwrap();
            assert!([404, 405].contains(&answer.status), "{method} {path}: {answer:?}");
        }
    }
    assert_eq!(http::request(port, "HEAD", "/status", "").unwrap().status, 405);
    assert_eq!(status(port)["Jobs"][0], json!({ "Name": "app", "Status": "unknown" }));
    let page = http::get(port, "/").unwrap();
    assert!(page.body.contains("<td data-label=\"Job\">app</td>"), "{}", page.body);
    assert!(page.head.to_lowercase().contains("content-security-policy: default-src 'none';"), "{}", page.head);
    assert_eq!(pilot.stop(), 0);
}

// Case 49: what is lost is counted where somebody looks.
#[test]
fn lines_that_nobody_reads_are_counted_as_lost() {
    let port = ports::free();
    let list = json!([{ "name": "loud", "exec": [fixture(), "lines", "400000", "200", "forever"] }]);
    let (mut pilot, unread) = Pilot::with(&with_telemetry(port, list)).with_unread_output();
    let lost = until("lines to be lost", SOON * 2, || sample(port, "pilot_log_lines_lost_total").filter(|n| *n > 0.0));
    assert!(lost <= 400_100.0, "{lost}");
    unread.release();
    pilot.wait_for("lost");
    assert_eq!(pilot.stop(), 0);
}

// A Consul that hangs: seen in the metrics, not felt by them.
#[test]
fn consul_in_trouble_is_counted_and_the_pages_answer_all_the_same() {
    let (port, nobody) = (ports::free(), ports::free());
    let mut config = with_telemetry(port, json!([{ "name": "app", "exec": [fixture(), "forever"] }]));
    config["consul"] = json!(format!("127.0.0.1:{nobody}"));
    config["watches"] = json!([{ "name": "backend", "interval": 1 }]);
    let mut pilot = Pilot::run(&config);
    let name = r#"pilot_consul_requests_total{operation="health",result="unreachable"}"#;
    wait_for_sample(&mut pilot, port, name, |count| count >= 2.0);
    assert_eq!(status(port)["Watches"], json!(["backend"]));
    pilot.signal(Signal::SIGTERM);
    assert_eq!(pilot.exit_code_within(SOON + Duration::from_secs(5)), 0);
}
