//! The `health` block of a job (v3 spec 5.1, 5.6), with native probes, thresholds and reactions as additions.

use std::time::Duration;

use pilot_core::plan::{HealthCheck, OnFailure, Probe, Service};

use super::block::Block;
use super::diagnostic::{Rule, Severity};
use super::durations::positive;
use super::keys;
use super::logging::output_mode;
use super::loose::Field;
use super::probe;
use super::value::Kind;

/// A health check and the TTL that the job's service gets from it.
pub(super) struct Health {
    pub check: HealthCheck,
    pub ttl: Option<Duration>,
}

/// The ways a check can be made.
const PROBES: &[&str] = &["exec", "http", "tcp", "mysql", "notify"];
const SECOND: Duration = Duration::from_secs(1);
/// How long a process that tells when it is ready may take for that, unless `startGrace` says so. systemd's default.
const READY_WITHIN: Duration = Duration::from_secs(90);

/// Reads the block of a job with this port, if it has one, and these services. `None` if it is not an object (reported).
pub(super) fn read(field: &Field<'_>, port: Option<u16>, services: &[Service]) -> Option<Health> {
    if let Kind::Text(command) = &field.value.kind {
        // As in version 2.
        let remedy = format!("write `health: {{ exec: {command:?}, interval: 10, ttl: 30 }}`");
        field.wrong_type("an object", &remedy);
        return None;
    }
    let block = field.block(&keys::HEALTH)?;
    let probe = probe::read(&block, PROBES, port.ok_or("the job has no port"));
    let interval = block.get("interval").map(|field| field.seconds(Duration::from_millis(1), "`interval: 10`"));
    if interval.is_none() {
        block.missing("interval", "is needed", "write the seconds from one check to the next: `interval: 10`");
    }
    let interval = interval.flatten();
    // v3 always asks for one; probes that v3 does not know need it only for the catalog.
    let native = PROBES.iter().any(|key| *key != "exec" && block.get(key).is_some());
    let ttl = block.get("ttl").map(|field| field.seconds(SECOND, "`ttl: 30`"));
    let registered = services.iter().any(|service| service.registered);
    if ttl.is_none() && (registered || !native) {
        block.missing(
            "ttl",
            "is needed",
            "write after how many seconds without a passing check Consul gives up: `ttl: 30`",
        );
    }
    let ttl = ttl.flatten();
    if registered {
        warn_if_ttl_is_short(&block, interval, ttl);
    }
    let interval = interval.unwrap_or(SECOND);
    let timeout = match block.filled("timeout") {
        Some(field) => field.duration().and_then(positive),
        None => Some(interval),
    };
    let patience = if matches!(probe, Some(Probe::Notify(_))) { READY_WITHIN } else { Duration::ZERO };
    let check = HealthCheck {
        probe,
        interval,
        timeout,
        output: output_mode(&block, &keys::CHECK_LOGGING),
        success_threshold: threshold(&block, "successThreshold"),
        failure_threshold: threshold(&block, "failureThreshold"),
        start_grace: block.filled("startGrace").and_then(|field| field.length()).unwrap_or(patience),
        on_failure: block
            .filled("onFailure")
            .and_then(|field| field.choice(&[("report", OnFailure::Report), ("restart", OnFailure::Restart)]))
            .unwrap_or(OnFailure::Report),
        fail_fast: block.get("failFast").and_then(|field| field.flag()).unwrap_or(false),
    };
    warn_without_probe(&block, &check);
    Some(Health { check, ttl })
}

fn warn_if_ttl_is_short(block: &Block<'_>, interval: Option<Duration>, ttl: Option<Duration>) {
    if let (Some(interval), Some(ttl), Some(field)) = (interval, ttl, block.get("ttl"))
        && ttl <= interval
    {
        let complaint = format!(
            "of {ttl:?} is not longer than the interval of {interval:?}, so Consul sees it fail between two checks"
        );
        let remedy = format!("write at least two intervals: `ttl: {}`", (interval * 2).as_secs().max(2));
        field.find(Severity::Warning, Rule::ShortTtl, &complaint, remedy);
    }
}

/// Only a process can tell that it is ready.
pub(super) fn check_without_program(job: &Block<'_>) {
    let health = job.get("health").filter(|field| matches!(field.value.kind, Kind::Object(_)));
    if let Some(notify) =
        health.and_then(|field| field.value.member("notify").map(|value| field.member("notify", value)))
        && !notify.is_null()
    {
        notify.error(
            "waits for word from the job's process, and the job runs no program",
            "add `exec`, or probe it with http, tcp or mysql",
        );
    }
}

/// Without a probe there is no result that could count or be acted upon.
fn warn_without_probe(block: &Block<'_>, check: &HealthCheck) {
    let probe: &Option<Probe> = &check.probe;
    let given = PROBES.iter().any(|key| block.get(key).is_some());
    if probe.is_some() || given {
        return;
    }
    for key in ["successThreshold", "failureThreshold", "startGrace", "onFailure", "failFast"] {
        if let Some(field) = block.get(key) {
            field.warn("has no effect without a probe", "add exec, http, tcp, mysql or notify");
        }
    }
}

fn threshold(block: &Block<'_>, key: &str) -> u32 {
    block.get(key).and_then(|field| field.integer("", "write how many results in a row are needed")).unwrap_or(1)
}
