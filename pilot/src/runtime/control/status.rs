//! Everything on one screen, as JSON: the read model's form on the control socket, read by the client for its text.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::report::JobReport;
use crate::runtime::net::host_port;
use crate::runtime::view::Snapshot;
use pilot_core::engine::Engine;
use pilot_core::plan::JobId;
use pilot_core::timers::Timer;

/// Timers that are shown, at most.
const MAX_NEXT: usize = 5;

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
    /// The job it belongs to.
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
    /// Why the last look failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// Addresses and ports of the passing instances of the service.
    pub instances: Vec<String>,
}

/// What time brings to a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NextReport {
    /// The job.
    pub job: String,
    /// When, in seconds from now.
    pub due_in: f64,
    /// What, for people; begins with the job's name.
    pub text: String,
}

impl StatusReport {
    /// What a snapshot of the engine says.
    pub fn new(engine: &Engine, snapshot: &Snapshot) -> Self {
        let services = snapshot.jobs.iter().flat_map(|job| {
            job.services.iter().map(|service| ServiceReport {
                name: service.name.clone(),
                job: job.name.clone(),
                address: host_port(&service.address, service.port),
                health: job.health.as_str().to_owned(),
            })
        });
        let watches = snapshot.watches.iter().map(|watch| WatchReport {
            name: watch.name.clone(),
            service: watch.service.clone(),
            health: watch.health.as_str().to_owned(),
            health_for: watch.health_for.as_secs_f64(),
            reason: watch.reason.clone(),
            instances: watch.instances.iter().map(|(address, port)| host_port(address, *port)).collect(),
        });
        let next = engine.timers().into_iter().filter_map(|due| NextReport::new(engine, due, snapshot.uptime));
        StatusReport {
            version: snapshot.version.to_owned(),
            pid: snapshot.pid,
            up_for: snapshot.uptime.as_secs_f64(),
            stopping: snapshot.stopping,
            maintenance: snapshot.maintenance,
            reloading: snapshot.reloading,
            jobs: snapshot.jobs.iter().map(JobReport::from).collect(),
            services: services.collect(),
            watches: watches.collect(),
            next: next.take(MAX_NEXT).collect(),
        }
    }
}

impl NextReport {
    /// None: a reload has removed the job.
    pub(super) fn new(engine: &Engine, (at, id, due): (Duration, JobId, Timer), now: Duration) -> Option<Self> {
        let job = engine.job(id)?.name.clone();
        let what = match due {
            Timer::Restart => "is restarted",
            Timer::Kill => "is killed if it is still running (`timeout`)",
            Timer::TimerExpired => "gives up waiting to start (`when.timeout`)",
            Timer::Tick => "runs (`when.interval`)",
            Timer::Schedule => "runs (`when.cron`)",
            Timer::Check => "is checked",
            Timer::HooksOver => "stops, whether or not its hooks have ended",
            Timer::WithdrawOver => "stops, whether or not Consul has answered",
            Timer::LeaveOver => "stops, whether or not the load balancer has answered",
            Timer::Drain => "is checked for requests in flight",
            Timer::Sigkill => "gets SIGKILL",
            Timer::GiveUp => "is given up: not even SIGKILL has ended it",
        };
        let text = format!("{job} {what}");
        Some(NextReport { job, due_in: at.saturating_sub(now).as_secs_f64(), text })
    }
}
