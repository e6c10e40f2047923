//! The load balancer's part of the effects: in and out of target groups, the beginning of a drain, counts of requests.

use nix::sys::signal::Signal;

use super::{Report, Supervisor};
use crate::runtime::in_flight;
use pilot_core::effect::Input;
use pilot_core::plan::{JobId, SignalNumber};

impl Supervisor {
    /// Tells the job's process, if it wants to know, that the end is near.
    pub(super) fn drain(&mut self, job: JobId) {
        let wanted = self.engine.job(job).and_then(|settings| settings.drain.as_ref()?.signal);
        let signal = wanted.and_then(|SignalNumber(number)| Signal::try_from(number).ok());
        if let (Some(signal), Some(run)) = (signal, self.engine.run_of(job)) {
            self.children.signal_run(run, signal);
        }
    }

    pub(super) fn count_in_flight(&self, job: JobId) {
        let Some(drain) = self.engine.job(job).and_then(|settings| settings.drain.as_ref()) else { return };
        let (source, http, reporter) = (drain.in_flight.clone(), self.prober.plain_http(), self.reporter.clone());
        tokio::spawn(async move {
            let count = match http {
                Some(http) => in_flight::count(&source, &http).await,
                None => Err("no HTTP client can be built".to_owned()),
            };
            let count = count.map_err(|reason| tracing::debug!("requests in flight: {reason}")).ok();
            let _ = reporter.send(Report::Input(Input::InFlight { job, count }));
        });
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

    /// The task of a job's target; begun when it is first needed.
    #[cfg(feature = "aws")]
    fn balancer(&mut self, job: JobId) -> Option<&crate::runtime::balancer::Balancer> {
        use crate::runtime::balancer::{Balancer, News};
        if !self.balancers.contains_key(&job) {
            let settings = self.engine.job(job)?.balancer.clone()?;
            let reporter = self.reporter.clone();
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
            let balancer = Balancer::new(settings, self.prober.plain_http()?, report);
            self.balancers.insert(job, balancer);
        }
        self.balancers.get(&job)
    }

    /// Their tasks have told the load balancer; nobody listens to them any more.
    #[cfg(feature = "aws")]
    pub(super) fn leave_groups_of_the_gone(&mut self) {
        let engine = &self.engine;
        self.balancers.retain(|job, _| engine.job(*job).is_some());
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
