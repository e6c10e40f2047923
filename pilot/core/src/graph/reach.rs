//! What can ever happen: jobs start by events and make events, so both are found together, until nothing is added.

use super::super::effect::UserSignal;
use super::super::event::{Code, Event, GLOBAL};
use super::super::job::{hooked_on_stop, start_events};
use super::super::plan::{Condition, Count, Plan, Probe, Start};
use super::reason::says;
use super::{Chance, JobAt, jobs, starts_at_once};

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
        for id in jobs(self.plan) {
            let running = self.running[id.0] || self.is_met(id, Moment::Running) || self.rerun_by_namesake(id);
            let hooked = hooked_on_stop(&self.plan.jobs[id.0]);
            let stopping = running || (hooked && self.is_met(id, Moment::Stopping));
            grown |= (self.running[id.0], self.stopping[id.0]) != (running, stopping);
            (self.running[id.0], self.stopping[id.0]) = (running, stopping);
        }
        grown
    }

    /// Whether a job can start.
    pub(super) fn starts(&self, id: JobAt) -> Chance {
        if self.running[id.0] {
            Chance::Open
        } else if self.stopping[id.0] {
            Chance::AtTheStop
        } else {
            Chance::Never
        }
    }

    /// Whether an event can come to this job.
    pub(super) fn chance(&self, event: &Event, to: JobAt) -> Chance {
        if self.comes(event, to, Moment::Running) {
            Chance::Open
        } else if hooked_on_stop(&self.plan.jobs[to.0]) && self.comes_in_time(event, to) {
            Chance::AtTheStop
        } else {
            Chance::Never
        }
    }

    fn is_met(&self, id: JobAt, moment: Moment) -> bool {
        let comes = |event: &Event| match moment {
            Moment::Running => self.comes(event, id, moment),
            Moment::Stopping => self.comes_in_time(event, id),
        };
        let start = &self.plan.jobs[id.0].start;
        match start {
            Start::Once { when: Condition::All(events), .. } => events.iter().all(comes),
            Start::Once { when: Condition::Any(_), .. } | Start::Each { .. } => start_events(start).iter().any(comes),
            Start::Interval(_) | Start::Cron(_) => true,
            Start::Never { .. } => false,
        }
    }

    /// While pilot stops, a job waits only as long as another job can still make the event.
    fn comes_in_time(&self, event: &Event, to: JobAt) -> bool {
        let of_a_job = self.named(&event.source).any(|id| id != to);
        self.comes(event, to, Moment::Running) || (of_a_job && self.comes(event, to, Moment::Stopping))
    }

    fn comes(&self, event: &Event, to: JobAt, moment: Moment) -> bool {
        let source = event.source.as_str();
        let own = self.plan.jobs[to.0].name == source;
        let runs = |id: JobAt| match moment {
            Moment::Running => self.running[id.0],
            Moment::Stopping => self.stopping[id.0],
        };
        let exits = |id: JobAt| runs(id) && self.plan.jobs[id.0].exec.is_some();
        let probed = |id: JobAt| runs(id) && self.probe(id).is_some();
        let probe_exits = |id: JobAt| runs(id) && matches!(self.probe(id), Some(Probe::Exec(_)));
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
            Code::Error => jobs(self.plan).any(|id| self.fails_with(source, id, exits(id), probe_exits(id))),
            Code::Stopping | Code::Stopped => {
                self.named(source).any(|id| id != to && (moment == Moment::Stopping || self.ends(id)))
            }
            Code::LeavingConsul | Code::LeavingTargetGroup => self.named(source).any(|id| {
                let job = &self.plan.jobs[id.0];
                let is_in =
                    if event.code == Code::LeavingConsul { self.plan.registers(job) } else { job.balancer.is_some() };
                id != to && is_in && (moment == Moment::Stopping || self.ends(id))
            }),
            Code::Draining | Code::Drained => self.named(source).any(|id| {
                let drains = self.plan.jobs[id.0].drain.is_some() && self.plan.jobs[id.0].exec.is_some();
                id != to && drains && runs(id) && (moment == Moment::Stopping || self.ends(id))
            }),
            Code::TimerExpired => self.named(source).any(|id| self.gives_up(id)),
        }
    }

    /// Whether an error with this text can come from a job. What a program that cannot be started is told with names it.
    fn fails_with(&self, text: &str, id: JobAt, exits: bool, probe_exits: bool) -> bool {
        let job = &self.plan.jobs[id.0];
        let program = job.exec.as_ref().map(|exec| exec.program.as_str()).unwrap_or_default();
        let of_the_run = says(text, &job.name) || (text != job.name && !program.is_empty() && text.contains(program));
        (exits && of_the_run) || (probe_exits && says(text, &format!("check.{}", job.name)))
    }

    /// Whether a job can stop without pilot being asked to stop.
    fn ends(&self, id: JobAt) -> bool {
        let job = &self.plan.jobs[id.0];
        let counted = job.restarts != Count::Unlimited;
        let by_itself = match job.start {
            Start::Once { .. } => {
                self.running[id.0] && counted && (job.exec.is_some() || self.has_running_namesake(id))
            }
            Start::Interval(_) | Start::Cron(_) => counted,
            Start::Each { .. } | Start::Never { .. } => false,
        };
        by_itself || (self.gives_up(id) && (!hooked_on_stop(job) || self.running[id.0]))
    }

    /// Whether its `when.timeout` can pass before it starts.
    pub(super) fn gives_up(&self, id: JobAt) -> bool {
        let start = &self.plan.jobs[id.0].start;
        let has_timeout = match start {
            Start::Once { timeout, .. } | Start::Each { timeout, .. } | Start::Never { timeout } => timeout.is_some(),
            Start::Interval(_) | Start::Cron(_) => false,
        };
        has_timeout && !starts_at_once(start)
    }

    /// Two jobs of one name count each other's exits as their own, and restart by them.
    fn rerun_by_namesake(&self, id: JobAt) -> bool {
        let job = &self.plan.jobs[id.0];
        !job.start.is_periodic() && job.restarts != Count::Finite(0) && self.has_running_namesake(id)
    }

    fn has_running_namesake(&self, id: JobAt) -> bool {
        let is_running = |other: JobAt| other != id && self.running[other.0] && self.plan.jobs[other.0].exec.is_some();
        self.named(&self.plan.jobs[id.0].name).any(is_running)
    }

    fn probe(&self, id: JobAt) -> Option<&Probe> {
        self.plan.jobs[id.0].health.as_ref().and_then(|health| health.probe.as_ref())
    }

    fn named<'s>(&self, name: &'s str) -> impl Iterator<Item = JobAt> + use<'_, 's> {
        jobs(self.plan).filter(move |id| self.plan.jobs[id.0].name == name)
    }

    fn checked<'s>(&self, source: &'s str) -> impl Iterator<Item = JobAt> + use<'_, 's> {
        source.strip_prefix("check.").into_iter().flat_map(|name| self.named(name))
    }

    fn is_watch(&self, source: &str) -> bool {
        source.strip_prefix("watch.").is_some_and(|name| self.plan.watches.iter().any(|watch| watch.name == name))
    }
}
