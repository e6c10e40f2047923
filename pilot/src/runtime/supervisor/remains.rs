//! What is remembered of ends and checks for a post-mortem, and asked of it.

use std::time::Duration;

use super::Supervisor;
use crate::runtime::control::{Answer, Refusal};
use crate::runtime::postmortem::End;
use pilot_core::effect::Input;
use pilot_core::exit::Exit;
use pilot_core::job::{Activity, Phase};
use pilot_core::plan::JobId;

impl Supervisor {
    /// Remembers what tells of an end, before the engine hears of it.
    pub(super) fn keep_remains(&mut self, input: &Input) {
        let now = self.began.elapsed();
        match input {
            Input::Exited { job, run, exit, .. } if self.engine.run_of(*job) == Some(*run) => {
                self.keep_end(*job, *exit, None, now);
            }
            Input::StartFailed { job, code, reason, .. } => {
                self.keep_end(*job, Exit::Code(*code), Some(reason.clone()), now);
            }
            Input::Probed { job, verdict, .. } => {
                if let Some(settings) = self.engine.job(*job) {
                    self.remains.probed(&settings.name, verdict, now);
                }
            }
            _ => {}
        }
    }

    fn keep_end(&mut self, job: JobId, exit: Exit, reason: Option<String>, now: Duration) {
        let (Some(settings), Some(state)) = (self.engine.job(job), self.engine.state(job)) else { return };
        let lasted = match state.activity() {
            Activity::Running { since, .. } => now.saturating_sub(*since),
            Activity::Idle | Activity::BackingOff { .. } => Duration::ZERO,
        };
        let stopping = *state.phase() != Phase::Live;
        self.remains.ended(End { job: settings.name.clone(), at: now, lasted, exit, reason, stopping });
    }

    pub(super) fn postmortem(&self, job: Option<&str>) -> Result<Answer, Refusal> {
        if let Some(name) = job.filter(|name| !self.remains.knows(name)) {
            self.job_named(name)?;
        }
        Ok(Answer::Postmortem(Box::new(self.remains.report(job, &self.output, self.began.elapsed()))))
    }

    /// Has it written into the log, as one line behind all others, how everything has ended.
    pub(super) fn leave_last_words(&mut self, code: u8) {
        let remains = std::mem::take(&mut self.remains);
        let (output, now) = (self.output.clone(), self.began.elapsed());
        self.output.last_words(move || {
            let mut report = remains.last_report(&output, now);
            report.exit_code = Some(code);
            (format!("pilot exits with {code}"), "postmortem", serde_json::to_string(&report).unwrap_or_default())
        });
    }
}
