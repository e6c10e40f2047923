//! What a person may ask of one job while pilot runs: to start, to stop, to run anew.
//!
//! Asked twice is asked once. A job that a person stopped is not over: no event starts it, it ends neither pilot nor (if it
//! is critical) the container, and a person can start it again. Nothing is started once pilot itself stops.

use std::sync::Arc;

use super::effect::{Effect, JobRequest, StopSignal};
use super::engine::Engine;
use super::job::{Activity, Phase, hooked_on_stop, start_events};
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

impl Engine {
    /// What will become of a request, for the person who asks; an error if it will not be done.
    pub fn answer(&self, id: JobId, request: JobRequest) -> Result<String, String> {
        let name = &self.plan.jobs[id.0].name;
        if self.lifecycle.stopping {
            return Err(format!("pilot is stopping, and every job with it: nothing can be asked of {name} any more"));
        }
        let job = &self.jobs[id.0];
        if job.retired {
            return Err(format!("a reload is taking {name} down: ask again when that is done"));
        }
        let has_process = self.plan.jobs[id.0].exec.is_some();
        let going_down = matches!(job.phase, Phase::Hooks { .. } | Phase::Withdrawing { .. } | Phase::Ending { .. });
        let running = job.phase == Phase::Live && job.run().is_some();
        Ok(match request {
            JobRequest::Stop if job.phase == Phase::Done && job.hold == Hold::Free => {
                format!("{name} has already ended")
            }
            JobRequest::Stop if job.phase == Phase::Done => format!("{name} is already stopped"),
            JobRequest::Stop => format!("stopping {name}"),
            JobRequest::Start | JobRequest::Restart if job.phase == Phase::Live && !has_process => {
                return Err(format!("{name} has no process that could be started: it has no `exec`"));
            }
            JobRequest::Start if running => format!("{name} is already running"),
            JobRequest::Restart if running => format!("restarting {name}"),
            JobRequest::Start | JobRequest::Restart if going_down => {
                format!("{name} is stopping and is started again as soon as it has stopped")
            }
            JobRequest::Start | JobRequest::Restart => format!("starting {name}"),
        })
    }

    pub(super) fn requested(&mut self, id: JobId, request: JobRequest) {
        if self.is_going(id) {
            return;
        }
        let text =
            format!("{} {}: asked by a person over the control socket", request.doing(), self.plan.jobs[id.0].name);
        self.say(Level::Info, Some(id), text);
        let running = self.jobs[id.0].run().is_some();
        match (request, &self.jobs[id.0].phase) {
            (JobRequest::Start | JobRequest::Restart, Phase::Done) => self.revive(id),
            (JobRequest::Start, Phase::Live) if running => {}
            (JobRequest::Restart, Phase::Live) if running => self.run_anew(id),
            (JobRequest::Start | JobRequest::Restart, Phase::Live) => self.start_out_of_turn(id),
            (
                JobRequest::Start | JobRequest::Restart,
                Phase::Hooks { .. } | Phase::Withdrawing { .. } | Phase::Ending { .. },
            ) => self.jobs[id.0].hold = Hold::Again,
            (JobRequest::Stop, Phase::Live) => {
                self.jobs[id.0].hold = Hold::Stopped;
                self.halt(id);
            }
            (JobRequest::Stop, Phase::Hooks { .. } | Phase::Withdrawing { .. } | Phase::Ending { .. }) => {
                self.jobs[id.0].hold = Hold::Stopped;
            }
            (JobRequest::Stop, Phase::Done) => {}
        }
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
        let until = self.now + self.stop_grace(id);
        let job = &mut self.jobs[id.0];
        let Activity::Running { run, kill_at, .. } = &mut job.activity else { return };
        if std::mem::replace(&mut job.anew, true) {
            return;
        }
        *kill_at = Some(kill_at.map_or(until, |at| at.min(until)));
        let run = *run;
        self.effect(Effect::Signal { job: id, run, signal: StopSignal::Terminate });
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
            if !once || !hooked || self.jobs[id.0].hold != Hold::Free {
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

impl JobRequest {
    fn doing(self) -> &'static str {
        match self {
            JobRequest::Start => "starting",
            JobRequest::Stop => "stopping",
            JobRequest::Restart => "restarting",
        }
    }
}
