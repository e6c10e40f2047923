//! What probes find, and what a finding does to its job. reliability.md, section 2, cases 22 to 25, 27 and 28.
//!
//! Case 26 is in `notify`.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::sys::signal::Signal;
use pilot_tests::mariadb::{PASSWORD, USER};
use pilot_tests::pilot::jobs;
use pilot_tests::scripted::{Reply, Request, Scripted};
use pilot_tests::{Consul, MariaDb, Pilot, SOON, Scratch, fixture, ports, processes};
use serde_json::{Value, json};

/// A job that does nothing but be there, with this health.
fn idle(name: &str, health: &Value) -> Value {
    let mut health = health.clone();
    for (key, value) in [("interval", json!("50ms")), ("timeout", json!("1s"))] {
        if health.get(key).is_none() {
            health[key] = value;
        }
    }
    json!({
        "name": name, "restarts": "unlimited", "health": health,
        "exec": [fixture(), "mark", format!("{{{{ .PILOT_TEST_DIR }}}}/{name}.runs"), "forever"],
    })
}

/// Its service in Consul, so that findings can be read there.
fn in_consul(mut job: Value) -> Value {
    job["port"] = json!(8000);
    job["interfaces"] = json!("static:127.0.0.1");
    job["health"]["ttl"] = json!(60);
    job
}

/// The agent's own view of a service's check: its catalog may be told of a changed output minutes later.
fn check(consul: &Consul, service: &str) -> (String, String) {
    let checks = consul.get("/v1/agent/checks");
    let of_service = |check: &&Value| check["ServiceName"] == service;
    let found = checks.as_object().and_then(|checks| checks.values().find(of_service)).cloned().unwrap_or_default();
    let text = |key: &str| found[key].as_str().unwrap_or_default().to_owned();
    (text("Status"), text("Output"))
}

fn url(port: u16, path: &str) -> String {
    format!("http://127.0.0.1:{port}{path}")
}

// Case 23.
#[test]
fn a_tcp_probe_stays_green_while_http_answers_500() {
    let port = ports::free();
    let config = jobs(json!([
        { "name": "server", "exec": [fixture(), "http", port.to_string(), "{{ .PILOT_TEST_DIR }}/says"] },
        idle("connected", &json!({ "tcp": port })),
        idle("asked", &json!({ "http": url(port, "/health") })),
    ]));
    let mut pilot = Pilot::run(&config);
    pilot.wait_for_event("StatusHealthy connected");
    pilot.wait_for_event("StatusHealthy asked");
    let refused = pilot.count("connection refused");
    pilot.scratch.write("says", "500");
    pilot.wait_for(&format!("asked is unhealthy: HTTP 500 from {}", url(port, "/health")));
    let (green, red) = (pilot.count_events("StatusHealthy connected"), pilot.count_events("StatusUnhealthy connected"));
    pilot.wait("both to be checked again", SOON, |pilot| {
        let again = pilot.count_events("StatusUnhealthy asked") > 4;
        (again && pilot.count_events("StatusHealthy connected") > green + 4).then_some(())
    });
    assert_eq!(pilot.count_events("StatusUnhealthy connected"), red);
    let process = pilot.child_running("/says");
    processes::signal(process, Signal::SIGKILL);
    pilot.wait_for_count(&format!("connected is unhealthy: connection refused by 127.0.0.1:{port}"), refused + 1);
}

// Case 24.
#[test]
fn a_redirect_to_the_own_host_is_followed_and_judged_by_where_it_leads() {
    let peer = Scripted::start(|request| match request.line.as_str() {
        "GET /well" => redirect("/fine"),
        "GET /ill" => redirect("/broken"),
        "GET /fine" => Reply::ok("fine"),
        "GET /round" => redirect("/round"),
        "GET /absolute" => redirect(&format!("http://{}/fine", host_of(request))),
        _ => Reply::status(503),
    });
    let strict = |path: &str| json!({ "http": { "url": url(peer.port(), path), "status": "200-299" } });
    let mut pilot = Pilot::run(&jobs(json!([
        idle("well", &strict("/well")),
        idle("ill", &strict("/ill")),
        idle("round", &strict("/round")),
        idle("absolute", &strict("/absolute")),
    ])));
    pilot.wait_for_event("StatusHealthy well");
    pilot.wait_for_event("StatusHealthy absolute");
    pilot.wait_for(&format!("ill is unhealthy: HTTP 503 from {}", url(peer.port(), "/broken")));
    pilot.wait_for(&format!("round is unhealthy: more than 10 redirects from {}", url(peer.port(), "/round")));
    assert_eq!(pilot.count_events("StatusUnhealthy well") + pilot.count_events("StatusHealthy ill"), 0);
    assert_eq!(pilot.count_events("StatusUnhealthy absolute"), 0);
}

/// `host:port` as the client has written it.
fn host_of(request: &Request) -> String {
    let mut fields = request.head.lines().filter_map(|line| line.split_once(": "));
    fields.find_map(|(name, value)| name.eq_ignore_ascii_case("host").then(|| value.to_owned())).unwrap()
}

// Case 24.
#[test]
fn a_redirect_to_another_host_is_not_followed_and_reported() {
    let elsewhere = Scripted::start(|_| Reply::ok("welcome"));
    let away = format!("http://localhost:{}/login", elsewhere.port());
    let peer = Scripted::start(move |_| redirect(&away));
    let consul = Consul::start();
    let here = url(peer.port(), "/");
    let mut config = jobs(json!([
        idle("strict", &json!({ "http": { "url": here, "status": "200-299" } })),
        in_consul(idle("lenient", &json!({ "http": here }))),
    ]));
    config["consul"] = json!(consul.address());
    let mut pilot = Pilot::run(&config);
    let note = format!("HTTP 302 from {here}, redirects to http://localhost, not followed");
    pilot.wait_for(&format!("strict is unhealthy: {note}"));
    pilot.wait_for_event("StatusHealthy lenient");
    pilot.wait("the report in Consul", SOON, |_| {
        (check(&consul, "lenient") == ("passing".into(), note.clone())).then_some(())
    });
    assert_eq!(elsewhere.requests().len(), 0);
}

fn redirect(to: &str) -> Reply {
    Reply::Answer { status: 302, head: format!("Location: {to}\r\n"), body: String::new(), after: Duration::ZERO }
}

/// A peer that answers 200 or 500, as one is told, and how often it was asked.
fn obedient() -> (Scripted, Arc<Mutex<bool>>) {
    let well = Arc::new(Mutex::new(true));
    let told = well.clone();
    (Scripted::start(move |_| Reply::status(if *told.lock().unwrap() { 200 } else { 500 })), well)
}

// Case 25.
#[test]
fn a_check_that_flaps_below_its_threshold_never_restarts_and_at_the_threshold_it_does_once() {
    // Two failures, one success, for ever: the threshold of three is never reached.
    let steady = Arc::new(Mutex::new(None));
    let told = steady.clone();
    let asked = Mutex::new(0);
    let peer = Scripted::start(move |_| {
        let mut asked = asked.lock().unwrap();
        *asked += 1;
        let well = told.lock().unwrap().unwrap_or(*asked % 3 == 0);
        Reply::status(if well { 200 } else { 500 })
    });
    let health =
        json!({ "http": url(peer.port(), "/"), "interval": "20ms", "failureThreshold": 3, "onFailure": "restart" });
    let mut pilot = Pilot::run(&jobs(json!([idle("app", &health)])));
    pilot.wait("sixty checks", SOON, |_| (peer.requests().len() >= 60).then_some(()));
    assert_eq!(pilot.count_events("StatusUnhealthy app"), 0, "{}", pilot.log());
    assert_eq!(pilot.marks("app.runs").len(), 1);

    *steady.lock().unwrap() = Some(false);
    pilot.wait_for_marks("app.runs", 2);
    *steady.lock().unwrap() = Some(true);
    pilot.wait_for("stopping app because it is unhealthy");
    let healthy = pilot.count_events("StatusHealthy app");
    pilot.wait("health again", SOON, |pilot| (pilot.count_events("StatusHealthy app") > healthy + 5).then_some(()));
    let (runs, stops) = (pilot.count("app.Run start"), pilot.count("stopping app because it is unhealthy"));
    assert_eq!(runs, stops + 1, "one restart a threshold\n{}", pilot.log());
    assert_eq!(pilot.stop(), 0);
}

#[test]
fn so_many_passes_in_a_row_are_needed_as_the_success_threshold_says() {
    let asked = Mutex::new(0);
    let peer = Scripted::start(move |_| {
        let mut asked = asked.lock().unwrap();
        *asked += 1;
        // Two passes and a failure, four times; then passes only.
        Reply::status(if *asked <= 12 && *asked % 3 == 0 { 500 } else { 200 })
    });
    let health = json!({ "http": url(peer.port(), "/"), "interval": "20ms", "successThreshold": 3 });
    let mut pilot = Pilot::run(&jobs(json!([idle("app", &health)])));
    pilot.wait_for_event("StatusHealthy app");
    assert!(peer.requests().len() >= 15, "{}", peer.requests().len());
    assert_eq!(pilot.count_events("StatusUnhealthy app"), 4);
}

// Case 22: the start grace is pilot's startup probe.
#[test]
fn the_start_grace_holds_failures_back_and_after_it_they_restart() {
    let (peer, well) = obedient();
    *well.lock().unwrap() = false;
    let health = json!({ "http": url(peer.port(), "/"), "startGrace": "3s", "onFailure": "restart" });
    let mut pilot = Pilot::run(&jobs(json!([idle("app", &health)])));
    let began = pilot.wait_for("app.Run start").at;
    let failed = pilot.wait_for_event("StatusUnhealthy app").at;
    let grace = failed.duration_since(began);
    assert!(grace >= Duration::from_millis(2990), "{grace:?}");
    assert!(peer.requests().len() >= 5, "it was checked meanwhile");
    pilot.wait_for_marks("app.runs", 2);
    // The next run has a grace of its own; its first pass ends it.
    *well.lock().unwrap() = true;
    pilot.wait_for_event("StatusHealthy app");
    let stops = pilot.count("stopping app because it is unhealthy");
    *well.lock().unwrap() = false;
    pilot.wait_for_count("stopping app because it is unhealthy", stops + 1);
    let last = |text: &str| pilot.lines().into_iter().rfind(|line| line.holds(text)).unwrap().at;
    let lived = last("stopping app because it is unhealthy").duration_since(last("app.Run start"));
    assert!(lived < Duration::from_millis(2900), "the grace went on after a pass: {lived:?}");
}

// Case 28; v3's #548.
#[test]
fn a_probe_slower_than_its_interval_does_not_overlap_and_the_ttl_does_not_lapse() {
    let consul = Consul::start();
    let port = ports::free();
    let mut server = in_consul(json!({
        "name": "server", "exec": [fixture(), "http", port.to_string(), "{{ .PILOT_TEST_DIR }}/says"],
        "health": { "http": url(port, "/"), "interval": "100ms", "timeout": "3s" },
    }));
    server["health"]["ttl"] = json!(2);
    let mut config = jobs(json!([server, idle("neighbor", &json!({ "tcp": consul.port(), "interval": "50ms" }))]));
    config["consul"] = json!(consul.address());
    let mut pilot = Pilot::run(&config);
    pilot.scratch.write("says", "slow 700");
    consul.wait_for_passing("server", 1);
    let (asked, neighbor) = (pilot.count("request, 1 running"), pilot.count_events("StatusHealthy neighbor"));
    let mut seen = Vec::new();
    pilot.wait("six slow probes", SOON, |pilot| {
        seen.extend(consul.instances("server"));
        (pilot.count("request, 1 running") >= asked + 6).then_some(())
    });
    assert!(seen.iter().all(|(_, status)| status == "passing"), "{seen:?}");
    assert_eq!(pilot.count("request, 2 running"), 0, "never two at a time");
    let neighbor = pilot.count_events("StatusHealthy neighbor") - neighbor;
    assert!(neighbor > 30, "a slow probe delays nobody else: {neighbor} in about four seconds");
    assert_eq!(pilot.stop(), 0);
}

fn mysql(port: u16, more: &Value) -> Value {
    let mut probe = json!({ "host": "127.0.0.1", "port": port, "user": USER, "passwordEnv": "DB_PASSWORD" });
    more.as_object().unwrap().iter().for_each(|(key, value)| probe[key] = value.clone());
    json!({ "mysql": probe, "interval": "200ms", "timeout": "1s", "failFast": true })
}

// Case 27.
#[test]
fn each_way_in_which_a_database_can_fail_has_its_own_words_and_none_hangs_or_tells_the_secret() {
    let database = MariaDb::start();
    let consul = Consul::start();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_port = silent.local_addr().unwrap().port();
    let nobody = ports::free();
    let scratch = Scratch::new();
    let wrong = scratch.write("wrong", "n0t-the-password-either\n");
    let right = scratch.write("right", &format!("{PASSWORD}\n"));
    let port = database.port();
    let cases = [
        ("well", mysql(port, &json!({})), format!("MySQL at 127.0.0.1:{port} answers")),
        (
            "writer",
            mysql(port, &json!({ "role": "writer", "passwordFile": right, "passwordEnv": null })),
            format!("MySQL at 127.0.0.1:{port} answers and is writable"),
        ),
        ("refused", mysql(nobody, &json!({})), format!("connection refused by MySQL at 127.0.0.1:{nobody}")),
        (
            "silent",
            mysql(silent_port, &json!({})),
            format!("timed out after 1s connecting to MySQL at 127.0.0.1:{silent_port}, no handshake or login so far"),
        ),
        (
            "foreign",
            mysql(consul.port(), &json!({})),
            format!("timed out after 1s connecting to MySQL at {}", consul.address()),
        ),
        (
            "denied",
            mysql(port, &json!({ "passwordFile": wrong, "passwordEnv": null })),
            format!("login refused by MySQL at 127.0.0.1:{port}: 1045 "),
        ),
        ("no-tls", mysql(port, &json!({ "tls": "required" })), format!("TLS with MySQL at 127.0.0.1:{port} failed")),
        (
            "replica",
            mysql(port, &json!({ "role": "replica" })),
            format!("MySQL at 127.0.0.1:{port} is writable, not a replica"),
        ),
        ("nameless", mysql(port, &json!({ "host": "no..name" })), "no..name has no address".into()),
        (
            "keyless",
            mysql(port, &json!({ "passwordEnv": "NO_SUCH_PASSWORD" })),
            "the password variable NO_SUCH_PASSWORD is not set".into(),
        ),
    ];
    let list: Vec<Value> = cases
        .iter()
        .map(|(name, health, _)| {
            let mut job = in_consul(idle(name, health));
            job["initial_status"] = json!("warning");
            job
        })
        .collect();
    let mut config = jobs(list.into());
    config["consul"] = json!(consul.address());
    let mut pilot = Pilot::with(&config).env("DB_PASSWORD", PASSWORD).start();
    for (name, _, note) in &cases {
        let well = matches!(*name, "well" | "writer");
        if !well {
            pilot.wait_for(&format!("{name} is unhealthy: {note}"));
        }
        let status = if well { "passing" } else { "critical" };
        pilot.wait(&format!("{name} to be {status} in Consul with its words"), SOON, |pilot| {
            assert!(!pilot.ended());
            let (found, output) = check(&consul, name);
            (found == status && output.starts_with(note)).then_some(())
        });
    }

    // read_only behind the writer's back, as a failover leaves it.
    database.query("SET GLOBAL read_only = 1").success();
    pilot.wait_for(&format!("writer is unhealthy: MySQL at 127.0.0.1:{port} is read-only, not a writer"));
    pilot.wait_for(&format!("replica is healthy again: MySQL at 127.0.0.1:{port} answers and is read-only"));
    database.query("SET GLOBAL read_only = 0").success();
    pilot.wait_for(&format!("writer is healthy again: MySQL at 127.0.0.1:{port} answers and is writable"));

    let line = std::fs::read(format!("/proc/{}/cmdline", pilot.pid())).unwrap();
    let everything = format!("{}\n{}\n{}", pilot.log(), consul.get("/v1/agent/checks"), String::from_utf8_lossy(&line));
    assert!(!everything.contains(PASSWORD) && !everything.contains("n0t-the-password"), "{everything}");
    assert_eq!(pilot.stop(), 0);
}

// Case 27: RDS moves its name to another address.
#[test]
fn a_database_whose_name_moves_to_another_address_is_followed() {
    let database = MariaDb::start();
    let scratch = Scratch::new();
    let names = scratch.write("hosts", "127.0.0.2 db.test\n");
    // The old primary at .2 is dead, then accepts and is silent; the new one at .1 is real.
    let health = mysql(database.port(), &json!({ "host": "db.test", "role": "writer" }));
    // Names that the file does not have are asked of a server that never answers (TEST-NET-1).
    let resolver = scratch.write("resolv.conf", "nameserver 192.0.2.1\n");
    let move_in = format!("mount --bind {names} /etc/hosts && mount --bind {resolver} /etc/resolv.conf && exec \"$@\"");
    let mut space = vec!["unshare", "--mount"];
    if !nix::unistd::geteuid().is_root() {
        space.extend(["--user", "--map-root-user"]);
    }
    space.extend(["sh", "-c", &move_in, "sh"]);
    let lost = mysql(database.port(), &json!({ "host": "db.lost" }));
    let config = jobs(json!([idle("app", &health), idle("other", &lost)]));
    let mut pilot = Pilot::with(&config).env("DB_PASSWORD", PASSWORD).through(&space).start();
    pilot.wait_for("other is unhealthy: timed out after 1s resolving db.lost");
    let server = format!("MySQL at db.test:{}", database.port());
    pilot.wait_for(&format!("app is unhealthy: connection refused by {server}"));

    scratch.write("hosts", "127.0.0.1 db.test\n");
    pilot.wait_for(&format!("app is healthy again: {server} answers and is writable"));
    let _old = TcpListener::bind(("127.0.0.2", database.port())).unwrap();
    scratch.write("hosts", "127.0.0.2 db.test\n");
    pilot.wait_for(&format!("app is unhealthy: timed out after 1s connecting to {server}"));
    scratch.write("hosts", "127.0.0.1 db.test\n");
    pilot.wait_for_count("app is healthy again", 2);
    assert_eq!(pilot.marks("app.runs").len(), 1, "the app itself was left alone");
    assert_eq!(pilot.stop(), 0);
}
