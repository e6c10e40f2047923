//! What is told of jobs over the control socket: one model, written as JSON and read by the client for its text.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use pilot_core::engine::Engine;
use pilot_core::job::Activity;
use pilot_core::plan::{Count, JobId};
use pilot_core::readiness::Readiness;

/// One job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobReport {
    /// Its name.
    pub name: String,
    /// What it does: a word of [`pilot_core::job::State`].
    pub state: String,
    /// For how long, in seconds.
    pub state_for: f64,
    /// When it is started again, in seconds from now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restarts_in: Option<f64>,
    /// Its process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<i32>,
    /// How often its process was started.
    pub runs: u64,
    /// How many of these were restarts.
    pub restarts: u64,
    /// Restarts that are left to it; none: unlimited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restarts_left: Option<u64>,
    /// v3's word for its health (`/status`); none without a health check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<String>,
    /// For how long its health has been so, in seconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub health_for: Option<f64>,
    /// How its last run ended, in v3's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_exit: Option<String>,
    /// The names of its services in the catalog.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub services: Vec<String>,
}

impl JobReport {
    /// The job at time `now` of its engine, with the process of its run. None: a reload has removed it.
    pub fn new(engine: &Engine, id: JobId, pid: Option<i32>, now: Duration) -> Option<Self> {
        let (job, plan) = (engine.state(id)?, engine.job(id)?);
        // A restart within one step is a new run in the same state.
        let (since, restarts_in) = match *job.activity() {
            Activity::Idle => (job.state_since(), None),
            Activity::Running { since, .. } => (job.state_since().max(since), None),
            Activity::BackingOff { until } => (job.state_since(), Some(until.saturating_sub(now).as_secs_f64())),
        };
        Some(JobReport {
            name: plan.name.clone(),
            state: job.state().as_str().to_owned(),
            state_for: now.saturating_sub(since).as_secs_f64(),
            restarts_in,
            pid,
            runs: job.runs(),
            restarts: job.restarts(),
            restarts_left: match job.restarts_left() {
                Count::Finite(left) => Some(left),
                Count::Unlimited => None,
            },
            health: plan.health.as_ref().map(|_| job.status().as_str().to_owned()),
            health_for: plan.health.as_ref().map(|_| now.saturating_sub(job.status_since()).as_secs_f64()),
            last_exit: job.last_exit().map(|exit| exit.to_string()),
            services: plan.services.iter().map(|service| service.name.clone()).collect(),
        })
    }
}

/// Whether the jobs with a health check are well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthReport {
    /// None of them fails.
    pub healthy: bool,
    /// Each of them is ready, and pilot is not stopping.
    pub ready: bool,
    /// All that are judged.
    pub jobs: Vec<JobHealth>,
}

/// Whether one job is well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobHealth {
    /// Its name.
    pub name: String,
    /// `ready`, `starting`, `resting` or `failing`.
    pub readiness: String,
    /// The end of a sentence that begins with its name; empty when it is ready.
    pub note: String,
}

impl HealthReport {
    /// The report at time `now` of the engine.
    pub fn new(engine: &Engine, now: Duration) -> Self {
        let judged = engine.readiness(now);
        let healthy = judged.iter().all(|(_, readiness)| !matches!(readiness, Readiness::Failing(_)));
        let all_ready = judged.iter().all(|(_, readiness)| *readiness == Readiness::Ready);
        let ready = all_ready && !engine.is_stopping();
        let jobs = judged.into_iter().map(|(id, readiness)| {
            let (word, note) = match readiness {
                Readiness::Ready => ("ready", String::new()),
                Readiness::Starting(note) => ("starting", note),
                Readiness::Resting(note) => ("resting", note),
                Readiness::Failing(note) => ("failing", note),
            };
            let name = engine.job(id).map(|job| job.name.clone()).unwrap_or_default();
            JobHealth { name, readiness: word.to_owned(), note }
        });
        HealthReport { healthy, ready, jobs: jobs.collect() }
    }
}
