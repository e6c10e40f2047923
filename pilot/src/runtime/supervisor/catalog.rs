//! The catalog's part: what pilot says of its services, and what becomes of a withdrawal.

use tokio::sync::mpsc;

use super::Supervisor;
use crate::runtime::catalog::{Client, Registrar, Withdrawn};
use crate::runtime::telemetry::Meters;
use pilot_core::effect::{Announcement, Input};
use pilot_core::plan::{JobId, Plan};

/// The connection to the catalog, if there is one.
pub(super) struct Catalog {
    client: Option<Client>,
    registrar: Option<Registrar>,
    withdrawals: mpsc::UnboundedSender<Withdrawn>,
    /// Withdrawals that are over.
    pub(super) withdrawn: mpsc::UnboundedReceiver<Withdrawn>,
    meters: Meters,
}

impl Catalog {
    /// As the plan says; nothing is asked of it yet.
    pub(super) fn new(plan: &Plan, meters: Meters) -> Self {
        let (withdrawals, withdrawn) = mpsc::unbounded_channel();
        let client = plan.consul.clone().map(|consul| Client::new(consul).counted(meters.clone()));
        let registrar = client.clone().map(|client| Registrar::new(client, withdrawals.clone()));
        Catalog { client, registrar, withdrawals, withdrawn, meters }
    }

    pub(super) fn client(&self) -> Option<&Client> {
        self.client.as_ref()
    }

    /// Deregisters everything, as far as there is time for it, without reporting to the engine.
    pub(super) fn leave(&mut self) {
        if let Some(registrar) = self.registrar.take() {
            registrar.leave();
        }
    }

    fn change(&mut self, plan: &Plan) {
        self.client = plan.consul.clone().map(|consul| Client::new(consul).counted(self.meters.clone()));
        self.registrar = match (self.registrar.take(), self.client.clone()) {
            (Some(mut registrar), Some(client)) => {
                registrar.turn_to(client);
                Some(registrar)
            }
            (None, Some(client)) => Some(Registrar::new(client, self.withdrawals.clone())),
            (Some(registrar), None) => {
                registrar.leave();
                None
            }
            (None, None) => None,
        };
    }

    fn keep_services_of(&mut self, plan: &Plan) {
        if let Some(registrar) = &mut self.registrar {
            let services = || plan.jobs.iter().flat_map(|job| job.registered_services());
            registrar.retain(|id| services().any(|(_, service)| service.id == id));
        }
    }
}

impl Supervisor {
    pub(super) fn announce(&mut self, job: JobId, announcement: &Announcement) {
        let (Some(registrar), Some(settings)) = (&mut self.catalog.registrar, self.engine.job(job)) else { return };
        for (_, service) in settings.registered_services() {
            if *announcement != Announcement::Initial || service.initial_status.is_some() {
                registrar.announce(service, announcement.clone());
            }
        }
    }

    pub(super) fn withdraw(&mut self, job: JobId) {
        let (Some(registrar), Some(settings)) = (&mut self.catalog.registrar, self.engine.job(job)) else { return };
        for (_, service) in settings.registered_services() {
            registrar.withdraw(service);
        }
    }

    /// A withdrawal is over; none if a reload has removed its service.
    pub(super) fn withdrawn(&self, Withdrawn { id, result }: &Withdrawn) -> Option<Input> {
        if let Err(error) = result {
            tracing::debug!("{id} could not be confirmed to be out of the catalog: {error}");
        }
        self.engine.job_ids().iter().find_map(|job| {
            let mut services = self.engine.job(*job)?.registered_services();
            let (service, _) = services.find(|(_, service)| service.id == *id)?;
            Some(Input::Withdrawn { job: *job, service })
        })
    }

    /// Brings it in line with the active plan, which has followed this one.
    pub(super) fn change_catalog(&mut self, before: &Plan) {
        if before.consul != self.plan.consul {
            self.catalog.change(&self.plan);
            self.forget_catalog_watches();
        }
        self.catalog.keep_services_of(&self.plan);
    }
}
