//! Telemetry's part: the listener, and those who look through it.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Report, Supervisor};
use crate::runtime::telemetry::{Listening, Meters, Telemetry};
use crate::runtime::view::{Viewer, Viewers};
use pilot_core::effect::Input;
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

/// What is shown of pilot over HTTP, while the plan wants it.
pub(super) struct Exporter {
    pub(super) telemetry: Telemetry,
    listening: Option<Listening>,
    /// Who waits for a view.
    pub(super) viewers: Viewers,
}

impl Exporter {
    /// Nothing is shown yet.
    pub(super) fn new(meters: Meters) -> Self {
        let (viewer, viewers) = Viewer::new();
        Exporter { telemetry: Telemetry::new(meters, viewer), listening: None, viewers }
    }
}

impl Supervisor {
    /// Counts, records and listens as the plan in force says: at the start, and again after a reload, when user metrics
    /// that are others begin at zero and a listener that is where it should be stays. Comes back at once; what fails is reported.
    pub(super) fn serve_telemetry(&mut self, otherwise: Otherwise) {
        let plan = Arc::clone(self.engine.plan());
        let settings = plan.telemetry.as_ref();
        self.exporter.telemetry.define(settings);
        self.observers.meters.keep_watches(plan.watches.iter().map(|watch| watch.name.as_str()));
        let Some(settings) = settings else {
            self.exporter.listening = None;
            return;
        };
        let output = self.output.clone();
        self.observers.meters.begin(move || output.lost());
        // Watches that a reload has left alone report only when something changes.
        for (watch, state) in plan.watches.iter().zip(self.engine.watches()) {
            match (&watch.target, state.status()) {
                (WatchTarget::Probe { .. }, _) | (WatchTarget::Service { .. }, Status::Unknown) => {}
                (WatchTarget::Service { .. }, _) => {
                    self.observers.meters.instances(&watch.name, state.instances().len())
                }
            }
        }
        if self.exporter.listening.as_ref().is_none_or(|listening| !listening.is_as_planned(settings)) {
            let reporter = self.reporter.clone();
            self.exporter.listening = Some(self.exporter.telemetry.listen(settings, move |why| {
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
}
