//! Each effect, carried out: at once, or by a task that reports back.

use std::collections::VecDeque;

use nix::sys::signal::Signal;

use super::Supervisor;
use crate::runtime::postmortem::End;
use crate::runtime::process::reap::Delivery;
use pilot_core::effect::{Effect, Input, RunId, StopSignal};
use pilot_core::event::Event;
use pilot_core::plan::{JobId, Level, SignalNumber};

/// What a shell exits with when a program was found and cannot be run.
const NOT_RUNNABLE: u8 = 126;

impl Supervisor {
    pub(super) fn perform(&mut self, effect: Effect, inputs: &mut VecDeque<Input>) {
        match effect {
            Effect::Start { job, run, cause } => self.start(job, run, cause.as_ref(), inputs),
            Effect::Signal { job, run, signal } => {
                let (signal, word) = match signal {
                    StopSignal::Terminate => (self.stop_signal(job), "term"),
                    StopSignal::Kill => (Signal::SIGKILL, "kill"),
                };
                if let Some(settings) = self.engine.job(job) {
                    tracing::debug!("{}.{word}", settings.name);
                }
                self.signal_run(job, run, signal);
                if word == "term" {
                    // What was stopped (SIGSTOP, Ctrl-Z) cannot act on its signal before it goes on.
                    self.children.signal_run(run, Signal::SIGCONT);
                }
            }
            Effect::Probe { job, round } => self.probe(job, round, inputs),
            Effect::CancelProbe { round, .. } => self.cancel_probe(round),
            Effect::Announce { job, announcement } => self.announce(job, &announcement),
            Effect::Withdraw { job } => self.withdraw(job),
            Effect::PlanActivated => self.plan_activated(),
            Effect::EnterGroup { job } => self.enter_group(job),
            Effect::LeaveGroup { job } => self.leave_group(job, inputs),
            Effect::Drain { job } => self.drain(job),
            Effect::CountInFlight { job } => self.count_in_flight(job),
            Effect::Published(event) => {
                self.observers.meters.event(&event);
                tracing::debug!("event: {event}");
            }
            Effect::RunEnded { name, exit, lasted, unstarted, stopping, .. } => {
                let at = self.clock.now();
                self.observers.run_ended(End { job: name, at, lasted, exit, reason: unstarted, stopping });
            }
            Effect::ProbeEnded { name, round, verdict, .. } => {
                let (now, began) = (self.clock.now(), self.probes.ended(round));
                self.observers.probe_ended(&name, &verdict, began, now);
            }
            Effect::StepOver { job, step, took } => {
                if let Some(settings) = self.engine.job(job) {
                    self.observers.meters.step_over(&settings.name, step, took);
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

    fn start(&mut self, job: JobId, run: RunId, cause: Option<&Event>, inputs: &mut VecDeque<Input>) {
        let Supervisor { engine, children, environment, notices, output, observers, .. } = self;
        let Some(settings) = engine.job(job) else { return };
        tracing::debug!("{}.Run start", settings.name);
        observers.meters.job_started(&settings.name);
        if settings.start.is_restart(cause) {
            observers.meters.job_restarted(&settings.name);
        }
        let failed = match children.left_behind(&settings.name, engine) {
            // Two of one job is what nobody has asked for.
            Some(pid) => {
                let why = "pilot could not end it";
                let reason =
                    format!("an earlier process of it is still there (process {pid}): {why}; {}", Delivery::REMEDY);
                Some((NOT_RUNNABLE, reason))
            }
            None => children
                .start_run(settings, (job, run), cause, environment, notices, output)
                .err()
                .map(|error| (error.exit_code(), error.to_string())),
        };
        if let Some((code, reason)) = failed {
            inputs.push_back(Input::StartFailed { job, run, code, reason });
        }
        // Not before the first job. Whether it worked is looked at before the loop waits.
        let _ = self.output.begin();
    }

    /// Signals a run's group. That pilot may not is said: the engine will wait for its end in vain.
    pub(super) fn signal_run(&mut self, job: JobId, run: RunId, signal: Signal) -> Delivery {
        let delivery = self.children.signal_run(run, signal);
        if delivery == Delivery::NotPermitted {
            let name = self.engine.job(job).map(|settings| settings.name.as_str()).unwrap_or_default();
            tracing::error!("{name} cannot be sent {signal}: {}", Delivery::REMEDY);
        }
        delivery
    }

    /// What asks this job's processes to end.
    fn stop_signal(&self, job: JobId) -> Signal {
        let asked = self.engine.job(job).map(|settings| settings.process.stop_signal);
        asked.and_then(|SignalNumber(number)| Signal::try_from(number).ok()).unwrap_or(Signal::SIGTERM)
    }
}
