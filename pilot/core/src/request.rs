//! What a person may ask of one job while pilot runs: to start, to stop, to restart.
//!
//! Asked twice is asked once. A job that a person stopped is not over: no event starts it, it ends neither pilot nor (if it
//! is critical) the container, and a person can start it again. Nothing is started once pilot itself stops.

use crate::effect::JobRequest;
use crate::engine::Engine;
use crate::history::{Cause, What};
use crate::plan::{Count, JobId, Level, Start};
use crate::state::{Phase, Why};

/// What a request comes to.
enum Outcome {
    /// It is as wanted.
    Nothing(&'static str),
    /// A live job has no run: it gets one.
    Start,
    /// A job that is down begins again.
    Revive,
    /// Its run is ended and followed by another.
    Rerun,
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
        let outcome = self.outcome(id, request)?;
        let name = self.job(id).map(|job| job.name.as_str()).unwrap_or_default();
        Ok(match outcome {
            Outcome::Nothing(state) => format!("{name} {state}"),
            Outcome::Start | Outcome::Revive => format!("starting {name}"),
            Outcome::Rerun => format!("restarting {name}"),
            Outcome::ReviveLater => format!("{name} is stopping and will be started again when it has stopped"),
            Outcome::Halt | Outcome::StayDown => format!("stopping {name}"),
        })
    }

    pub(crate) fn requested(&mut self, id: JobId, request: JobRequest) {
        let (Ok(outcome), Some(job)) = (self.outcome(id, request), self.jobs.get_mut(id)) else { return };
        let doing = match request {
            JobRequest::Start => "starting",
            JobRequest::Stop => "stopping",
            JobRequest::Restart => "restarting",
        };
        match outcome {
            Outcome::Nothing(_) => return,
            Outcome::ReviveLater => job.phase.set_why(Why::PersonRestarts),
            Outcome::StayDown => job.phase.set_why(Why::Person),
            Outcome::Start | Outcome::Revive | Outcome::Rerun | Outcome::Halt => {}
        }
        let name = job.settings.name.clone();
        let text = format!("{doing} {name}: asked by a person over the control socket");
        self.cause = Cause::Entry(self.history.note(What::Asked { job: name, request }, Cause::Person, self.now, None));
        self.say(Level::Info, Some(id), text);
        match outcome {
            Outcome::Nothing(_) | Outcome::ReviveLater | Outcome::StayDown => {}
            Outcome::Start => self.start_out_of_turn(id),
            Outcome::Revive => self.revive(id),
            Outcome::Rerun => self.rerun(id),
            Outcome::Halt => self.halt_because(id, Why::Person),
        }
    }

    fn outcome(&self, id: JobId, request: JobRequest) -> Result<Outcome, String> {
        let Some(job) = self.jobs.get(id) else { return Err("a reload has removed this job".to_owned()) };
        let name = &job.settings.name;
        if self.lifecycle.stopping {
            return Err(format!("pilot is stopping, and every job with it: nothing can be asked of {name} any more"));
        }
        if job.phase.is_retired() || self.is_outdated(id) {
            return Err(format!("a reload is taking {name} down: ask again when that is done"));
        }
        let starts = matches!(request, JobRequest::Start | JobRequest::Restart);
        Ok(match (&job.phase, request) {
            (Phase::Live(_) | Phase::Retired(_) | Phase::StopPending { .. }, _)
                if starts && job.settings.exec.is_none() =>
            {
                return Err(format!("{name} has no process that could be started: it has no `exec`"));
            }
            (Phase::Live(_) | Phase::Retired(_) | Phase::StopPending { .. }, request) => {
                match (request, job.run().is_some()) {
                    (JobRequest::Start, true) => Outcome::Nothing("is already running"),
                    (JobRequest::Restart, true) => Outcome::Rerun,
                    (JobRequest::Start | JobRequest::Restart, false) => Outcome::Start,
                    (JobRequest::Stop, _) => Outcome::Halt,
                }
            }
            (Phase::Done(_), JobRequest::Start | JobRequest::Restart) => Outcome::Revive,
            (Phase::Done(_), JobRequest::Stop) if job.phase.is_held() => Outcome::Nothing("is already stopped"),
            (Phase::Done(_), JobRequest::Stop) => Outcome::Nothing("has already ended"),
            (Phase::Stopping(_), _) if starts => Outcome::ReviveLater,
            (Phase::Stopping(_), _) => Outcome::StayDown,
        })
    }

    /// The job is down. True: a person has it stopped, so that this is not its end.
    pub(crate) fn stays_held(&mut self, id: JobId) -> bool {
        match self.jobs.get(id).and_then(|job| job.phase.why()) {
            Some(Why::Own | Why::Shutdown | Why::Reload) | None => false,
            Some(Why::Person) => true,
            Some(Why::PersonRestarts) => {
                if !self.lifecycle.stopping {
                    self.revive(id);
                }
                true
            }
        }
    }

    /// Ends the run that is going; its successor is owed and costs no restart.
    fn rerun(&mut self, id: JobId) {
        let Some(job) = self.jobs.get_mut(id) else { return };
        if !std::mem::replace(&mut job.owed.by_person, true) {
            self.stop_run(id);
        }
    }

    /// A job that is to run once has had its start then; others go on waiting for their events.
    fn start_out_of_turn(&mut self, id: JobId) {
        let Some(job) = self.jobs.get_mut(id) else { return };
        if matches!(job.settings.start, Start::Once { .. }) {
            job.starts = Count::Finite(0);
        }
        self.ends_have_changed = true;
        self.run(id, None);
    }

    /// Begins a job's life again, with all of its restarts.
    fn revive(&mut self, id: JobId) {
        let now = self.now;
        let Some(job) = self.jobs.get_mut(id) else { return };
        job.renew(now);
        self.announce_beginning(id);
        self.arm_hooks(id);
        self.start_out_of_turn(id);
    }

    /// The hooks on a job's stop have had their one run; its next stop is to have its hooks as well. What a person or a
    /// reload has taken down stays down.
    fn arm_hooks(&mut self, source: JobId) {
        let now = self.now;
        let Some(name) = self.job(source).map(|job| job.name.clone()) else { return };
        for id in self.ids().filter(|id| *id != source) {
            let Some(job) = self.jobs.get_mut(id) else { continue };
            let once = matches!(job.settings.start, Start::Once { .. });
            let kept_down = job.phase.is_held() || job.phase.is_retired();
            if !once || kept_down || !job.settings.is_hook() || !waits_for_any_of(&job.settings, &name) {
                continue;
            }
            if job.phase.is_done() {
                job.renew(now);
            }
            if job.phase.is_live() {
                job.starts = Count::Finite(1);
                job.seen.fill(false);
            }
        }
    }
}

/// Whether some event of this source starts a job.
fn waits_for_any_of(job: &crate::plan::Job, source: &str) -> bool {
    job.start.events().iter().any(|event| event.source == source)
}
