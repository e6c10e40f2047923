//! What is known of one job while it lives: the data behind the rules, and the questions they ask of it.

use std::sync::Arc;
use std::time::Duration;

use super::backoff::Streak;
use super::drain::{Draining, Target};
use super::effect::{RoundId, RunId};
use super::event::{Code, Event};
use super::exit::Exit;
use super::history::{Cause, Entry, EntryId};
use super::periodic::Due;
use super::plan::{self, Condition, Count, ServiceId, Start};
use super::request::Hold;

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

/// Where a job is on its way to the end.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    /// Starts, runs, waits, restarts.
    Live,
    /// `stopping` is out; jobs hooked on it run, at most until then.
    Hooks {
        /// No hook is waited for any longer.
        until: Duration,
    },
    /// Its services are being taken out of the catalog. From here on nothing about it may report passing.
    Withdrawing {
        /// The catalog is not waited for any longer.
        until: Duration,
        /// Those that are not out yet.
        left: Vec<ServiceId>,
    },
    /// Its target is being taken out of its group.
    Leaving {
        /// The load balancer is not waited for any longer.
        until: Duration,
    },
    /// Nobody is sent here any more; what was begun is finished.
    Draining(Draining),
    /// Its processes have their stop signal; `stopped` is out.
    Ending {
        /// The next step: SIGKILL, or giving up on what even SIGKILL did not end.
        next: Duration,
        /// SIGKILL was sent.
        killed: bool,
    },
    /// Nothing of it is left.
    Done,
}

/// What a job's process does.
#[derive(Clone, Debug, PartialEq)]
pub enum Activity {
    /// There is none.
    Idle,
    /// It runs.
    Running {
        /// Which run.
        run: RunId,
        /// Since when.
        since: Duration,
        /// When its group is killed.
        kill_at: Option<Duration>,
    },
    /// It is run again then.
    BackingOff {
        /// When.
        until: Duration,
    },
}

/// The state of a job's health check.
#[derive(Clone, Debug, Default)]
pub(super) struct Check {
    /// The next tick; `None` without a health check.
    pub next_at: Option<Duration>,
    /// The probe that is under way.
    pub in_flight: Option<RoundId>,
    pub passes: u32,
    pub failures: u32,
    pub passed_since_start: bool,
    /// Why the last probe failed; `None` if it passed, or there was none.
    pub reason: Option<String>,
}

/// One job's state.
#[derive(Debug)]
pub struct Job {
    pub(super) phase: Phase,
    pub(super) phase_since: Duration,
    pub(super) activity: Activity,
    pub(super) status: Status,
    pub(super) started: bool,
    /// Starts that events may still cause.
    pub(super) starts: Count,
    /// Restarts that are left.
    pub(super) budget: Count,
    /// Which events of an `All` condition were seen.
    pub(super) seen: Vec<bool>,
    pub(super) give_up_at: Option<Duration>,
    pub(super) tick_at: Option<Duration>,
    /// Of a cron job, once it was told the time.
    pub(super) due: Option<Due>,
    /// Starts that wait for the current run's end, and what caused the last of them.
    pub(super) pending: u64,
    pub(super) pending_cause: Option<Event>,
    /// Runs that have ended but left members of their group behind.
    pub(super) lingering: Vec<RunId>,
    pub(super) check: Check,
    pub(super) target: Target,
    pub(super) streak: Streak,
    pub(super) last_uptime: Duration,
    pub(super) last_exit: Option<Exit>,
    /// The run that pilot has told to end, without the whole job being stopped.
    pub(super) ending_run: Option<RunId>,
    /// Its last run ended otherwise than it should.
    pub(super) last_failed: bool,
    /// It was told to stop (shutdown) but may have to wait for its turn.
    pub(super) leaving: bool,
    /// A reload has no place for it.
    pub(super) retired: bool,
    /// A periodic job whose restarts are used up: it is over when the run that is going has ended.
    pub(super) last_run: bool,
    /// Its run was ended by a person, who is owed the next one.
    pub(super) anew: bool,
    /// Whether a person has stopped it.
    pub(super) hold: Hold,
    pub(super) record: Record,
}

/// What is remembered of a job for those who look at it; no rule depends on it.
#[derive(Clone, Debug)]
pub(super) struct Record {
    state: (State, Duration),
    status: (Status, Duration),
    pub runs: u64,
    pub restarts: u64,
    /// The entry of its last start.
    pub started: Option<EntryId>,
    /// Its last start and what led to it.
    pub story: Vec<Arc<Entry>>,
    /// Its last start that was no restart, and what led to it.
    pub first: Vec<Arc<Entry>>,
    /// The end of its last run.
    pub ended: Option<Arc<Entry>>,
    /// Why a start is owed that waits for the current run's end.
    pub owed: Option<Cause>,
}

impl Job {
    /// A job that begins `now`; from then on its times are counted.
    pub(super) fn new(plan: &plan::Job, seed: u64, now: Duration) -> Self {
        let after = |time: &Duration| now + *time;
        let (starts, give_up_at, tick_at, conditions) = match &plan.start {
            Start::Once { when: Condition::All(events), timeout } => {
                (Count::Finite(1), timeout.as_ref().map(after), None, events.len())
            }
            Start::Once { when: Condition::Any(_), timeout } => {
                (Count::Finite(1), timeout.as_ref().map(after), None, 0)
            }
            Start::Each { timeout, .. } => (Count::Unlimited, timeout.as_ref().map(after), None, 0),
            Start::Interval(every) => (Count::Finite(1), None, Some(after(every)), 0),
            Start::Cron(_) => (Count::Finite(1), None, None, 0),
            Start::Never { timeout } => (Count::Unlimited, timeout.as_ref().map(after), None, 0),
        };
        let status = if plan.is_always_healthy() { Status::AlwaysHealthy } else { Status::Idle };
        Job {
            phase: Phase::Live,
            phase_since: now,
            activity: Activity::Idle,
            status,
            started: false,
            starts,
            budget: plan.restarts,
            seen: vec![false; conditions],
            give_up_at,
            tick_at,
            due: None,
            pending: 0,
            pending_cause: None,
            lingering: Vec::new(),
            target: Target::default(),
            check: Check { next_at: plan.health.as_ref().map(|health| after(&health.interval)), ..Check::default() },
            streak: Streak::new(seed),
            last_uptime: Duration::ZERO,
            last_exit: None,
            ending_run: None,
            last_failed: false,
            leaving: false,
            retired: false,
            last_run: false,
            anew: false,
            hold: Hold::Free,
            record: Record {
                state: (State::Waiting, now),
                status: (status, now),
                runs: 0,
                restarts: 0,
                started: None,
                story: Vec::new(),
                first: Vec::new(),
                ended: None,
                owed: None,
            },
        }
    }

    /// What it does.
    pub fn state(&self) -> State {
        match (&self.phase, &self.activity) {
            (Phase::Live, Activity::Running { .. }) => State::Running,
            (Phase::Live, Activity::BackingOff { .. }) => State::Restarting,
            (Phase::Live, Activity::Idle) if !self.started => State::Waiting,
            // A job without a process never has a run.
            (Phase::Live, Activity::Idle) if self.record.runs == 0 => State::Running,
            (Phase::Live, Activity::Idle) => State::Idle,
            (
                Phase::Hooks { .. }
                | Phase::Withdrawing { .. }
                | Phase::Leaving { .. }
                | Phase::Draining(_)
                | Phase::Ending { .. },
                _,
            ) => State::Stopping,
            (Phase::Done, _) => match self.hold {
                Hold::Free => State::Ended,
                Hold::Stopped | Hold::Again => State::Stopped,
            },
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

    /// Notes what has changed by now.
    pub(super) fn note(&mut self, now: Duration) {
        let (state, status) = (self.state(), self.health());
        if self.record.state.0 != state {
            self.record.state = (state, now);
        }
        if self.record.status.0 != status {
            self.record.status = (status, now);
        }
    }

    /// Sets its health, which stays what it is if that is for ever; gives what it was before.
    pub(super) fn turn(&mut self, status: Status) -> Status {
        match self.status {
            Status::AlwaysHealthy => Status::AlwaysHealthy,
            Status::Idle | Status::Unknown | Status::Healthy | Status::Unhealthy | Status::Maintenance => {
                std::mem::replace(&mut self.status, status)
            }
        }
    }

    /// Begins again at time `now`, as a job that has had its first start; what is known of its last run stays.
    pub(super) fn renew(&mut self, plan: &plan::Job, now: Duration) {
        let starts = match &plan.start {
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
            ..Job::new(plan, 0, now)
        };
    }

    /// Restarts that are left to it.
    pub fn restarts_left(&self) -> Count {
        self.budget
    }

    /// Whether a person has stopped it.
    pub fn hold(&self) -> Hold {
        self.hold
    }

    /// Its health, as everybody is told of it. While it runs that is what its checks say. When its process is gone, no check
    /// speaks for it any more: if it should run it is unhealthy, as in [`super::readiness`]; if not, nothing is known.
    pub fn health(&self) -> Status {
        let has_check = self.check.next_at.is_some();
        match (self.state(), self.status) {
            (_, Status::AlwaysHealthy) => Status::AlwaysHealthy,
            (State::Stopped | State::Ended, _) if !has_check => self.status,
            (State::Stopped, _) => Status::Unknown,
            // It ended in failure, or gave up waiting to be started.
            (State::Ended, _) if self.last_failed || self.record.runs == 0 && !self.started => Status::Unhealthy,
            (State::Ended, _) => Status::Unknown,
            (_, Status::Maintenance) => Status::Maintenance,
            (State::Restarting, _) if has_check => Status::Unhealthy,
            (State::Stopping, _) if has_check && self.record.runs > 0 && self.run().is_none() => Status::Unknown,
            (State::Waiting | State::Running | State::Restarting | State::Idle | State::Stopping, status) => status,
        }
    }

    /// Why its last probe failed; `None` if that passed, or says nothing of the present run.
    pub fn failing_reason(&self) -> Option<&str> {
        self.check.reason.as_deref().filter(|_| self.run().is_some() || self.record.runs == 0)
    }

    /// Where it is on its way to the end.
    pub fn phase(&self) -> &Phase {
        &self.phase
    }

    /// What its process does.
    pub fn activity(&self) -> &Activity {
        &self.activity
    }

    /// The run that is going.
    pub fn run(&self) -> Option<RunId> {
        match self.activity {
            Activity::Running { run, .. } => Some(run),
            Activity::Idle | Activity::BackingOff { .. } => None,
        }
    }

    /// A new or ended run says nothing of the next one's health; maintenance outlasts it.
    pub(super) fn forget_health(&mut self) {
        if self.status != Status::Maintenance {
            self.turn(Status::Unknown);
        }
    }

    /// Every run of which something may still be alive.
    pub(super) fn alive(&self) -> impl Iterator<Item = RunId> + '_ {
        self.run().into_iter().chain(self.lingering.iter().copied())
    }

    /// Whether health may be reported: not before the first start, not in maintenance, not
    /// while it waits to be restarted, not behind the fence.
    pub(super) fn may_report(&self) -> bool {
        let before_the_fence = match self.phase {
            Phase::Live | Phase::Hooks { .. } => true,
            Phase::Withdrawing { .. }
            | Phase::Leaving { .. }
            | Phase::Draining(_)
            | Phase::Ending { .. }
            | Phase::Done => false,
        };
        let in_service = match self.status {
            Status::Unknown | Status::Healthy | Status::Unhealthy | Status::AlwaysHealthy => true,
            Status::Idle | Status::Maintenance => false,
        };
        let gone = matches!(self.activity, Activity::BackingOff { .. });
        before_the_fence && in_service && !gone
    }
}

/// The events that can start a job.
pub fn start_events(start: &Start) -> &[Event] {
    match start {
        Start::Once { when: Condition::All(events) | Condition::Any(events), .. } | Start::Each { events, .. } => {
            events
        }
        Start::Interval(_) | Start::Cron(_) | Start::Never { .. } => &[],
    }
}

/// Whether a start without a cause is a restart, and not the tick of a periodic job.
pub fn is_restart(start: &Start, cause: Option<&Event>) -> bool {
    cause.is_none() && !start.is_periodic()
}

/// Whether it is an event of a job's way out.
pub(super) fn is_of_a_stop(code: Code) -> bool {
    matches!(
        code,
        Code::Stopping
            | Code::LeavingConsul
            | Code::LeavingTargetGroup
            | Code::Draining
            | Code::Drained
            | Code::Stopped
    )
}

/// Whether a job reacts to another job's stop.
pub(super) fn hooked_on_stop(job: &plan::Job) -> bool {
    job.exec.is_some() && start_events(&job.start).iter().any(|event| is_of_a_stop(event.code))
}

impl Count {
    /// Takes one, if any is left.
    pub(super) fn take(&mut self) -> bool {
        match self {
            Count::Unlimited => true,
            Count::Finite(0) => false,
            Count::Finite(left) => {
                *left -= 1;
                true
            }
        }
    }
}
