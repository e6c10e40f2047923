//! What is known of one job while it lives, and the questions that rules and readers ask of it.

use std::sync::Arc;
use std::time::Duration;

use super::{Activity, Check, Owed, Phase, Record, Run, StopStep, Stopping, Target, Ticks};
use crate::backoff::Streak;
use crate::effect::RunId;
use crate::exit::Exit;
use crate::plan::{self, Condition, Count, Start};

/// What others are told of a job's health. v3 spec 5.9.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Not started yet.
    Idle,
    /// Started, nothing known.
    Unknown,
    /// The last checks passed.
    Healthy,
    /// The last checks failed.
    Unhealthy,
    /// Out of service on request.
    Maintenance,
    /// Healthy from creation on, whatever happens: what stands for pilot itself.
    AlwaysHealthy,
}

impl Status {
    /// v3's word in `/status`.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Idle | Status::Unknown => "unknown",
            Status::Healthy | Status::AlwaysHealthy => "healthy",
            Status::Unhealthy => "unhealthy",
            Status::Maintenance => "maintenance",
        }
    }
}

/// What a job does, in one word for people and tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It was not started yet.
    Waiting,
    /// Its process runs; or it has none, and is in place.
    Running,
    /// It is started again after a delay.
    Restarting,
    /// It has run and waits for its next event or tick.
    Idle,
    /// It is on its way down.
    Stopping,
    /// A person has stopped it.
    Stopped,
    /// It is over.
    Ended,
}

impl State {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Waiting => "waiting",
            State::Running => "running",
            State::Restarting => "restarting",
            State::Idle => "idle",
            State::Stopping => "stopping",
            State::Stopped => "stopped",
            State::Ended => "ended",
        }
    }
}

/// One job's state.
#[derive(Debug)]
pub struct Job {
    /// Its definition.
    pub(crate) settings: Arc<plan::Job>,
    pub(crate) phase: Phase,
    pub(crate) status: Status,
    /// Starts that events may still cause.
    pub(crate) starts: Count,
    /// Restarts that are left.
    pub(crate) budget: Count,
    /// Which events of an `All` condition were seen.
    pub(crate) seen: Vec<bool>,
    /// When its `when.timeout` passes.
    pub(crate) give_up_at: Option<Duration>,
    pub(crate) ticks: Ticks,
    pub(crate) owed: Owed,
    /// Runs that have ended but left members of their group behind.
    pub(crate) lingering: Vec<RunId>,
    pub(crate) check: Check,
    pub(crate) target: Target,
    pub(crate) streak: Streak,
    pub(crate) last_uptime: Duration,
    pub(crate) last_exit: Option<Exit>,
    /// Its last run ended otherwise than it should.
    pub(crate) last_failed: bool,
    pub(crate) record: Record,
    /// Why it can no longer start, as the end of a sentence that begins with its name.
    pub(crate) dead_end: Option<String>,
}

impl Job {
    /// A job that begins `now`; from then on its times are counted.
    pub(crate) fn new(settings: Arc<plan::Job>, seed: u64, now: Duration) -> Self {
        let after = |time: Duration| now.saturating_add(time);
        let (starts, timeout, tick, conditions) = match &settings.start {
            Start::Once { when: Condition::All(events), timeout } => (Count::Finite(1), *timeout, None, events.len()),
            Start::Once { when: Condition::Any(_), timeout } => (Count::Finite(1), *timeout, None, 0),
            Start::Each { timeout, .. } | Start::Never { timeout } => (Count::Unlimited, *timeout, None, 0),
            Start::Interval(every) => (Count::Finite(1), None, Some(*every), 0),
            Start::Cron(_) => (Count::Finite(1), None, None, 0),
        };
        let status = if settings.is_always_healthy() { Status::AlwaysHealthy } else { Status::Idle };
        let next_check = settings.health.as_ref().map(|health| after(health.interval));
        Job {
            phase: Phase::Live(Activity::Waiting),
            status,
            starts,
            budget: settings.restarts,
            seen: vec![false; conditions],
            give_up_at: timeout.map(after),
            ticks: Ticks { next_at: tick.map(after), ..Ticks::default() },
            owed: Owed::default(),
            lingering: Vec::new(),
            check: Check { next_at: next_check, ..Check::default() },
            target: Target::default(),
            streak: Streak::new(seed),
            last_uptime: Duration::ZERO,
            last_exit: None,
            last_failed: false,
            record: Record::new(status, now),
            dead_end: None,
            settings,
        }
    }

    /// Begins its life again at time `now`, as a job that has had its first start; what is known of its last run stays.
    pub(crate) fn renew(&mut self, now: Duration) {
        let settings = Arc::clone(&self.settings);
        let starts = match &settings.start {
            Start::Once { .. } | Start::Interval(_) | Start::Cron(_) => Count::Finite(0),
            Start::Each { .. } | Start::Never { .. } => Count::Unlimited,
        };
        *self = Job {
            starts,
            seen: std::mem::take(&mut self.seen),
            give_up_at: None,
            lingering: std::mem::take(&mut self.lingering),
            streak: self.streak.forgotten(),
            last_uptime: self.last_uptime,
            last_exit: self.last_exit,
            last_failed: self.last_failed,
            record: self.record.clone(),
            ..Job::new(settings, 0, now)
        };
    }

    /// What it does, in one word.
    pub fn state(&self) -> State {
        match &self.phase {
            Phase::Live(activity) | Phase::Retired(activity) => match activity {
                Activity::Waiting => State::Waiting,
                Activity::InPlace | Activity::Running(_) => State::Running,
                Activity::Idle => State::Idle,
                Activity::BackingOff { .. } => State::Restarting,
            },
            Phase::StopPending { run: Some(_), .. } => State::Running,
            Phase::StopPending { run: None, .. } => State::Idle,
            Phase::Stopping(_) => State::Stopping,
            Phase::Done(_) if self.phase.is_held() => State::Stopped,
            Phase::Done(_) => State::Ended,
        }
    }

    /// Since when, as the engine counts time.
    pub fn state_since(&self) -> Duration {
        self.record.state.1
    }

    /// Since when its health is what it is.
    pub fn status_since(&self) -> Duration {
        self.record.status.1
    }

    /// How often its process was started.
    pub fn runs(&self) -> u64 {
        self.record.runs
    }

    /// How many of these were restarts: not caused by an event or a tick.
    pub fn restarts(&self) -> u64 {
        self.record.restarts
    }

    /// How its last run ended.
    pub fn last_exit(&self) -> Option<Exit> {
        self.last_exit
    }

    /// Restarts that are left to it.
    pub fn restarts_left(&self) -> Count {
        self.budget
    }

    /// Its health, as everybody is told of it. While it runs that is what its checks say. When its process is gone, no check
    /// speaks for it any more: if it should run it is unhealthy, as in [`crate::readiness`]; if not, nothing is known.
    pub fn health(&self) -> Status {
        let has_check = self.check.next_at.is_some();
        match (self.state(), self.status) {
            (_, Status::AlwaysHealthy) => Status::AlwaysHealthy,
            (State::Stopped | State::Ended, _) if !has_check => self.status,
            (State::Stopped, _) => Status::Unknown,
            // It ended in failure, or gave up waiting to be started.
            (State::Ended, _) if self.last_failed || !self.was_started() => Status::Unhealthy,
            (State::Ended, _) => Status::Unknown,
            (_, Status::Maintenance) => Status::Maintenance,
            (State::Restarting, _) if has_check => Status::Unhealthy,
            // While its hooks run it is in service; after that nobody checks it any more.
            (State::Stopping, status) if has_check => match &self.phase {
                Phase::Stopping(Stopping { step: StopStep::Hooks { .. }, run, .. })
                    if status == Status::Healthy && (run.is_some() || self.record.runs == 0) =>
                {
                    status
                }
                _ => Status::Unknown,
            },
            (State::Waiting | State::Running | State::Restarting | State::Idle | State::Stopping, status) => status,
        }
    }

    /// Why it can no longer start; or why its last probe failed, `None` if that passed, or says nothing of the present run.
    pub fn failing_reason(&self) -> Option<&str> {
        if let Some(reason) = &self.dead_end {
            return Some(reason);
        }
        self.check.reason.as_deref().filter(|_| self.run().is_some() || self.record.runs == 0)
    }

    /// Where it is in its life.
    pub fn phase(&self) -> &Phase {
        &self.phase
    }

    /// The run that is going.
    pub fn run(&self) -> Option<&Run> {
        self.phase.run()
    }

    /// When it is started again after a delay.
    pub fn restarts_at(&self) -> Option<Duration> {
        match self.phase.activity() {
            Some(Activity::BackingOff { until }) => Some(*until),
            Some(Activity::Waiting | Activity::InPlace | Activity::Idle | Activity::Running(_)) | None => None,
        }
    }

    /// Whether it was started at least once.
    pub fn was_started(&self) -> bool {
        self.record.started.is_some()
    }

    /// Notes what has changed by now.
    pub(crate) fn note(&mut self, now: Duration) {
        let (state, status) = (self.state(), self.health());
        if self.record.state.0 != state {
            self.record.state = (state, now);
        }
        if self.record.status.0 != status {
            self.record.status = (status, now);
        }
    }

    /// Sets its health, which stays what it is if that is for ever; gives what it was before.
    pub(crate) fn turn(&mut self, status: Status) -> Status {
        match self.status {
            Status::AlwaysHealthy => Status::AlwaysHealthy,
            Status::Idle | Status::Unknown | Status::Healthy | Status::Unhealthy | Status::Maintenance => {
                std::mem::replace(&mut self.status, status)
            }
        }
    }

    /// A new or ended run says nothing of the next one's health; maintenance outlasts it. Of a job that was never started
    /// nothing is known: its namesake's end is no start.
    pub(crate) fn forget_health(&mut self) {
        if !matches!(self.status, Status::Maintenance | Status::Idle) {
            self.turn(Status::Unknown);
        }
    }

    /// It has been started: from now on its health may be reported, unless it is in maintenance.
    pub(crate) fn begin_health(&mut self) {
        if self.status != Status::Maintenance {
            self.turn(Status::Unknown);
        }
    }

    /// What it does between two runs.
    pub(crate) fn at_rest(&self) -> Activity {
        if self.settings.exec.is_some() { Activity::Idle } else { Activity::InPlace }
    }

    /// Takes its run out of it, if it is this one: it has ended.
    pub(crate) fn end_run(&mut self, ended: RunId) -> Option<Run> {
        let run = self.phase.run().filter(|run| run.id == ended)?.clone();
        match &mut self.phase {
            Phase::Live(activity) | Phase::Retired(activity) => *activity = Activity::Idle,
            Phase::StopPending { run, .. } | Phase::Stopping(Stopping { run, .. }) => *run = None,
            Phase::Done(_) => {}
        }
        Some(run)
    }

    /// Every run of which something may still be alive.
    pub(crate) fn alive(&self) -> impl Iterator<Item = RunId> + '_ {
        self.run().map(|run| run.id).into_iter().chain(self.lingering.iter().copied())
    }

    /// Whether nothing but an event can bring it another run: none is going, none is about to come, none is owed.
    pub(crate) fn only_waits(&self) -> bool {
        self.phase.is_at_rest() && self.owed.starts == 0
    }

    /// Whether health may be reported: not before the first start, not in maintenance, not while it waits to be restarted,
    /// not behind the fence.
    pub(crate) fn may_report(&self) -> bool {
        let in_service = match self.status {
            Status::Unknown | Status::Healthy | Status::Unhealthy | Status::AlwaysHealthy => true,
            Status::Idle | Status::Maintenance => false,
        };
        self.is_before_the_fence() && in_service && self.restarts_at().is_none()
    }

    /// Not yet being taken out of the catalog.
    pub(crate) fn is_before_the_fence(&self) -> bool {
        match self.phase.step() {
            None => self.phase.is_live(),
            Some(StopStep::Hooks { .. }) => true,
            Some(StopStep::Catalog { .. } | StopStep::Balancer { .. } | StopStep::Drain(_) | StopStep::Kill { .. }) => {
                false
            }
        }
    }
}
