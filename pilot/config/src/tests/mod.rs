//! What a configuration means and how its mistakes are told, from text to plan.

mod additions;
mod balancer;
mod blocks;
mod findings;
mod jobs;
mod large;
mod manual;
mod messages;
mod process;
mod random;
mod rendering;
mod schedules;
mod schema;
mod secrets;
mod services;
mod v3;

use std::net::IpAddr;

use tz::TimeZone;

use pilot_core::plan::{Job, Plan, Service};

use super::{Interfaces, Loaded, Question, Rule, Severity, Surroundings, Zones, examine, load};

/// A machine called `box` with eth0, lo and this environment.
fn machine(env: &[(&str, &str)]) -> Surroundings {
    Surroundings {
        env: env.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
        hostname: "box".into(),
        interfaces: Interfaces::new(two_interfaces),
        zones: Zones(zone),
        ..Surroundings::default()
    }
}

/// A machine whose own zone and only other one is Berlin's.
fn zone(name: &str) -> Option<TimeZone> {
    match name {
        "" | "Europe/Berlin" => TimeZone::from_posix_tz("CET-1CEST,M3.5.0,M10.5.0/3").ok(),
        "UTC" => Some(TimeZone::utc()),
        _ => None,
    }
}

fn two_interfaces() -> Vec<(String, IpAddr)> {
    [("lo", "127.0.0.1"), ("eth0", "10.2.0.1")].map(|(name, ip)| (name.to_owned(), ip.parse().unwrap())).into()
}

fn loaded(text: &str) -> Loaded {
    load("pilot.json5", text, &machine(&[]))
}

/// The plan of a text without errors.
fn plan(text: &str) -> Plan {
    plan_in(text, &[])
}

fn plan_in(text: &str, env: &[(&str, &str)]) -> Plan {
    let loaded = load("pilot.json5", text, &machine(env));
    let report = loaded.report(text);
    loaded.plan.unwrap_or_else(|| panic!("{text}\n{report}"))
}

/// The only job of `{consul: "c", jobs: [{…}]}`.
fn job(members: &str) -> Job {
    plan(&with_job(members)).jobs.remove(0)
}

/// Its only service.
fn service(members: &str) -> Service {
    let mut services = job(members).services;
    assert_eq!(services.len(), 1, "{members}");
    services.remove(0)
}

fn with_job(members: &str) -> String {
    format!("{{consul: 'c', jobs: [{{{members}}}]}}")
}

/// Messages of one severity.
fn messages(text: &str, severity: Severity) -> Vec<String> {
    loaded(text).diagnostics.into_iter().filter(|d| d.severity == severity).map(|d| d.message).collect()
}

fn errors(text: &str) -> Vec<String> {
    messages(text, Severity::Error)
}

fn warnings(text: &str) -> Vec<String> {
    messages(text, Severity::Warning)
}

/// The one error of a text.
fn error(text: &str) -> String {
    let mut found = errors(text);
    assert_eq!(found.len(), 1, "{text}: {found:#?}");
    found.remove(0)
}

/// Each text has exactly one error, with this message.
fn refused(cases: &[(&str, &str)]) {
    for (text, message) in cases {
        assert_eq!(error(text), *message, "{text}");
    }
}

/// Each job alone in a file has exactly one error.
fn job_refused(cases: &[(&str, &str)]) {
    for (members, message) in cases {
        assert_eq!(error(&with_job(members)), *message, "{members}");
    }
}
