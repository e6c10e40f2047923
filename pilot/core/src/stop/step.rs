//! The steps of a job's way out as others see them: a line when one begins, with what it waits for and what is left; how
//! long it took when it is over.

use std::time::Duration;

use crate::effect::Effect;
use crate::engine::Engine;
use crate::plan::{JobId, Level};
use crate::state::{Phase, StopStep, Stopping, Why};
use crate::step::Step;

impl StopStep {
    fn name(&self) -> Step {
        match self {
            StopStep::Hooks { .. } => Step::Hooks,
            StopStep::Catalog { .. } => Step::Catalog,
            StopStep::Balancer { .. } => Step::Balancer,
            StopStep::Drain(_) => Step::Drain,
            StopStep::Kill { .. } => Step::Kill,
        }
    }
}

impl Engine {
    /// The step that a job is at.
    pub(super) fn step_mut(&mut self, id: JobId) -> Option<&mut StopStep> {
        self.jobs.get_mut(id)?.phase.step_mut()
    }

    /// Into the next step; what the last one took is told.
    pub(super) fn enter_step(&mut self, id: JobId, step: StopStep) {
        self.close_step(id);
        let since = self.now;
        let Some(job) = self.jobs.get_mut(id) else { return };
        let (run, why) = (job.phase.run().cloned(), job.phase.why());
        job.phase = Phase::Stopping(Stopping { step, since, run, why: why.unwrap_or(Why::Own) });
    }

    /// What the step took that a job is at.
    pub(super) fn close_step(&mut self, id: JobId) {
        let Some(Phase::Stopping(stopping)) = self.jobs.get(id).map(|job| &job.phase) else { return };
        let (step, took) = (stopping.step.name(), self.now.saturating_sub(stopping.since));
        self.effect(Effect::StepOver { job: id, step, took });
    }

    /// A line about a step that begins: what is waited for, how long at most, and what is left in all.
    pub(super) fn say_step(&mut self, id: JobId, doing: &str, limit: Duration) {
        let budget = match self.lifecycle.deadline {
            Some(deadline) => format!("; {:.0?} of the stop budget left", deadline.saturating_sub(self.now)),
            None => String::new(),
        };
        let name = self.job(id).map(|job| job.name.as_str()).unwrap_or_default();
        let text = format!("{name}: {doing}, at most {limit:.0?}{budget}");
        self.say(Level::Info, Some(id), text);
    }
}
