//! One element of `jobs` (v3 spec 5.1) with all that hangs on it.

use std::time::Duration;

use pilot_core::plan::{Job, OnImpossible, Start, TELEMETRY_JOB};

use super::block::Block;
use super::loose::Field;
use super::value::Kind;
use super::when::{self, When};
use super::{Surroundings, balancer, command, durations, health, keys, logging, process, restarts, service};

/// Of the job that telemetry adds, which needs no health check.
const TELEMETRY_TTL: Duration = Duration::from_secs(15);

/// Reads one job. `None` if it is not an object (reported).
pub(super) fn read(field: &Field<'_>, around: &Surroundings, registers: bool) -> Option<Job> {
    let called = field.value.shown_name();
    let named = match called {
        Some(name) => field.clone().called(format!("job {name:?}")),
        None => field.clone(),
    };
    let block = named.block(&keys::JOB)?;
    let name = block.filled("name").and_then(|field| field.text()).unwrap_or_default();
    if block.filled("name").is_none() {
        block.missing("name", "is needed", "write `name: \"app\"`: other jobs refer to it");
    }
    let when = block.get("when").map_or_else(when::at_startup, |field| when::read(&field, around));
    let (restarts, backoff) = restarts::read(block.get("restarts"), &when);
    let port = port(&block);
    let shared = service::Shared { job: &name, registered: registers, around };
    let mut services = service::read(&block, port, &shared);
    let registered = services.iter().any(|service| service.registered);
    let health = block.get("health").map(|field| health::read(&field, port, &services));
    if health.is_none() && registered && name != TELEMETRY_JOB {
        block.missing(
            "health",
            "is needed: a job with a port is registered in Consul, which has to know when it is well",
            "add `health: { tcp: PORT, interval: 10, ttl: 30 }` or another check, or remove the port",
        );
    }
    let health = health.flatten();
    for service in &mut services {
        service.ttl = health.as_ref().and_then(|health| health.ttl).unwrap_or(TELEMETRY_TTL);
    }
    if port.is_none() {
        check_without_port(&block);
    }
    let balancer = balancer::read(&block, port);
    let critical = flag(&block, "critical");
    if block.get("exec").is_none() {
        process::warn_without_program(&block);
        health::check_without_program(&block);
    }
    Some(Job {
        exec: block.get("exec").and_then(|field| command::read(&field)),
        process: process::read(&block),
        timeout: timeout(&block, &when),
        stop_timeout: block.filled("stopTimeout").and_then(|field| field.duration()).and_then(stop_timeout),
        output: logging::output_mode(&block, &keys::JOB_LOGGING),
        drain: balancer::drain(&block, port, balancer.as_ref()),
        balancer,
        services,
        health: health.map(|health| health.check),
        critical,
        on_impossible: when.on_impossible.unwrap_or(if critical { OnImpossible::Exit } else { OnImpossible::Wait }),
        success_codes: block.get("successCodes").map(|field| success_codes(&field)).unwrap_or_default(),
        tty: flag(&block, "tty"),
        start: when.start,
        overlap: when.overlap,
        name,
        restarts,
        backoff,
    })
}

fn flag(block: &Block<'_>, key: &str) -> bool {
    block.get(key).and_then(|field| field.flag()).unwrap_or(false)
}

/// `None` without a port and with port 0. A wrong one counts as some port, so that nothing else complains about none.
fn port(block: &Block<'_>) -> Option<u16> {
    let port = block.get("port")?.port().unwrap_or(1);
    (port != 0).then_some(port)
}

/// v3 checks none of the service's keys without a port; unknown keys and our own additions are still looked at.
fn check_without_port(block: &Block<'_>) {
    service::consul_block(block, &keys::JOB_CONSUL);
    for key in ["service", "meta", "weights", "advertise", "taggedAddresses"] {
        if let Some(field) = block.get(key) {
            field.warn("has no effect: a job without a port has no service of its own", "add `port`");
        }
    }
}

/// Zero is the container's default, as for the global one; negative is no wait.
fn stop_timeout(nanos: i64) -> Option<Duration> {
    durations::positive(nanos).or((nanos < 0).then_some(Duration::ZERO))
}

fn timeout(block: &Block<'_>, when: &When) -> Option<Duration> {
    match (block.filled("timeout"), &when.start) {
        (Some(field), _) if matches!(&field.value.kind, Kind::Text(text) if text == "never") => None,
        (Some(field), _) => field.length(),
        (None, Start::Interval(interval)) => Some(*interval),
        (None, Start::Once { .. } | Start::Each { .. } | Start::Cron(_) | Start::Never { .. }) => None,
    }
}

fn success_codes(field: &Field<'_>) -> Vec<u8> {
    let code = |item: Field<'_>| item.integer("an exit code ", "write for example [143]");
    field.items().unwrap_or_default().into_iter().filter_map(code).collect()
}
