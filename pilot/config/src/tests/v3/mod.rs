//! Configurations as people wrote them for ContainerPilot 3 (and one for 2): accepted, with the model that v3's
//! specification gives. Written for this purpose, after the kinds that are public. Reliability case 46.

use std::time::Duration;

use super::*;
use pilot_core::event::{Code, Event};
use pilot_core::graph::{Chance, Graph};
use pilot_core::plan::{Condition, ConsulAddress, Count, LogFormat, LogOutput, OutputMode, Probe, Start, WatchTarget};

/// A file without errors and, but for what a test lists, without warnings.
fn accepted(text: &str, env: &[(&str, &str)], warnings: &[&str]) -> Plan {
    let loaded = load("v3.json5", text, &machine(env));
    let found: Vec<&str> = loaded.diagnostics.iter().map(|d| d.message.as_str()).collect();
    assert_eq!(found, warnings, "{}", loaded.report(text));
    loaded.plan.unwrap()
}

fn names(plan: &Plan) -> Vec<&str> {
    plan.jobs.iter().map(|job| job.name.as_str()).collect()
}

fn named<'a>(plan: &'a Plan, name: &str) -> &'a Job {
    plan.jobs.iter().find(|job| job.name == name).unwrap()
}

fn once(code: Code, source: &str, timeout: Option<Duration>) -> Start {
    Start::Once { when: Condition::All(vec![Event::new(code, source)]), timeout }
}

fn each(code: Code, source: &str) -> Start {
    Start::Each { events: vec![Event::new(code, source)], timeout: None }
}

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_proxy_with_its_own_agent() {
    let text = include_str!("nginx.json5");
    let alone = accepted(text, &[], &[]);
    assert_eq!(names(&alone), ["nginx", "preStart", "onchange-app", "onchange-api", "containerpilot"]);
    let plan = accepted(text, &[("CONSUL_AGENT", "1"), ("VERSION", "7"), ("CONSUL", "c1")], &[]);
    assert_eq!(names(&plan)[2], "consul-agent");
    let nginx = named(&plan, "nginx");
    assert_eq!((nginx.restarts, &nginx.start), (Count::Unlimited, &once(Code::ExitSuccess, "preStart", None)));
    let service = nginx.services.first().unwrap();
    assert_eq!((service.id.as_str(), service.port, service.ttl), ("nginx-box", 80, secs(25)));
    assert_eq!(
        (service.address.to_string(), &service.tags[..]),
        ("10.2.0.1".into(), &["proxy".to_owned(), "7".to_owned()][..])
    );
    let agent = named(&plan, "consul-agent");
    assert_eq!(agent.exec.as_ref().unwrap().args[6], "c1");
    assert!(agent.services.is_empty() && agent.health.is_some());
    assert_eq!(named(&plan, "onchange-api").start, each(Code::Changed, "watch.api"));
    let api = WatchTarget::Service { service: "api".into(), tag: Some("v2".into()), datacenter: Some("eu".into()) };
    assert_eq!((&plan.watches[1].target, plan.watches[1].interval), (&api, secs(7)));
    assert_eq!(plan.telemetry.as_ref().unwrap().metrics[0].exposed_name(), "nginx_connections_unhandled_total");
    let graph = Graph::of(&plan);
    assert!(graph.starts.iter().all(|chance| *chance == Chance::Open));
    assert_eq!(graph.stops_after[2].len(), plan.jobs.len() - 1, "the agent stops last of all");
}

#[test]
fn a_database_that_looks_after_itself() {
    let plan = accepted(include_str!("mysql.json5"), &[], &[]);
    assert_eq!((plan.stop_timeout, plan.logging.format), (secs(30), LogFormat::Text));
    let mysql = named(&plan, "mysql");
    let service = mysql.services.first().unwrap();
    assert_eq!(service.initial_status.map(|status| status.as_str()), Some("critical"));
    assert_eq!((service.enable_tag_override, service.deregister_critical_after.as_deref()), (true, Some("90m")));
    let health = mysql.health.as_ref().unwrap();
    assert_eq!((health.interval, health.timeout), (secs(5), Some(secs(4))));
    assert!(
        matches!(&health.probe, Some(Probe::Exec(command)) if command.args == ["/usr/local/bin/manage.py", "health"])
    );
    let snapshot = named(&plan, "snapshot");
    assert_eq!((&snapshot.start, snapshot.timeout), (&Start::Interval(secs(300)), Some(secs(600))));
    assert_eq!(named(&plan, "preStart").timeout, Some(secs(600)));
    assert_eq!(Graph::of(&plan).starts[4], Chance::Open, "mysql is not restarted, so that it may stop by itself");
}

#[test]
fn an_application_made_of_variables() {
    let text = include_str!("node.json5");
    let plan = accepted(text, &[("PORT", "3000"), ("CONSUL", "c2")], &[]);
    assert_eq!(plan.consul.as_ref().unwrap().address, ConsulAddress::Url("http://c2:8500".into()));
    assert_eq!(
        names(&plan),
        ["web", "wait-for-all", "worker-1", "worker-2", "reload", "rotate", "heap", "containerpilot"]
    );
    let web = named(&plan, "web");
    assert_eq!(web.exec.as_ref().unwrap().args, ["/opt/app/server.js", "--port", "3000"]);
    assert_eq!((web.services.first().unwrap().port, web.restarts), (3000, Count::Finite(3)));
    assert_eq!(web.start, once(Code::ExitSuccess, "wait-for-all", Some(secs(120))));
    assert_eq!((web.output, web.health.as_ref().unwrap().output), (OutputMode::Raw, OutputMode::Raw));
    assert_eq!(named(&plan, "worker-2").exec.as_ref().unwrap().args, ["/opt/app/worker.js", "2"]);
    assert_eq!(named(&plan, "reload").start, each(Code::Signal, "SIGHUP"));
    assert_eq!(named(&plan, "heap").restarts, Count::Unlimited);
    let local = accepted(text, &[("CONSUL_AGENT", "1")], &[]);
    assert_eq!(local.consul.unwrap().address, ConsulAddress::Url("http://localhost:8500".into()));
}

#[test]
fn an_agent_behind_tls() {
    let plan = accepted(include_str!("consul-tls.json5"), &[("CONSUL_TOKEN", "t")], &[]);
    let consul = plan.consul.unwrap();
    assert_eq!(consul.address, ConsulAddress::Url("https://consul.service:8501".into()));
    assert_eq!((consul.token.unwrap().expose(), consul.tls.verify), ("t", true));
    assert_eq!(consul.tls.client, Some(("/ssl/client.pem".into(), "/ssl/client.key".into())));
    assert_eq!(plan.logging.output, LogOutput::File("/var/log/containerpilot.log".into()));
    assert_eq!(plan.control.socket.to_str(), Some("/tmp/pilot.sock"));
    assert_eq!(plan.jobs[0].services.first().unwrap().ttl, secs(45));
}

#[test]
fn hooks_and_old_habits() {
    let plan = accepted(
        include_str!("hooks.json5"),
        &[],
        &["job \"app\": ttl is ignored here, as ContainerPilot 3 ignored it"],
    );
    assert_eq!((plan.jobs.len(), plan.stop_timeout), (9, secs(15)));
    let app = named(&plan, "app");
    assert_eq!((app.restarts, app.services.first().unwrap().port), (Count::Finite(1), 5000));
    let health = app.health.as_ref().unwrap();
    assert_eq!((health.interval, health.timeout), (secs(1), Some(secs(1))), "fractions are cut off");
    assert_eq!(named(&plan, "pre").start, once(Code::Stopping, "app", Some(secs(3600))));
    assert_eq!(named(&plan, "check failed").start, each(Code::ExitFailed, "check.app"));
    assert_eq!(named(&plan, "placeholder").exec, None);
    assert!(Graph::of(&plan).starts.iter().all(|chance| *chance == Chance::Open));
}

#[test]
fn nothing_but_an_agent() {
    let plan = accepted(include_str!("minimal.json5"), &[], &[]);
    assert!(plan.jobs.is_empty() && plan.watches.is_empty());
}

#[test]
fn a_file_of_version_2_is_refused_with_what_to_change() {
    let text = include_str!("v2.json5");
    let loaded = loaded(text);
    let told: Vec<&str> =
        loaded.diagnostics.iter().filter(|d| d.rule == Rule::Version2).map(|d| d.path.as_str()).collect();
    assert_eq!(told, ["preStart", "services", "backends", "coprocesses", "telemetry.sensors"]);
    let services = loaded.diagnostics.iter().find(|d| d.path == "services").unwrap().remedy.as_ref().unwrap();
    assert!(services.contains(r#"{ name: "nginx", port: 80, health: { exec: "#), "{services}");
    assert!(loaded.plan.is_none());
}
