//! Maintenance: rules 7 and 8 of v3's (spec 6.4), and how a job that begins meanwhile finds itself in it.

use crate::effect::{Announcement, Effect, Switch};
use crate::engine::Engine;
use crate::plan::JobId;
use crate::state::{Activity, Phase, Status};

impl Engine {
    /// Rule 7. What stands for pilot itself stays: who takes the jobs out of service still wants to look at them.
    pub(crate) fn enter_maintenance(&mut self, id: JobId) {
        let Some(job) = self.jobs.get_mut(id) else { return };
        if job.turn(Status::Maintenance) == Status::AlwaysHealthy {
            return;
        }
        self.cancel_probe(id);
        if self.is_in_catalog(id) {
            self.effect(Effect::Withdraw { job: id });
        }
        self.maintain_group(id);
    }

    /// Rule 8.
    pub(crate) fn exit_maintenance(&mut self, id: JobId) {
        let Some(job) = self.jobs.get_mut(id).filter(|job| job.status == Status::Maintenance) else { return };
        job.status = match job.phase {
            Phase::Live(Activity::Waiting) | Phase::Retired(Activity::Waiting) => Status::Idle,
            Phase::Live(_) | Phase::Retired(_) | Phase::StopPending { .. } | Phase::Stopping(_) | Phase::Done(_) => {
                Status::Unknown
            }
        };
        self.announce_initial_status(id);
        self.enter_unchecked(id);
    }

    /// A job begins while others live: what the catalog is to know of it, or that it is in maintenance as they are.
    pub(crate) fn announce_beginning(&mut self, id: JobId) {
        match (self.maintenance, self.jobs.get_mut(id)) {
            (Switch::On, Some(job)) => drop(job.turn(Status::Maintenance)),
            (Switch::On, None) => {}
            (Switch::Off, _) => self.announce_initial_status(id),
        }
    }

    pub(crate) fn announce_initial_status(&mut self, id: JobId) {
        let Some(job) = self.job(id) else { return };
        if job.registered_services().any(|(_, service)| service.initial_status.is_some()) {
            self.announce(id, Announcement::Initial);
        }
    }
}
