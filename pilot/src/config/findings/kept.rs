//! What pilot does as ContainerPilot 3 did although there is something better (v3 spec 12.1, rows 24 and 25).

use crate::core::plan::{HealthCheck, Job, Probe, check_variable};

use super::super::diagnostic::{Rule, Severity};
use super::super::document::Document;

pub(super) fn find(document: &Document<'_>) {
    let mut with_exec: Option<&Job> = None;
    for (job, place) in document.plan.jobs.iter().zip(&document.jobs) {
        let Some(HealthCheck { probe: Some(probe), fail_fast, .. }) = &job.health else { continue };
        let place = place.within(&["health"]);
        if let Some((_, service)) = job.registered_services().next().filter(|_| !fail_fast) {
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
                Severity::Note,
                Rule::SharedVariable,
                &format!("has its process in CONTAINERPILOT_CHECK_PID, where that of job {:?} is as well", first.name),
                format!("read {} instead, which is this job's alone", check_variable(&job.name)),
            );
        }
        with_exec = with_exec.or(Some(job));
    }
}
