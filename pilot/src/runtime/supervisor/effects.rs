//! Each effect, carried out: at once, or by a task that reports back.

use std::collections::VecDeque;

use nix::sys::signal::Signal;

use super::Supervisor;
use crate::core::effect::{Announcement, Effect, Input, StopSignal};
use crate::core::plan::Level;
use crate::runtime::catalog::Desired;

impl Supervisor {
    pub(super) fn perform(&mut self, effect: Effect, inputs: &mut VecDeque<Input>) {
        match effect {
            Effect::Start { job, run, cause } => {
                let Supervisor { engine, children, environment, output, .. } = self;
                let Some(settings) = engine.job(job) else { return };
                tracing::debug!("{}.Run start", settings.name);
                if let Err(error) = children.start_run(settings, (job, run), cause.as_ref(), environment, output) {
                    let (code, reason) = (error.exit_code(), error.to_string());
                    inputs.push_back(Input::StartFailed { job, run, code, reason });
                }
                // Not before the first job. Whether it worked is looked at before the loop waits.
                let _ = self.output.begin();
            }
            Effect::Signal { job, run, signal } => {
                let (signal, word) = match signal {
                    StopSignal::Terminate => (Signal::SIGTERM, "term"),
                    StopSignal::Kill => (Signal::SIGKILL, "kill"),
                };
                if let Some(settings) = self.engine.job(job) {
                    tracing::debug!("{}.{word}", settings.name);
                }
                self.children.signal_run(run, signal);
            }
            Effect::Probe { job, round } => self.probe(job, round, inputs),
            Effect::CancelProbe { round, .. } => match self.probes.remove(&round) {
                Some(task) => {
                    task.abort();
                    self.children.forget_probe(round);
                }
                None => self.children.forget_probe(round),
            },
            Effect::Announce { job, announcement } => {
                let desired = match announcement {
                    Announcement::Initial => Desired::Initial,
                    Announcement::Passing { output } => Desired::Passing { output },
                    Announcement::Failing { output } => Desired::Failing { output },
                };
                let (Some(registrar), Some(settings)) = (&mut self.registrar, self.engine.job(job)) else { return };
                for (_, service) in settings.registered_services() {
                    if desired != Desired::Initial || service.initial_status.is_some() {
                        registrar.announce(service, desired.clone());
                    }
                }
            }
            Effect::Withdraw { job } => {
                let (Some(registrar), Some(settings)) = (&mut self.registrar, self.engine.job(job)) else { return };
                for (_, service) in settings.registered_services() {
                    registrar.withdraw(service);
                }
            }
            Effect::InForce => self.in_force(),
            Effect::Published(event) => tracing::debug!("event: {event}"),
            Effect::Say { level, text, .. } => match level {
                Level::Panic | Level::Fatal | Level::Error => tracing::error!("{text}"),
                Level::Warn => tracing::warn!("{text}"),
                Level::Info => tracing::info!("{text}"),
                Level::Debug => tracing::debug!("{text}"),
            },
            Effect::Exit(_) => {}
        }
    }
}
