//! What pilot does as ContainerPilot 3 did although there is something better (v3 spec 12.1, rows 24 and 25).

use pilot_core::plan::{HealthCheck, Job, Probe, check_variable};

use super::super::diagnostic::{Rule, Severity};
use super::super::document::Document;

/// v3's variable for the process of a check: one for all of them.
const SHARED: &str = "CONTAINERPILOT_CHECK_PID";

pub(super) fn find(document: &Document<'_>) {
    // Read by nobody, it does no harm.
    let shared = if document.plan.jobs.iter().any(reads_shared) { Severity::Warning } else { Severity::Note };
    let mut with_exec: Option<&Job> = None;
    for (job, place) in document.plan.jobs.iter().zip(&document.jobs) {
        let Some(HealthCheck { probe: Some(probe), fail_fast, .. }) = &job.health else { continue };
        let place = place.within(&["health"]);
        let told = document.plan.registers(job) && !fail_fast;
        if let Some((_, service)) = job.registered_services().next().filter(|_| told) {
            place.find(
                Severity::Note,
                Rule::LateFailure,
                &format!("lets Consul find out about a failing check when the TTL of {:?} has passed", service.ttl),
                "add `failFast: true` to tell it at once".to_owned(),
            );
        }
        if !matches!(probe, Probe::Exec(_)) {
            continue;
        }
        if let Some(first) = with_exec {
            place.find(
                shared,
                Rule::SharedVariable,
                &format!("has its process in {SHARED}, where that of job {:?} is as well", first.name),
                format!("read {} instead, which is this job's alone", check_variable(&job.name)),
            );
        }
        with_exec = with_exec.or(Some(job));
    }
}

fn reads_shared(job: &Job) -> bool {
    let check = job.health.as_ref().and_then(|health| match &health.probe {
        Some(Probe::Exec(command)) => Some(command),
        _ => None,
    });
    job.exec.iter().chain(check).any(|command| command.args.iter().any(|arg| arg.contains(SHARED)))
}
