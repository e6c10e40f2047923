//! Telemetry's side of the loop: what is counted, and the listener.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::{Report, Supervisor};
use pilot_core::effect::Input;
use pilot_core::exit::Exit;
use pilot_core::job::{Activity, Status};
use pilot_core::plan::WatchTarget;

/// pilot's exit code when it cannot serve what it was started to serve; v3's.
const CANNOT_SERVE: u8 = 1;

/// What becomes of pilot when telemetry cannot be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Otherwise {
    /// At the start it stops, as in v3: somebody relies on it.
    Stop,
    /// A reload must not end what runs.
    GoOn,
}

impl Supervisor {
    /// Counts, records and listens as the plan in force says: at the start, and again after a reload, when user metrics
    /// that are others begin at zero and a listener that is where it should be stays. Comes back at once; what fails is reported.
    pub(super) fn serve_telemetry(&mut self, otherwise: Otherwise) {
        let plan = Arc::clone(self.engine.plan());
        let settings = plan.telemetry.as_ref();
        self.telemetry.define(settings);
        self.meters.keep_watches(plan.watches.iter().map(|watch| watch.name.as_str()));
        let Some(settings) = settings else {
            self.listening = None;
            return;
        };
        let output = self.output.clone();
        self.meters.begin(move || output.lost());
        // Watches that a reload has left alone report only when something changes.
        for (watch, state) in plan.watches.iter().zip(self.engine.watches()) {
            match (&watch.target, state.status()) {
                (WatchTarget::Probe { .. }, _) | (WatchTarget::Service { .. }, Status::Unknown) => {}
                (WatchTarget::Service { .. }, _) => self.meters.instances(&watch.name, state.instances().len()),
            }
        }
        if self.listening.as_ref().is_none_or(|listening| !listening.is_as_planned(settings)) {
            let reporter = self.reporter.clone();
            self.listening = Some(self.telemetry.listen(settings, move |why| {
                let _ = reporter.send(Report::CannotServe(why, otherwise));
            }));
        }
    }

    /// What was to be served cannot be.
    pub(super) fn cannot_serve(&mut self, why: &str, otherwise: Otherwise, inputs: &mut VecDeque<Input>) {
        match otherwise {
            Otherwise::GoOn => tracing::error!("{why}; pilot goes on without it until the next reload"),
            Otherwise::Stop => {
                tracing::error!("{why}; pilot stops everything");
                // A second request to stop would be one to hurry.
                if !self.engine.is_stopping() {
                    self.failure = Some(CANNOT_SERVE);
                    inputs.push_back(Input::Stop);
                }
            }
        }
    }

    /// Counts what has happened, before the engine hears of it.
    pub(super) fn count(&mut self, input: &Input) {
        if !self.meters.is_on() {
            return;
        }
        let Supervisor { engine, meters, .. } = self;
        match input {
            Input::Exited { job, run, exit, .. } => {
                if let (Some(settings), Some(state)) = (engine.job(*job), engine.state(*job))
                    && let Activity::Running { run: current, since, .. } = state.activity()
                    && current == run
                {
                    let lasted = self.began.elapsed().saturating_sub(*since);
                    meters.job_ended(&settings.name, *exit, lasted);
                }
            }
            Input::StartFailed { job, code, .. } => {
                if let Some(settings) = engine.job(*job) {
                    meters.job_ended(&settings.name, Exit::Code(*code), Duration::ZERO);
                }
            }
            Input::Probed { job, round, verdict } => {
                if let (Some(settings), Some(began)) = (engine.job(*job), self.rounds.remove(round)) {
                    meters.probed(&format!("check.{}", settings.name), verdict.pass.into(), began.elapsed());
                }
            }
            Input::Instances { watch, instances } => {
                if let Some(settings) = engine.watch(*watch) {
                    meters.instances(&settings.name, instances.len());
                }
            }
            Input::Startup
            | Input::Stop
            | Input::Reload(_)
            | Input::Signal(_)
            | Input::Maintenance(_)
            | Input::Job { .. }
            | Input::Notified { .. }
            | Input::Tick
            | Input::Clock { .. }
            | Input::GroupGone { .. }
            | Input::WatchProbed { .. }
            | Input::Target { .. }
            | Input::LeftGroup { .. }
            | Input::GroupDrained { .. }
            | Input::InFlight { .. }
            | Input::Withdrawn { .. } => {}
        }
    }
}
