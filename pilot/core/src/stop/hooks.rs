//! Step 1: `stopping`, and the jobs that are hooked on it do their work.

use std::time::Duration;

use crate::engine::Engine;
use crate::event::{Class, Code, Event};
use crate::limits::HOOK_LIMIT;
use crate::plan::{Condition, JobId, Level, Start};
use crate::state::{Job, Phase, StopStep};

impl Engine {
    /// Begins a job's way out.
    pub(super) fn leave(&mut self, id: JobId) {
        let Some(job) = self.jobs.get(id) else { return };
        let name = job.settings.name.clone();
        let planned = self.after(job.settings.stop_timeout.unwrap_or(HOOK_LIMIT));
        let until = if self.lifecycle.hurried { self.now } else { self.hooks_in_time(id, planned) };
        self.say_hooks(id, &name, until.saturating_sub(self.now));
        if let Some(job) = self.jobs.get_mut(id) {
            job.owed.starts = 0;
            job.owed.by_person = false;
        }
        self.enter_step(id, StopStep::Hooks { until });
        self.publish(Event::new(Code::Stopping, name));
    }

    /// The jobs hooked on its `stopping` that have not had their run.
    fn say_hooks(&mut self, id: JobId, name: &str, limit: Duration) {
        let hooks = self.ids().filter(|hook| *hook != id).filter_map(|hook| self.jobs.get(hook));
        let hooks = hooks.filter(|hook| hook.phase.is_live() && hook.settings.waits_for(Code::Stopping, name));
        let hooks: Vec<&str> = hooks.map(|hook| hook.settings.name.as_str()).collect();
        if !hooks.is_empty() && !limit.is_zero() {
            let doing = format!("stopping, waiting for {}", hooks.join(", "));
            self.say_step(id, &doing, limit);
        }
    }

    /// Who waits for hooks already, because a person stopped it, has the scheduler's budget from now on.
    pub(super) fn shorten_hooks(&mut self) {
        for id in self.ids() {
            let Some(StopStep::Hooks { until }) = self.jobs.get(id).and_then(|job| job.phase.step()) else { continue };
            let within = self.hooks_in_time(id, *until);
            if let Some(StopStep::Hooks { until }) = self.step_mut(id) {
                *until = within;
            }
        }
    }

    /// Limits the run of a hook that would otherwise hold up the end of everything.
    pub(crate) fn bound_hook(&mut self, id: JobId) {
        let planned = self.after(HOOK_LIMIT);
        let Some(run) = self.jobs.get(id).and_then(Job::run) else { return };
        let limit = self.hook_in_time(id, run.kill_at.unwrap_or(planned));
        if let Some(run) = self.jobs.get_mut(id).and_then(|job| job.phase.run_mut()) {
            run.kill_at = Some(limit);
        }
    }

    /// The time is over.
    pub(super) fn give_hooks_up(&mut self, id: JobId) {
        if self.has_busy_hook(id) {
            let name = self.job(id).map(|job| job.name.as_str()).unwrap_or_default();
            let text = format!("{name} stops before the jobs hooked on it are done");
            self.say(Level::Warn, Some(id), text);
        }
        self.withdraw(id);
    }

    /// Whether a job hooked on this one's `stopping` is still at it. Asked only when every event is delivered.
    pub(super) fn has_busy_hook(&self, id: JobId) -> bool {
        let Some(source) = self.job(id).map(|job| job.name.as_str()) else { return false };
        let others = self.ids().filter(|hook| *hook != id).filter_map(|hook| self.jobs.get(hook));
        let mut hooks = others.filter(|hook| hook.settings.waits_for(Code::Stopping, source));
        hooks.any(|hook| match &hook.phase {
            Phase::Live(_) | Phase::Retired(_) | Phase::StopPending { .. } => !hook.only_waits(),
            Phase::Stopping(stopping) => !matches!(stopping.step, StopStep::Kill { .. }),
            Phase::Done(_) => false,
        })
    }

    /// Whether the events can still come that start this job while others go.
    pub(super) fn can_still_start(&self, id: JobId, job: &Job) -> bool {
        let possible = |event: &Event| {
            let others = self.ids().filter(|other| *other != id);
            others.filter(|other| self.job(*other).is_some_and(|other| other.name == event.source)).any(|other| {
                self.jobs.get(other).is_some_and(|source| match &source.phase {
                    Phase::Live(_) | Phase::Retired(_) | Phase::StopPending { .. } => self.is_going(other),
                    Phase::Stopping(stopping) => stopping.step.comes_before(event.code),
                    Phase::Done(_) => false,
                })
            })
        };
        match &job.settings.start {
            Start::Once { when: Condition::All(events), .. } => {
                events.iter().zip(&job.seen).all(|(event, seen)| *seen || possible(event))
            }
            Start::Once { when: Condition::Any(events), .. } | Start::Each { events, .. } => {
                events.iter().any(possible)
            }
            Start::Interval(_) | Start::Cron(_) | Start::Never { .. } => false,
        }
    }
}

impl StopStep {
    /// Whether an event of a job's way out is still to come when it is at this step.
    fn comes_before(&self, code: Code) -> bool {
        match self {
            StopStep::Hooks { .. } => code.class() == Class::Stop && code != Code::Stopping,
            StopStep::Catalog { .. } => {
                matches!(code, Code::LeavingTargetGroup | Code::Draining | Code::Drained | Code::Stopped)
            }
            StopStep::Balancer { .. } => matches!(code, Code::Draining | Code::Drained | Code::Stopped),
            StopStep::Drain(_) => matches!(code, Code::Drained | Code::Stopped),
            StopStep::Kill { .. } => false,
        }
    }
}
