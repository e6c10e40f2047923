//! The load balancer's part of the effects: in and out of target groups, the beginning of a drain, counts of requests.

use nix::sys::signal::Signal;

use super::{Report, Supervisor};
use crate::runtime::in_flight;
use crate::runtime::task;
use pilot_core::effect::Input;
use pilot_core::plan::{JobId, SignalNumber};

/// The task of each job's target, started when it is first needed.
#[cfg(feature = "aws")]
#[derive(Default)]
pub(super) struct TargetGroups {
    balancers: std::collections::HashMap<JobId, crate::runtime::balancer::Balancer>,
}

impl Supervisor {
    /// Tells the job's process, if it wants to know, that the end is near.
    pub(super) fn drain(&mut self, job: JobId) {
        let wanted = self.engine.job(job).and_then(|settings| settings.drain.as_ref()?.signal);
        let signal = wanted.and_then(|SignalNumber(number)| Signal::try_from(number).ok());
        if let (Some(signal), Some(run)) = (signal, self.engine.run_of(job)) {
            self.signal_run(job, run, signal);
        }
    }

    pub(super) fn count_in_flight(&self, job: JobId) {
        let Some(settings) = self.engine.job(job) else { return };
        let Some(drain) = &settings.drain else { return };
        let (source, http) = (drain.in_flight.clone(), self.probes.prober().plain_http());
        let (reporter, lost) = (self.reporter.clone(), self.reporter.clone());
        let count = async move {
            let count = match http {
                Some(http) => in_flight::count(&source, &http).await,
                None => Err("no HTTP client can be built".to_owned()),
            };
            let count = count.map_err(|reason| tracing::debug!("requests in flight: {reason}")).ok();
            let _ = reporter.send(Report::Input(Input::InFlight { job, count }));
        };
        let name = format!("counting the requests in flight of {}", settings.name);
        task::spawn_or(name, count, move |_| {
            let _ = lost.send(Report::Input(Input::InFlight { job, count: None }));
        })
        .detach();
    }

    #[cfg(feature = "aws")]
    pub(super) fn enter_group(&mut self, job: JobId) {
        if let Some(balancer) = self.balancer(job) {
            balancer.enter();
        }
    }

    #[cfg(feature = "aws")]
    pub(super) fn leave_group(&mut self, job: JobId, inputs: &mut std::collections::VecDeque<Input>) {
        match self.balancer(job) {
            Some(balancer) => balancer.leave(),
            None => inputs.push_back(Input::LeftGroup { job }),
        }
    }

    #[cfg(feature = "aws")]
    fn balancer(&mut self, job: JobId) -> Option<&crate::runtime::balancer::Balancer> {
        use crate::runtime::balancer::{Balancer, News};
        use std::collections::hash_map::Entry;

        let Supervisor { engine, probes, reporter, target_groups, .. } = self;
        let vacant = match target_groups.balancers.entry(job) {
            Entry::Occupied(balancer) => return Some(balancer.into_mut()),
            Entry::Vacant(vacant) => vacant,
        };
        let settings = engine.job(job)?.balancer.clone()?;
        let reporter = reporter.clone();
        let report = move |news: News| {
            let input = match news {
                News::Healthy => Input::Target { job, healthy: true, state: Some("healthy".to_owned()) },
                News::NotHealthy(state) => Input::Target { job, healthy: false, state: Some(state) },
                News::Unknown => Input::Target { job, healthy: false, state: None },
                News::Left(_) => Input::LeftGroup { job },
                News::Drained => Input::GroupDrained { job },
            };
            let _ = reporter.send(Report::Input(input));
        };
        Some(vacant.insert(Balancer::new(settings, probes.prober().plain_http()?, report)))
    }

    /// Their tasks have told the load balancer; nobody listens to them any more.
    #[cfg(feature = "aws")]
    pub(super) fn leave_groups_of_the_gone(&mut self) {
        let engine = &self.engine;
        self.target_groups.balancers.retain(|job, _| engine.job(*job).is_some());
    }

    #[cfg(not(feature = "aws"))]
    pub(super) fn leave_groups_of_the_gone(&mut self) {}

    /// Built without AWS: the configuration says so, and nothing is waited for.
    #[cfg(not(feature = "aws"))]
    pub(super) fn enter_group(&mut self, _: JobId) {}

    #[cfg(not(feature = "aws"))]
    pub(super) fn leave_group(&mut self, job: JobId, inputs: &mut std::collections::VecDeque<Input>) {
        inputs.push_back(Input::LeftGroup { job });
    }
}
