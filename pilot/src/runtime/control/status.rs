//! Everything on one screen: one model, written as JSON and read by the client for its text.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::report::JobReport;
use crate::runtime::reached_at::reached_at;
use crate::runtime::snapshot::Snapshot;
use pilot_core::due::Due;
use pilot_core::effect::Switch;
use pilot_core::engine::Engine;
use pilot_core::plan::JobId;

/// How many of the things that time brings next are told.
const NEXT: usize = 5;

/// pilot and all it supervises.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusReport {
    /// pilot's version.
    pub version: String,
    /// pilot's process.
    pub pid: u32,
    /// For how long pilot has supervised, in seconds.
    pub up_for: f64,
    /// Whether everything is being stopped.
    pub stopping: bool,
    /// Whether maintenance was asked for.
    pub maintenance: bool,
    /// Whether another configuration waits for old processes to end.
    pub reloading: bool,
    /// In the order of the configuration.
    pub jobs: Vec<JobReport>,
    /// What is advertised.
    pub services: Vec<ServiceReport>,
    /// In the order of the configuration.
    pub watches: Vec<WatchReport>,
    /// What time brings next, the earliest first.
    pub next: Vec<NextReport>,
}

/// One service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceReport {
    /// What others look it up by.
    pub name: String,
    /// Whose it is.
    pub job: String,
    /// Advertised address and port.
    pub address: String,
    /// v3's word for the health of its job.
    pub health: String,
}

/// One watch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WatchReport {
    /// Its name, without `watch.`.
    pub name: String,
    /// The service that is looked for; none: a probe looks at something that is not in the catalog.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// What the last look showed.
    pub health: String,
    /// For how long, in seconds.
    pub health_for: f64,
    /// Addresses and ports of the passing instances of the service.
    pub instances: Vec<String>,
}

/// What time brings to a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NextReport {
    /// The job.
    pub job: String,
    /// In so many seconds.
    pub due_in: f64,
    /// What, for people; begins with the job's name.
    pub text: String,
}

impl StatusReport {
    /// What there is at time `now` of the engine.
    pub fn new(engine: &Engine, snapshot: Snapshot, jobs: Vec<JobReport>, now: Duration) -> Self {
        let services = snapshot.jobs.iter().flat_map(|job| {
            job.services.iter().map(|service| ServiceReport {
                name: service.name.clone(),
                job: job.name.clone(),
                address: reached_at(&service.address, service.port),
                health: job.status.as_str().to_owned(),
            })
        });
        let watches = snapshot.watches.iter().map(|watch| WatchReport {
            name: watch.name.clone(),
            service: watch.service.clone(),
            health: watch.status.as_str().to_owned(),
            health_for: watch.status_for.as_secs_f64(),
            instances: watch.instances.iter().map(|(address, port)| reached_at(address, *port)).collect(),
        });
        StatusReport {
            version: snapshot.version.to_owned(),
            pid: snapshot.pid,
            up_for: snapshot.uptime.as_secs_f64(),
            stopping: snapshot.stopping,
            maintenance: engine.maintenance() == Switch::On,
            reloading: engine.is_reloading(),
            services: services.collect(),
            watches: watches.collect(),
            jobs,
            next: engine.due().into_iter().filter_map(|due| NextReport::new(engine, due, now)).take(NEXT).collect(),
        }
    }
}

impl NextReport {
    /// None: a reload has removed the job.
    pub(super) fn new(engine: &Engine, (at, id, due): (Duration, JobId, Due), now: Duration) -> Option<Self> {
        let job = engine.job(id)?.name.clone();
        let what = match due {
            Due::Restart => "is started again",
            Due::Kill => "is killed, if it still runs: its time is over",
            Due::TimerExpired => "gives up waiting to start (`when.timeout`)",
            Due::Tick => "runs, as at each interval",
            Due::Schedule => "runs, as its schedule says",
            Due::Check => "has its health looked at",
            Due::HooksOver => "stops, whether its hooks have ended or not",
            Due::WithdrawOver => "stops, whether the catalog has answered or not",
            Due::LeaveOver => "stops, whether the load balancer has answered or not",
            Due::Drain => "is asked whether it has drained",
            Due::Sigkill => "gets SIGKILL",
            Due::GiveUp => "is given up: not even SIGKILL has ended it",
        };
        let text = format!("{job} {what}");
        Some(NextReport { job, due_in: at.saturating_sub(now).as_secs_f64(), text })
    }
}
