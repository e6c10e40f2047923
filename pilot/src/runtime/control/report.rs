//! What is told of jobs over the control socket: one model, written as JSON and read by the client for its text.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::core::engine::Engine;
use crate::core::job::{Activity, Job, Phase, Status};
use crate::core::plan::{self, Count, JobId, Plan};
use crate::core::readiness::Readiness;
use crate::core::request::Hold;

/// One job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobReport {
    /// Its name.
    pub name: String,
    /// What it does.
    pub state: State,
    /// Its process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<i32>,
    /// How long its process has been running, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running_for: Option<f64>,
    /// When it is started again, in seconds from now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restarts_in: Option<f64>,
    /// Restarts that are left to it; none: unlimited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restarts_left: Option<u64>,
    /// v3's word for its health (`/status`); none without a health check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<String>,
    /// How its last run ended, in v3's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_exit: Option<String>,
    /// The name of its service in the catalog.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
}

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It was not started yet.
    Waiting,
    /// Its process runs; or it has none, and is in place.
    Running,
    /// It is started again after a delay.
    Restarting,
    /// It has run and waits for its next event.
    Idle,
    /// It is on its way down.
    Stopping,
    /// A person has stopped it.
    Stopped,
    /// It is over.
    Ended,
}

impl State {
    fn of(job: &Job, plan: &plan::Job) -> State {
        match (job.phase(), job.activity()) {
            (Phase::Hooks { .. } | Phase::Withdrawing { .. } | Phase::Ending { .. }, _) => State::Stopping,
            (Phase::Done, _) => match job.hold() {
                Hold::Free => State::Ended,
                Hold::Stopped | Hold::Again => State::Stopped,
            },
            (Phase::Live, Activity::Running { .. }) => State::Running,
            (Phase::Live, Activity::BackingOff { .. }) => State::Restarting,
            (Phase::Live, Activity::Idle) if !job.was_started() => State::Waiting,
            (Phase::Live, Activity::Idle) if plan.exec.is_none() => State::Running,
            (Phase::Live, Activity::Idle) => State::Idle,
        }
    }
}

impl JobReport {
    /// The job at time `now` of its engine, with the process of its run.
    pub fn new(engine: &Engine, plan: &Plan, id: JobId, pid: Option<i32>, now: Duration) -> Self {
        let (job, plan) = (&engine.jobs()[id.0], &plan.jobs[id.0]);
        let (running_for, restarts_in) = match *job.activity() {
            Activity::Idle => (None, None),
            Activity::Running { since, .. } => (Some(now.saturating_sub(since)), None),
            Activity::BackingOff { until } => (None, Some(until.saturating_sub(now))),
        };
        let checked = plan.health.is_some() || job.status() == Status::Maintenance;
        JobReport {
            name: plan.name.clone(),
            state: State::of(job, plan),
            pid,
            running_for: running_for.map(|time| time.as_secs_f64()),
            restarts_in: restarts_in.map(|time| time.as_secs_f64()),
            restarts_left: match job.restarts_left() {
                Count::Finite(left) => Some(left),
                Count::Unlimited => None,
            },
            health: checked.then(|| job.status().as_str().to_owned()),
            last_exit: job.last_exit().map(|exit| exit.to_string()),
            service: plan.service.as_ref().map(|service| service.name.clone()),
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
    pub fn new(engine: &Engine, plan: &Plan, now: Duration) -> Self {
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
            JobHealth { name: plan.jobs[id.0].name.clone(), readiness: word.to_owned(), note }
        });
        HealthReport { healthy, ready, jobs: jobs.collect() }
    }
}
