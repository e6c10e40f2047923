//! Whether the jobs do what they are there for, for those who watch the container: `pilot health`, later a load balancer.

use std::time::Duration;

use super::engine::Engine;
use super::exit::Exit;
use super::job::{Activity, Job, Phase, Status};
use super::plan::{self, BalancerMode, HealthCheck, JobId, Start};
use super::request::Hold;

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
    /// The readiness of each job that has a health check and whose end is not its purpose, at time `now`.
    pub fn readiness(&self, now: Duration) -> Vec<(JobId, Readiness)> {
        let judge = |id: JobId| {
            let plan = &self.plan.jobs[id.0];
            let readiness = self.judged(id, plan, plan.health.as_ref()?, now)?;
            Some((id, readiness))
        };
        self.ids().filter_map(judge).collect()
    }

    fn judged(&self, id: JobId, plan: &plan::Job, health: &HealthCheck, now: Duration) -> Option<Readiness> {
        let job = &self.jobs[id.0];
        let resting = |why: &str| Some(Readiness::Resting(why.to_owned()));
        match job.phase {
            Phase::Hooks { .. }
            | Phase::Withdrawing { .. }
            | Phase::Leaving { .. }
            | Phase::Draining(_)
            | Phase::Ending { .. } => return resting("is stopping"),
            Phase::Done if job.hold != Hold::Free => return resting("was stopped by a person"),
            Phase::Done => return self.judged_by_its_end(id, job),
            Phase::Live => {}
        }
        if job.status == Status::Maintenance {
            return resting("is in maintenance");
        }
        if !job.started {
            return match plan.start {
                Start::Once { .. } => Some(Readiness::Starting("has not started yet".to_owned())),
                Start::Each { .. } | Start::Interval(_) | Start::Cron(_) | Start::Never { .. } => None,
            };
        }
        Some(match (job.status, &job.activity) {
            (_, Activity::BackingOff { .. }) => {
                let ends = job.streak.ends();
                Readiness::Failing(format!("is waiting to be restarted: it has ended {ends} times in a row"))
            }
            (Status::Healthy | Status::AlwaysHealthy, _) => self.judged_by_the_load_balancer(plan, job),
            (Status::Unhealthy, _) => Readiness::Failing(with_reason("is unhealthy".to_owned(), job)),
            (Status::Idle | Status::Unknown | Status::Maintenance, _) if health.probe.is_none() => Readiness::Ready,
            (Status::Idle | Status::Unknown | Status::Maintenance, Activity::Running { since, .. }) => {
                match now.saturating_sub(*since) {
                    age if age < time_to_be_known(health) => {
                        let note = format!("has been running for {}s and is not healthy yet", age.as_secs());
                        Readiness::Starting(with_reason(note, job))
                    }
                    age => {
                        let note = format!("has been running for {}s without becoming healthy", age.as_secs());
                        Readiness::Failing(with_reason(note, job))
                    }
                }
            }
            (Status::Idle | Status::Unknown | Status::Maintenance, Activity::Idle) => match plan.start {
                Start::Once { .. } => Readiness::Starting("is between two runs".to_owned()),
                Start::Each { .. } | Start::Interval(_) | Start::Cron(_) | Start::Never { .. } => return None,
            },
        })
    }

    /// Where pilot registers the target, the job is not ready until the load balancer has called it healthy once: this is
    /// how a deployment waits for that. An API that cannot be asked is no verdict.
    fn judged_by_the_load_balancer(&self, plan: &plan::Job, job: &Job) -> Readiness {
        let ours = plan.balancer.as_ref().is_some_and(|balancer| balancer.mode == BalancerMode::Itself);
        match &job.target.state {
            Some(state) if ours && !job.target.was_healthy => {
                Readiness::Starting(format!("is healthy, and {state} in its target group"))
            }
            Some(_) | None => Readiness::Ready,
        }
    }

    /// What ended well has done its work. What ended otherwise, or gave up waiting, is missing.
    fn judged_by_its_end(&self, id: JobId, job: &Job) -> Option<Readiness> {
        match job.last_exit {
            Some(exit) if self.succeeded(id, exit) => None,
            Some(Exit::Code(_) | Exit::Signal(_)) => {
                let exit = job.last_exit.map(|exit| exit.to_string()).unwrap_or_default();
                Some(Readiness::Failing(format!("has ended ({exit}) and is not restarted")))
            }
            None => Some(Readiness::Failing("gave up waiting to be started".to_owned())),
        }
    }
}

/// Why its last check failed, if it did.
fn with_reason(note: String, job: &Job) -> String {
    match job.failing_reason() {
        Some(reason) => format!("{note}: {reason}"),
        None => note,
    }
}

/// By then a job that runs has either passed or failed its check: the grace, so many checks as decide, and the last one's
/// own time.
fn time_to_be_known(health: &HealthCheck) -> Duration {
    let checks = health.success_threshold.max(health.failure_threshold).max(1);
    let last = health.timeout.unwrap_or(health.interval);
    health.start_grace.saturating_add(health.interval.saturating_mul(checks)).saturating_add(last)
}
