//! A job's runs: what starts one, what follows its end. Rules 9 to 11 of v3's (spec 6.4).

use std::sync::Arc;
use std::time::Duration;

use crate::effect::{Effect, RunId, StopSignal};
use crate::engine::Engine;
use crate::event::{Code, Event};
use crate::exit::Exit;
use crate::history::What;
use crate::plan::{Condition, Count, JobId, Level, Start};
use crate::state::{Activity, Phase, Run, StopStep};

/// Whether pilot has asked for an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    AsAsked,
    ByItself,
}

impl Engine {
    /// Rules 10 and 11.
    pub(crate) fn start_if_wanted(&mut self, id: JobId, event: &Event) {
        let Some(job) = self.jobs.get_mut(id).filter(|job| job.starts != Count::Finite(0)) else { return };
        let wanted = match &job.settings.start {
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

    /// Starts a run now, or after the one that is going.
    pub(crate) fn run(&mut self, id: JobId, event: Option<Event>) {
        let run = RunId(self.next_id());
        let (now, cause) = (self.now, self.cause);
        let Some(job) = self.jobs.get_mut(id) else { return };
        job.give_up_at = None;
        if job.phase.run().is_some() {
            // Ticks that could not be kept are not made up for.
            job.owed.starts = if job.settings.start.is_periodic() { 1 } else { job.owed.starts.saturating_add(1) };
            (job.owed.event, job.owed.cause) = (event, Some(cause));
            return;
        }
        let settings = Arc::clone(&job.settings);
        let Some(activity) = job.phase.activity_mut() else { return };
        if matches!(activity, Activity::BackingOff { .. }) && event.is_some() {
            // The event has its run at once; the restart that was due is still owed.
            job.owed.starts = job.owed.starts.saturating_add(1);
        }
        let restart = *activity != Activity::Waiting && settings.start.is_restart(event.as_ref());
        *activity = match settings.exec {
            Some(_) => {
                let kill_at = settings.timeout.map(|timeout| now.saturating_add(timeout));
                Activity::Running(Run { id: run, since: now, kill_at, told_to_end: false })
            }
            None => Activity::InPlace,
        };
        job.begin_health();
        job.check.forget_results();
        if settings.exec.is_none() {
            return self.note_start(id, cause, restart);
        }
        job.record.runs += 1;
        job.record.restarts += u64::from(restart);
        self.effect(Effect::Start { job: id, run, cause: event });
        self.note_start(id, cause, restart);
        self.enter_unchecked(id);
        if self.is_going(id) {
            self.bound_hook(id);
        }
    }

    /// Ends the run that is going, gently at first; what follows is up to who asks for it.
    pub(crate) fn stop_run(&mut self, id: JobId) {
        let until = self.after(self.stop_grace(id));
        let Some(run) = self.jobs.get_mut(id).and_then(|job| job.phase.run_mut()) else { return };
        run.kill_at = Some(run.kill_at.map_or(until, |at| at.min(until)));
        run.told_to_end = true;
        let run = run.id;
        self.effect(Effect::Signal { job: id, run, signal: StopSignal::Terminate });
    }

    /// The main process of a run has ended.
    pub(crate) fn exited(&mut self, id: JobId, run: RunId, exit: Exit, leftovers: bool) {
        let Some(job) = self.jobs.get_mut(id) else { return };
        if leftovers {
            job.lingering.push(run);
        }
        let settings = Arc::clone(&job.settings);
        if let Some(asked) = self.end_run(id, run, exit, None) {
            let how = if asked && settings.is_stopped_by(exit) { Ended::AsAsked } else { Ended::ByItself };
            self.publish_exit(Some(id), settings.name.clone(), (exit, how), settings.is_success(exit));
        }
    }

    /// There is no process of a run, because it could not be started.
    pub(crate) fn start_failed(&mut self, id: JobId, run: RunId, code: u8, reason: String) {
        let Some(name) = self.job(id).map(|job| job.name.clone()) else { return };
        if self.end_run(id, run, Exit::Code(code), Some(&reason)).is_some() {
            let text = format!("unable to start {name}: {reason}");
            self.publish(Event::new(Code::ExitFailed, name));
            self.publish(Event::new(Code::Error, reason));
            self.say(Level::Error, Some(id), text);
        }
    }

    /// Ends a run's books: whether pilot has asked it to end; `None` if it is not the one that is going.
    fn end_run(&mut self, id: JobId, run: RunId, exit: Exit, unstarted: Option<&str>) -> Option<bool> {
        let now = self.now;
        let job = self.jobs.get_mut(id)?;
        let ended = job.end_run(run)?;
        let asked = ended.told_to_end || matches!(job.phase.step(), Some(StopStep::Kill { .. }));
        let lasted = now.saturating_sub(ended.since);
        job.last_exit = Some(exit);
        job.last_uptime = lasted;
        job.last_failed = !job.settings.is_success(exit);
        let (name, stopping) = (job.settings.name.clone(), !job.phase.is_live());
        let unstarted = unstarted.map(str::to_owned);
        self.effect(Effect::RunEnded { job: id, name: name.clone(), run, exit, lasted, unstarted, stopping });
        self.note_end(id, What::Ended { job: name.clone(), exit, lasted });
        self.say_run_end(id, &name);
        self.report_lost_process(id, exit);
        Some(asked)
    }

    /// v3's events and lines of an end; an end that pilot has asked for is no error, whatever the code.
    pub(crate) fn publish_exit(
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

    /// Rule 9.
    pub(crate) fn on_own_exit(&mut self, id: JobId) {
        let Some(job) = self.jobs.get_mut(id).filter(|job| job.phase.is_at_rest()) else { return };
        if matches!(job.phase, Phase::StopPending { .. }) {
            return self.halt(id);
        }
        if std::mem::take(&mut job.owed.by_person) {
            return self.run(id, None);
        }
        let periodic = job.settings.start.is_periodic();
        if job.owed.starts > 0 {
            if periodic || !job.budget.take() {
                job.owed.starts -= 1;
            }
            let (event, cause) = (job.owed.event.clone(), job.owed.cause);
            self.cause = cause.unwrap_or(self.cause);
            return self.run(id, event);
        }
        if periodic {
            if job.ticks.last_run {
                self.halt(id);
            }
            return;
        }
        if job.budget.take() {
            return self.run_again(id);
        }
        job.forget_health();
        if job.starts == Count::Finite(0) {
            self.halt(id);
        }
    }

    /// A restart, at once or after a delay.
    fn run_again(&mut self, id: JobId) {
        let now = self.now;
        let Some(job) = self.jobs.get_mut(id) else { return };
        let success = job.last_exit.is_some_and(|exit| job.settings.is_success(exit));
        let delay = job.streak.next_delay(&job.settings.backoff, job.last_uptime, success);
        if delay.is_zero() {
            return self.run(id, None);
        }
        job.forget_health();
        if let Some(activity) = job.phase.activity_mut() {
            *activity = Activity::BackingOff { until: now.saturating_add(delay) };
        }
        let (name, ends) = (&job.settings.name, job.streak.ends());
        let text = format!("restarting {name} in {:.1}s: it ended {ends} times in a row", delay.as_secs_f64());
        self.say(Level::Info, Some(id), text);
    }

    /// A run's time limit, and the end of a back-off.
    pub(crate) fn tick_activity(&mut self, id: JobId) {
        let now = self.now;
        let Some(job) = self.jobs.get_mut(id) else { return };
        if job.restarts_at().is_some_and(|at| at <= now) {
            self.blame_end(id);
            return self.run(id, None);
        }
        let Some(run) = job.phase.run_mut().filter(|run| run.kill_at.is_some_and(|at| at <= now)) else { return };
        run.kill_at = None;
        let (run, lasted) = (run.id, now.saturating_sub(run.since));
        let args = job.settings.exec.as_ref().map(|exec| exec.args.join(" ")).unwrap_or_default();
        let limit: Duration = job.settings.timeout.filter(|timeout| *timeout <= lasted).unwrap_or(lasted);
        let text = format!("{} timeout after {limit:?}: '[{args}]'", job.settings.name);
        self.say(Level::Warn, Some(id), text);
        self.effect(Effect::Signal { job: id, run, signal: StopSignal::Kill });
    }
}
