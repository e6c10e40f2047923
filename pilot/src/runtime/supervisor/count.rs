//! Telemetry's side of the loop: what is counted, and the listener.

use std::time::Duration;

use super::{Report, Supervisor};
use crate::core::effect::Input;
use crate::core::exit::Exit;
use crate::core::job::Activity;

impl Supervisor {
    /// Begins to count and to listen if the plan says so. Comes back at once; what fails is reported.
    pub(super) fn serve_telemetry(&mut self) {
        let Some(settings) = &self.plan.telemetry else { return };
        let output = self.output.clone();
        self.meters.begin(move || output.lost());
        self.telemetry.define(Some(settings));
        let reporter = self.reporter.clone();
        self.listening = Some(self.telemetry.listen(settings, move |why| {
            let _ = reporter.send(Report::CannotServe(why));
        }));
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
            | Input::Signal(_)
            | Input::Maintenance(_)
            | Input::Tick
            | Input::GroupGone { .. }
            | Input::WatchProbed { .. }
            | Input::Withdrawn { .. } => {}
        }
    }
}
