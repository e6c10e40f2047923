//! Watches: a service in Consul by blocking queries, and whatever a probe can see. v3 spec section 7 and
//! test_discovery_consul of section 11; reliability.md, section 2, case 43.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::sys::signal::Signal;
use pilot_tests::mariadb::{PASSWORD, USER};
use pilot_tests::pilot::jobs;
use pilot_tests::scripted::{Reply, Scripted};
use pilot_tests::{Consul, MariaDb, Pilot, SOON, Scratch, fixture, http, ports, tools, until};
use serde_json::{Value, json};

/// A job that says what the watch `name` shows, each time it changes.
fn reader(name: &str) -> Value {
    let variable = format!("PILOT_WATCH_{}", name.to_uppercase());
    json!({
        "name": "reader", "when": { "source": format!("watch.{name}"), "each": "changed" },
        "exec": [fixture(), "env", variable, "env", "PILOT_EVENT", "env", "PILOT_SOURCE"],
    })
}

fn watching(consul: &str, list: Value, watches: Value) -> Value {
    let mut config = jobs(list);
    config["consul"] = json!(consul);
    config["watches"] = watches;
    config
}

/// The watch's events in order, without their source.
fn told(pilot: &Pilot, watch: &str) -> Vec<String> {
    let source = format!(" watch.{watch}");
    pilot.events().iter().filter_map(|event| Some(event.strip_suffix(&source)?.to_owned())).collect()
}

/// These are the watch's events, and no others. Waits for the last of them: a job that one has started may speak before the
/// next is told.
#[track_caller]
fn assert_told(pilot: &mut Pilot, watch: &str, expected: &[&str]) {
    pilot.wait("the watch's last event", SOON, |pilot| (told(pilot, watch).len() >= expected.len()).then_some(()));
    assert_eq!(told(pilot, watch), expected, "{}", pilot.log());
}

// Trace E of section 10.7.
/// Consul takes any text for an address, from everybody who may register a service.
#[test]
fn an_instance_whose_address_is_none_is_left_out_and_every_process_still_starts() {
    let consul = Consul::start();
    let config = watching(&consul.address(), json!([reader("backend")]), json!([{ "name": "backend", "interval": 1 }]));
    let mut pilot = Pilot::run(&config);
    let long = "a".repeat(131_072);
    for (at, address) in ["a\0b", "a\nPATH=/evil", "a\" user: \"root", "$(reboot)", &long].iter().enumerate() {
        let body = json!({ "ID": format!("evil-{at}"), "Name": "backend", "Port": 1, "Address": address });
        consul.put("/v1/agent/service/register", &body);
    }
    consul.register("backend-1", "backend", 8001);
    pilot.wait("the job to see the good one alone", SOON, |pilot| {
        pilot.lines().iter().any(|line| line.text.ends_with("PILOT_WATCH_BACKEND=10.9.8.7:8001")).then_some(())
    });
    assert_eq!(pilot.log().matches("are left out, because their address is none").count(), 1, "{}", pilot.log());
    assert_eq!(pilot.stop(), 0);
}

#[test]
fn each_change_of_a_service_runs_the_job_with_the_addresses_of_its_instances() {
    let consul = Consul::start();
    let config = watching(&consul.address(), json!([reader("backend")]), json!([{ "name": "backend", "interval": 1 }]));
    let mut pilot = Pilot::run(&config);
    // Absent at first: nothing is said (and the watch is at its blocking query by the time it appears).
    consul.register("backend-1", "backend", 8001);
    pilot.wait_for("PILOT_WATCH_BACKEND=10.9.8.7:8001");
    pilot.wait_for("PILOT_EVENT=changed");
    pilot.wait_for("PILOT_SOURCE=watch.backend");
    consul.register("backend-2", "backend", 8002);
    pilot.wait_for("PILOT_WATCH_BACKEND=10.9.8.7:8001,10.9.8.7:8002");
    consul.deregister("backend-1");
    pilot.wait_for_count("PILOT_WATCH_BACKEND=10.9.8.7:8002", 1);
    consul.deregister("backend-2");
    pilot.wait("an empty list", SOON, |pilot| {
        pilot.lines().iter().any(|line| line.text.ends_with("PILOT_WATCH_BACKEND=")).then_some(())
    });
    let changes = ["StatusChanged", "StatusHealthy"];
    let all: Vec<&str> =
        changes.iter().chain(&changes).chain(&changes).copied().chain(["StatusChanged", "StatusUnhealthy"]).collect();
    assert_told(&mut pilot, "backend", &all);
    assert_eq!(pilot.stop(), 0);
}

#[test]
fn a_watch_starts_a_job_once_healthy_and_tells_by_tag_and_by_another_name() {
    let consul = Consul::start();
    let config = watching(
        &consul.address(),
        json!([
            { "name": "waiting", "when": { "source": "watch.primary", "once": "healthy" }, "exec": [fixture(), "env", "PILOT_WATCH_PRIMARY"] },
            { "name": "keep", "exec": [fixture(), "forever"] },
        ]),
        json!([{ "name": "primary", "service": "users_v2", "tag": "primary", "interval": 1 }]),
    );
    let mut pilot = Pilot::run(&config);
    let put = |id: &str, tag: &str, port: u16| {
        let body = json!({ "ID": id, "Name": "users_v2", "Tags": [tag], "Port": port, "Address": "10.0.0.1" });
        consul.put("/v1/agent/service/register", &body);
    };
    put("replica", "replica", 1111);
    until("the replica to be in the catalog", SOON, || {
        let list = consul.get("/v1/catalog/service/users_v2");
        list.as_array().is_some_and(|list| list.len() == 1).then_some(())
    });
    put("primary", "primary", 2222);
    pilot.wait_for("PILOT_WATCH_PRIMARY=10.0.0.1:2222");
    assert_told(&mut pilot, "primary", &["StatusChanged", "StatusHealthy"]);
    assert_eq!(pilot.count("PILOT_WATCH_PRIMARY=10.0.0.1:1111"), 0);
}

#[test]
fn an_outage_of_the_agent_is_no_change_and_afterwards_changes_are_seen_again() {
    let mut consul = Consul::start();
    let config = watching(&consul.address(), json!([reader("backend")]), json!([{ "name": "backend", "interval": 1 }]));
    let mut pilot = Pilot::run(&config);
    consul.register("backend-1", "backend", 8001);
    pilot.wait_for("PILOT_WATCH_BACKEND=10.9.8.7:8001");
    consul.kill();
    pilot.wait_for("failed to query backend");
    assert_eq!(told(&pilot, "backend"), ["StatusChanged", "StatusHealthy"], "an outage is never \"unhealthy\"");
    consul.begin();
    pilot.wait_for("Consul answers again: watching backend");
    // The agent's state was lost, which is a change: the service is not there.
    pilot.wait_for_event("StatusUnhealthy watch.backend");
    consul.register("backend-1", "backend", 8009);
    pilot.wait_for("PILOT_WATCH_BACKEND=10.9.8.7:8009");
}

/// An answer of the health endpoint with this index.
fn answer(index: &str, ports: &[u16]) -> Reply {
    let entry = |port: &u16| json!({ "Node": { "Address": "10.0.0.9" }, "Service": { "ID": format!("s-{port}"), "Address": "10.0.0.1", "Port": port } });
    let body = Value::from(ports.iter().map(entry).collect::<Vec<_>>()).to_string();
    Reply::Answer { status: 200, head: format!("X-Consul-Index: {index}\r\n"), body, after: Duration::ZERO }
}

// Case 43.
#[test]
fn whatever_the_index_does_there_is_one_changed_event_for_each_real_change() {
    let script = [
        answer("10", &[]),           // absent: nothing
        answer("12", &[1]),          // change 1
        answer("12", &[1]),          // the wait was over
        answer("13", &[1]),          // another service's change moved the index
        answer("90000000", &[1]),    // the index jumps
        answer("90000001", &[1, 2]), // change 2
        answer("5", &[1, 2]),        // it goes backwards: another history
        answer("6", &[2, 1]),        // the same set in another order
        Reply::status(500),          // an outage
        answer("7", &[2]),           // change 3
        answer("0", &[2]),           // an index that must not be used
        answer("nonsense", &[2]),    // no index at all
        Reply::Reset,                // another outage
        answer("8", &[]),            // change 4
        answer("8", &[]),            // asked for once more before it is believed
        answer("9", &[3]),           // change 5
    ];
    let length = script.len();
    let next = Mutex::new(script.into_iter());
    // What the token may see is no part of the script: without ACLs there is no answer to that.
    let peer = Scripted::start(move |request| match request.line.starts_with("GET") {
        true => next.lock().unwrap().next().unwrap_or(Reply::Hang),
        false => Reply::status(401),
    });
    let address = format!("127.0.0.1:{}", peer.port());
    let config =
        watching(&address, json!([reader("svc")]), json!([{ "name": "svc", "interval": "100ms", "minInterval": 0 }]));
    let mut pilot = Pilot::run(&config);
    pilot.wait("the whole script to be played", SOON, |_| (peer.requests().len() > length + 1).then_some(()));
    pilot.wait_for("PILOT_WATCH_SVC=10.0.0.1:3");
    let (up, down) = (["StatusChanged", "StatusHealthy"], ["StatusChanged", "StatusUnhealthy"]);
    assert_told(&mut pilot, "svc", &[up, up, up, down, up].concat());

    let asked: Vec<String> = peer.requests().iter().map(|request| request.line.clone()).collect();
    let (asked, rights): (Vec<String>, Vec<String>) = asked.into_iter().partition(|line| line.starts_with("GET"));
    assert_eq!(rights, ["POST /v1/internal/acl/authorize"]);
    assert!(asked.iter().all(|line| line.starts_with("GET /v1/health/service/svc?passing=1")), "{asked:?}");
    let index = |place: usize| asked[place].split_once("index=").map(|(_, rest)| rest.split('&').next().unwrap());
    // What each request waits on: nothing at first, after a step back, after an outage and after an unusable index.
    let waits: Vec<_> = (0..=length).map(index).collect();
    let (n, s) = (None, Some::<&str>);
    let expected = [
        n,
        s("10"),
        s("12"),
        s("12"),
        s("13"),
        s("90000000"),
        s("90000001"),
        n,
        s("6"),
        n,
        s("7"),
        n,
        n,
        n,
        n,
        s("8"),
        s("9"),
    ];
    assert_eq!(waits, expected);
    // The long poll is under way: it must not hold up the end.
    assert_eq!(pilot.stop(), 0);
}

// Case 43: a server that never blocks is not asked as fast as it answers.
#[test]
fn a_server_whose_index_never_changes_and_never_blocks_is_asked_with_moderation() {
    let ports = Arc::new(Mutex::new(vec![1_u16]));
    let now = ports.clone();
    let peer = Scripted::start(move |_| answer("7", &now.lock().unwrap()));
    let address = format!("127.0.0.1:{}", peer.port());
    let config = watching(&address, json!([reader("svc")]), json!([{ "name": "svc", "interval": 1 }]));
    let mut pilot = Pilot::run(&config);
    pilot.wait_for("PILOT_WATCH_SVC=10.0.0.1:1");
    pilot.wait("twenty-four requests", SOON, |_| (peer.requests().len() >= 24).then_some(()));
    let all = peer.requests();
    let took = all[23].at.duration_since(all[0].at);
    assert!(took >= Duration::from_millis(1500), "24 requests in {took:?}");
    assert_told(&mut pilot, "svc", &["StatusChanged", "StatusHealthy"]);
    ports.lock().unwrap().push(2);
    pilot.wait_for("PILOT_WATCH_SVC=10.0.0.1:1,10.0.0.1:2");
    assert_told(&mut pilot, "svc", &["StatusChanged", "StatusHealthy", "StatusChanged", "StatusHealthy"]);
}

fn database(port: u16) -> Value {
    json!({ "host": "127.0.0.1", "port": port, "user": USER, "passwordEnv": "DB_PASSWORD", "role": "writer" })
}

// The issue: how the app waits for RDS, which registers nowhere.
#[test]
fn a_mysql_watch_holds_the_app_back_until_the_database_answers_and_follows_its_end_and_return() {
    let mut server = MariaDb::start();
    server.kill();
    let consul = Consul::start();
    let probe = database(server.port());
    let app = |name: &str| {
        json!({
            "name": name, "service": "app", "port": 8000, "interfaces": "static:127.0.0.1", "restarts": "unlimited",
            "exec": [fixture(), "mark", "{{ .PILOT_TEST_DIR }}/runs", "forever"],
            "when": { "source": "watch.db", "once": "healthy" },
            "health": { "mysql": probe, "interval": "200ms", "timeout": 1, "ttl": 30, "failFast": true },
        })
    };
    let list = json!([
        app("app-1"), app("app-2"),
        { "name": "alarm", "exec": [fixture(), "say", "the database is gone"], "when": { "source": "watch.db", "each": "unhealthy" } },
    ]);
    let watches = json!([{ "name": "db", "mysql": database(server.port()), "interval": "200ms", "timeout": 1 }]);
    let mut pilot = Pilot::with(&watching(&consul.address(), list, watches)).env("DB_PASSWORD", PASSWORD).start();
    pilot.wait_for("watch db fails: connection refused by");
    assert_eq!(pilot.marks("runs").len(), 0);
    assert_eq!(pilot.events(), ["Startup global"], "a database that was never there is no event");

    server.begin(&[]);
    pilot.wait_for_marks("runs", 2);
    assert_told(&mut pilot, "db", &["StatusChanged", "StatusHealthy"]);
    consul.wait_for_passing("app", 2);

    server.kill();
    pilot.wait_for("the database is gone");
    let all_are = |wanted: &str| {
        let list = consul.instances("app");
        (list.len() == 2 && list.iter().all(|(_, status)| status == wanted)).then_some(())
    };
    pilot.wait("both apps to be critical in Consul", SOON, |_| all_are("critical"));
    server.begin(&[]);
    pilot.wait("both apps to pass again", SOON, |_| all_are("passing"));
    let (up, down) = (["StatusChanged", "StatusHealthy"], ["StatusChanged", "StatusUnhealthy"]);
    assert_told(&mut pilot, "db", &[up, down, up].concat());
    assert_eq!(pilot.marks("runs").len(), 2, "the apps themselves were left alone");
    assert_eq!(pilot.stop(), 0);
    assert_eq!(consul.services(), Vec::<String>::new());
    assert!(!pilot.log().contains(PASSWORD));
}

#[test]
fn a_job_may_wait_for_a_watch_and_a_job_together_in_either_order() {
    for gate_first in [true, false] {
        let port = ports::free();
        let mut config = jobs(json!([
            { "name": "gate", "exec": [fixture(), "until", "{{ .PILOT_TEST_DIR }}/go"] },
            { "name": "keep", "exec": [fixture(), "forever"] },
            { "name": "app", "exec": [fixture(), "say", "app runs"],
              "when": { "all": [{ "source": "gate", "once": "exitSuccess" }, { "source": "watch.cache", "once": "healthy" }] } },
        ]));
        config["watches"] = json!([{ "name": "cache", "tcp": format!("127.0.0.1:{port}"), "interval": "50ms" }]);
        let mut pilot = Pilot::run(&config);
        pilot.wait_for("watch cache fails");
        let mut listener = None;
        for gate in [gate_first, !gate_first] {
            assert_eq!(pilot.count("app runs"), 0);
            if gate {
                pilot.scratch.write("go", "");
                pilot.wait_for_event("ExitSuccess gate");
            } else {
                listener = std::net::TcpListener::bind(("127.0.0.1", port)).ok();
                pilot.wait_for_event("StatusHealthy watch.cache");
            }
        }
        pilot.wait_for("app runs");
        drop(listener);
        pilot.wait_for_event("StatusUnhealthy watch.cache");
        assert_eq!(pilot.count("app runs"), 1, "once is once");
    }
}

// As v3's test_discovery_consul (`drop_in.rs`), but without a question to Consul: the watch's own variable says where.
#[test]
fn a_front_end_renders_where_its_back_end_is_from_the_watchs_variable() {
    let consul = Consul::start();
    let (app_port, web_port) = (ports::free(), ports::free());
    let scratch = Scratch::new();
    let template = "{{ with .PILOT_WATCH_APP }}302 http://{{ . }}/{{ else }}503{{ end }}";
    let (template, routes) = (scratch.write("routes.template", template), scratch.file("routes"));
    let render = json!([tools::pilot(), "-template", "-config", template, "-out", routes]);
    let service = |name: &str, port: u16, answer: &str| {
        json!({
            "name": name, "port": port, "interfaces": "static:127.0.0.1", "restarts": "unlimited",
            "exec": [fixture(), "http", port.to_string(), answer],
            "health": { "tcp": port, "interval": "200ms", "ttl": 5 },
        })
    };
    let mut web = service("nginx", web_port, &routes);
    web["when"] = json!({ "source": "preStart", "once": "exitSuccess" });
    let front = watching(
        &consul.address(),
        json!([
            web,
            { "name": "preStart", "exec": render },
            { "name": "onchange-app", "exec": render, "when": { "source": "watch.app", "each": "changed" } },
        ]),
        json!([{ "name": "app", "interval": 1 }]),
    );
    let mut front = Pilot::run_as_pid_1(&front);
    consul.wait_for_passing("nginx", 1);
    let routed = || http::get(web_port, "/app/");
    // While its routes are being written the front end has no answer.
    let answers = |status: u16| routed().is_ok_and(|answer| answer.status == status).then_some(());
    assert_eq!(routed().unwrap().status, 503, "nobody is there yet");
    let mut back =
        Pilot::run_as_pid_1(&watching(&consul.address(), json!([service("app", app_port, "/nowhere")]), json!([])));
    consul.wait_for_passing("app", 1);
    front.wait("the front end to send requests to the application", SOON, |_| answers(302));
    let found = routed().unwrap();
    assert!(found.head.contains(&format!("Location: http://127.0.0.1:{app_port}/")), "{found:?}");
    assert_eq!(http::get(app_port, "/").unwrap().status, 200);
    consul.wait_for_passing("nginx", 1);

    // The back end goes; the front end is told, and stays.
    back.signal(Signal::SIGTERM);
    front.wait_for_event("StatusUnhealthy watch.app");
    front.wait("the front end to know that nobody is there", SOON, |_| answers(503));
    assert_eq!(back.exit_code(), 0);
    assert_eq!(consul.passing("nginx"), 1);
    assert_eq!(front.stop(), 0);
    assert_eq!(consul.services(), Vec::<String>::new());
}
