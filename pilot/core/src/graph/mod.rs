//! The event graph of a plan: which event of whom starts whom, what can ever happen, and what never can.
//!
//! Computed from the plan alone, before anything runs. It says of each event and each job whether there is *some* course of
//! things in which it comes: what it calls impossible, the engine never does (a test plays random histories against
//! that). What the time alone rules out, such as a check that is slower than its job, it does not see.

use crate::effect::UserSignal;
use crate::event::{Class, Code, Event, GLOBAL};
pub use crate::plan::JobAt;
use crate::plan::{Condition, Job, Plan, Start};
use crate::stop::order::stop_order;

mod circle;
mod error_text;
mod reach;
mod reason;

use reach::Reach;
pub use reason::Reason;

/// A watch's place in [`Plan::watches`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WatchAt(pub usize);

/// Who events come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Node {
    /// A job, or its health check.
    Job(JobAt),
    /// A watch.
    Watch(WatchAt),
    /// A signal that is an event.
    Signal(UserSignal),
    /// The container as a whole.
    Global,
}

/// How an event counts among those that its job waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Each of the events must have been seen, then the job starts once.
    All,
    /// The first of the events starts the job, once.
    Any,
    /// Every one of the events starts the job, every time.
    Each,
    /// The job starts with pilot, and then at every tick.
    Interval,
}

/// Whether something can happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chance {
    /// At any time.
    Open,
    /// Only while pilot stops.
    AtTheStop,
    /// Never, whatever happens.
    Never,
}

/// An event that a job waits for.
#[derive(Clone, Debug, PartialEq)]
pub struct Edge {
    /// Whose event it is; `None` if there is nobody of that name.
    pub from: Option<Node>,
    /// The event.
    pub event: Event,
    /// Who waits for it.
    pub to: JobAt,
    /// How it counts.
    pub mode: Mode,
    /// Whether it can come.
    pub chance: Chance,
    /// Why it cannot, if so.
    pub reason: Option<Reason>,
}

impl Edge {
    /// Whether it is a hook: the job waits for a step of another's way out.
    pub fn is_hook(&self) -> bool {
        self.event.code.class() == Class::Stop
    }
}

/// The event graph of one plan.
#[derive(Clone, Debug)]
pub struct Graph {
    /// What each job waits for: the jobs in the order of the plan, the events in the order of the file.
    pub edges: Vec<Edge>,
    /// Whether each job can start, in the order of the plan.
    pub starts: Vec<Chance>,
    /// For each job: those that must be gone before it is stopped.
    pub stops_after: Vec<Vec<JobAt>>,
}

impl Graph {
    /// The graph of a plan.
    pub fn of(plan: &Plan) -> Self {
        let reach = Reach::of(plan);
        let mut edges = Vec::new();
        for (index, job) in plan.jobs.iter().enumerate() {
            let to = JobAt(index);
            let startup = [Event::global(Code::Startup)];
            let (mode, events) = match &job.start {
                Start::Once { when: Condition::All(events), .. } => (Mode::All, events.as_slice()),
                Start::Once { when: Condition::Any(events), .. } => (Mode::Any, events.as_slice()),
                Start::Each { events, .. } => (Mode::Each, events.as_slice()),
                Start::Interval(_) => (Mode::Interval, startup.as_slice()),
                // The clock starts a cron job, and it is no event.
                Start::Cron(_) | Start::Never { .. } => continue,
            };
            for event in events {
                let chance = reach.chance(event, to);
                let reason = (chance == Chance::Never).then(|| reason::why_not(plan, &reach, event, to));
                edges.push(Edge { from: node(plan, event), event: event.clone(), to, mode, chance, reason });
            }
        }
        let starts = (0..plan.jobs.len()).map(|index| reach.starts(JobAt(index))).collect();
        let stops_after =
            stop_order(&plan.jobs).into_iter().map(|after| after.into_iter().map(JobAt).collect()).collect();
        Graph { edges, starts, stops_after }
    }

    /// What a job waits for.
    pub fn waits(&self, id: JobAt) -> impl Iterator<Item = &Edge> {
        self.edges.iter().filter(move |edge| edge.to == id)
    }

    /// What the events of a node start.
    pub fn starts_of(&self, node: Node) -> impl Iterator<Item = &Edge> {
        self.edges.iter().filter(move |edge| edge.from == Some(node))
    }

    /// The events that keep a job from ever starting; empty if it can start, or waits for nothing at all.
    pub fn obstacles(&self, id: JobAt) -> Vec<&Edge> {
        if self.starts.get(id.0) != Some(&Chance::Never) {
            return Vec::new();
        }
        self.waits(id).filter(|edge| edge.chance == Chance::Never).collect()
    }
}

/// Where an event comes from.
fn node(plan: &Plan, event: &Event) -> Option<Node> {
    let source = event.source.as_str();
    match event.code.class() {
        Class::Signal => {
            let mut signals = [UserSignal::Hup, UserSignal::Usr2].into_iter();
            return signals.find(|signal| signal.name() == source).map(Node::Signal);
        }
        Class::Container if source == GLOBAL => return Some(Node::Global),
        // The source of an error is a text that begins with who made it.
        Class::Error => return job_that(plan, |job| error_text::is_of(source, &job.name)),
        Class::Container | Class::Exit | Class::Stop | Class::Health | Class::Change | Class::Timer => {}
    }
    if let Some(job) = job_that(plan, |job| job.name == source) {
        return Some(job);
    }
    if let Some(name) = source.strip_prefix("watch.") {
        return plan.watches.iter().position(|watch| watch.name == name).map(|index| Node::Watch(WatchAt(index)));
    }
    let name = source.strip_prefix("check.")?;
    job_that(plan, |job| job.name == name)
}

fn job_that(plan: &Plan, is_it: impl Fn(&Job) -> bool) -> Option<Node> {
    plan.jobs.iter().position(is_it).map(|place| Node::Job(JobAt(place)))
}

fn numbered(plan: &Plan) -> impl Iterator<Item = (JobAt, &Job)> {
    plan.jobs.iter().enumerate().map(|(place, job)| (JobAt(place), job))
}

/// Whether pilot's start is enough to start a job.
fn starts_at_once(start: &Start) -> bool {
    let startup = |event: &Event| *event == Event::global(Code::Startup);
    match start {
        Start::Once { when: Condition::All(events), .. } => events.iter().all(startup),
        Start::Once { when: Condition::Any(events), .. } | Start::Each { events, .. } => events.iter().any(startup),
        Start::Interval(_) => true,
        Start::Cron(_) | Start::Never { .. } => false,
    }
}
