//! Where a job is in its life: what cannot be cannot be written.

use std::time::Duration;

use super::Draining;
use crate::effect::RunId;
use crate::plan::ServiceId;

/// Where a job is in its life.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    /// Starts, runs, waits, restarts.
    Live(Activity),
    /// A reload has no place for it. It lives on for its last work: the stop of another one that it is hooked on.
    Retired(Activity),
    /// It is to stop, and those that need it go first.
    StopPending {
        /// What is still running.
        run: Option<Run>,
        /// Why it stops.
        why: Why,
    },
    /// On its way down, step by step.
    Stopping(Stopping),
    /// Nothing of it is left.
    Done(Why),
}

/// What a live job does.
#[derive(Clone, Debug, PartialEq)]
pub enum Activity {
    /// It was not started yet.
    Waiting,
    /// It has no process, and was started.
    InPlace,
    /// It has run, and waits for its next event or tick.
    Idle,
    /// Its process runs.
    Running(Run),
    /// It is started again then.
    BackingOff {
        /// The time of that start, as the engine counts time.
        until: Duration,
    },
}

/// A run that is going.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its number.
    pub id: RunId,
    /// When it was started.
    pub since: Duration,
    /// When its group is killed.
    pub(crate) kill_at: Option<Duration>,
    /// It has its stop signal, without the whole job being stopped.
    pub(crate) told_to_end: bool,
}

/// A job on its way down.
#[derive(Clone, Debug, PartialEq)]
pub struct Stopping {
    /// The step it is at.
    pub step: StopStep,
    /// When that step began.
    pub since: Duration,
    /// What is still running.
    pub run: Option<Run>,
    /// Why it stops.
    pub why: Why,
}

/// The steps of every stop, in their order.
#[derive(Clone, Debug, PartialEq)]
pub enum StopStep {
    /// `stopping` is out; jobs hooked on it run.
    Hooks {
        /// No hook is waited for any longer.
        until: Duration,
    },
    /// Its services are being taken out of the catalog. From here on nothing about it may report passing.
    Catalog {
        /// The catalog is not waited for any longer.
        until: Duration,
        /// Those that are not out yet.
        left: Vec<ServiceId>,
    },
    /// Its target is being taken out of its group.
    Balancer {
        /// The load balancer is not waited for any longer.
        until: Duration,
    },
    /// Nobody is sent here any more; what was begun is finished.
    Drain(Draining),
    /// Its processes have their stop signal; `stopped` is out.
    Kill {
        /// The next step: SIGKILL, or giving up on what even SIGKILL did not end.
        next: Duration,
        /// SIGKILL was sent.
        killed: bool,
    },
}

/// Why a job stops, or has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// By itself: its work is done, its restarts are used up, or it gave up waiting.
    Own,
    /// Everything stops.
    Shutdown,
    /// A reload has no place for it.
    Reload,
    /// A person wants it down.
    Person,
    /// A person wants it again: it is started as soon as it is down.
    PersonRestarts,
}

impl Phase {
    /// Not on its way down yet, even if it has been told to stop.
    pub fn is_live(&self) -> bool {
        match self {
            Phase::Live(_) | Phase::Retired(_) | Phase::StopPending { .. } => true,
            Phase::Stopping(_) | Phase::Done(_) => false,
        }
    }

    /// Nothing of it is left.
    pub fn is_done(&self) -> bool {
        matches!(self, Phase::Done(_))
    }

    /// The run that is going.
    pub fn run(&self) -> Option<&Run> {
        match self {
            Phase::Live(Activity::Running(run)) | Phase::Retired(Activity::Running(run)) => Some(run),
            Phase::Live(_) | Phase::Retired(_) | Phase::Done(_) => None,
            Phase::StopPending { run, .. } | Phase::Stopping(Stopping { run, .. }) => run.as_ref(),
        }
    }

    pub(crate) fn run_mut(&mut self) -> Option<&mut Run> {
        match self {
            Phase::Live(Activity::Running(run)) | Phase::Retired(Activity::Running(run)) => Some(run),
            Phase::Live(_) | Phase::Retired(_) | Phase::Done(_) => None,
            Phase::StopPending { run, .. } | Phase::Stopping(Stopping { run, .. }) => run.as_mut(),
        }
    }

    /// What a live job does, if it has not been told to stop.
    pub fn activity(&self) -> Option<&Activity> {
        match self {
            Phase::Live(activity) | Phase::Retired(activity) => Some(activity),
            Phase::StopPending { .. } | Phase::Stopping(_) | Phase::Done(_) => None,
        }
    }

    pub(crate) fn activity_mut(&mut self) -> Option<&mut Activity> {
        match self {
            Phase::Live(activity) | Phase::Retired(activity) => Some(activity),
            Phase::StopPending { .. } | Phase::Stopping(_) | Phase::Done(_) => None,
        }
    }

    /// Live, with no run and none that is about to come by itself.
    pub(crate) fn is_at_rest(&self) -> bool {
        match self {
            Phase::Live(activity) | Phase::Retired(activity) => activity.is_at_rest(),
            Phase::StopPending { run, .. } => run.is_none(),
            Phase::Stopping(_) | Phase::Done(_) => false,
        }
    }

    /// Why it stops, or is to stop as soon as its last work is done.
    pub fn why(&self) -> Option<Why> {
        match self {
            Phase::Live(_) => None,
            Phase::Retired(_) => Some(Why::Reload),
            Phase::StopPending { why, .. } | Phase::Stopping(Stopping { why, .. }) | Phase::Done(why) => Some(*why),
        }
    }

    pub(crate) fn set_why(&mut self, new: Why) {
        match self {
            Phase::Live(_) | Phase::Retired(_) => {}
            Phase::StopPending { why, .. } | Phase::Stopping(Stopping { why, .. }) | Phase::Done(why) => *why = new,
        }
    }

    /// Whether a reload takes it down, or has done so.
    pub(crate) fn is_retired(&self) -> bool {
        self.why() == Some(Why::Reload)
    }

    /// Whether a person has it stopped, or started it again before it was down.
    pub fn is_held(&self) -> bool {
        matches!(self.why(), Some(Why::Person | Why::PersonRestarts))
    }

    /// The step of its way down.
    pub fn step(&self) -> Option<&StopStep> {
        match self {
            Phase::Stopping(stopping) => Some(&stopping.step),
            Phase::Live(_) | Phase::Retired(_) | Phase::StopPending { .. } | Phase::Done(_) => None,
        }
    }

    pub(crate) fn step_mut(&mut self) -> Option<&mut StopStep> {
        match self {
            Phase::Stopping(stopping) => Some(&mut stopping.step),
            Phase::Live(_) | Phase::Retired(_) | Phase::StopPending { .. } | Phase::Done(_) => None,
        }
    }
}

impl Activity {
    fn is_at_rest(&self) -> bool {
        match self {
            Activity::Waiting | Activity::InPlace | Activity::Idle => true,
            Activity::Running(_) | Activity::BackingOff { .. } => false,
        }
    }
}
