//! Why an event can never come: the nearest thing a person can change.

use super::error_text::is_of;
use super::reach::Reach;
use super::{Chance, JobAt, Node, WatchAt, node, numbered, starts_at_once};
use crate::event::{Class, Code, Event, GLOBAL};
use crate::plan::{Job, Plan, Probe};

/// Why an event can never come to the job that waits for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// There is no job or watch of that name.
    NobodyThere,
    /// `shutdown` means stop; it starts nobody.
    ShutdownStartsNobody,
    /// It is an event of the whole container, whose source is `global`.
    SourceIsGlobal,
    /// Only watches change.
    OnlyWatchesChange(JobAt),
    /// A watch has no such event.
    NotOfWatches(WatchAt),
    /// The job has no health check that could pass or fail.
    NoHealthCheck(JobAt),
    /// The job's health check runs no program that could exit.
    CheckIsNoProgram(JobAt),
    /// The job runs nothing that could exit.
    RunsNothing(JobAt),
    /// The job registers nothing in Consul.
    NotInConsul(JobAt),
    /// The job is in no target group.
    NotInTargetGroup(JobAt),
    /// The job does not drain.
    DrainsNot(JobAt),
    /// The job has no `when.timeout`.
    NoWhenTimeout(JobAt),
    /// The job starts with pilot, so that its `when.timeout` never passes.
    StartsAtOnce(JobAt),
    /// The source of `error` is the error's text, not the job's name.
    ErrorNeedsText(Option<JobAt>),
    /// A job does not start by its own exit or stop.
    OwnEnd,
    /// A job does not start by its own health: it has to run first.
    OwnHealth,
    /// The source can never start itself.
    NeverStarts(JobAt),
    /// It comes only while pilot stops, when only a job with `exec` that is hooked on a stop can start.
    OnlyAtTheStop(JobAt),
}

impl Reason {
    /// The end of a sentence that begins with "it never comes, because".
    pub fn said(&self, plan: &Plan, event: &Event) -> String {
        let name = |at: &JobAt| plan.jobs.get(at.0).map(|job| format!("{:?}", job.name)).unwrap_or_default();
        let source = &event.source;
        match self {
            Reason::NobodyThere => format!("there is no {source:?}"),
            Reason::ShutdownStartsNobody => "`shutdown` means stop, and starts no job".into(),
            Reason::SourceIsGlobal => format!("{} is an event of the whole container", event.code.word()),
            Reason::OnlyWatchesChange(job) => format!("only watches change, and {} is a job", name(job)),
            Reason::NotOfWatches(_) => "a watch is only changed, healthy or unhealthy".into(),
            Reason::NoHealthCheck(job) => format!("{} has no health check that could pass or fail", name(job)),
            Reason::CheckIsNoProgram(job) => format!("the check of {} starts no program that could exit", name(job)),
            Reason::RunsNothing(job) => format!("{} runs nothing that could exit", name(job)),
            Reason::NotInConsul(job) => format!("{} registers nothing in Consul", name(job)),
            Reason::NotInTargetGroup(job) => format!("{} is in no target group", name(job)),
            Reason::DrainsNot(job) => format!("{} does not drain: it gets its stop signal at once", name(job)),
            Reason::NoWhenTimeout(job) => format!("{} waits to start without a limit", name(job)),
            Reason::StartsAtOnce(job) => format!("{} starts with pilot, before any time passes", name(job)),
            Reason::ErrorNeedsText(Some(_)) => "the source of `error` is the text of the error, not a job".into(),
            Reason::ErrorNeedsText(None) => {
                format!("the source of `error` is the text of the error, and nobody says {source:?}")
            }
            Reason::OwnEnd => "no job starts by its own end".into(),
            Reason::OwnHealth => "its own health is only looked at when it has started".into(),
            Reason::NeverStarts(job) => format!("{} can never start itself", name(job)),
            Reason::OnlyAtTheStop(job) => format!(
                "it only comes while pilot stops, when nothing is started but jobs with `exec` that wait for a stop; {} does not stop before",
                name(job)
            ),
        }
    }
}

/// The reason for an event that [`Reach`] calls impossible.
pub(super) fn why_not(plan: &Plan, reach: &Reach<'_>, event: &Event, to: JobAt) -> Reason {
    if event.code == Code::Shutdown && event.source == GLOBAL {
        return Reason::ShutdownStartsNobody;
    }
    let id = match (event.code.class(), node(plan, event)) {
        (Class::Container, _) => return Reason::SourceIsGlobal,
        (Class::Error, _) => return why_no_error(plan, reach, event),
        (_, None | Some(Node::Signal(_) | Node::Global)) => return Reason::NobodyThere,
        (_, Some(Node::Watch(id))) => return Reason::NotOfWatches(id),
        // Of two jobs of one name it is told of the one that waits for itself, unless the other one's health is what it waits for.
        (class, Some(Node::Job(_))) if plan.jobs.get(to.0).is_some_and(|job| job.name == event.source) => {
            let other = most_likely(plan, reach, event).filter(|_| class == Class::Health);
            other.filter(|other| reach.starts(*other) != Chance::Never).unwrap_or(to)
        }
        (_, Some(Node::Job(first))) => most_likely(plan, reach, event).unwrap_or(first),
    };
    let Some(job) = plan.jobs.get(id.0) else { return Reason::NobodyThere };
    let probe = job.health.as_ref().and_then(|health| health.probe.as_ref());
    let own = id == to;
    let never_starts = reach.starts(id) == Chance::Never;
    if event.source != job.name {
        return match (event.code.class(), probe) {
            // `check.JOB` has no other events than exits.
            (class, _) if class != Class::Exit => Reason::NobodyThere,
            (_, None) => Reason::NoHealthCheck(id),
            (_, Some(Probe::Exec(_))) if own => Reason::OwnHealth,
            (_, Some(Probe::Exec(_))) if never_starts => Reason::NeverStarts(id),
            (_, Some(Probe::Exec(_))) => Reason::OnlyAtTheStop(id),
            (_, Some(Probe::Http(_) | Probe::Tcp(_) | Probe::Mysql(_) | Probe::Notify(_))) => {
                Reason::CheckIsNoProgram(id)
            }
        };
    }
    match event.code.class() {
        Class::Exit | Class::Stop if own => Reason::OwnEnd,
        Class::Exit if job.exec.is_none() => Reason::RunsNothing(id),
        Class::Health if probe.is_none() => Reason::NoHealthCheck(id),
        Class::Health if own => Reason::OwnHealth,
        Class::Exit | Class::Health if never_starts => Reason::NeverStarts(id),
        Class::Exit | Class::Health => Reason::OnlyAtTheStop(id),
        Class::Stop => why_no_step(plan, event.code, id, job),
        Class::Change => Reason::OnlyWatchesChange(id),
        Class::Timer if starts_at_once(&job.start) => Reason::StartsAtOnce(id),
        Class::Timer => Reason::NoWhenTimeout(id),
        Class::Error | Class::Container | Class::Signal => Reason::OnlyAtTheStop(id),
    }
}

/// Of several jobs of one name the one that comes nearest to making the event.
fn most_likely(plan: &Plan, reach: &Reach<'_>, event: &Event) -> Option<JobAt> {
    let makes = |job: &Job| {
        let probe = job.health.as_ref().and_then(|health| health.probe.as_ref());
        match event.code {
            _ if event.source != job.name => matches!(probe, Some(Probe::Exec(_))),
            Code::LeavingConsul => plan.registers(job),
            Code::LeavingTargetGroup => job.balancer.is_some(),
            Code::Draining | Code::Drained => job.drain.is_some(),
            code => match code.class() {
                Class::Exit => job.exec.is_some(),
                Class::Health => probe.is_some(),
                Class::Error | Class::Stop | Class::Change | Class::Timer | Class::Container | Class::Signal => true,
            },
        }
    };
    let name = event.source.strip_prefix("check.").unwrap_or(&event.source);
    let able = || numbered(plan).filter(|(_, job)| [name, &event.source].contains(&job.name.as_str()) && makes(job));
    let starts = able().find(|(id, _)| reach.starts(*id) != Chance::Never);
    starts.or_else(|| able().next()).map(|(id, _)| id)
}

/// The source of an error is a text that begins with who made it.
fn why_no_error(plan: &Plan, reach: &Reach<'_>, event: &Event) -> Reason {
    match numbered(plan).find(|(_, job)| is_of(&event.source, &job.name)) {
        Some((id, _)) if reach.starts(id) == Chance::Never => Reason::NeverStarts(id),
        Some((id, _)) => Reason::RunsNothing(id),
        None => {
            let meant = numbered(plan).find(|(_, job)| job.name == event.source);
            Reason::ErrorNeedsText(meant.map(|(id, _)| id))
        }
    }
}

/// Why a job's way out does not have this step, or has it only at the end of everything.
fn why_no_step(plan: &Plan, code: Code, id: JobAt, job: &Job) -> Reason {
    match code {
        Code::LeavingConsul if !plan.registers(job) => Reason::NotInConsul(id),
        Code::LeavingTargetGroup if job.balancer.is_none() => Reason::NotInTargetGroup(id),
        Code::Draining | Code::Drained if job.drain.is_none() => Reason::DrainsNot(id),
        _ => Reason::OnlyAtTheStop(id),
    }
}
