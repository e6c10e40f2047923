//! Why an event can never come: the nearest thing a person can change.

use super::super::event::{Code, Event, GLOBAL};
use super::super::job::is_of_a_stop;
use super::super::plan::{Plan, Probe};
use super::reach::Reach;
use super::{Chance, JobAt, Node, WatchAt, jobs, node, starts_at_once};

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

/// Whether an error's text is of this process: `NAME: what happened`.
pub(super) fn says(text: &str, name: &str) -> bool {
    text.strip_prefix(name).is_some_and(|rest| rest.starts_with(": "))
}

/// The reason for an event that [`Reach`] calls impossible.
pub(super) fn why_not(plan: &Plan, reach: &Reach<'_>, event: &Event, to: JobAt) -> Reason {
    let of_the_container =
        matches!(event.code, Code::Startup | Code::Shutdown | Code::EnterMaintenance | Code::ExitMaintenance);
    if event.code == Code::Shutdown && event.source == GLOBAL {
        return Reason::ShutdownStartsNobody;
    }
    if of_the_container {
        return Reason::SourceIsGlobal;
    }
    let id = match node(plan, event) {
        _ if event.code == Code::Error => {
            return match jobs(plan).find(|id| says(&event.source, &plan.jobs[id.0].name)) {
                Some(id) if reach.starts(id) == Chance::Never => Reason::NeverStarts(id),
                Some(id) => Reason::RunsNothing(id),
                None => Reason::ErrorNeedsText(jobs(plan).find(|id| plan.jobs[id.0].name == event.source)),
            };
        }
        None | Some(Node::Signal(_) | Node::Global) => return Reason::NobodyThere,
        Some(Node::Watch(id)) => return Reason::NotOfWatches(id),
        Some(Node::Job(id)) => id,
    };
    let job = &plan.jobs[id.0];
    let starts = reach.starts(id);
    let by_check = event.source != job.name;
    let probe = job.health.as_ref().and_then(|health| health.probe.as_ref());
    match event.code {
        Code::ExitSuccess | Code::ExitFailed if by_check && probe.is_none() => Reason::NoHealthCheck(id),
        Code::ExitSuccess | Code::ExitFailed if by_check && !matches!(probe, Some(Probe::Exec(_))) => {
            Reason::CheckIsNoProgram(id)
        }
        Code::ExitSuccess | Code::ExitFailed if by_check && id == to => Reason::OwnHealth,
        Code::ExitSuccess | Code::ExitFailed if by_check && starts == Chance::Never => Reason::NeverStarts(id),
        Code::ExitSuccess | Code::ExitFailed if by_check => Reason::OnlyAtTheStop(id),
        // `check.JOB` has no other events than exits.
        _ if by_check => Reason::NobodyThere,
        Code::ExitSuccess | Code::ExitFailed if id == to => Reason::OwnEnd,
        code if is_of_a_stop(code) && id == to => Reason::OwnEnd,
        Code::LeavingConsul if !plan.registers(job) => Reason::NotInConsul(id),
        Code::LeavingTargetGroup if job.balancer.is_none() => Reason::NotInTargetGroup(id),
        Code::Draining | Code::Drained if job.drain.is_none() => Reason::DrainsNot(id),
        Code::ExitSuccess | Code::ExitFailed if job.exec.is_none() => Reason::RunsNothing(id),
        Code::Healthy | Code::Unhealthy if probe.is_none() => Reason::NoHealthCheck(id),
        Code::Healthy | Code::Unhealthy if id == to => Reason::OwnHealth,
        Code::Changed => Reason::OnlyWatchesChange(id),
        Code::TimerExpired if starts_at_once(&job.start) => Reason::StartsAtOnce(id),
        Code::TimerExpired => Reason::NoWhenTimeout(id),
        Code::ExitSuccess | Code::ExitFailed | Code::Healthy | Code::Unhealthy if starts == Chance::Never => {
            Reason::NeverStarts(id)
        }
        Code::ExitSuccess
        | Code::ExitFailed
        | Code::Healthy
        | Code::Unhealthy
        | Code::Stopping
        | Code::LeavingConsul
        | Code::LeavingTargetGroup
        | Code::Draining
        | Code::Drained
        | Code::Stopped
        | Code::Error
        | Code::EnterMaintenance
        | Code::ExitMaintenance
        | Code::Startup
        | Code::Shutdown
        | Code::Signal => Reason::OnlyAtTheStop(id),
    }
}
