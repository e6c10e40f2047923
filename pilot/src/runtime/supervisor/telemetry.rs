//! Telemetry's side of the loop: what is counted, and the listener.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Report, Supervisor};
use pilot_core::effect::{Input, RoundId, Verdict};
use pilot_core::plan::WatchTarget;
use pilot_core::state::Status;

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

    /// Counts a probe of a job's health that is over.
    pub(super) fn count_probe(&mut self, job: &str, round: RoundId, verdict: &Verdict) {
        if let Some(began) = self.rounds.remove(&round) {
            self.meters.probed(&format!("check.{job}"), verdict.pass.into(), began.elapsed());
        }
    }
}
