//! Jobs as JSON: the read model's form on the control socket, read by the client for its text.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::runtime::view::JobView;
use pilot_core::engine::Engine;
use pilot_core::plan::Count;
use pilot_core::readiness::Readiness;

/// One job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobReport {
    /// Its name.
    pub name: String,
    /// What it does: a word of [`pilot_core::state::State`].
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
    /// Why its last check failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// How its last run ended, in v3's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_exit: Option<String>,
    /// The names of its services in the catalog.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub services: Vec<String>,
}

impl From<&JobView> for JobReport {
    fn from(job: &JobView) -> Self {
        JobReport {
            name: job.name.clone(),
            state: job.state.as_str().to_owned(),
            state_for: job.state_for.as_secs_f64(),
            restarts_in: job.restarts_in.map(|left| left.as_secs_f64()),
            pid: job.pid,
            runs: job.runs,
            restarts: job.restarts,
            restarts_left: match job.restarts_left {
                Count::Finite(left) => Some(left),
                Count::Unlimited => None,
            },
            health: job.checked.then(|| job.health.as_str().to_owned()),
            health_for: job.checked.then_some(job.health_for.as_secs_f64()),
            reason: job.reason.clone(),
            last_exit: job.last_exit.map(|exit| exit.to_string()),
            services: job.services.iter().map(|service| service.name.clone()).collect(),
        }
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
