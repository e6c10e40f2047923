//! Who must be gone before whom: a job that waits for another's health goes first, a Consul agent goes last.
//!
//! The engine stops by it, `pilot check` and `pilot graph` show it. Jobs are spoken of by their places in the plan.

use super::event::Code;
use super::job::{is_of_a_stop, start_events};
use super::plan::Job;

/// For each job, those that must be gone before it is stopped.
pub(super) fn stop_order(jobs: &[Job]) -> Vec<Vec<usize>> {
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); jobs.len()];
    for (dependent, job) in jobs.iter().enumerate() {
        let events = start_events(&job.start);
        let needed = |source: &Job| events.iter().any(|e| e.code == Code::Healthy && e.source == source.name);
        for source in (0..jobs.len()).filter(|source| needed(&jobs[*source])) {
            // Jobs that wait for each other in a circle have no order.
            if source != dependent && !reaches(&after, dependent, source) {
                after[source].push(dependent);
            }
        }
    }
    for (agent, job) in jobs.iter().enumerate().filter(|(_, job)| is_consul_agent(job)) {
        let follows = |other: &Job| {
            start_events(&other.start).iter().any(|event| is_of_a_stop(event.code) && event.source == job.name)
        };
        after[agent] = (0..jobs.len()).filter(|at| !follows(&jobs[*at]) && !is_consul_agent(&jobs[*at])).collect();
    }
    for (place, _) in jobs.iter().enumerate().filter(|(_, job)| !is_consul_agent(job)) {
        after[place].retain(|other| !is_consul_agent(&jobs[*other]));
    }
    after
}

/// Whether `from` waits, directly or through others, for `to` to be gone.
fn reaches(after: &[Vec<usize>], from: usize, to: usize) -> bool {
    let mut open = vec![from];
    let mut seen = vec![false; after.len()];
    while let Some(place) = open.pop() {
        if place == to {
            return true;
        }
        if !std::mem::replace(&mut seen[place], true) {
            open.extend(&after[place]);
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
