//! Which job must be gone before which: one that waits for another's health goes first, a Consul agent goes last.
//!
//! The engine stops by it, `pilot check` and `pilot graph` show it. Jobs are spoken of by their places in the plan.

use std::collections::HashSet;

use crate::event::{Class, Code, Event};
use crate::plan::Job;

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
