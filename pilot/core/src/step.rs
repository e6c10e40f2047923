//! The steps of a job's way out as others see them: a line when one begins, with what it waits for and what is left; how
//! long it took when it is over. The rules are in `stop` and `drain`.

use std::time::Duration;

use super::effect::Effect;
use super::engine::Engine;
use super::job::Phase;
use super::plan::{JobId, Level};

/// A step that takes time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Waiting for the jobs that are hooked on its `stopping`.
    Hooks,
    /// Out of the catalog.
    Catalog,
    /// Out of its target group.
    Balancer,
    /// Serving on.
    Drain,
    /// From its stop signal to the end of its processes.
    Kill,
}

impl Step {
    /// The word in metrics; `pilot check` has the same in its table.
    pub fn as_str(self) -> &'static str {
        match self {
            Step::Hooks => "hooks",
            Step::Catalog => "catalog",
            Step::Balancer => "balancer",
            Step::Drain => "drain",
            Step::Kill => "kill",
        }
    }
}

impl Phase {
    fn step(&self) -> Option<Step> {
        match self {
            Phase::Live | Phase::Done => None,
            Phase::Hooks { .. } => Some(Step::Hooks),
            Phase::Withdrawing { .. } => Some(Step::Catalog),
            Phase::Leaving { .. } => Some(Step::Balancer),
            Phase::Draining(_) => Some(Step::Drain),
            Phase::Ending { .. } => Some(Step::Kill),
        }
    }
}

impl Engine {
    /// Into the next phase; what the last one took is told.
    pub(super) fn enter_phase(&mut self, id: JobId, phase: Phase) {
        let job = &mut self.jobs[id.0];
        let before = std::mem::replace(&mut job.phase, phase);
        let took = self.now.saturating_sub(std::mem::replace(&mut job.phase_since, self.now));
        if let Some(step) = before.step() {
            self.effect(Effect::StepOver { job: id, step, took });
        }
    }

    /// A line about a step that begins: what is waited for, how long at most, and what is left in all.
    pub(super) fn say_step(&mut self, id: JobId, doing: &str, limit: Duration) {
        let budget = match self.lifecycle.deadline {
            Some(deadline) => format!("; {:.0?} of the stop budget left", deadline.saturating_sub(self.now)),
            None => String::new(),
        };
        let text = format!("{}: {doing}, at most {limit:.0?}{budget}", self.plan.jobs[id.0].name);
        self.say(Level::Info, Some(id), text);
    }
}
