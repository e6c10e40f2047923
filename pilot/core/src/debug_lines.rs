//! Lines that v3 writes at level DEBUG and that nothing but a log shows: timers, the end of a run, the wait before SIGKILL.
//! v3 spec, appendix B. The lines that also tell something new are where it happens.

use crate::engine::Engine;
use crate::event::{Code, Event};
use crate::plan::{JobId, Level, TELEMETRY_JOB};
use crate::state::{Job, Phase, StopStep};

impl Engine {
    /// A job's timer has fired: `heartbeat` or `run-every`. v3 has none for what is done, and hides its own.
    pub(crate) fn say_timer(&mut self, id: JobId, timer: &str) {
        let Some(job) = self.jobs.get(id) else { return };
        let name = &job.settings.name;
        if name != TELEMETRY_JOB && !job.phase.is_done() {
            let event = Event::new(Code::TimerExpired, format!("{name}.{timer}"));
            self.say(Level::Debug, Some(id), format!("timer: {event}"));
        }
    }

    /// A job's `when.timeout` has passed.
    pub(crate) fn say_timeout(&mut self, id: JobId) {
        let Some(job) = self.job(id) else { return };
        let event = Event::new(Code::TimerExpired, format!("{}.wait-timeout", job.name));
        self.say(Level::Debug, Some(id), format!("timeout: {event}"));
    }

    /// The process of a run or of a check has ended.
    pub(crate) fn say_run_end(&mut self, id: JobId, source: &str) {
        self.say(Level::Debug, Some(id), format!("{source}.Run end"));
    }

    /// Once every job has had its stop signal and some of their processes are left: how long these have. As in v3 that is
    /// what was set, be part of it over for those that were told first.
    pub(crate) fn say_kill(&mut self) {
        // `None` for a job that is not that far.
        let grace = |job: &Job| match (&job.phase, job.phase.step()) {
            (Phase::Done(_), _) => Some(None),
            (_, Some(StopStep::Kill { .. })) => Some(job.alive().next().map(|_| self.grace_of(job))),
            (Phase::Live(_) | Phase::Retired(_) | Phase::StopPending { .. } | Phase::Stopping(_), _) => None,
        };
        let Some(graces) = self.jobs.values().map(grace).collect::<Option<Vec<_>>>() else { return };
        if let Some(longest) = graces.into_iter().flatten().max() {
            let seconds = longest.as_secs_f64();
            self.say(Level::Debug, None, format!("killing all processes in {seconds} seconds"));
        }
    }
}
