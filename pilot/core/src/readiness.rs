//! Whether the jobs do what they are there for, for those who watch the container: `pilot health`, later a load balancer.

use std::time::Duration;

use crate::engine::Engine;
use crate::exit::Exit;
use crate::plan::{self, BalancerMode, HealthCheck, JobId, Start};
use crate::state::{Activity, Job, Phase, Status};

/// The state of one job with a health check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Healthy; without a probe: running.
    Ready,
    /// Not known to be well, and not late.
    Starting(String),
    /// Out of service on purpose: maintenance, or on its way down, or stopped by a person.
    Resting(String),
    /// Not well.
    Failing(String),
}

impl Engine {
    /// The readiness of each job that has a health check and whose end is not its purpose, and of each that can no longer
    /// start, at time `now`.
    pub fn readiness(&self, now: Duration) -> Vec<(JobId, Readiness)> {
        let judge = |id: JobId| {
            let job = self.state(id)?;
            if let Some(reason) = &job.dead_end {
                return Some((id, Readiness::Failing(reason.clone())));
            }
            Some((id, self.judged(job, job.settings.health.as_ref()?, now)?))
        };
        self.ids().filter_map(judge).collect()
    }

    fn judged(&self, job: &Job, health: &HealthCheck, now: Duration) -> Option<Readiness> {
        let resting = |why: &str| Some(Readiness::Resting(why.to_owned()));
        let (activity, run) = match &job.phase {
            Phase::Stopping(_) => return resting("is stopping"),
            Phase::Done(_) if job.phase.is_held() => return resting("was stopped by a person"),
            Phase::Done(_) => return judged_by_its_end(job),
            Phase::Live(activity) | Phase::Retired(activity) => (Some(activity), job.run()),
            Phase::StopPending { run, .. } => (None, run.as_ref()),
        };
        if job.status == Status::Maintenance {
            return resting("is in maintenance");
        }
        let is_once = matches!(job.settings.start, Start::Once { .. });
        if activity == Some(&Activity::Waiting) {
            return is_once.then(|| Readiness::Starting("has not started yet".to_owned()));
        }
        if job.restarts_at().is_some() {
            let ends = job.streak.ends();
            return Some(Readiness::Failing(format!("is waiting to be restarted: it has ended {ends} times in a row")));
        }
        match (job.status, run) {
            (Status::Healthy | Status::AlwaysHealthy, _) => Some(judged_by_the_load_balancer(&job.settings, job)),
            (Status::Unhealthy, _) => Some(Readiness::Failing(with_reason("is unhealthy".to_owned(), job))),
            (Status::Idle | Status::Unknown | Status::Maintenance, _) if health.probe.is_none() => {
                Some(Readiness::Ready)
            }
            (Status::Idle | Status::Unknown | Status::Maintenance, Some(run)) => {
                let age = now.saturating_sub(run.since);
                let seconds = age.as_secs();
                Some(if age < time_to_be_known(health) {
                    let note = format!("has been running for {seconds}s and is not healthy yet");
                    Readiness::Starting(with_reason(note, job))
                } else {
                    let note = format!("has been running for {seconds}s without becoming healthy");
                    Readiness::Failing(with_reason(note, job))
                })
            }
            (Status::Idle | Status::Unknown | Status::Maintenance, None) => {
                is_once.then(|| Readiness::Starting("is between two runs".to_owned()))
            }
        }
    }
}

/// Where pilot registers the target, the job is not ready until the load balancer has called it healthy once: this is
/// how a deployment waits for that. An API that cannot be asked is no verdict.
fn judged_by_the_load_balancer(plan: &plan::Job, job: &Job) -> Readiness {
    let ours = plan.balancer.as_ref().is_some_and(|balancer| balancer.mode == BalancerMode::Itself);
    match &job.target.state {
        Some(state) if ours && !job.target.was_healthy => {
            Readiness::Starting(format!("is healthy, and {state} in its target group"))
        }
        Some(_) | None => Readiness::Ready,
    }
}

/// What ended well has done its work. What ended otherwise, or gave up waiting, is missing.
fn judged_by_its_end(job: &Job) -> Option<Readiness> {
    match job.last_exit {
        Some(exit) if job.settings.is_success(exit) => None,
        Some(exit @ (Exit::Code(_) | Exit::Signal(_))) => {
            Some(Readiness::Failing(format!("has ended ({exit}) and is not restarted")))
        }
        None => Some(Readiness::Failing("gave up waiting to be started".to_owned())),
    }
}

/// Why its last check failed, if it did.
fn with_reason(note: String, job: &Job) -> String {
    match job.failing_reason() {
        Some(reason) => format!("{note}: {reason}"),
        None => note,
    }
}

/// By then a job that runs has either passed or failed its check: the grace, as many checks as decide, and the last one's
/// own time.
fn time_to_be_known(health: &HealthCheck) -> Duration {
    let checks = health.success_threshold.max(health.failure_threshold).max(1);
    let last = health.timeout.unwrap_or(health.interval);
    health.start_grace.saturating_add(health.interval.saturating_mul(checks)).saturating_add(last)
}
