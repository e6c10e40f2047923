//! How things end: one job's way out, the order in which all go, the exit code.
//!
//! A job leaves in fixed steps (v3 spec 10.3, with the process signalled last), a file a step: `stopping` and its hooks
//! (`hooks`), out of the catalog (`catalog`), out of the target group (`balancer`), serving on (`drain`), stop signal,
//! `stopped` and SIGKILL (`kill`). Here: who begins when, and what follows the last one's end. `order` and `turns` say who
//! must be gone before another one, `budget` what the scheduler leaves, `worst_case` how long it all may take; `step` goes
//! from one step to the next and tells others of it.
//!
//! Every wait has a limit, so every stop ends.

use crate::effect::Effect;
use crate::engine::Engine;
use crate::event::{Code, Event};
use crate::plan::{JobId, Level};
use crate::state::{Job, Phase, StopStep, Stopping, Why};

mod balancer;
mod budget;
mod catalog;
mod drain;
mod hooks;
mod kill;
pub(crate) mod order;
mod step;
pub(crate) mod turns;
pub mod worst_case;

impl Engine {
    /// SIGTERM or SIGINT: begin to stop, or hurry.
    pub(crate) fn request_stop(&mut self) {
        if !self.lifecycle.stopping {
            self.lifecycle.stopping = true;
            self.lifecycle.deadline = self.plan.stop_budget.map(|budget| self.after(budget));
            self.next = None;
            self.shorten_hooks();
            self.shorten_drains();
            self.publish(Event::global(Code::Shutdown));
        } else if !self.lifecycle.hurried {
            self.lifecycle.hurried = true;
            self.say(Level::Warn, None, "second stop request: skipping all waits".to_owned());
            for id in self.ids() {
                self.hurry(id);
            }
        }
    }

    fn hurry(&mut self, id: JobId) {
        let Some(job) = self.jobs.get(id) else { return };
        match (&job.phase, job.phase.step()) {
            (Phase::Live(_) | Phase::Retired(_) | Phase::StopPending { .. }, _) => self.halt(id),
            (_, Some(StopStep::Hooks { .. })) => self.withdraw(id),
            (_, Some(StopStep::Balancer { .. })) => self.hurry_departure(id),
            (_, Some(StopStep::Drain(_))) => self.end_drain(id),
            (_, Some(StopStep::Kill { .. })) => self.hurry_kill(id),
            (_, Some(StopStep::Catalog { .. }) | None) => {}
        }
    }

    /// A job's work is done, or everything stops, or a reload has no place for it.
    pub(crate) fn halt(&mut self, id: JobId) {
        let retired = self.jobs.get(id).is_some_and(|job| job.phase.is_retired());
        let why = match (retired, self.lifecycle.stopping) {
            (true, _) => Why::Reload,
            (false, true) => Why::Shutdown,
            (false, false) => Why::Own,
        };
        self.halt_because(id, why);
    }

    /// Begins a job's stop, once it is its turn.
    pub(crate) fn halt_because(&mut self, id: JobId, why: Why) {
        let must_wait = self.must_wait(id);
        let Some(job) = self.jobs.get_mut(id).filter(|job| job.phase.is_live()) else { return };
        let run = job.phase.run().cloned();
        job.phase = Phase::StopPending { run, why };
        if !must_wait {
            self.leave(id);
        }
    }

    /// Whether it is on its way to the end, or about to be: in a shutdown everything, in a reload what is retired.
    pub(crate) fn is_going(&self, id: JobId) -> bool {
        self.lifecycle.stopping || self.jobs.get(id).is_some_and(|job| job.phase.is_retired())
    }

    /// A running job that goes waits until those that go too and need it are gone.
    fn must_wait(&self, id: JobId) -> bool {
        let runs = self.jobs.get(id).is_some_and(|job| job.run().is_some());
        runs && self.is_going(id)
            && !self.lifecycle.hurried
            && self.lifecycle.after(id).iter().any(|other| self.is_going_and_left(*other))
    }

    fn is_going_and_left(&self, id: JobId) -> bool {
        self.is_going(id) && self.jobs.get(id).is_some_and(|job| !job.phase.is_done())
    }

    /// One step for the first job on its way out that can make one. True if something moved: then its events have to be
    /// delivered before anybody's next step is judged.
    pub(crate) fn advance_stops(&mut self) -> bool {
        if self.ids().any(|id| self.advance_stop(id)) {
            return true;
        }
        if self.break_circle() || self.advance_reload() {
            return true;
        }
        self.exit_when_done();
        false
    }

    fn advance_stop(&mut self, id: JobId) -> bool {
        let Some(job) = self.jobs.get(id) else { return false };
        match &job.phase {
            Phase::StopPending { .. } if !self.must_wait(id) => self.leave(id),
            Phase::StopPending { .. } | Phase::Live(_) | Phase::Retired(_) => {
                if !self.is_going(id) || !self.waits_in_vain(id) {
                    return false;
                }
                self.leave(id);
            }
            Phase::Stopping(Stopping { step: StopStep::Hooks { .. }, .. }) if !self.has_busy_hook(id) => {
                self.withdraw(id);
            }
            // Nobody is left who could finish anything.
            Phase::Stopping(Stopping { step: StopStep::Drain(_), run: None, .. }) => self.end_drain(id),
            Phase::Stopping(Stopping { step: StopStep::Kill { .. }, .. }) if job.alive().next().is_none() => {
                self.finish(id);
            }
            Phase::Stopping(_) | Phase::Done(_) => return false,
        }
        true
    }

    /// Jobs that go and wait for each other's end: the first of them goes.
    fn break_circle(&mut self) -> bool {
        let waits = |job: &Job| match &job.phase {
            Phase::StopPending { .. } => true,
            Phase::Live(_) | Phase::Retired(_) => job.only_waits(),
            Phase::Stopping(_) | Phase::Done(_) => false,
        };
        let open: Vec<JobId> = self.ids().filter(|id| self.is_going_and_left(*id)).collect();
        if !open.iter().all(|id| self.jobs.get(*id).is_some_and(waits)) {
            return false;
        }
        let Some(first) = open.first().copied() else { return false };
        self.leave(first);
        true
    }

    pub(crate) fn tick_stop(&mut self, id: JobId) {
        let now = self.now;
        let Some(job) = self.jobs.get(id) else { return };
        match job.phase.step() {
            Some(StopStep::Hooks { until }) if *until <= now => self.give_hooks_up(id),
            Some(StopStep::Catalog { until, .. }) if *until <= now => self.leave_group(id),
            Some(StopStep::Balancer { until }) if *until <= now => self.left_group(id),
            Some(StopStep::Kill { next, killed: false }) if *next <= now => self.kill(id),
            Some(StopStep::Kill { next, killed: true }) if *next <= now => self.give_processes_up(id),
            Some(
                StopStep::Hooks { .. }
                | StopStep::Catalog { .. }
                | StopStep::Balancer { .. }
                | StopStep::Drain(_)
                | StopStep::Kill { .. },
            )
            | None => {}
        }
    }

    /// Nothing of it is left. The end of a critical job is the container's end.
    fn finish(&mut self, id: JobId) {
        self.close_step(id);
        let Some(job) = self.jobs.get_mut(id) else { return };
        job.phase = Phase::Done(job.phase.why().unwrap_or(Why::Own));
        self.ends_have_changed = true;
        if self.stays_held(id) || self.is_going(id) {
            return;
        }
        let Some(job) = self.jobs.get(id).filter(|job| job.settings.critical) else { return };
        let (code, how) = match job.last_exit {
            Some(exit) if job.settings.is_success(exit) => (0, exit.to_string()),
            Some(exit) => (exit.code(), exit.to_string()),
            None => (1, "it never ran".to_owned()),
        };
        let name = &job.settings.name;
        let text = format!("critical job {name} has ended ({how}): stopping everything, exit code {code}");
        self.say(Level::Info, Some(id), text);
        self.lifecycle.code = code;
        self.blame_end(id);
        self.request_stop();
    }

    fn exit_when_done(&mut self) {
        // A job that a person stopped may be started again.
        let is_over = |job: &Job| job.phase.is_done() && (!job.phase.is_held() || self.lifecycle.stopping);
        let all_over = self.jobs.values().all(is_over);
        // Without any job there is nothing whose end could be the end (v3 spec 10.5), but a request is.
        let over = all_over && self.next.is_none() && (self.lifecycle.stopping || !self.plan.job_ids.is_empty());
        if over && !self.lifecycle.exited {
            self.lifecycle.exited = true;
            self.effect(Effect::Exit(self.lifecycle.code));
        }
    }

    /// Whether a hook can have no run any more: its event cannot come, because its source has already passed that step, or
    /// never existed.
    fn waits_in_vain(&self, id: JobId) -> bool {
        let Some(job) = self.jobs.get(id) else { return false };
        job.only_waits() && job.settings.is_hook() && !self.can_still_start(id, job)
    }
}
