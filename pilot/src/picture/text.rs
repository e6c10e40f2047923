//! For a terminal: who starts by what, what is watched, who stops after whom.

use std::fmt::Write as _;

use pilot_core::event::{Code, GLOBAL};
use pilot_core::graph::{Chance, Edge, JobAt, Mode, Node, WatchAt};
use pilot_core::plan::Start;

use super::{Picture, words};

pub(super) fn text(picture: &Picture<'_>) -> String {
    let mut out = String::new();
    if picture.plan.jobs.is_empty() {
        out.push_str("No jobs.\n");
    } else {
        out.push_str("Jobs, and what starts them:\n\n");
        jobs(picture, &mut out);
    }
    if !picture.plan.watches.is_empty() {
        out.push_str("\nWatches, and whom they start:\n\n");
        watches(picture, &mut out);
    }
    if !picture.plan.jobs.is_empty() {
        out.push_str("\nStopping:\n\n");
        stops(picture, &mut out);
    }
    out
}

fn jobs(picture: &Picture<'_>, out: &mut String) {
    let mut rows: Vec<[String; 3]> = Vec::new();
    for (index, job) in picture.plan.jobs.iter().enumerate() {
        let facts = words::facts(job).join(", ");
        let last = match picture.now.and_then(|now| now.jobs.get(index)) {
            Some(live) if facts.is_empty() => live.words.clone(),
            Some(live) => format!("{}; {facts}", live.words),
            None => facts,
        };
        rows.push([job.name.clone(), start(picture, JobAt(index)), last]);
    }
    let width =
        |column: usize| rows.iter().map(|row| row[column].chars().count()).filter(|w| *w <= 48).max().unwrap_or(0);
    let (name, when) = (width(0), width(1));
    for [job, start, last] in &rows {
        let line = format!("  {job:<name$}  {start:<when$}  {last}");
        let _ = writeln!(out, "{}", line.trim_end());
    }
}

/// `at startup`, `when db is healthy and setup has exitSuccess`.
fn start(picture: &Picture<'_>, at: JobAt) -> String {
    let edges: Vec<&Edge> = picture.graph.waits(at).collect();
    let Some(first) = edges.first() else {
        let by_the_clock = picture.plan.jobs.get(at.0).is_some_and(|job| matches!(job.start, Start::Cron(_)));
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
    match picture.graph.starts.get(at.0) {
        Some(Chance::Never) => format!("never: {text}"),
        Some(Chance::AtTheStop) => format!("at the stop: {text}"),
        Some(Chance::Open) | None => text,
    }
}

fn event(edge: &Edge) -> String {
    let mark = if edge.chance == Chance::Never { " (impossible)" } else { "" };
    let name = words::event(&edge.event);
    match edge.event.code {
        Code::Signal => edge.event.source.clone(),
        _ if edge.event.source == GLOBAL => format!("{name}{mark}"),
        _ => format!("{} {name}{mark}", edge.event.source),
    }
}

fn watches(picture: &Picture<'_>, out: &mut String) {
    let width = picture.plan.watches.iter().map(|watch| watch.name.chars().count() + 6).max().unwrap_or(0);
    for (index, watch) in picture.plan.watches.iter().enumerate() {
        let mut started: Vec<&str> = Vec::new();
        for edge in picture.graph.starts_of(Node::Watch(WatchAt(index))) {
            let name = picture.plan.jobs.get(edge.to.0).map(|job| job.name.as_str()).unwrap_or_default();
            if !started.contains(&name) {
                started.push(name);
            }
        }
        let started = if started.is_empty() { "nobody".to_owned() } else { started.join(", ") };
        let name = format!("watch.{}", watch.name);
        let live = picture.now.and_then(|now| now.watches.get(index));
        let live = live.map(|live| format!(", {}", live.words)).unwrap_or_default();
        let _ = writeln!(out, "  {name:<width$}  {}{live}: {started}", words::looks_at(watch));
    }
}

/// Steps: who has nobody to wait for goes first.
fn stops(picture: &Picture<'_>, out: &mut String) {
    let step = steps(&picture.graph.stops_after);
    let last = step.iter().copied().max().unwrap_or(0);
    for number in 0..=last {
        let all = step.iter().enumerate().filter(|(_, at)| **at == number);
        let names: Vec<String> = all.map(|(index, _)| stop(picture, JobAt(index))).collect();
        let when = if number == 0 { "first" } else { "then" };
        let _ = writeln!(out, "  {when:<5}  {}", names.join(", "));
    }
}

fn stop(picture: &Picture<'_>, at: JobAt) -> String {
    let name = |at: JobAt| picture.plan.jobs.get(at.0).map(|job| job.name.clone()).unwrap_or_default();
    let mut hooks: Vec<String> = Vec::new();
    for edge in picture.graph.starts_of(Node::Job(at)).filter(|edge| edge.is_hook() && edge.chance != Chance::Never) {
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
