//! For a terminal: what starts each job, what is watched, in which order jobs stop.

use std::fmt::Write as _;

use pilot_core::event::{Code, GLOBAL};
use pilot_core::graph::{Chance, Edge, JobAt, Mode, Node, WatchAt};
use pilot_core::plan::Start;

use crate::table::{Align, table};

use super::{Diagram, labels};

pub(super) fn text(diagram: &Diagram<'_>) -> String {
    let mut out = String::new();
    if diagram.plan.jobs.is_empty() {
        out.push_str("No jobs.\n");
    } else {
        out.push_str("Jobs, and what starts them:\n\n");
        jobs(diagram, &mut out);
    }
    if !diagram.plan.watches.is_empty() {
        out.push_str("\nWatches, and which jobs they start:\n\n");
        watches(diagram, &mut out);
    }
    if !diagram.plan.jobs.is_empty() {
        out.push_str("\nStopping:\n\n");
        stops(diagram, &mut out);
    }
    out
}

fn jobs(diagram: &Diagram<'_>, out: &mut String) {
    let mut rows: Vec<[String; 3]> = Vec::new();
    for (index, job) in diagram.plan.jobs.iter().enumerate() {
        let facts = labels::facts(job).join(", ");
        let last = match diagram.now.and_then(|now| now.jobs.get(index)) {
            Some(live) if facts.is_empty() => live.text.clone(),
            Some(live) => format!("{}; {facts}", live.text),
            None => facts,
        };
        rows.push([job.name.clone(), start(diagram, JobAt(index)), last]);
    }
    out.push_str(&table(&rows, [Align::Left; 3], 2));
}

/// `at startup`, `when db is healthy and setup has exitSuccess`.
fn start(diagram: &Diagram<'_>, at: JobAt) -> String {
    let edges: Vec<&Edge> = diagram.graph.waits(at).collect();
    let Some(first) = edges.first() else {
        let by_the_clock = diagram.plan.jobs.get(at.0).is_some_and(|job| matches!(job.start, Start::Cron(_)));
        return if by_the_clock { "by the clock" } else { "never" }.to_owned();
    };
    let events: Vec<String> = edges.iter().map(|edge| event(edge)).collect();
    let text = match first.mode {
        Mode::Interval => "at startup, then periodically".to_owned(),
        Mode::All => format!("once {}", events.join(" and ")),
        Mode::Any => format!("once {}", events.join(" or ")),
        Mode::Each => format!("each {}", events.join(" or ")),
    };
    let text = if text == "once startup" { "at startup".to_owned() } else { text };
    match diagram.graph.starts.get(at.0) {
        Some(Chance::Never) => format!("never: {text}"),
        Some(Chance::AtTheStop) => format!("at the stop: {text}"),
        Some(Chance::Open) | None => text,
    }
}

fn event(edge: &Edge) -> String {
    let mark = if edge.chance == Chance::Never { " (impossible)" } else { "" };
    let name = labels::event(&edge.event);
    match edge.event.code {
        Code::Signal => edge.event.source.clone(),
        _ if edge.event.source == GLOBAL => format!("{name}{mark}"),
        _ => format!("{} {name}{mark}", edge.event.source),
    }
}

fn watches(diagram: &Diagram<'_>, out: &mut String) {
    let width = diagram.plan.watches.iter().map(|watch| watch.name.chars().count() + 6).max().unwrap_or(0);
    for (index, watch) in diagram.plan.watches.iter().enumerate() {
        let mut started: Vec<&str> = Vec::new();
        for edge in diagram.graph.starts_of(Node::Watch(WatchAt(index))) {
            let name = diagram.plan.jobs.get(edge.to.0).map(|job| job.name.as_str()).unwrap_or_default();
            if !started.contains(&name) {
                started.push(name);
            }
        }
        let started = if started.is_empty() { "nobody".to_owned() } else { started.join(", ") };
        let name = format!("watch.{}", watch.name);
        let live = diagram.now.and_then(|now| now.watches.get(index));
        let live = live.map(|live| format!(", {}", live.text)).unwrap_or_default();
        let _ = writeln!(out, "  {name:<width$}  {}{live}: {started}", labels::looks_at(watch));
    }
}

/// Steps: who has nobody to wait for goes first.
fn stops(diagram: &Diagram<'_>, out: &mut String) {
    let step = steps(&diagram.graph.stops_after);
    let last = step.iter().copied().max().unwrap_or(0);
    for number in 0..=last {
        let all = step.iter().enumerate().filter(|(_, at)| **at == number);
        let names: Vec<String> = all.map(|(index, _)| stop(diagram, JobAt(index))).collect();
        let when = if number == 0 { "first" } else { "then" };
        let _ = writeln!(out, "  {when:<5}  {}", names.join(", "));
    }
}

fn stop(diagram: &Diagram<'_>, at: JobAt) -> String {
    let name = |at: JobAt| diagram.plan.jobs.get(at.0).map(|job| job.name.clone()).unwrap_or_default();
    let mut hooks: Vec<String> = Vec::new();
    for edge in diagram.graph.starts_of(Node::Job(at)).filter(|edge| edge.is_hook() && edge.chance != Chance::Never) {
        let place = match edge.event.code {
            Code::Stopping => "before it",
            Code::LeavingConsul => "when it leaves Consul",
            Code::LeavingTargetGroup => "when it leaves its target group",
            Code::Draining => "while it drains",
            Code::Drained => "when it has drained",
            _ => "after it",
        };
        hooks.push(format!("{place} {}", name(edge.to)));
    }
    if hooks.is_empty() { name(at) } else { format!("{} ({})", name(at), hooks.join(", ")) }
}

/// The number of each job's step.
pub(super) fn steps(after: &[Vec<JobAt>]) -> Vec<usize> {
    let mut step = vec![0; after.len()];
    // As many rounds as there are jobs are enough: the order has no circles.
    for _ in 0..after.len() {
        for (index, before) in after.iter().enumerate() {
            step[index] = before.iter().filter_map(|at| step.get(at.0)).map(|step| step + 1).max().unwrap_or(0);
        }
    }
    step
}
