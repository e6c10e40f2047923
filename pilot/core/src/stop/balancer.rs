//! Step 3: out of the target group. And how a job comes into it.

use crate::effect::Effect;
use crate::engine::Engine;
use crate::event::{Code, Event};
use crate::limits::{HURRIED_LEAVE, LEAVE_LIMIT};
use crate::plan::{BalancerMode, JobId};
use crate::state::StopStep;

impl Engine {
    /// The job serves: its target belongs into the group.
    pub(crate) fn enter_group(&mut self, id: JobId) {
        if self.job(id).is_some_and(|job| job.balancer.is_some()) {
            self.effect(Effect::EnterGroup { job: id });
        }
    }

    /// Without a probe a job that runs counts as well.
    pub(crate) fn enter_unchecked(&mut self, id: JobId) {
        let Some(job) = self.jobs.get(id) else { return };
        let probed = job.settings.health.as_ref().is_some_and(|health| health.probe.is_some());
        if !probed && job.run().is_some() {
            self.enter_group(id);
        }
    }

    /// Maintenance takes a target out only where pilot has put it in: ECS would replace a task whose target is gone.
    pub(crate) fn maintain_group(&mut self, id: JobId) {
        let balancer = self.job(id).and_then(|job| job.balancer.as_ref());
        if balancer.is_some_and(|balancer| balancer.mode == BalancerMode::Itself) {
            self.effect(Effect::LeaveGroup { job: id });
        }
    }

    pub(crate) fn target_seen(&mut self, id: JobId, healthy: bool, state: Option<String>) {
        let Some(job) = self.jobs.get_mut(id) else { return };
        job.target.was_healthy |= healthy;
        job.target.state = state;
    }

    /// The load balancer is told.
    pub(super) fn leave_group(&mut self, id: JobId) {
        let Some(job) = self.job(id) else { return };
        let Some(balancer) = &job.balancer else { return self.drain(id) };
        let limit = if self.lifecycle.hurried { HURRIED_LEAVE } else { LEAVE_LIMIT };
        let doing = format!("out of target group {}, waiting for AWS", balancer.target_group.name());
        let name = job.name.clone();
        self.say_step(id, &doing, limit);
        self.enter_step(id, StopStep::Balancer { until: self.after(limit) });
        self.publish(Event::new(Code::LeavingTargetGroup, name));
        self.effect(Effect::LeaveGroup { job: id });
    }

    /// Others still have to be told, within a moment.
    pub(super) fn hurry_departure(&mut self, id: JobId) {
        let limit = self.after(HURRIED_LEAVE);
        if let Some(StopStep::Balancer { until }) = self.step_mut(id) {
            *until = limit.min(*until);
        }
    }

    /// The load balancer knows, or cannot be told.
    pub(crate) fn left_group(&mut self, id: JobId) {
        if matches!(self.step_mut(id), Some(StopStep::Balancer { .. })) {
            self.drain(id);
        }
    }
}
