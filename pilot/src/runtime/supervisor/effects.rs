//! Each effect, carried out: at once, or by a task that reports back.

use std::collections::VecDeque;

use nix::sys::signal::Signal;

use super::Supervisor;
use pilot_core::effect::{Announcement, Effect, Input, StopSignal};
use pilot_core::plan::{JobId, Level, SignalNumber};

impl Supervisor {
    pub(super) fn perform(&mut self, effect: Effect, inputs: &mut VecDeque<Input>) {
        match effect {
            Effect::Start { job, run, cause } => {
                let Supervisor { engine, children, environment, notices, output, meters, .. } = self;
                let Some(settings) = engine.job(job) else { return };
                tracing::debug!("{}.Run start", settings.name);
                meters.job_started(&settings.name);
                if settings.start.is_restart(cause.as_ref()) {
                    meters.job_restarted(&settings.name);
                }
                let started = children.start_run(settings, (job, run), cause.as_ref(), environment, notices, output);
                if let Err(error) = started {
                    let (code, reason) = (error.exit_code(), error.to_string());
                    inputs.push_back(Input::StartFailed { job, run, code, reason });
                }
                // Not before the first job. Whether it worked is looked at before the loop waits.
                let _ = self.output.begin();
            }
            Effect::Signal { job, run, signal } => {
                let (signal, word) = match signal {
                    StopSignal::Terminate => (self.stop_signal(job), "term"),
                    StopSignal::Kill => (Signal::SIGKILL, "kill"),
                };
                if let Some(settings) = self.engine.job(job) {
                    tracing::debug!("{}.{word}", settings.name);
                }
                self.children.signal_run(run, signal);
            }
            Effect::Probe { job, round } => self.probe(job, round, inputs),
            Effect::CancelProbe { round, .. } => {
                self.rounds.remove(&round);
                if let Some(task) = self.probes.remove(&round) {
                    task.abort();
                }
                self.children.forget_probe(round);
            }
            Effect::Announce { job, announcement } => {
                let (Some(registrar), Some(settings)) = (&mut self.registrar, self.engine.job(job)) else { return };
                for (_, service) in settings.registered_services() {
                    if announcement != Announcement::Initial || service.initial_status.is_some() {
                        registrar.announce(service, announcement.clone());
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
            Effect::EnterGroup { job } => self.enter_group(job),
            Effect::LeaveGroup { job } => self.leave_group(job, inputs),
            Effect::Drain { job } => self.drain(job),
            Effect::CountInFlight { job } => self.count_in_flight(job),
            Effect::Published(event) => {
                self.meters.event(&event);
                tracing::debug!("event: {event}");
            }
            Effect::RunEnded { name, exit, lasted, unstarted, stopping, .. } => {
                self.meters.job_ended(&name, exit, lasted);
                self.remember_end(name, exit, lasted, unstarted, stopping);
            }
            Effect::ProbeEnded { name, round, verdict, .. } => {
                self.count_probe(&name, round, &verdict);
                self.remains.probed(&name, &verdict, self.began.elapsed());
            }
            Effect::StepOver { job, step, took } => {
                if let Some(settings) = self.engine.job(job) {
                    self.meters.step_over(&settings.name, step, took);
                }
            }
            Effect::Say { level, text, .. } => match level {
                Level::Panic | Level::Fatal | Level::Error => tracing::error!("{text}"),
                Level::Warn => tracing::warn!("{text}"),
                Level::Info => tracing::info!("{text}"),
                Level::Debug => tracing::debug!("{text}"),
            },
            Effect::Exit(_) => {}
        }
    }

    /// What asks this job's processes to end.
    fn stop_signal(&self, job: JobId) -> Signal {
        let asked = self.engine.job(job).map(|settings| settings.process.stop_signal);
        asked.and_then(|SignalNumber(number)| Signal::try_from(number).ok()).unwrap_or(Signal::SIGTERM)
    }
}
