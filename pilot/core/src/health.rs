//! What a probe's result means: thresholds, the start grace, events, the heartbeat. v3 spec 5.6.

use std::sync::Arc;

use crate::effect::{Announcement, Effect, RoundId, Verdict};
use crate::engine::Engine;
use crate::event::{Code, Event};
use crate::exit::Exit;
use crate::periodic::next_tick;
use crate::plan::{JobId, Level, OnFailure, Probe};
use crate::runs::Ended;
use crate::state::Status;

impl Engine {
    /// Rule 1: the check's own tick. A probe that is still under way is not doubled.
    pub(crate) fn tick_check(&mut self, id: JobId) {
        let now = self.now;
        let Some(job) = self.jobs.get_mut(id) else { return };
        let settings = Arc::clone(&job.settings);
        let Some(health) = &settings.health else { return };
        let Some(at) = job.check.next_at.filter(|at| *at <= now) else { return };
        job.check.next_at = Some(next_tick(at, health.interval, now));
        // A process that is gone says nothing; its end was an event of its own.
        let is_silent = matches!(health.probe, Some(Probe::Notify(_))) && job.run().is_none();
        let looks = job.may_report() && job.check.in_flight.is_none() && !is_silent;
        self.say_timer(id, "heartbeat");
        if !looks {
            return;
        }
        if health.probe.is_none() {
            return self.announce(id, Announcement::Passing { output: "ok".to_owned() });
        }
        let round = self.next_round();
        if let Some(job) = self.jobs.get_mut(id) {
            job.check.in_flight = Some(round);
            self.effect(Effect::Probe { job: id, round });
        }
    }

    /// The next tick is due at once; those after it follow at the interval.
    pub(crate) fn look_now(&mut self, id: JobId) {
        let now = self.now;
        if let Some(at) = self.jobs.get_mut(id).and_then(|job| job.check.next_at.as_mut()) {
            *at = now;
        }
    }

    /// Rules 4 and 5.
    pub(crate) fn probed(&mut self, id: JobId, round: RoundId, verdict: Verdict) {
        let Some(job) = self.jobs.get_mut(id).filter(|job| job.check.in_flight == Some(round)) else { return };
        job.check.in_flight = None;
        let reason = (!verdict.pass).then(|| verdict.note.clone());
        let before = std::mem::replace(&mut job.check.reason, reason);
        let (name, reports) = (job.settings.name.clone(), job.may_report());
        let source = format!("check.{name}");
        self.effect(Effect::ProbeEnded { job: id, name, round, verdict: verdict.clone() });
        self.blame_run(id);
        if let Some(exit) = verdict.exit {
            self.say_run_end(id, &source);
            self.publish_exit(Some(id), source, (exit, Ended::ByItself), verdict.pass);
        }
        match (reports, verdict.pass) {
            (true, true) => self.passed(id, verdict.note),
            (true, false) => self.failed(id, verdict.note, before),
            (false, _) => {}
        }
    }

    fn passed(&mut self, id: JobId, note: String) {
        let Some(job) = self.jobs.get_mut(id) else { return };
        let settings = Arc::clone(&job.settings);
        let Some(health) = &settings.health else { return };
        job.check.failures = 0;
        job.check.passes = job.check.passes.saturating_add(1);
        job.check.passed_since_start = true;
        if job.status != Status::Healthy && job.check.passes < health.success_threshold {
            return;
        }
        let before = job.turn(Status::Healthy);
        if before != Status::Healthy {
            self.enter_group(id);
        }
        if before == Status::Unhealthy {
            self.say(Level::Info, Some(id), format!("{} is healthy again: {note}", settings.name));
        }
        self.publish(Event::new(Code::Healthy, settings.name.clone()));
        self.announce(id, Announcement::Passing { output: note });
    }

    /// `before` is why the probe before this one failed, if it did.
    fn failed(&mut self, id: JobId, note: String, before: Option<String>) {
        let now = self.now;
        let Some(job) = self.jobs.get_mut(id) else { return };
        let settings = Arc::clone(&job.settings);
        let Some(health) = &settings.health else { return };
        let in_grace = |since: std::time::Duration| now < since.saturating_add(health.start_grace);
        if !job.check.passed_since_start && job.run().is_some_and(|run| in_grace(run.since)) {
            return;
        }
        job.check.passes = 0;
        job.check.failures = job.check.failures.saturating_add(1);
        if job.check.failures < health.failure_threshold {
            if job.status == Status::Healthy {
                // Below the threshold the job still counts as healthy, and its TTL must not lapse.
                self.announce(id, Announcement::Passing { output: note });
            }
            return;
        }
        let restarts_now = job.check.failures == health.failure_threshold;
        if job.turn(Status::Unhealthy) != Status::Unhealthy {
            let delay = match settings.registered_services().next() {
                Some((_, service)) if self.plan.consul.is_some() && !health.fail_fast => {
                    format!(" (Consul hears of it when the TTL of {:?} has passed)", service.ttl)
                }
                Some(_) | None => String::new(),
            };
            self.say(Level::Warn, Some(id), format!("{} is unhealthy: {note}{delay}", settings.name));
        } else if before.is_some_and(|before| before != note) {
            self.say(Level::Warn, Some(id), format!("{} is still unhealthy: {note}", settings.name));
        }
        self.publish_because(Event::new(Code::Unhealthy, settings.name.clone()), &note);
        if health.fail_fast {
            self.announce(id, Announcement::Failing { output: note });
        }
        if restarts_now && health.on_failure == OnFailure::Restart {
            self.end_unhealthy_run(id);
        }
    }

    fn end_unhealthy_run(&mut self, id: JobId) {
        let Some(job) = self.jobs.get(id).filter(|job| job.phase.is_live() && job.run().is_some()) else { return };
        self.say(Level::Warn, Some(id), format!("stopping {} because it is unhealthy", job.settings.name));
        self.stop_run(id);
    }

    /// A process that has ended cannot be passing; who asked for `failFast` is told at once.
    pub(crate) fn report_lost_process(&mut self, id: JobId, exit: Exit) {
        let Some(job) = self.jobs.get(id) else { return };
        let fail_fast = job.settings.health.as_ref().is_some_and(|health| health.fail_fast);
        if fail_fast && job.may_report() {
            self.announce(id, Announcement::Failing { output: format!("the process has ended: {exit}") });
        }
    }

    /// Gives up the probe that is under way, if any.
    pub(crate) fn cancel_probe(&mut self, id: JobId) {
        if let Some(round) = self.jobs.get_mut(id).and_then(|job| job.check.in_flight.take()) {
            self.effect(Effect::CancelProbe { job: id, round });
        }
    }
}
