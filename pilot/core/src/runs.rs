//! A job's runs: what starts one, what follows its end. Rules 9 to 11 of v3's (spec 6.4).

use std::sync::Arc;

use super::effect::{Effect, RunId, StopSignal};
use super::engine::Engine;
use super::event::{Code, Event};
use super::exit::Exit;
use super::history::What;
use super::job::{Activity, Phase, is_restart, start_events};
use super::plan::{Condition, Count, JobId, Level, SignalNumber, Start};

/// Whether pilot has asked for an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    AsAsked,
    ByItself,
}

impl Engine {
    /// Rules 10 and 11.
    pub(super) fn start_if_wanted(&mut self, id: JobId, event: &Event) {
        let plan = Arc::clone(&self.plan);
        let job = &mut self.jobs[id.0];
        if job.starts == Count::Finite(0) {
            return;
        }
        let wanted = match &plan.jobs[id.0].start {
            Start::Once { when: Condition::All(events), .. } => {
                for (seen, _) in job.seen.iter_mut().zip(events).filter(|(_, wanted)| *wanted == event) {
                    *seen = true;
                }
                events.contains(event) && job.seen.iter().all(|seen| *seen)
            }
            Start::Once { when: Condition::Any(events), .. } | Start::Each { events, .. } => events.contains(event),
            Start::Interval(_) => *event == Event::global(Code::Startup),
            Start::Cron(_) | Start::Never { .. } => false,
        };
        if wanted && job.starts.take() {
            self.run(id, Some(event.clone()));
        }
    }

    /// Whether one of a job's start events is this one.
    pub(super) fn waits_for(&self, id: JobId, code: Code, source: &str) -> bool {
        start_events(&self.plan.jobs[id.0].start).iter().any(|event| event.code == code && event.source == source)
    }

    /// Starts a run now, or after the one that is going.
    pub(super) fn run(&mut self, id: JobId, cause: Option<Event>) {
        let run = RunId(self.next_id());
        let settings = &self.plan.jobs[id.0];
        let job = &mut self.jobs[id.0];
        job.give_up_at = None;
        match job.activity {
            Activity::Running { .. } => {
                job.pending = match settings.start {
                    // Ticks that could not be kept are not made up for.
                    Start::Interval(_) | Start::Cron(_) => 1,
                    Start::Once { .. } | Start::Each { .. } | Start::Never { .. } => job.pending + 1,
                };
                job.pending_cause = cause;
                job.record.owed = Some(self.cause);
                return;
            }
            // The event has its run at once; the restart that was due is still owed.
            Activity::BackingOff { .. } if cause.is_some() => job.pending += 1,
            Activity::Idle | Activity::BackingOff { .. } => {}
        }
        let begins = !std::mem::replace(&mut job.started, true);
        let restart = !begins && is_restart(&settings.start, cause.as_ref());
        job.forget_health();
        job.check.passes = 0;
        job.check.failures = 0;
        job.check.passed_since_start = false;
        job.check.reason = None;
        if settings.exec.is_none() {
            // Its namesake's ends may have had it wait for this.
            job.activity = Activity::Idle;
            return self.note_start(id, self.cause, restart);
        }
        let kill_at = settings.timeout.map(|timeout| self.now + timeout);
        job.activity = Activity::Running { run, since: self.now, kill_at };
        job.record.runs += 1;
        job.record.restarts += u64::from(restart);
        self.effect(Effect::Start { job: id, run, cause });
        self.note_start(id, self.cause, restart);
        self.enter_unchecked(id);
        if self.is_going(id) {
            self.bound_hook(id);
        }
    }

    /// Ends the run that is going, gently at first; what follows is up to who asks for it.
    pub(super) fn stop_run(&mut self, id: JobId) {
        let until = self.now + self.stop_grace(id);
        let Activity::Running { run, kill_at, .. } = &mut self.jobs[id.0].activity else { return };
        *kill_at = Some(kill_at.map_or(until, |at| at.min(until)));
        let run = *run;
        self.jobs[id.0].ending_run = Some(run);
        self.effect(Effect::Signal { job: id, run, signal: StopSignal::Terminate });
    }

    /// Whether a run ended by the stop signal that pilot has sent it: killed by it, or with the code that a shell gives then.
    pub(super) fn ended_as_asked(&self, id: JobId, run: RunId, exit: Exit) -> bool {
        let job = &self.jobs[id.0];
        let asked = matches!(job.phase, Phase::Ending { .. }) || job.ending_run == Some(run);
        let SignalNumber(signal) = self.plan.jobs[id.0].process.stop_signal;
        asked && (exit == Exit::Signal(signal) || exit == Exit::Code(Exit::Signal(signal).code()))
    }

    /// Ends a run's books. False if it is not the one that is going.
    pub(super) fn end_run(&mut self, id: JobId, ended: RunId, exit: Exit) -> bool {
        let job = &mut self.jobs[id.0];
        let Activity::Running { run, since, .. } = job.activity else { return false };
        if run != ended {
            return false;
        }
        job.activity = Activity::Idle;
        job.last_exit = Some(exit);
        job.last_uptime = self.now.saturating_sub(since);
        let failed = !self.succeeded(id, exit);
        let job = &mut self.jobs[id.0];
        job.last_failed = failed;
        let name = self.plan.jobs[id.0].name.clone();
        let what = What::Ended { job: name.clone(), exit, lasted: job.last_uptime };
        self.note_end(id, what);
        self.say_run_end(id, &name);
        self.report_lost_process(id, exit);
        true
    }

    /// v3's events and lines of an end; an end that pilot has asked for is no error, whatever the code.
    pub(super) fn publish_exit(
        &mut self,
        job: Option<JobId>,
        source: String,
        (exit, how): (Exit, Ended),
        success: bool,
    ) {
        if success {
            self.say(Level::Debug, job, format!("{source} exited without error"));
            self.publish(Event::new(Code::ExitSuccess, source));
        } else {
            match how {
                Ended::AsAsked => self.say(Level::Info, job, format!("{source} has stopped ({exit})")),
                Ended::ByItself => self.say(Level::Error, job, format!("{source} exited with error: {exit}")),
            }
            let error = Event::new(Code::Error, format!("{source}: {exit}"));
            self.publish(Event::new(Code::ExitFailed, source));
            self.publish(error);
        }
    }

    pub(super) fn succeeded(&self, id: JobId, exit: Exit) -> bool {
        match exit {
            Exit::Code(0) => true,
            Exit::Code(code) => self.plan.jobs[id.0].success_codes.contains(&code),
            Exit::Signal(_) => self.plan.jobs[id.0].success_codes.contains(&exit.code()),
        }
    }

    /// Rule 9.
    pub(super) fn on_own_exit(&mut self, id: JobId) {
        let plan = Arc::clone(&self.plan);
        let settings = &plan.jobs[id.0];
        let job = &mut self.jobs[id.0];
        if job.activity != Activity::Idle {
            return;
        }
        if job.leaving {
            return self.halt(id);
        }
        if std::mem::take(&mut job.anew) {
            return self.run(id, None);
        }
        let periodic = settings.start.is_periodic();
        if job.pending > 0 {
            if !periodic && job.budget.take() {
                job.pending += 1;
            }
            job.pending -= 1;
            let cause = job.pending_cause.clone();
            self.cause = job.record.owed.unwrap_or(self.cause);
            return self.run(id, cause);
        }
        if periodic {
            if job.last_run {
                self.halt(id);
            }
            return;
        }
        if job.budget.take() {
            let success = job.last_exit.is_some_and(|exit| self.succeeded(id, exit));
            return self.run_again(id, success);
        }
        job.forget_health();
        if job.starts == Count::Finite(0) {
            self.halt(id);
        }
    }

    fn run_again(&mut self, id: JobId, success: bool) {
        let plan = Arc::clone(&self.plan);
        let settings = &plan.jobs[id.0];
        let job = &mut self.jobs[id.0];
        let delay = job.streak.next_delay(&settings.backoff, job.last_uptime, success);
        if delay.is_zero() {
            return self.run(id, None);
        }
        job.forget_health();
        job.activity = Activity::BackingOff { until: self.now + delay };
        let ends = job.streak.ends();
        let text =
            format!("restarting {} in {:.1}s: it ended {ends} times in a row", settings.name, delay.as_secs_f64());
        self.say(Level::Info, Some(id), text);
    }

    /// A run's time limit, and the end of a back-off.
    pub(super) fn tick_activity(&mut self, id: JobId) {
        let now = self.now;
        let job = &mut self.jobs[id.0];
        match &mut job.activity {
            Activity::BackingOff { until } if *until <= now => {
                if job.phase == Phase::Live {
                    self.blame_end(id);
                    self.run(id, None);
                } else {
                    job.activity = Activity::Idle;
                }
            }
            Activity::Running { run, since, kill_at } if kill_at.is_some_and(|at| at <= now) => {
                let run = *run;
                let lasted = now.saturating_sub(*since);
                *kill_at = None;
                let settings = &self.plan.jobs[id.0];
                let args = settings.exec.as_ref().map(|exec| exec.args.join(" ")).unwrap_or_default();
                let limit = settings.timeout.filter(|timeout| *timeout <= lasted).unwrap_or(lasted);
                let text = format!("{} timeout after {limit:?}: '[{args}]'", settings.name);
                self.say(Level::Warn, Some(id), text);
                self.effect(Effect::Signal { job: id, run, signal: StopSignal::Kill });
            }
            Activity::Idle | Activity::Running { .. } | Activity::BackingOff { .. } => {}
        }
    }
}
