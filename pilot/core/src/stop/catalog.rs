//! Step 2: out of the catalog, before the process is told anything.

use crate::effect::Effect;
use crate::engine::Engine;
use crate::event::{Code, Event};
use crate::limits::WITHDRAW_LIMIT;
use crate::plan::{JobId, ServiceId};
use crate::state::StopStep;

impl Engine {
    pub(super) fn withdraw(&mut self, id: JobId) {
        self.cancel_probe(id);
        let Some(job) = self.job(id) else { return };
        if !self.plan.registers(job) {
            return self.leave_group(id);
        }
        let (name, left) = (job.name.clone(), job.registered_services().map(|(service, _)| service).collect());
        self.say_step(id, "out of Consul, waiting for the agent", WITHDRAW_LIMIT);
        self.enter_step(id, StopStep::Catalog { until: self.after(WITHDRAW_LIMIT), left });
        self.publish(Event::new(Code::LeavingConsul, name));
        self.effect(Effect::Withdraw { job: id });
    }

    /// One service is out; the job goes on when all of them are.
    pub(crate) fn withdrawn(&mut self, id: JobId, service: ServiceId) {
        let Some(StopStep::Catalog { left, .. }) = self.step_mut(id) else { return };
        left.retain(|other| *other != service);
        if left.is_empty() {
            self.leave_group(id);
        }
    }
}
