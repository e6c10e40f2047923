//! Shapes and arrows: what Mermaid, DOT and SVG draw, each in its own way.

use pilot_core::effect::UserSignal;
use pilot_core::graph::{Chance, Edge, JobAt, Mode, Node, WatchAt};
use pilot_core::plan::{Condition, Start};

use super::{Diagram, Mood, labels};

/// What a shape stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Job,
    Watch,
    /// pilot itself, or a signal.
    Outside,
    /// A name that nobody has.
    Nobody,
}

#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub kind: Kind,
    pub title: String,
    /// Further lines.
    pub lines: Vec<String>,
    /// It can never start, or does not exist.
    pub dead: bool,
    pub mood: Option<Mood>,
}

/// How an arrow is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stroke {
    /// Starts its job once.
    Once,
    /// Starts its job every time.
    Each,
    /// A hook on a stop.
    Hook,
    /// Can never come.
    Dead,
}

#[derive(Clone, Debug)]
pub(super) struct Arrow {
    pub from: usize,
    pub to: usize,
    pub label: String,
    pub stroke: Stroke,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Figure {
    pub shapes: Vec<Shape>,
    pub arrows: Vec<Arrow>,
}

impl Figure {
    pub fn of(diagram: &Diagram<'_>) -> Self {
        let mut figure = Figure::default();
        // The sources in the order of who needs them, then the jobs in the order of the file.
        let mut sources: Vec<(Option<Node>, String)> = Vec::new();
        for edge in &diagram.graph.edges {
            let source = (edge.from, nobody(edge));
            if !matches!(edge.from, Some(Node::Job(_))) && !sources.contains(&source) {
                sources.push(source);
            }
        }
        for at in (0..diagram.plan.watches.len()).map(WatchAt) {
            let source = (Some(Node::Watch(at)), String::new());
            if !sources.contains(&source) {
                sources.push(source);
            }
        }
        figure.shapes.extend(sources.iter().map(|(node, name)| source(diagram, *node, name)));
        figure.shapes.extend((0..diagram.plan.jobs.len()).map(|at| job(diagram, JobAt(at))));
        let place = |edge: &Edge| match edge.from {
            Some(Node::Job(at)) => Some(sources.len() + at.0),
            _ => sources.iter().position(|source| *source == (edge.from, nobody(edge))),
        };
        for edge in &diagram.graph.edges {
            let Some(from) = place(edge) else { continue };
            figure.add(Arrow {
                from,
                to: sources.len() + edge.to.0,
                label: label(diagram, edge),
                stroke: stroke(edge),
            });
        }
        figure
    }

    /// Two events of one source are one arrow.
    fn add(&mut self, arrow: Arrow) {
        let same = |other: &&mut Arrow| (other.from, other.to, other.stroke) == (arrow.from, arrow.to, arrow.stroke);
        match self.arrows.iter_mut().find(same) {
            Some(other) => other.label = format!("{}, {}", other.label, arrow.label),
            None => self.arrows.push(arrow),
        }
    }
}

fn nobody(edge: &Edge) -> String {
    if edge.from.is_none() { edge.event.source.clone() } else { String::new() }
}

fn source(diagram: &Diagram<'_>, node: Option<Node>, name: &str) -> Shape {
    let plain = |kind, title: &str| Shape { kind, title: title.to_owned(), lines: Vec::new(), dead: false, mood: None };
    match node {
        Some(Node::Global | Node::Job(_)) => plain(Kind::Outside, "pilot"),
        Some(Node::Signal(UserSignal::Hup)) => plain(Kind::Outside, "SIGHUP"),
        Some(Node::Signal(UserSignal::Usr2)) => plain(Kind::Outside, "SIGUSR2"),
        Some(Node::Watch(at)) => match diagram.plan.watches.get(at.0) {
            Some(watch) => {
                let live = diagram.now.and_then(|now| now.watches.get(at.0));
                let lines = [Some(labels::looks_at(watch)), live.map(|live| live.text.clone())];
                Shape {
                    lines: lines.into_iter().flatten().collect(),
                    mood: live.map(|live| live.mood),
                    ..plain(Kind::Watch, &format!("watch.{}", watch.name))
                }
            }
            None => plain(Kind::Watch, ""),
        },
        None => Shape { dead: true, lines: vec!["nobody".to_owned()], ..plain(Kind::Nobody, name) },
    }
}

fn job(diagram: &Diagram<'_>, at: JobAt) -> Shape {
    let Some(job) = diagram.plan.jobs.get(at.0) else {
        return Shape { kind: Kind::Job, title: String::new(), lines: Vec::new(), dead: false, mood: None };
    };
    let dead = diagram.graph.starts.get(at.0) == Some(&Chance::Never);
    let mut lines = Vec::new();
    let count = diagram.graph.waits(at).count();
    match &job.start {
        Start::Once { when: Condition::All(_), .. } if count > 1 => lines.push(format!("waits for all {count}")),
        Start::Once { when: Condition::Any(_), .. } if count > 1 => lines.push("waits for the first".to_owned()),
        Start::Once { .. } | Start::Each { .. } | Start::Interval(_) | Start::Cron(_) | Start::Never { .. } => {}
    }
    let facts = labels::facts(job);
    if !facts.is_empty() {
        lines.push(facts.join(" · "));
    }
    if dead {
        lines.push("never starts".to_owned());
    }
    let live = diagram.now.and_then(|now| now.jobs.get(at.0));
    lines.extend(live.map(|live| live.text.clone()));
    Shape { kind: Kind::Job, title: job.name.clone(), lines, dead, mood: live.map(|live| live.mood) }
}

fn label(diagram: &Diagram<'_>, edge: &Edge) -> String {
    let event = labels::event(&edge.event);
    let of_the_check = match edge.from {
        Some(Node::Job(at)) => {
            let name = diagram.plan.jobs.get(at.0).map(|job| format!("check.{}", job.name));
            name.as_deref() == Some(edge.event.source.as_str())
        }
        Some(Node::Watch(_) | Node::Signal(_) | Node::Global) | None => false,
    };
    let event = if of_the_check { format!("check {event}") } else { event.to_owned() };
    match edge.mode {
        Mode::Each if event.is_empty() => "each".to_owned(),
        Mode::Each => format!("each {event}"),
        Mode::All | Mode::Any | Mode::Interval => event,
    }
}

fn stroke(edge: &Edge) -> Stroke {
    match (&edge.chance, edge.mode) {
        (Chance::Never, _) => Stroke::Dead,
        (Chance::Open | Chance::AtTheStop, _) if edge.is_hook() => Stroke::Hook,
        (Chance::Open | Chance::AtTheStop, Mode::Each) => Stroke::Each,
        (Chance::Open | Chance::AtTheStop, Mode::All | Mode::Any | Mode::Interval) => Stroke::Once,
    }
}
