//! Between "out of the catalog" and the stop signal: out of the target group, and serving on until nobody asks any more.
//!
//! Nothing here waits without a limit, and every limit yields to the scheduler's: a stop budget takes its time from the
//! drain first, so that the container is never killed in the middle of an orderly stop.

use std::time::Duration;

use super::effect::Effect;
use super::engine::Engine;
use super::event::{Code, Event};
use super::graph::JobAt;
use super::job::Phase;
use super::plan::{BalancerMode, InFlight, JobId, Level, Plan};
use super::stop_plan::{JobStop, StopPlan};

/// A departure from a target group takes no longer: one look and one call with its retries.
pub const LEAVE_LIMIT: Duration = Duration::from_secs(8);
/// After a second stop request the load balancer is still told, within this time.
pub(super) const HURRIED_LEAVE: Duration = Duration::from_secs(2);
/// From one count of what is in flight to the next.
const COUNT_EVERY: Duration = Duration::from_millis(500);
/// From one line about a drain to the next.
const TELL_EVERY: Duration = Duration::from_secs(5);
/// What is left of a stop budget for pilot itself when everything else has used its part.
pub const MARGIN: Duration = Duration::from_secs(2);

/// A job that is told nothing new any more and finishes what it has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draining {
    /// Not before this time, unless the load balancer says that it is done.
    pub quiet: Duration,
    /// No longer than this.
    pub until: Duration,
    /// What is in flight, as counted last; `None`: not known.
    pub in_flight: Option<u64>,
    /// The quiet time is over.
    pub(super) quiet_passed: bool,
    pub(super) count_at: Option<Duration>,
    pub(super) tell_at: Duration,
}

impl Draining {
    pub(super) fn next_timeout(&self) -> Duration {
        let quiet = (!self.quiet_passed).then_some(self.quiet);
        [Some(self.until), Some(self.tell_at), quiet, self.count_at].into_iter().flatten().min().unwrap_or(self.until)
    }
}

/// What is known of a job's place in its target group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// The load balancer has called it healthy once.
    pub was_healthy: bool,
    /// The load balancer's last word; `None`: it could not be asked.
    pub state: Option<String>,
}

impl Engine {
    /// The job serves: its target belongs into the group.
    pub(super) fn enter_group(&mut self, id: JobId) {
        if self.plan.jobs[id.0].balancer.is_some() {
            self.effect(Effect::EnterGroup { job: id });
        }
    }

    /// Without a probe a job that runs counts as well.
    pub(super) fn enter_unchecked(&mut self, id: JobId) {
        let probed = self.plan.jobs[id.0].health.as_ref().is_some_and(|health| health.probe.is_some());
        if !probed && self.jobs[id.0].run().is_some() {
            self.enter_group(id);
        }
    }

    /// Maintenance takes a target out only where pilot has put it in: ECS would replace a task whose target is gone.
    pub(super) fn maintain_group(&mut self, id: JobId) {
        if self.plan.jobs[id.0].balancer.as_ref().is_some_and(|balancer| balancer.mode == BalancerMode::Itself) {
            self.effect(Effect::LeaveGroup { job: id });
        }
    }

    pub(super) fn target_seen(&mut self, id: JobId, healthy: bool, state: Option<String>) {
        let target = &mut self.jobs[id.0].target;
        target.was_healthy |= healthy;
        target.state = state;
    }

    /// Step 3 of a job's way out: the load balancer is told.
    pub(super) fn leave_group(&mut self, id: JobId) {
        let Some(balancer) = &self.plan.jobs[id.0].balancer else { return self.drain(id) };
        let limit = if self.lifecycle.hurried { HURRIED_LEAVE } else { LEAVE_LIMIT };
        let doing = format!("out of target group {}, waiting for AWS", balancer.target_group.name());
        self.say_step(id, &doing, limit);
        self.enter_phase(id, Phase::Leaving { until: self.now + limit });
        self.publish(Event::new(Code::LeavingTargetGroup, self.plan.jobs[id.0].name.clone()));
        self.effect(Effect::LeaveGroup { job: id });
    }

    /// The load balancer knows, or cannot be told.
    pub(super) fn left_group(&mut self, id: JobId) {
        if matches!(self.jobs[id.0].phase, Phase::Leaving { .. }) {
            self.drain(id);
        }
    }

    /// Step 4: serving on.
    fn drain(&mut self, id: JobId) {
        let plan = std::sync::Arc::clone(&self.plan);
        let Some(drain) = &plan.jobs[id.0].drain else { return self.end(id) };
        if self.lifecycle.hurried || self.jobs[id.0].run().is_none() || drain.longest().is_zero() {
            return self.end(id);
        }
        let name = &plan.jobs[id.0].name;
        let planned = self.now + drain.longest();
        let until = self.within_budget(id, planned);
        let quiet = (self.now + drain.min).min(until);
        let (least, most) = (quiet - self.now, until - self.now);
        let mut text = match drain.in_flight {
            InFlight::Unknown => format!("{name} drains: it serves on for {least:.0?}"),
            InFlight::Connections(_) | InFlight::Url(_) => {
                format!(
                    "{name} drains: it serves on for at least {least:.0?}, then until nothing is in flight, at most {most:.0?}"
                )
            }
        };
        if until < planned {
            text.push_str(&format!(" (instead of {:.0?}: the stop budget leaves no more)", drain.longest()));
        }
        self.say(Level::Info, Some(id), text);
        let count_at = (drain.in_flight != InFlight::Unknown).then_some(self.now);
        let tell_at = self.now + TELL_EVERY;
        let draining = Draining { quiet, until, in_flight: None, quiet_passed: false, count_at, tell_at };
        self.enter_phase(id, Phase::Draining(draining));
        self.publish(Event::new(Code::Draining, name.clone()));
        self.effect(Effect::Drain { job: id });
    }

    /// The load balancer sends nothing any more.
    pub(super) fn drained(&mut self, id: JobId) {
        let now = self.now;
        if let Phase::Draining(draining) = &mut self.jobs[id.0].phase
            && draining.quiet > now
        {
            draining.quiet = now;
            let text = format!("{}: the load balancer is done with the target", self.plan.jobs[id.0].name);
            self.say(Level::Info, Some(id), text);
        }
    }

    pub(super) fn counted(&mut self, id: JobId, in_flight: Option<u64>) {
        let now = self.now;
        if let Phase::Draining(draining) = &mut self.jobs[id.0].phase {
            draining.in_flight = in_flight;
            draining.count_at = Some(now + COUNT_EVERY);
        }
    }

    pub(super) fn tick_drain(&mut self, id: JobId) {
        let now = self.now;
        let Phase::Draining(draining) = &mut self.jobs[id.0].phase else { return };
        let over = now >= draining.until;
        draining.quiet_passed = now >= draining.quiet;
        let counts = self.plan.jobs[id.0].drain.as_ref().is_some_and(|drain| drain.in_flight != InFlight::Unknown);
        let idle = now >= draining.quiet && (!counts || draining.in_flight == Some(0));
        if over || idle {
            return self.end_drain(id);
        }
        let mut count = false;
        if draining.count_at.is_some_and(|at| at <= now) {
            // The answer sets the next one.
            draining.count_at = None;
            count = true;
        }
        if draining.tell_at <= now {
            draining.tell_at = now + TELL_EVERY;
            let left = draining.until - now;
            let what = match draining.in_flight {
                Some(number) => format!("{number} in flight"),
                None if now < draining.quiet => "new requests may still come".to_owned(),
                None => "what is in flight is not known".to_owned(),
            };
            let text = format!("{} drains: {what}, {left:.0?} left at most", self.plan.jobs[id.0].name);
            self.say(Level::Info, Some(id), text);
        }
        if count {
            self.effect(Effect::CountInFlight { job: id });
        }
    }

    /// The process's turn: told to stop now.
    pub(super) fn end_drain(&mut self, id: JobId) {
        let Phase::Draining(draining) = &self.jobs[id.0].phase else { return };
        let name = self.plan.jobs[id.0].name.clone();
        let what = match draining.in_flight {
            Some(0) => "nothing is in flight".to_owned(),
            Some(number) => format!("{number} still in flight"),
            None => "its time is over".to_owned(),
        };
        self.say(Level::Info, Some(id), format!("{name} has drained: {what}"));
        self.publish(Event::new(Code::Drained, name));
        self.end(id);
    }

    /// Who drains already, for a reload or because a person stopped it, has the scheduler's budget from now on.
    pub(super) fn shorten_drains(&mut self) {
        for id in self.ids() {
            let Phase::Draining(Draining { until: planned, .. }) = self.jobs[id.0].phase else { continue };
            let within = self.within_budget(id, planned);
            if within < planned
                && let Phase::Draining(draining) = &mut self.jobs[id.0].phase
            {
                (draining.until, draining.quiet) = (within, draining.quiet.min(within));
                let left = within - self.now;
                let text = format!(
                    "{} drains for {left:.0?} at most: the stop budget leaves no more",
                    self.plan.jobs[id.0].name
                );
                self.say(Level::Info, Some(id), text);
            }
        }
    }

    /// A drain ends early enough for everything that has to come after it.
    fn within_budget(&self, id: JobId, planned: Duration) -> Duration {
        self.in_time(planned, self.stop_grace(id) + self.lifecycle.tail(id))
    }

    /// As planned, unless that is too late for what `follows` until the scheduler's deadline.
    pub(super) fn in_time(&self, planned: Duration, follows: Duration) -> Duration {
        let Some(deadline) = self.lifecycle.deadline else { return planned };
        planned.min(deadline.saturating_sub(MARGIN + follows)).max(self.now)
    }
}

/// For each job of a plan: how long those take at worst that begin to stop when it is gone.
pub(super) fn tails(plan: &Plan) -> Vec<Duration> {
    fn tail(stops: &[JobStop], at: JobAt, above: &mut Vec<JobAt>) -> Duration {
        if above.contains(&at) {
            return Duration::ZERO;
        }
        above.push(at);
        let later = (0..stops.len()).map(JobAt).filter(|other| stops[other.0].after.contains(&at));
        let longest = later.map(|other| stops[other.0].own() + tail(stops, other, above)).max();
        above.pop();
        longest.unwrap_or_default()
    }
    let stops = StopPlan::of(plan).jobs;
    (0..stops.len()).map(|at| tail(&stops, JobAt(at), &mut Vec::new())).collect()
}
