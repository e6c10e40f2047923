//! What is remembered of ends and checks for a post-mortem, and asked of it.

use std::time::Duration;

use super::Supervisor;
use crate::runtime::control::{Answer, Refusal};
use crate::runtime::postmortem::End;
use pilot_core::exit::Exit;

impl Supervisor {
    /// Remembers how a run has ended. `reason` is why it could not be started, if so.
    pub(super) fn remember_end(
        &mut self,
        job: String,
        exit: Exit,
        lasted: Duration,
        reason: Option<String>,
        stopping: bool,
    ) {
        self.remains.ended(End { job, at: self.began.elapsed(), lasted, exit, reason, stopping });
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
