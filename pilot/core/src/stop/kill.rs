//! Step 5: the stop signal, `stopped`, and SIGKILL for what is left when its time is over.

use std::time::Duration;

use crate::effect::{Effect, StopSignal};
use crate::engine::Engine;
use crate::event::{Code, Event};
use crate::limits::{HURRIED_GRACE, KILL_LIMIT};
use crate::plan::{JobId, Level};
use crate::state::{Job, Phase, StopStep, Stopping};

impl Engine {
    pub(super) fn end(&mut self, id: JobId) {
        let grace = self.stop_grace(id);
        self.enter_step(id, StopStep::Kill { next: self.after(grace), killed: false });
        let Some(job) = self.jobs.get(id) else { return };
        let name = job.settings.name.clone();
        if job.alive().next().is_some() {
            self.say_step(id, "stop signal, waiting for the end of its processes before SIGKILL", grace);
        }
        self.signal_all(id, StopSignal::Terminate);
        self.say_kill();
        self.publish(Event::new(Code::Stopped, name));
    }

    fn signal_all(&mut self, id: JobId, signal: StopSignal) {
        let runs: Vec<_> = self.jobs.get(id).into_iter().flat_map(Job::alive).collect();
        for run in runs {
            self.effect(Effect::Signal { job: id, run, signal });
        }
    }

    /// From the stop signal to SIGKILL.
    pub(crate) fn stop_grace(&self, id: JobId) -> Duration {
        self.jobs.get(id).map(|job| self.grace_of(job)).unwrap_or_default()
    }

    /// From a job's stop signal to SIGKILL.
    pub(crate) fn grace_of(&self, job: &Job) -> Duration {
        let grace = job.settings.stop_timeout.unwrap_or(self.plan.stop_timeout);
        if self.lifecycle.hurried { grace.min(HURRIED_GRACE) } else { grace }
    }

    /// The stop signal was not enough.
    pub(super) fn kill(&mut self, id: JobId) {
        let Some(job) = self.jobs.get(id) else { return };
        let text = format!("killing processes for job {:?}", job.settings.name);
        self.say(Level::Info, Some(id), text);
        self.signal_all(id, StopSignal::Kill);
        let limit = self.after(KILL_LIMIT);
        if let Some(step) = self.step_mut(id) {
            *step = StopStep::Kill { next: limit, killed: true };
        }
    }

    /// A second stop request: SIGKILL is due now. What has had it already gets the time to end.
    pub(super) fn hurry_kill(&mut self, id: JobId) {
        let now = self.now;
        if let Some(StopStep::Kill { next, killed: false }) = self.step_mut(id) {
            *next = now;
        }
    }

    /// SIGKILL was not enough either.
    pub(super) fn give_processes_up(&mut self, id: JobId) {
        let Some(job) = self.jobs.get_mut(id) else { return };
        job.lingering.clear();
        if let Phase::Stopping(Stopping { run, .. }) = &mut job.phase {
            *run = None;
        }
        let text = format!("processes of {:?} survive SIGKILL and are left behind", job.settings.name);
        self.say(Level::Error, Some(id), text);
    }
}
