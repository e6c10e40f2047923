//! Maintenance: rules 7 and 8 of v3's (spec 6.4), and how a job that begins meanwhile finds itself in it.

use super::effect::{Announcement, Effect, Switch};
use super::engine::Engine;
use super::job::Status;
use super::plan::JobId;

impl Engine {
    /// Rule 7. What stands for pilot itself stays: who takes the jobs out of service still wants to look at them.
    pub(super) fn enter_maintenance(&mut self, id: JobId) {
        if self.jobs[id.0].turn(Status::Maintenance) == Status::AlwaysHealthy {
            return;
        }
        self.cancel_probe(id);
        if self.is_in_catalog(id) {
            self.effect(Effect::Withdraw { job: id });
        }
        self.maintain_group(id);
    }

    /// Rule 8.
    pub(super) fn exit_maintenance(&mut self, id: JobId) {
        let job = &mut self.jobs[id.0];
        if job.status == Status::Maintenance {
            job.status = if job.started { Status::Unknown } else { Status::Idle };
            self.announce_initial_status(id);
            self.enter_unchecked(id);
        }
    }

    /// A job begins while others live: what the catalog is to know of it, or that it is in maintenance as they are.
    pub(super) fn announce_beginning(&mut self, id: JobId) {
        match self.maintenance {
            Switch::On => drop(self.jobs[id.0].turn(Status::Maintenance)),
            Switch::Off => self.announce_initial_status(id),
        }
    }

    pub(super) fn announce_initial_status(&mut self, id: JobId) {
        let has_one = self.plan.jobs[id.0].registered_services().any(|(_, service)| service.initial_status.is_some());
        if has_one {
            self.announce(id, Announcement::Initial);
        }
    }
}
