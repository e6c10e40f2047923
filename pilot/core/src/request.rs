//! What a person may ask of one job while pilot runs: to start, to stop, to run anew.
//!
//! Asked twice is asked once. A job that a person stopped is not over: no event starts it, it ends neither pilot nor (if it
//! is critical) the container, and a person can start it again. Nothing is started once pilot itself stops.

use std::sync::Arc;

use super::effect::JobRequest;
use super::engine::Engine;
use super::history::{Cause, What};
use super::job::{Phase, hooked_on_stop, start_events};
use super::plan::{Count, JobId, Level, Start};

/// Whether a person holds a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Nobody does.
    Free,
    /// A person stopped it.
    Stopped,
    /// And started it again, before it was down.
    Again,
}

/// What a request comes to.
enum Step {
    /// It is as wanted.
    Nothing(&'static str),
    /// A live job has no run: it gets one.
    Start,
    /// A job that is down begins again.
    Revive,
    /// Its run is ended and followed by another.
    RunAnew,
    /// It is on its way down and begins again after that.
    ReviveLater,
    /// It leaves.
    Halt,
    /// It is on its way down, from now on because a person wants it.
    StayDown,
}

impl Engine {
    /// What will become of a request, for the person who asks; an error if it will not be done.
    pub fn answer(&self, id: JobId, request: JobRequest) -> Result<String, String> {
        let name = &self.plan.jobs[id.0].name;
        Ok(match self.step(id, request)? {
            Step::Nothing(state) => format!("{name} {state}"),
            Step::Start | Step::Revive => format!("starting {name}"),
            Step::RunAnew => format!("restarting {name}"),
            Step::ReviveLater => format!("{name} is stopping and will be started again when it has stopped"),
            Step::Halt | Step::StayDown => format!("stopping {name}"),
        })
    }

    pub(super) fn requested(&mut self, id: JobId, request: JobRequest) {
        let Ok(step) = self.step(id, request) else { return };
        let doing = match request {
            JobRequest::Start => "starting",
            JobRequest::Stop => "stopping",
            JobRequest::Restart => "restarting",
        };
        if !matches!(step, Step::Nothing(_)) {
            let name = &self.plan.jobs[id.0].name;
            let what = What::Asked { job: name.clone(), request };
            self.cause = Cause::Entry(self.history.note(what, Cause::Person, self.now, None));
            self.say(Level::Info, Some(id), format!("{doing} {name}: asked by a person over the control socket"));
        }
        match step {
            Step::Nothing(_) => {}
            Step::Start => self.start_out_of_turn(id),
            Step::Revive => self.revive(id),
            Step::RunAnew => self.run_anew(id),
            Step::ReviveLater => self.jobs[id.0].hold = Hold::Again,
            Step::Halt => {
                self.jobs[id.0].hold = Hold::Stopped;
                self.halt(id);
            }
            Step::StayDown => self.jobs[id.0].hold = Hold::Stopped,
        }
    }

    fn step(&self, id: JobId, request: JobRequest) -> Result<Step, String> {
        let plan = &self.plan.jobs[id.0];
        let name = &plan.name;
        if self.lifecycle.stopping {
            return Err(format!("pilot is stopping, and every job with it: nothing can be asked of {name} any more"));
        }
        let job = &self.jobs[id.0];
        if job.retired || self.is_outdated(id) {
            return Err(format!("a reload is taking {name} down: ask again when that is done"));
        }
        let starts = matches!(request, JobRequest::Start | JobRequest::Restart);
        Ok(match (&job.phase, request) {
            (Phase::Live, _) if starts && plan.exec.is_none() => {
                return Err(format!("{name} has no process that could be started: it has no `exec`"));
            }
            (Phase::Live, JobRequest::Start) if job.run().is_some() => Step::Nothing("is already running"),
            (Phase::Live, JobRequest::Restart) if job.run().is_some() => Step::RunAnew,
            (Phase::Live, JobRequest::Start | JobRequest::Restart) => Step::Start,
            (Phase::Live, JobRequest::Stop) => Step::Halt,
            (Phase::Done, JobRequest::Start | JobRequest::Restart) => Step::Revive,
            (Phase::Done, JobRequest::Stop) if job.hold == Hold::Free => Step::Nothing("has already ended"),
            (Phase::Done, JobRequest::Stop) => Step::Nothing("is already stopped"),
            (
                Phase::Hooks { .. }
                | Phase::Withdrawing { .. }
                | Phase::Leaving { .. }
                | Phase::Draining(_)
                | Phase::Ending { .. },
                _,
            ) => {
                if starts {
                    Step::ReviveLater
                } else {
                    Step::StayDown
                }
            }
        })
    }

    /// The job is down. True: a person holds it, so that this is not its end.
    pub(super) fn keep_held(&mut self, id: JobId) -> bool {
        match self.jobs[id.0].hold {
            Hold::Free => false,
            Hold::Stopped => true,
            Hold::Again => {
                if !self.lifecycle.stopping {
                    self.revive(id);
                }
                true
            }
        }
    }

    /// Ends the run that is going; its successor is owed and costs no restart.
    fn run_anew(&mut self, id: JobId) {
        if !std::mem::replace(&mut self.jobs[id.0].anew, true) {
            self.stop_run(id);
        }
    }

    /// A job that is to run once has had its start then; others go on waiting for their events.
    fn start_out_of_turn(&mut self, id: JobId) {
        if matches!(self.plan.jobs[id.0].start, Start::Once { .. }) {
            self.jobs[id.0].starts = Count::Finite(0);
        }
        self.run(id, None);
    }

    /// Begins a job's life anew, with all of its restarts.
    fn revive(&mut self, id: JobId) {
        let plan = Arc::clone(&self.plan);
        let now = self.now;
        self.jobs[id.0].renew(&plan.jobs[id.0], now);
        self.announce_beginning(id);
        self.arm_hooks(id);
        self.start_out_of_turn(id);
    }

    /// The hooks on a job's stop have had their one run; its next stop is to have its hooks as well.
    fn arm_hooks(&mut self, source: JobId) {
        let plan = Arc::clone(&self.plan);
        let name = &plan.jobs[source.0].name;
        for id in self.ids().filter(|id| *id != source) {
            let settings = &plan.jobs[id.0];
            let once = matches!(settings.start, Start::Once { .. });
            let hooked =
                hooked_on_stop(settings) && start_events(&settings.start).iter().any(|event| event.source == *name);
            // What a person or a reload has taken down stays down.
            if !once || !hooked || self.jobs[id.0].hold != Hold::Free || self.jobs[id.0].retired {
                continue;
            }
            let now = self.now;
            let job = &mut self.jobs[id.0];
            if job.phase == Phase::Done {
                job.renew(settings, now);
            }
            if job.phase == Phase::Live {
                job.starts = Count::Finite(1);
                job.seen.fill(false);
            }
        }
    }
}
