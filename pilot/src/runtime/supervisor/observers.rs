//! Who looks on: the metrics, the post-mortem recorder and those who follow the history. Nothing here changes what happens.
//!
//! What they need to know of runs and probes the engine tells as effects.

use std::time::Duration;

use tokio::sync::watch;

use super::Supervisor;
use crate::runtime::control::{Answer, Refusal};
use crate::runtime::postmortem::{End, Recorder};
use crate::runtime::telemetry::Meters;
use pilot_core::effect::{Input, Verdict};
use pilot_core::engine::Engine;
use pilot_core::plan::Plan;

/// What they keep.
pub(super) struct Observers {
    pub(super) meters: Meters,
    /// What is kept of ends and checks for a post-mortem.
    postmortem: Recorder,
    /// The newest entry of the history, for those who follow it.
    news: watch::Sender<u64>,
}

impl Observers {
    pub(super) fn new(meters: Meters) -> Self {
        Observers { meters, postmortem: Recorder::default(), news: watch::Sender::new(0) }
    }

    /// The first job has been started: what need not hold it up is begun.
    pub(super) fn begin(&mut self) {
        self.postmortem.begin();
    }

    /// For one who wants to know when something has been added to the history.
    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// The engine has made a step.
    pub(super) fn stepped(&self, engine: &Engine) {
        let newest = engine.history().last().0;
        self.news.send_if_modified(|known| std::mem::replace(known, newest) != newest);
    }

    /// Forgets jobs that are not in this plan.
    pub(super) fn keep_jobs_of(&mut self, plan: &Plan) {
        self.postmortem.retain(|name| plan.jobs.iter().any(|job| job.name == name));
    }

    /// A run has ended, or could not be started.
    pub(super) fn run_ended(&mut self, end: End) {
        self.meters.job_ended(&end.job, end.exit, end.lasted);
        self.postmortem.ended(end);
    }

    /// A probe of a job's health is over that began at this time of the engine.
    pub(super) fn probe_ended(&mut self, job: &str, verdict: &Verdict, began: Option<Duration>, now: Duration) {
        if let Some(began) = began {
            self.meters.probed(&format!("check.{job}"), verdict.pass.into(), now.saturating_sub(began));
        }
        self.postmortem.probed(job, verdict, now);
    }
}

impl Supervisor {
    /// What a watch has seen is for the environment of later children, and counted.
    pub(super) fn note_instances(&mut self, input: &Input) {
        let Input::Instances { watch, instances } = input else { return };
        if let Some(settings) = self.engine.watch(*watch) {
            self.environment.watch_saw(&settings.name, instances);
            self.observers.meters.instances(&settings.name, instances.len());
        }
    }

    pub(super) fn postmortem(&self, job: Option<&str>) -> Result<Answer, Refusal> {
        let postmortem = &self.observers.postmortem;
        if let Some(name) = job.filter(|name| !postmortem.knows(name)) {
            self.job_named(name)?;
        }
        Ok(Answer::Postmortem(Box::new(postmortem.report(job, &self.output, self.clock.now()))))
    }

    /// Has it written into the log, as one line behind all others, how everything has ended.
    pub(super) fn leave_last_words(&mut self, code: u8) {
        let postmortem = std::mem::take(&mut self.observers.postmortem);
        let (output, now) = (self.output.clone(), self.clock.now());
        self.output.last_words(move || {
            let mut report = postmortem.last_report(&output, now);
            report.exit_code = Some(code);
            (format!("pilot exits with {code}"), "postmortem", serde_json::to_string(&report).unwrap_or_default())
        });
    }
}
