//! What a probe's result means: thresholds, the start grace, events, the heartbeat. v3 spec 5.6.

use super::effect::{Announcement, Effect, RoundId, Verdict};
use super::engine::Engine;
use super::event::{Code, Event};
use super::exit::Exit;
use super::job::{Activity, Phase, Status};
use super::periodic::next_tick;
use super::plan::{JobId, Level, OnFailure, Probe};
use super::runs::Ended;

impl Engine {
    /// Rule 1: the check's own tick. A probe that is still under way is not doubled.
    pub(super) fn tick_check(&mut self, id: JobId) {
        let now = self.now;
        let plan = std::sync::Arc::clone(&self.plan);
        let Some(health) = &plan.jobs[id.0].health else { return };
        let job = &mut self.jobs[id.0];
        let Some(at) = job.check.next_at.filter(|at| *at <= now) else { return };
        job.check.next_at = Some(next_tick(at, health.interval, now));
        self.say_timer(id, "heartbeat");
        let job = &self.jobs[id.0];
        if !job.may_report() || job.check.in_flight.is_some() {
            return;
        }
        // A process that is gone says nothing; its end was an event of its own.
        if matches!(health.probe, Some(Probe::Notify(_))) && job.run().is_none() {
            return;
        }
        if health.probe.is_some() {
            let round = self.next_round();
            self.jobs[id.0].check.in_flight = Some(round);
            self.effect(Effect::Probe { job: id, round });
        } else {
            self.announce(id, Announcement::Passing { output: "ok".to_owned() });
        }
    }

    /// The next tick is due at once; those after it follow at the interval.
    pub(super) fn look_now(&mut self, id: JobId) {
        let now = self.now;
        if let Some(at) = &mut self.jobs[id.0].check.next_at {
            *at = now;
        }
    }

    /// Rules 4 and 5.
    pub(super) fn probed(&mut self, id: JobId, round: RoundId, verdict: Verdict) {
        if self.jobs[id.0].check.in_flight != Some(round) {
            return;
        }
        self.jobs[id.0].check.in_flight = None;
        let reason = (!verdict.pass).then(|| verdict.note.clone());
        let before = std::mem::replace(&mut self.jobs[id.0].check.reason, reason);
        self.blame_run(id);
        if let Some(exit) = verdict.exit {
            let source = format!("check.{}", self.plan.jobs[id.0].name);
            self.say_run_end(id, &source);
            self.publish_exit(Some(id), source, (exit, Ended::ByItself), verdict.pass);
        }
        if !self.jobs[id.0].may_report() {
            return;
        }
        if verdict.pass { self.passed(id, verdict.note) } else { self.failed(id, verdict.note, before) }
    }

    fn passed(&mut self, id: JobId, note: String) {
        let plan = std::sync::Arc::clone(&self.plan);
        let Some(health) = &plan.jobs[id.0].health else { return };
        let job = &mut self.jobs[id.0];
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
            self.say(Level::Info, Some(id), format!("{} is healthy again: {note}", plan.jobs[id.0].name));
        }
        self.publish(Event::new(Code::Healthy, plan.jobs[id.0].name.clone()));
        self.announce(id, Announcement::Passing { output: note });
    }

    /// `before` is why the probe before this one failed, if it did.
    fn failed(&mut self, id: JobId, note: String, before: Option<String>) {
        let now = self.now;
        let plan = std::sync::Arc::clone(&self.plan);
        let settings = &plan.jobs[id.0];
        let Some(health) = &settings.health else { return };
        let job = &mut self.jobs[id.0];
        let in_grace = match job.activity {
            Activity::Running { since, .. } => {
                !job.check.passed_since_start && now < since.saturating_add(health.start_grace)
            }
            Activity::Idle | Activity::BackingOff { .. } => false,
        };
        if in_grace {
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
        let job = &self.jobs[id.0];
        if job.phase == Phase::Live && job.run().is_some() {
            self.say(Level::Warn, Some(id), format!("stopping {} because it is unhealthy", self.plan.jobs[id.0].name));
            self.stop_run(id);
        }
    }

    /// A process that has ended cannot be passing; who asked for `failFast` is told at once.
    pub(super) fn report_lost_process(&mut self, id: JobId, exit: Exit) {
        let fail_fast = self.plan.jobs[id.0].health.as_ref().is_some_and(|health| health.fail_fast);
        if fail_fast && self.jobs[id.0].may_report() {
            self.announce(id, Announcement::Failing { output: format!("the process has ended: {exit}") });
        }
    }

    /// Gives up the probe that is under way, if any.
    pub(super) fn cancel_probe(&mut self, id: JobId) {
        if let Some(round) = self.jobs[id.0].check.in_flight.take() {
            self.effect(Effect::CancelProbe { job: id, round });
        }
    }
}
