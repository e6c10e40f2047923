//! Who must be gone before whom: a job that waits for another's health goes first, a Consul agent goes last.
//!
//! The engine stops by it, `pilot check` and `pilot graph` show it. Jobs are spoken of by their places in the plan.

use std::collections::HashSet;
use std::time::Duration;

use super::worst_case::{JobStop, StopPlan};
use crate::event::{Class, Code, Event};
use crate::graph::JobAt;
use crate::plan::{Job, JobId, Plan};
use crate::state::{ActivePlan, Table, Turn};

/// By the numbers of the active plan: each job's place in the order of a stop.
pub(crate) fn turns(plan: &ActivePlan) -> Table<JobId, Turn> {
    let ids = |places: Vec<usize>| places.into_iter().filter_map(|place| plan.job_ids.get(place).copied()).collect();
    let turns =
        stop_order(&plan.jobs).into_iter().zip(tails(plan)).map(|(after, tail)| Turn { after: ids(after), tail });
    Table::new(plan.job_ids.iter().copied().zip(turns))
}

/// For each job, those that must be gone before it is stopped.
pub(crate) fn stop_order(jobs: &[Job]) -> Vec<Vec<usize>> {
    let mut order = Order { after: vec![Vec::new(); jobs.len()] };
    for (dependent, job) in jobs.iter().enumerate() {
        let needs = |source: &Job| job.waits_for(Code::Healthy, &source.name);
        for (source, _) in jobs.iter().enumerate().filter(|(_, source)| needs(source)) {
            // Jobs that wait for each other in a circle have no order.
            if source != dependent && !order.reaches(dependent, source) {
                order.add(source, dependent);
            }
        }
    }
    let is_agent: Vec<bool> = jobs.iter().map(is_consul_agent).collect();
    for (after, (job, is_an_agent)) in order.after.iter_mut().zip(jobs.iter().zip(&is_agent)) {
        if *is_an_agent {
            let follows = |other: &Job| {
                let of_it = |event: &Event| event.code.class() == Class::Stop && event.source == job.name;
                other.start.events().iter().any(of_it)
            };
            let others = jobs.iter().zip(&is_agent).enumerate();
            let others = others.filter(|(_, (other, other_is_agent))| !follows(other) && !**other_is_agent);
            *after = others.map(|(at, _)| at).collect();
        } else {
            after.retain(|other| !is_agent.get(*other).copied().unwrap_or(false));
        }
    }
    order.after
}

/// For each place those that must be gone before.
struct Order {
    after: Vec<Vec<usize>>,
}

impl Order {
    fn add(&mut self, place: usize, before: usize) {
        if let Some(after) = self.after.get_mut(place) {
            after.push(before);
        }
    }

    /// Whether `from` waits, directly or through others, for `to` to be gone.
    fn reaches(&self, from: usize, to: usize) -> bool {
        let mut open = vec![from];
        let mut seen = HashSet::new();
        while let Some(place) = open.pop() {
            if place == to {
                return true;
            }
            if seen.insert(place) {
                open.extend(self.after.get(place).into_iter().flatten());
            }
        }
        false
    }
}

/// 86 of 136 public v3 configurations run the agent as a job; its services must leave before it does.
pub(crate) fn is_consul_agent(job: &Job) -> bool {
    job.exec.as_ref().is_some_and(|exec| {
        let program = exec.program.rsplit('/').next().unwrap_or_default();
        let by_command = program == "consul" && exec.args.iter().any(|arg| arg == "agent");
        by_command || matches!(job.name.as_str(), "consul" | "consul-agent")
    })
}

/// For each job of a plan: how long those take at worst that begin to stop when it is gone.
fn tails(plan: &Plan) -> Vec<Duration> {
    fn tail(stops: &[JobStop], at: JobAt, above: &mut Vec<JobAt>) -> Duration {
        if above.contains(&at) {
            return Duration::ZERO;
        }
        above.push(at);
        let later = stops.iter().enumerate().filter(|(_, stop)| stop.after.contains(&at));
        let longest = later.map(|(other, stop)| stop.own().saturating_add(tail(stops, JobAt(other), above))).max();
        above.pop();
        longest.unwrap_or_default()
    }
    let stops = StopPlan::of(plan).jobs;
    (0..stops.len()).map(|at| tail(&stops, JobAt(at), &mut Vec::new())).collect()
}
