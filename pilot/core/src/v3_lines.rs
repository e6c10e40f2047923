//! Lines that v3 writes at level DEBUG and that nothing but a log shows: timers, the end of a run, the wait before SIGKILL.
//! v3 spec, appendix B. The lines that also tell something new are where it happens.

use super::engine::Engine;
use super::event::{Code, Event};
use super::job::Phase;
use super::plan::{JobId, Level, TELEMETRY_JOB};

impl Engine {
    /// A job's timer has fired: `heartbeat` or `run-every`. v3 has none for what is done, and hides its own.
    pub(super) fn say_timer(&mut self, id: JobId, timer: &str) {
        let name = &self.plan.jobs[id.0].name;
        if name != TELEMETRY_JOB && self.jobs[id.0].phase != Phase::Done {
            let event = Event::new(Code::TimerExpired, format!("{name}.{timer}"));
            self.say(Level::Debug, Some(id), format!("timer: {event}"));
        }
    }

    /// A job's `when.timeout` has passed.
    pub(super) fn say_timeout(&mut self, id: JobId) {
        let event = Event::new(Code::TimerExpired, format!("{}.wait-timeout", self.plan.jobs[id.0].name));
        self.say(Level::Debug, Some(id), format!("timeout: {event}"));
    }

    /// The process of a run or of a check has ended.
    pub(super) fn say_run_end(&mut self, id: JobId, source: &str) {
        self.say(Level::Debug, Some(id), format!("{source}.Run end"));
    }

    /// Once every job has had its stop signal and some of their processes are left: how long these have. As in v3 that is
    /// what was set, be part of it over for those that were told first.
    pub(super) fn say_kill(&mut self) {
        let graces = self.ids().map(|id| {
            let job = &self.jobs[id.0];
            match job.phase {
                Phase::Done => Some(None),
                Phase::Ending { .. } => Some(job.alive().next().map(|_| self.stop_grace(id))),
                Phase::Live
                | Phase::Hooks { .. }
                | Phase::Withdrawing { .. }
                | Phase::Leaving { .. }
                | Phase::Draining(_) => None,
            }
        });
        let Some(graces) = graces.collect::<Option<Vec<_>>>() else { return };
        if let Some(longest) = graces.into_iter().flatten().max() {
            let seconds = longest.as_secs_f64();
            self.say(Level::Debug, None, format!("killing all processes in {seconds} seconds"));
        }
    }
}
