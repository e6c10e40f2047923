//! Telemetry's side of the loop: what is counted, and the listener.

use std::time::Duration;

use super::{Report, Supervisor};
use crate::core::effect::Input;
use crate::core::exit::Exit;
use crate::core::job::Activity;
use crate::core::plan::JobId;

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
        match input {
            Input::Exited { job, run, exit, .. } => {
                if let Activity::Running { run: current, since, .. } = self.engine.jobs()[job.0].activity()
                    && current == run
                {
                    let lasted = self.began.elapsed().saturating_sub(*since);
                    self.meters.job_ended(self.name(*job), *exit, lasted);
                }
            }
            Input::StartFailed { job, code, .. } => {
                self.meters.job_ended(self.name(*job), Exit::Code(*code), Duration::ZERO);
            }
            Input::Probed { job, round, verdict } => {
                if let Some(began) = self.rounds.remove(round) {
                    let source = format!("check.{}", self.name(*job));
                    self.meters.probed(&source, verdict.pass.into(), began.elapsed());
                }
            }
            Input::Instances { watch, instances } => {
                self.meters.instances(&self.plan.watches[watch.0].name, instances.len());
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

    fn name(&self, job: JobId) -> &str {
        &self.plan.jobs[job.0].name
    }
}
