//! What can ever happen: jobs start by events and make events, so both are found together, until nothing is added.

use super::error_text::is_of;
use super::{Chance, JobAt, numbered, starts_at_once};
use crate::effect::UserSignal;
use crate::event::{Code, Event, GLOBAL};
use crate::plan::{Condition, Count, Job, Plan, Probe, Start};

/// Two times of pilot's life in which different things can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// Before it is asked to stop.
    Running,
    /// While it stops: every job stops, and those hooked on a stop may still start.
    Stopping,
}

/// Which jobs can start, at which moment at the earliest.
#[derive(Debug)]
pub(super) struct Reach<'a> {
    plan: &'a Plan,
    running: Vec<bool>,
    stopping: Vec<bool>,
}

impl<'a> Reach<'a> {
    pub(super) fn of(plan: &'a Plan) -> Self {
        let nobody = vec![false; plan.jobs.len()];
        let mut reach = Reach { plan, running: nobody.clone(), stopping: nobody };
        while reach.grow() {}
        reach
    }

    /// One round. False if nothing was added.
    fn grow(&mut self) -> bool {
        let mut grown = false;
        for (id, job) in numbered(self.plan) {
            let known = (self.runs(id, Moment::Running), self.runs(id, Moment::Stopping));
            let running = known.0 || self.is_met(id, job, Moment::Running) || self.rerun_by_namesake(id, job);
            let stopping = running || (job.is_hook() && self.is_met(id, job, Moment::Stopping));
            grown |= known != (running, stopping);
            for (list, reached) in [(&mut self.running, running), (&mut self.stopping, stopping)] {
                if let Some(known) = list.get_mut(id.0) {
                    *known = reached;
                }
            }
        }
        grown
    }

    /// Whether a job can run at this moment, as far as is known.
    fn runs(&self, id: JobAt, moment: Moment) -> bool {
        let list = match moment {
            Moment::Running => &self.running,
            Moment::Stopping => &self.stopping,
        };
        list.get(id.0).copied().unwrap_or(false)
    }

    /// Whether a job can start.
    pub(super) fn starts(&self, id: JobAt) -> Chance {
        if self.runs(id, Moment::Running) {
            Chance::Open
        } else if self.runs(id, Moment::Stopping) {
            Chance::AtTheStop
        } else {
            Chance::Never
        }
    }

    /// Whether an event can come to this job.
    pub(super) fn chance(&self, event: &Event, to: JobAt) -> Chance {
        let is_hook = self.plan.jobs.get(to.0).is_some_and(Job::is_hook);
        if self.comes(event, to, Moment::Running) {
            Chance::Open
        } else if is_hook && self.comes_in_time(event, to) {
            Chance::AtTheStop
        } else {
            Chance::Never
        }
    }

    fn is_met(&self, id: JobAt, job: &Job, moment: Moment) -> bool {
        let comes = |event: &Event| match moment {
            Moment::Running => self.comes(event, id, moment),
            Moment::Stopping => self.comes_in_time(event, id),
        };
        match &job.start {
            Start::Once { when: Condition::All(events), .. } => events.iter().all(comes),
            Start::Once { when: Condition::Any(events), .. } | Start::Each { events, .. } => events.iter().any(comes),
            Start::Interval(_) | Start::Cron(_) => true,
            Start::Never { .. } => false,
        }
    }

    /// While pilot stops, a job waits only as long as another job can still make the event, or one of several that do as well.
    fn comes_in_time(&self, event: &Event, to: JobAt) -> bool {
        let waits = || {
            let start = self.plan.jobs.get(to.0).map(|job| &job.start);
            let alternatives = match start {
                Some(Start::Once { when: Condition::Any(events), .. } | Start::Each { events, .. }) => {
                    events.as_slice()
                }
                Some(Start::Once { when: Condition::All(_), .. }) | None => &[],
                Some(Start::Interval(_) | Start::Cron(_) | Start::Never { .. }) => &[],
            };
            self.is_of_another(event, to) || alternatives.iter().any(|other| self.is_of_another(other, to))
        };
        self.comes(event, to, Moment::Running) || (self.comes(event, to, Moment::Stopping) && waits())
    }

    fn is_of_another(&self, event: &Event, job: JobAt) -> bool {
        self.named(&event.source).any(|(id, _)| id != job)
    }

    fn comes(&self, event: &Event, to: JobAt, moment: Moment) -> bool {
        let source = event.source.as_str();
        let own = self.plan.jobs.get(to.0).is_some_and(|job| job.name == source);
        let exits = |(id, job): (JobAt, &Job)| self.runs(id, moment) && job.exec.is_some();
        let probed = |(id, job): (JobAt, &Job)| self.runs(id, moment) && probe(job).is_some();
        let probe_exits =
            |(id, job): (JobAt, &Job)| self.runs(id, moment) && matches!(probe(job), Some(Probe::Exec(_)));
        // Of another job, while it stops.
        let stops = |id: JobAt, job: &Job| id != to && (moment == Moment::Stopping || self.ends(id, job));
        match event.code {
            Code::Startup | Code::EnterMaintenance | Code::ExitMaintenance => source == GLOBAL,
            // It means stop, and starts nobody.
            Code::Shutdown => false,
            Code::Signal => [UserSignal::Hup, UserSignal::Usr2].iter().any(|signal| signal.name() == source),
            Code::Changed => self.is_watch(source),
            Code::Healthy | Code::Unhealthy => self.is_watch(source) || self.named(source).any(probed),
            // Its own end is no start of a job, but the end of its run.
            Code::ExitSuccess | Code::ExitFailed => {
                !own && (self.named(source).any(exits) || self.checked(source).any(probe_exits))
            }
            Code::Error => {
                numbered(self.plan).any(|(id, job)| fails_with(source, job, exits((id, job)), probe_exits((id, job))))
            }
            Code::Stopping | Code::Stopped => self.named(source).any(|(id, job)| stops(id, job)),
            Code::LeavingConsul => self.named(source).any(|(id, job)| self.plan.registers(job) && stops(id, job)),
            Code::LeavingTargetGroup => self.named(source).any(|(id, job)| job.balancer.is_some() && stops(id, job)),
            Code::Draining | Code::Drained => self
                .named(source)
                .any(|(id, job)| job.drain.is_some() && job.exec.is_some() && self.runs(id, moment) && stops(id, job)),
            Code::TimerExpired => self.named(source).any(|(_, job)| gives_up(job)),
        }
    }

    /// Whether a job can stop without pilot being asked to stop.
    fn ends(&self, id: JobAt, job: &Job) -> bool {
        let counted = job.restarts != Count::Unlimited;
        let runs = self.runs(id, Moment::Running);
        let by_itself = match job.start {
            Start::Once { .. } => runs && counted && (job.exec.is_some() || self.has_running_namesake(id, job)),
            Start::Interval(_) | Start::Cron(_) => counted,
            Start::Each { .. } | Start::Never { .. } => false,
        };
        by_itself || (gives_up(job) && (!job.is_hook() || runs))
    }

    /// Two jobs of one name count each other's exits as their own, and restart by them.
    fn rerun_by_namesake(&self, id: JobAt, job: &Job) -> bool {
        !job.start.is_periodic() && job.restarts != Count::Finite(0) && self.has_running_namesake(id, job)
    }

    fn has_running_namesake(&self, id: JobAt, job: &Job) -> bool {
        let is_running = |(other, namesake): (JobAt, &Job)| {
            other != id && self.runs(other, Moment::Running) && namesake.exec.is_some()
        };
        self.named(&job.name).any(is_running)
    }

    fn named<'s>(&self, name: &'s str) -> impl Iterator<Item = (JobAt, &'a Job)> + use<'a, 's> {
        numbered(self.plan).filter(move |(_, job)| job.name == name)
    }

    fn checked<'s>(&self, source: &'s str) -> impl Iterator<Item = (JobAt, &'a Job)> + use<'a, 's> {
        let plan = self.plan;
        let name = source.strip_prefix("check.");
        name.into_iter().flat_map(move |name| numbered(plan).filter(move |(_, job)| job.name == name))
    }

    fn is_watch(&self, source: &str) -> bool {
        source.strip_prefix("watch.").is_some_and(|name| self.plan.watches.iter().any(|watch| watch.name == name))
    }
}

fn probe(job: &Job) -> Option<&Probe> {
    job.health.as_ref().and_then(|health| health.probe.as_ref())
}

/// Whether an error with this text can come from a job. What a program that cannot be started is told with names it.
fn fails_with(text: &str, job: &Job, exits: bool, probe_exits: bool) -> bool {
    let program = job.exec.as_ref().map(|exec| exec.program.as_str()).unwrap_or_default();
    let of_the_run = is_of(text, &job.name) || (text != job.name && !program.is_empty() && text.contains(program));
    (exits && of_the_run) || (probe_exits && is_of(text, &format!("check.{}", job.name)))
}

/// Whether a job's `when.timeout` can pass before it starts.
fn gives_up(job: &Job) -> bool {
    let has_timeout = match job.start {
        Start::Once { timeout, .. } | Start::Each { timeout, .. } | Start::Never { timeout } => timeout.is_some(),
        Start::Interval(_) | Start::Cron(_) => false,
    };
    has_timeout && !starts_at_once(&job.start)
}
