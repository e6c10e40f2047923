//! What stands in a diagram: events, what a job is, what a watch looks at.

use crate::span;
use pilot_core::event::{Code, Event};
use pilot_core::plan::{Count, Job, Probe, Start, Watch, WatchTarget};

/// An event's name as the configuration writes it; a signal has none of its own.
pub(super) fn event(event: &Event) -> &'static str {
    if event.code == Code::Signal { "" } else { event.code.word() }
}

fn times_word(times: u64) -> String {
    if times == 1 { "once".to_owned() } else { format!("{times} times") }
}

/// What is worth knowing of a job at a glance.
pub(super) fn facts(job: &Job) -> Vec<String> {
    let mut facts = Vec::new();
    if job.exec.is_none() {
        facts.push("runs nothing".to_owned());
    }
    if job.critical {
        facts.push("critical".to_owned());
    }
    match (&job.start, job.restarts) {
        (Start::Cron(schedule), Count::Unlimited) => facts.push(format!("at {:?}", schedule.text)),
        (Start::Cron(schedule), Count::Finite(times)) => {
            facts.push(format!("at {:?}, {}", schedule.text, times_word(times + 1)))
        }
        (Start::Interval(every), Count::Unlimited) => facts.push(format!("every {}", span::exact(*every))),
        (Start::Interval(every), Count::Finite(times)) => {
            facts.push(format!("every {}, {}", span::exact(*every), times_word(times + 1)))
        }
        (_, Count::Unlimited) => facts.push("restarts".to_owned()),
        (_, Count::Finite(0)) => {}
        (_, Count::Finite(times)) => facts.push(format!("restarts {}", times_word(times))),
    }
    if let Some(health) = &job.health {
        let every = span::exact(health.interval);
        facts.push(match &health.probe {
            Some(probe) => format!("check {} {every}", kind(probe)),
            None => format!("heartbeat {every}"),
        });
    }
    for service in &job.services {
        let name = if service.name == job.name { String::new() } else { format!(" as {}", service.name) };
        facts.push(format!(":{}{name}", service.port));
    }
    facts
}

/// What a watch looks at.
pub(super) fn looks_at(watch: &Watch) -> String {
    let every = span::exact(watch.interval);
    match &watch.target {
        WatchTarget::Service { service, tag, datacenter } => {
            let tag = tag.as_ref().map(|tag| format!(" tag {tag}")).unwrap_or_default();
            let datacenter = datacenter.as_ref().map(|dc| format!(" in {dc}")).unwrap_or_default();
            format!("service {service}{tag}{datacenter} every {every}")
        }
        WatchTarget::Probe { probe, .. } => format!("{} {} every {every}", kind(probe), target(probe)),
    }
}

fn kind(probe: &Probe) -> &'static str {
    match probe {
        Probe::Exec(_) => "exec",
        Probe::Http(_) => "http",
        Probe::Tcp(_) => "tcp",
        Probe::Mysql(_) => "mysql",
        Probe::Notify(_) => "notify",
    }
}

/// Host and port, or host alone: never what may hold a secret.
fn target(probe: &Probe) -> String {
    match probe {
        Probe::Exec(command) => command.program.clone(),
        Probe::Http(http) => {
            let rest = http.url.split_once("://").map_or(http.url.as_str(), |(_, rest)| rest);
            let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
            authority.rsplit_once('@').map_or(authority, |(_, host)| host).to_owned()
        }
        Probe::Tcp(address) => address.clone(),
        Probe::Mysql(mysql) => format!("{}:{}", mysql.host, mysql.port),
        Probe::Notify(_) => String::new(),
    }
}
