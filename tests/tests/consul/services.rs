//! What a job registers in addition to v3's one service: several of them, weights, tagged and advertised addresses, nothing at
//! all; and services that Consul itself removed. v3 spec 5.7, 5.8, 12.1 rows 3, 13 and 15.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::sys::signal::Signal;
use pilot_tests::proxy::forward;
use pilot_tests::scripted::Scripted;
use pilot_tests::{Consul, Pilot, SOON, Scratch, fixture, http, ports, until};
use serde_json::{Value, json};

use crate::observer;

fn hostname() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim().to_owned()
}

/// A job `app` that answers HTTP on a port of its own, checked every 100 ms, with more keys.
fn app(port: u16, more: &Value) -> Value {
    let mut job = json!({
        "name": "app", "port": port, "interfaces": "static:127.0.0.1", "restarts": "unlimited",
        "exec": [fixture(), "http", port.to_string(), "{{ .PILOT_TEST_DIR }}/says"],
        "health": { "http": "/", "interval": "100ms", "ttl": 5, "failFast": true },
    });
    more.as_object().unwrap().iter().for_each(|(key, value)| job[key] = value.clone());
    job
}

fn config(consul: &str, jobs: Value) -> Value {
    json!({ "consul": consul, "logging": { "level": "DEBUG" }, "stopTimeout": 2, "jobs": jobs })
}

/// The services that the agent has, by id, with the status of their checks.
fn seen(consul: &Consul) -> Vec<(String, String)> {
    let checks = observer::checks(consul).into_values();
    let mut all: Vec<_> = checks.map(|check| (check.service_id.unwrap(), check.status.unwrap())).collect();
    all.sort();
    all
}

#[track_caller]
fn wait_for_all(consul: &Consul, pilot: &mut Pilot, ids: &[String], status: &str) {
    let mut wanted: Vec<_> = ids.iter().map(|id| (id.clone(), status.to_owned())).collect();
    wanted.sort();
    pilot.wait(&format!("{wanted:?}"), SOON, |_| (seen(consul) == wanted).then_some(()));
}

fn only_instance(consul: &Consul, service: &str) -> consulrs::api::catalog::common::CatalogService {
    until("the agent to tell the catalog", SOON, || observer::instances(consul, service).pop())
}

#[test]
fn the_services_of_a_job_pass_fail_and_leave_together() {
    let consul = Consul::start();
    let scratch = Scratch::new();
    let term = scratch.file("term");
    let port = ports::free();
    let more = json!({
        "tags": ["blue"],
        "services": [
            { "name": "app-admin", "port": 9001, "tags": ["internal"], "meta": { "path": "/admin" } },
            { "name": "app", "port": 9002 },
        ],
        "exec": [fixture(), "on-term", term, "0", "0", "http", port.to_string(), "{{ .PILOT_TEST_DIR }}/says"],
    });
    // Deregistrations are held up, so that a SIGTERM before the last of them would be seen.
    let told: Arc<Mutex<Vec<bool>>> = Arc::default();
    let (agent, told_here, term_file) = (consul.port(), told.clone(), term.clone());
    let slow = Scripted::start(move |request| {
        if request.line.contains("deregister") {
            let pause = if request.line.contains("admin") { 600 } else { 50 };
            std::thread::sleep(Duration::from_millis(pause));
            told_here.lock().unwrap().push(std::path::Path::new(&term_file).exists());
        }
        forward(agent, request)
    });
    let mut pilot = Pilot::run(&config(&format!("127.0.0.1:{}", slow.port()), json!([app(port, &more)])));
    let host = hostname();
    let ids = [format!("app-{host}"), format!("app-admin-9001-{host}"), format!("app-9002-{host}")];
    wait_for_all(&consul, &mut pilot, &ids, "passing");

    let both = until("both instances of app in the catalog", SOON, || {
        Some(observer::instances(&consul, "app")).filter(|list| list.len() == 2)
    });
    let of = |id: &str| both.iter().find(|one| one.service_id.as_deref() == Some(id)).unwrap();
    assert_eq!(of(&ids[0]).service_tags.as_ref().unwrap(), &["blue"]);
    assert_eq!(of(&ids[0]).service_port, Some(u64::from(port)));
    assert_eq!(of(&ids[2]).service_tags.as_ref().unwrap().len(), 0, "tags are each service's own");
    let admin = only_instance(&consul, "app-admin");
    assert_eq!(admin.service_tags.unwrap(), ["internal"]);
    assert_eq!(admin.service_meta.unwrap()["path"], "/admin");
    assert_eq!((admin.service_address.as_deref(), admin.service_port), (Some("127.0.0.1"), Some(9001)));

    pilot.scratch.write("says", "500");
    wait_for_all(&consul, &mut pilot, &ids, "critical");
    pilot.scratch.write("says", "200");
    wait_for_all(&consul, &mut pilot, &ids, "passing");
    assert_eq!(pilot.stop(), 0, "{}", pilot.log());
    assert_eq!(*told.lock().unwrap(), [false; 3], "SIGTERM only when all three are out");
    assert!(std::path::Path::new(&term).exists());
    assert_eq!(seen(&consul), []);
}

#[test]
fn the_services_of_a_job_share_the_two_seconds_that_a_silent_agent_may_cost() {
    let consul = Consul::start();
    let agent = consul.port();
    let deaf = Scripted::start(move |request| {
        if request.line.contains("deregister") {
            return pilot_tests::scripted::Reply::Hang;
        }
        forward(agent, request)
    });
    let services: Vec<Value> = (0..5).map(|n| json!({ "name": format!("part-{n}"), "port": 9000 + n })).collect();
    let jobs = json!([app(ports::free(), &json!({ "services": services }))]);
    let mut pilot = Pilot::run(&config(&format!("127.0.0.1:{}", deaf.port()), jobs));
    pilot.wait("six services", SOON, |_| (seen(&consul).len() == 6).then_some(()));
    let began = std::time::Instant::now();
    assert_eq!(pilot.stop(), 0, "{}", pilot.log());
    assert!(began.elapsed() < Duration::from_secs(10), "not two seconds each: {:?}", began.elapsed());
    assert_eq!(deaf.count("deregister"), 6);
}

#[test]
fn a_job_without_a_port_may_have_services_and_one_of_them_an_initial_status() {
    let consul = Consul::start();
    let port = ports::free();
    let mut job = app(port, &json!({ "name": "any name", "when": { "source": "SIGHUP" } }));
    job.as_object_mut().unwrap().remove("port");
    job["health"]["http"] = json!(format!("http://127.0.0.1:{port}/"));
    job["services"] = json!([
        { "name": "web", "port": port, "initial_status": "warning" },
        { "name": "metrics", "port": 9100 },
    ]);
    let mut pilot = Pilot::run(&config(&consul.address(), json!([job])));
    let (web, metrics) = (format!("web-{port}-{}", hostname()), format!("metrics-9100-{}", hostname()));
    wait_for_all(&consul, &mut pilot, std::slice::from_ref(&web), "warning");
    pilot.signal(Signal::SIGHUP);
    wait_for_all(&consul, &mut pilot, &[web, metrics], "passing");
    assert_eq!(pilot.stop(), 0);
    assert_eq!(seen(&consul), []);
}

#[test]
fn weights_and_tagged_addresses_are_what_consul_has() {
    let consul = Consul::start();
    let more = json!({
        "weights": { "passing": 10, "warning": 0 },
        "taggedAddresses": { "wan": { "address": "203.0.113.7", "port": 443 }, "lan": { "address": "2001:db8::7" } },
        "consul": { "enableTagOverride": true },
    });
    let port = ports::free();
    let mut pilot = Pilot::run(&config(&consul.address(), json!([app(port, &more)])));
    wait_for_all(&consul, &mut pilot, &[format!("app-{}", hostname())], "passing");
    let instance = only_instance(&consul, "app");
    assert_eq!(instance.service_enable_tag_override, Some(true));
    let weights = serde_json::to_value(instance.service_weights.unwrap()).unwrap();
    assert_eq!(weights, json!({ "Passing": 10, "Warning": 0 }));
    // consulrs knows no tagged addresses of services: asked for over the API.
    let tagged = &consul.service(&format!("app-{}", hostname()))["TaggedAddresses"];
    assert_eq!(tagged["wan"], json!({ "Address": "203.0.113.7", "Port": 443 }));
    assert_eq!(tagged["lan"], json!({ "Address": "2001:db8::7", "Port": port }));
    assert_eq!(pilot.stop(), 0);
}

// The one file of a container that runs on Nomad and elsewhere.
#[test]
fn on_nomad_the_hosts_address_and_port_are_advertised_and_the_containers_are_probed() {
    let port = ports::free();
    let more = json!({
        "advertise": { "address": "{{ .NOMAD_IP_http }}", "port": "{{ .NOMAD_HOST_PORT_http }}" },
        "register": "{{ .SHOP_REGISTER }}",
    });
    let run = |consul: &Consul, env: &[(&str, &str)]| {
        let start = Pilot::with(&config(&consul.address(), json!([app(port, &more)])));
        env.iter().fold(start, |start, (name, value)| start.env(name, value)).start()
    };
    let id = [format!("app-{}", hostname())];
    for (address, host_port) in [("192.0.2.9", 27017), ("2001:db8::9", 27018)] {
        let consul = Consul::start();
        let text = host_port.to_string();
        let mut pilot = run(&consul, &[("NOMAD_IP_http", address), ("NOMAD_HOST_PORT_http", &text)]);
        wait_for_all(&consul, &mut pilot, &id, "passing");
        let instance = only_instance(&consul, "app");
        assert_eq!((instance.service_address.as_deref(), instance.service_port), (Some(address), Some(host_port)));
        let output = pilot.wait("the probe's note", SOON, |_| {
            observer::checks(&consul)[&format!("service:{}", id[0])].output.clone().filter(|text| !text.is_empty())
        });
        assert_eq!(output, format!("HTTP 200 from http://127.0.0.1:{port}/"));
        assert_eq!(pilot.stop(), 0);
    }
    let consul = Consul::start();
    let mut pilot = run(&consul, &[]);
    wait_for_all(&consul, &mut pilot, &id, "passing");
    let instance = only_instance(&consul, "app");
    assert_eq!(instance.service_address.as_deref(), Some("127.0.0.1"));
    assert_eq!(instance.service_port, Some(u64::from(port)), "without Nomad the container's own");
    assert_eq!(pilot.stop(), 0);

    let mut pilot = run(&consul, &[("SHOP_REGISTER", "false")]);
    pilot.wait("five checks", SOON, |pilot| (pilot.count_events("StatusHealthy app") >= 5).then_some(()));
    assert_eq!((seen(&consul), pilot.stop()), (vec![], 0), "{}", pilot.log());
}

#[test]
fn an_address_from_the_environment_is_advertised_and_told_to_the_other_jobs() {
    let consul = Consul::start();
    let jobs = json!([
        app(ports::free(), &json!({ "interfaces": ["env:HOST_IP", "static:127.0.0.1"] })),
        { "name": "teller", "exec": [fixture(), "env", "CONTAINERPILOT_APP_IP"] },
    ]);
    let mut pilot = Pilot::with(&config(&consul.address(), jobs)).env("HOST_IP", "192.0.2.77").start();
    pilot.wait_for("CONTAINERPILOT_APP_IP=192.0.2.77");
    wait_for_all(&consul, &mut pilot, &[format!("app-{}", hostname())], "passing");
    assert_eq!(only_instance(&consul, "app").service_address.as_deref(), Some("192.0.2.77"));
    assert_eq!(pilot.stop(), 0);
}

#[test]
fn a_variable_that_is_not_set_keeps_pilot_from_starting_and_is_named() {
    let job = app(8000, &json!({ "interfaces": "env:HOST_IP" }));
    let mut pilot = Pilot::with(&config("127.0.0.1:1", json!([job]))).without_env("HOST_IP").start();
    assert_ne!(pilot.exit_code(), 0);
    assert_eq!(pilot.count("interfaces finds no address for env:HOST_IP (not set)"), 1, "{}", pilot.log());
}

#[test]
fn a_job_that_is_not_registered_has_its_checks_and_events_and_consul_is_never_called_about_it() {
    let consul = Consul::start();
    let agent = consul.port();
    let proxy = Scripted::start(move |request| forward(agent, request));
    let jobs = json!([
        app(ports::free(), &json!({ "register": false, "initial_status": "warning" })),
        { "name": "next", "exec": [fixture(), "say", "next runs"], "when": { "source": "app", "once": "healthy" } },
    ]);
    let mut config = config(&format!("127.0.0.1:{}", proxy.port()), jobs);
    config["watches"] = json!([{ "name": "other", "interval": 1 }]);
    let mut pilot = Pilot::run(&config);
    pilot.wait_for("next runs");
    consul.register("other-1", "other", 80);
    pilot.wait_for_event("StatusHealthy watch.other");
    pilot.scratch.write("says", "500");
    pilot.wait_for_event("StatusUnhealthy app");
    assert_eq!(pilot.stop(), 0, "{}", pilot.log());
    let about_agent = proxy.requests().into_iter().filter(|request| request.line.contains("/v1/agent/")).count();
    assert_eq!(about_agent, 0, "only the watch asks");
}

// v3 spec 12.1, row 15: in v3 both watches share one memory and fire at every poll.
#[test]
fn two_watches_on_one_service_with_different_tags_are_told_apart() {
    let consul = Consul::start();
    let teller = |name: &str| {
        json!({ "name": format!("on-{name}"), "when": { "source": format!("watch.{name}"), "each": "changed" },
                "exec": [fixture(), "env", format!("PILOT_WATCH_{}", name.to_uppercase())] })
    };
    let mut config = config(&consul.address(), json!([teller("primary"), teller("replica")]));
    config["watches"] = json!([
        { "name": "primary", "service": "db", "tag": "primary", "interval": 1 },
        { "name": "replica", "service": "db", "tag": "replica", "interval": 1 },
    ]);
    let put = |id: &str, tag: &str, port: u16| {
        let body = json!({ "ID": id, "Name": "db", "Tags": [tag], "Port": port, "Address": "10.0.0.1" });
        consul.put("/v1/agent/service/register", &body);
    };
    put("db-1", "primary", 1);
    put("db-2", "replica", 2);
    let mut pilot = Pilot::run(&config);
    pilot.wait_for("PILOT_WATCH_PRIMARY=10.0.0.1:1");
    pilot.wait_for("PILOT_WATCH_REPLICA=10.0.0.1:2");
    put("db-3", "replica", 3);
    pilot.wait_for("PILOT_WATCH_REPLICA=10.0.0.1:2,10.0.0.1:3");
    // Three more changes of the service move the index of both watches and change the replicas only.
    for round in 4..7 {
        put("db-3", "replica", round);
        pilot.wait_for(&format!("PILOT_WATCH_REPLICA=10.0.0.1:2,10.0.0.1:{round}"));
    }
    assert_eq!(pilot.count_events("StatusChanged watch.primary"), 1, "{}", pilot.log());
    assert_eq!(pilot.count_events("StatusChanged watch.replica"), 5, "{}", pilot.log());
}

// v3 spec 12.1, row 15, the other half.
#[test]
fn two_watches_on_one_service_in_two_datacenters_are_told_apart() {
    let here = Consul::start();
    let there =
        Consul::start_with(&format!(r#"datacenter = "dc2" retry_join_wan = ["127.0.0.1:{}"]"#, here.wan_port()));
    here.register("db-here", "db", 1);
    there.register("db-there", "db", 2);
    until("one agent to see the other's services", SOON * 2, || {
        let answer = http::get(here.port(), "/v1/health/service/db?dc=dc2").ok()?;
        answer.body.contains("db-there").then_some(())
    });
    let mut config = config(&here.address(), json!([{ "name": "keep", "exec": [fixture(), "forever"] }]));
    config["watches"] = json!([
        { "name": "near", "service": "db", "interval": 1 },
        { "name": "far", "service": "db", "dc": "dc2", "interval": 1 },
    ]);
    let mut pilot = Pilot::run(&config);
    pilot.wait_for_event("StatusHealthy watch.near");
    pilot.wait_for_event("StatusHealthy watch.far");
    there.deregister("db-there");
    pilot.wait_for_event("StatusUnhealthy watch.far");
    assert_eq!(pilot.count_events("StatusChanged watch.near"), 1, "{}", pilot.log());
    assert_eq!(pilot.count_events("StatusChanged watch.far"), 2, "{}", pilot.log());
    assert_eq!(pilot.stop(), 0);
}
