//! For machines: the graph itself, with the texts that people get.

use serde::Serialize;

use pilot_core::event::Event;
use pilot_core::graph::{Chance, Edge, JobAt, Mode, Node};
use pilot_core::plan::Start;

use super::{Diagram, Live, Mood, labels};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Graph<'a> {
    jobs: Vec<Job<'a>>,
    watches: Vec<Watch<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Job<'a> {
    name: &'a str,
    facts: Vec<String>,
    starts: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<&'static str>,
    waits: Vec<Wait<'a>>,
    stops_after: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    now: Option<Now<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wait<'a> {
    event: &'static str,
    source: &'a str,
    /// Who makes it: with `check.` or `watch.` in front the source is not the name.
    from: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    comes: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    obstacle: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Watch<'a> {
    name: &'a str,
    looks_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    now: Option<Now<'a>>,
}

#[derive(Serialize)]
struct Now<'a> {
    words: &'a str,
    mood: &'static str,
}

pub(super) fn json(diagram: &Diagram<'_>) -> String {
    let graph = Graph {
        jobs: diagram.plan.jobs.iter().enumerate().map(|(index, job)| job_of(diagram, JobAt(index), job)).collect(),
        watches: diagram
            .plan
            .watches
            .iter()
            .enumerate()
            .map(|(index, watch)| Watch {
                name: &watch.name,
                looks_at: labels::looks_at(watch),
                now: diagram.now.and_then(|now| now.watches.get(index)).map(now),
            })
            .collect(),
    };
    // Texts and lists can always be written.
    serde_json::to_string_pretty(&graph).unwrap_or_default() + "\n"
}

fn job_of<'a>(diagram: &Diagram<'a>, at: JobAt, job: &'a pilot_core::plan::Job) -> Job<'a> {
    let edges: Vec<&Edge> = diagram.graph.waits(at).collect();
    let after = diagram.graph.stops_after.get(at.0).map(Vec::as_slice).unwrap_or_default();
    let by_the_clock = matches!(job.start, Start::Cron(_));
    Job {
        name: &job.name,
        facts: labels::facts(job),
        starts: chance(diagram.graph.starts.get(at.0).unwrap_or(&Chance::Open)),
        mode: edges.first().map(|edge| mode(edge.mode)).or(by_the_clock.then_some("cron")),
        waits: edges.into_iter().map(|edge| wait(diagram, edge)).collect(),
        stops_after: after.iter().map(|at| name(diagram, *at)).collect(),
        now: diagram.now.and_then(|now| now.jobs.get(at.0)).map(now),
    }
}

fn wait<'a>(diagram: &Diagram<'a>, edge: &'a Edge) -> Wait<'a> {
    let Event { source, code } = &edge.event;
    let (from, name) = match edge.from {
        Some(Node::Job(at)) => ("job", Some(name(diagram, at))),
        Some(Node::Watch(at)) => ("watch", diagram.plan.watches.get(at.0).map(|watch| watch.name.as_str())),
        Some(Node::Signal(_)) => ("signal", None),
        Some(Node::Global) => ("pilot", None),
        None => ("nobody", None),
    };
    Wait {
        event: code.word(),
        source,
        from,
        name,
        comes: chance(&edge.chance),
        obstacle: edge.reason.as_ref().map(|reason| reason.said(diagram.plan, &edge.event)),
    }
}

fn name<'a>(diagram: &Diagram<'a>, at: JobAt) -> &'a str {
    diagram.plan.jobs.get(at.0).map(|job| job.name.as_str()).unwrap_or_default()
}

fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::All => "all",
        Mode::Any => "any",
        Mode::Each => "each",
        Mode::Interval => "interval",
    }
}

fn chance(chance: &Chance) -> &'static str {
    match chance {
        Chance::Open => "open",
        Chance::AtTheStop => "atTheStop",
        Chance::Never => "never",
    }
}

fn now(live: &Live) -> Now<'_> {
    let mood = match live.mood {
        Mood::Quiet => "quiet",
        Mood::Well => "well",
        Mood::Unwell => "unwell",
        Mood::Over => "over",
    };
    Now { words: &live.text, mood }
}
