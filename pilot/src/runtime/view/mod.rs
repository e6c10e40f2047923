//! The read model: what pilot supervises, at one moment. Everything that shows it is made from this: `/status`, the status
//! page, `pilot jobs`, `status`, `why`, the live graph.
//!
//! Taken by the supervisor between two steps, so it is never half of a change. It holds no command line, no environment
//! and no secret.

mod live_graph;
mod viewer;

use std::time::Duration;

use super::children::Children;
use pilot_core::effect::Switch;
use pilot_core::engine::Engine;
use pilot_core::exit::Exit;
use pilot_core::plan::{Count, JobId, WatchTarget};
use pilot_core::state::{State, Status};

pub(in crate::runtime) use live_graph::render as render_graph;
pub use viewer::{View, Viewer, Viewers};

/// Everything, in the order of the configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// pilot's version.
    pub version: &'static str,
    /// pilot's process.
    pub pid: u32,
    /// Since pilot began to supervise.
    pub uptime: Duration,
    /// Whether everything is being stopped.
    pub stopping: bool,
    /// Whether maintenance was asked for.
    pub maintenance: bool,
    /// Whether another configuration waits for old processes to end.
    pub reloading: bool,
    /// The jobs, telemetry's own one at the end.
    pub jobs: Vec<JobView>,
    /// The watches.
    pub watches: Vec<WatchView>,
}

/// One job.
#[derive(Clone, Debug, PartialEq)]
pub struct JobView {
    /// Its name.
    pub name: String,
    /// What it does.
    pub state: State,
    /// For how long: of a job that runs, since its last start.
    pub state_for: Duration,
    /// When it is started again.
    pub restarts_in: Option<Duration>,
    /// Its health: [`pilot_core::state::Job::health`].
    pub health: Status,
    /// For how long.
    pub health_for: Duration,
    /// Whether its health is checked: with neither a check nor a service it stays unknown.
    pub checked: bool,
    /// Why its last check failed, if it did.
    pub reason: Option<String>,
    /// Its process, while it runs.
    pub pid: Option<i32>,
    /// How often its process was started.
    pub runs: u64,
    /// How many of these were restarts.
    pub restarts: u64,
    /// Restarts that are left to it.
    pub restarts_left: Count,
    /// How its last run ended.
    pub last_exit: Option<Exit>,
    /// What is advertised for it.
    pub services: Vec<ServiceView>,
}

/// One service in the catalog.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceView {
    /// What others look it up by.
    pub name: String,
    /// Unique in the agent.
    pub id: String,
    /// Advertised address.
    pub address: String,
    /// Advertised port.
    pub port: u16,
}

/// One watch.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchView {
    /// Its name, without `watch.`.
    pub name: String,
    /// The service that is looked for; `None`: a probe looks at something that is not in the catalog.
    pub service: Option<String>,
    /// What the last look showed; unknown before the first answer.
    pub health: Status,
    /// For how long.
    pub health_for: Duration,
    /// Why the last look failed, if it did.
    pub reason: Option<String>,
    /// Addresses and ports of the service's passing instances.
    pub instances: Vec<(String, u16)>,
}

impl Snapshot {
    /// What there is now. `uptime` is the time on the engine's clock; `watch_trouble` says why the catalog could not be
    /// asked for the watch of this name.
    pub fn take(
        engine: &Engine,
        children: &Children,
        uptime: Duration,
        watch_trouble: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let plan = engine.plan();
        let watches = plan.watches.iter().zip(engine.watches()).map(|(settings, watch)| WatchView {
            name: settings.name.clone(),
            service: match &settings.target {
                WatchTarget::Service { service, .. } => Some(service.clone()),
                WatchTarget::Probe { .. } => None,
            },
            health: watch.status(),
            health_for: uptime.saturating_sub(watch.since()),
            reason: watch_trouble(&settings.name).or_else(|| watch.failing_reason().map(str::to_owned)),
            instances: watch.instances().to_vec(),
        });
        Snapshot {
            version: env!("CARGO_PKG_VERSION"),
            pid: std::process::id(),
            uptime,
            stopping: engine.is_stopping(),
            maintenance: engine.maintenance() == Switch::On,
            reloading: engine.is_reloading(),
            jobs: engine.job_ids().iter().filter_map(|id| JobView::of(engine, children, *id, uptime)).collect(),
            watches: watches.collect(),
        }
    }
}

impl JobView {
    /// A job at time `now` of its engine; `None`: a reload has removed it.
    pub fn of(engine: &Engine, children: &Children, id: JobId, now: Duration) -> Option<Self> {
        let running = engine.run_of(id).and_then(|run| children.process_of(run));
        // What pilot could not end is there, whatever becomes of the job.
        let process = running.or_else(|| children.left_behind(&engine.job(id)?.name, engine));
        JobView::with_process(engine, id, process.map(nix::unistd::Pid::as_raw), now)
    }

    fn with_process(engine: &Engine, id: JobId, pid: Option<i32>, now: Duration) -> Option<Self> {
        let (job, settings) = (engine.state(id)?, engine.job(id)?);
        // A restart within one step of the engine is a new run in the same state.
        let since = match job.run().filter(|_| job.state() == State::Running) {
            Some(run) => job.state_since().max(run.since),
            None => job.state_since(),
        };
        let restarts_in = job.restarts_at().map(|at| at.saturating_sub(now));
        let services = settings.services.iter().map(|service| ServiceView {
            name: service.name.clone(),
            id: service.id.clone(),
            address: service.address.to_string(),
            port: service.port,
        });
        Some(JobView {
            name: settings.name.clone(),
            state: job.state(),
            state_for: now.saturating_sub(since),
            restarts_in,
            health: job.health(),
            health_for: now.saturating_sub(job.status_since()),
            checked: settings.health.is_some(),
            reason: job.failing_reason().map(str::to_owned),
            pid,
            runs: job.runs(),
            restarts: job.restarts(),
            restarts_left: job.restarts_left(),
            last_exit: job.last_exit(),
            services: services.collect(),
        })
    }
}
