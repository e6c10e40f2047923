//! Events that can never come, jobs that can never start, and circles.

use std::collections::{BTreeMap, BTreeSet};

use pilot_core::event::Code;
use pilot_core::graph::{Chance, Edge, Graph, JobAt, Mode, Reason};
use pilot_core::plan::Plan;

use super::super::diagnostic::{Rule, Severity};
use super::super::document::Document;
use super::super::waits::Waits;
use super::quoted;

pub(super) fn find(document: &Document<'_>, graph: &Graph) {
    let circles = graph.deadlocks();
    for circle in &circles {
        report_circle(document, graph, circle);
    }
    // The circles that each job is in.
    let mut rings: BTreeMap<JobAt, BTreeSet<usize>> = BTreeMap::new();
    for (number, circle) in circles.iter().enumerate() {
        circle.iter().for_each(|job| _ = rings.entry(*job).or_default().insert(number));
    }
    let of_one_circle = |a: &JobAt, b: &JobAt| match (rings.get(a), rings.get(b)) {
        (Some(a), Some(b)) => !a.is_disjoint(b),
        _ => false,
    };
    let mut waits: Option<(JobAt, Waits<'_>)> = None;
    for edge in &graph.edges {
        let Some(reason) = &edge.reason else { continue };
        let in_circle = matches!(reason, Reason::NeverStarts(source) if of_one_circle(&edge.to, source));
        // Sources that are nobody were reported when the file was read.
        if *reason == Reason::NobodyThere || in_circle {
            continue;
        }
        let Some(place) = document.jobs.get(edge.to.0) else { continue };
        // The edges of a job follow each other.
        if waits.as_ref().is_none_or(|(job, _)| *job != edge.to) {
            waits = Some((edge.to, Waits::of(place)));
        }
        if let Some((_, waits)) = &waits {
            report(document, graph, waits, edge, reason);
        }
    }
    for ring in graph.loops() {
        report_loop(document, graph, &ring);
    }
}

fn report(document: &Document<'_>, graph: &Graph, waits: &Waits<'_>, edge: &Edge, reason: &Reason) {
    let plan = &document.plan;
    let (why, remedy) = (reason.said(plan, &edge.event), remedy(plan, edge, reason));
    let never = graph.starts.get(edge.to.0) == Some(&Chance::Never);
    let so = if never { ": this job never starts" } else { "" };
    let rule = match reason {
        Reason::NeverStarts(_) => Rule::NeverRuns,
        _ => Rule::ImpossibleEvent,
    };
    waits.event(&edge.event).find(Severity::Warning, rule, &format!("never comes, because {why}{so}"), remedy);
}

/// What to write instead.
fn remedy(plan: &Plan, edge: &Edge, reason: &Reason) -> String {
    let name = |at: &JobAt| quoted(plan, *at);
    let word = if edge.mode == Mode::Each { "each" } else { "once" };
    let event = edge.event.code.word();
    let source = &edge.event.source;
    match reason {
        Reason::NobodyThere => "name a job or a watch".into(),
        Reason::ShutdownStartsNobody => {
            "wait for the stop of a job instead: `when: { source: \"JOB\", once: \"stopping\" }`".into()
        }
        Reason::SourceIsGlobal => format!("write `source: \"global\", {word}: \"{event}\"`"),
        Reason::OnlyWatchesChange(_) => {
            format!("wait for \"healthy\", or add a watch and write `source: \"watch.{source}\"`")
        }
        Reason::NotOfWatches(_) => format!("write `{word}: \"healthy\"` or `{word}: \"changed\"`"),
        Reason::NoHealthCheck(job) => {
            format!("add `health: {{ http: \"/health\", interval: 5, ttl: 15 }}` or another check to {}", name(job))
        }
        Reason::CheckIsNoProgram(job) => {
            let instead = if edge.event.code == Code::ExitSuccess { "healthy" } else { "unhealthy" };
            format!("write `source: {}, {word}: \"{instead}\"`", name(job))
        }
        Reason::RunsNothing(job) => format!("add `exec` to {}, or wait for something else", name(job)),
        Reason::NotInConsul(job) => {
            format!(
                "register a service of {} (its `port`, with `consul` at the top), or wait for its \"stopping\"",
                name(job)
            )
        }
        Reason::NotInTargetGroup(job) => {
            format!("add `loadBalancer: {{ targetGroup: \"ARN\" }}` to {}, or wait for its \"stopping\"", name(job))
        }
        Reason::DrainsNot(job) => {
            format!("add `drain: {{ min: \"10s\" }}` to {}, or wait for its \"stopping\"", name(job))
        }
        Reason::NoWhenTimeout(job) => format!("add `timeout: \"1m\"` to the `when` of {}", name(job)),
        Reason::StartsAtOnce(_) => "wait for another of its events".into(),
        Reason::ErrorNeedsText(Some(job)) => format!("write `source: {}, {word}: \"exitFailed\"`", name(job)),
        Reason::ErrorNeedsText(None) => format!("write `source: \"JOB\", {word}: \"exitFailed\"`"),
        Reason::OwnEnd => "to run it again write `restarts: \"unlimited\"`, or a number".into(),
        Reason::OwnHealth => "name another job, or remove `when`".into(),
        Reason::NeverStarts(job) => format!("see what is said of {}", name(job)),
        Reason::OnlyAtTheStop(_) => {
            "wait for `stopping` or `stopped` of a job, or for something that comes earlier".into()
        }
    }
}

fn report_circle(document: &Document<'_>, graph: &Graph, ring: &[JobAt]) {
    let plan = &document.plan;
    let (Some(first), Some(place)) = (ring.first(), ring.first().and_then(|first| document.jobs.get(first.0))) else {
        return;
    };
    let next = |index: usize| ring.get((index + 1) % ring.len()).copied().unwrap_or(*first);
    let Some(edge) = graph.waits(*first).find(|edge| edge.reason == Some(Reason::NeverStarts(next(0)))) else { return };
    let steps: Vec<String> = ring
        .iter()
        .enumerate()
        .map(|(i, at)| format!("{} waits for {}", quoted(plan, *at), quoted(plan, next(i))))
        .collect();
    let complaint = format!("closes a circle in which nobody ever starts: {}", steps.join(", "));
    let remedy = "let one of them start by something else".to_owned();
    Waits::of(place).event(&edge.event).find(Severity::Warning, Rule::Circle, &complaint, remedy);
}

fn report_loop(document: &Document<'_>, graph: &Graph, ring: &[JobAt]) {
    let plan = &document.plan;
    let starts = ring.iter().any(|at| graph.starts.get(at.0) == Some(&Chance::Open));
    let (Some(first), Some(last)) = (ring.first(), ring.last()) else { return };
    let Some(place) = document.jobs.get(first.0).filter(|_| starts) else { return };
    let from_last = |edge: &&Edge| edge.from == Some(pilot_core::graph::Node::Job(*last)) && edge.mode == Mode::Each;
    let Some(edge) = graph.waits(*first).find(from_last) else { return };
    let names: Vec<String> = ring.iter().chain([first]).map(|at| quoted(plan, *at)).collect();
    let complaint = format!("closes a loop that never ends: each exit starts the next one of {}", names.join(", "));
    Waits::of(place).event(&edge.event).find(
        Severity::Warning,
        Rule::EndlessLoop,
        &complaint,
        "write `once` for one of them, or run it with `when: { interval: \"10s\" }`".to_owned(),
    );
}
