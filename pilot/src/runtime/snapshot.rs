//! What pilot supervises, at one moment: the model behind `/status`, the status page and whatever else shows it.
//!
//! Taken by the supervisor between two steps, so it is never half of a change. It holds no command line, no environment
//! and no secret.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::children::Children;
use pilot_core::engine::Engine;
use pilot_core::exit::Exit;
use pilot_core::history::{Entry, EntryId};
use pilot_core::job::{Activity, State, Status};
use pilot_core::plan::{Plan, WatchTarget};

/// Requests for a snapshot that may wait at one time; more are refused.
const WAITING: usize = 16;
/// Things that have happened in one view, at most.
const TOLD: usize = 50;

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
    /// For how long.
    pub state_for: Duration,
    /// When it is started again.
    pub restarts_in: Option<Duration>,
    /// Its health.
    pub status: Status,
    /// For how long.
    pub status_for: Duration,
    /// Whether its health is looked at: with neither a check nor a service it stays unknown.
    pub checked: bool,
    /// Its process, while it runs.
    pub pid: Option<i32>,
    /// How often its process was started.
    pub runs: u64,
    /// How many of these were restarts.
    pub restarts: u64,
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
    pub status: Status,
    /// For how long.
    pub status_for: Duration,
    /// Addresses and ports of the service's passing instances.
    pub instances: Vec<(String, u16)>,
}

impl Snapshot {
    /// What there is now. `uptime` is the time on the engine's clock.
    pub fn take(engine: &Engine, children: &Children, uptime: Duration) -> Self {
        let plan = engine.plan();
        let jobs = plan.jobs.iter().zip(engine.jobs()).map(|(settings, job)| JobView {
            name: settings.name.clone(),
            state: job.state(),
            state_for: uptime.saturating_sub(job.state_since()),
            restarts_in: match *job.activity() {
                Activity::BackingOff { until } => Some(until.saturating_sub(uptime)),
                Activity::Idle | Activity::Running { .. } => None,
            },
            status: job.status(),
            status_for: uptime.saturating_sub(job.status_since()),
            checked: settings.health.is_some(),
            pid: job.run().and_then(|run| children.process_of(run)).map(nix::unistd::Pid::as_raw),
            runs: job.runs(),
            restarts: job.restarts(),
            last_exit: job.last_exit(),
            services: settings
                .services
                .iter()
                .map(|service| ServiceView {
                    name: service.name.clone(),
                    id: service.id.clone(),
                    address: service.address.to_string(),
                    port: service.port,
                })
                .collect(),
        });
        let watches = plan.watches.iter().zip(engine.watches()).map(|(settings, watch)| WatchView {
            name: settings.name.clone(),
            service: match &settings.target {
                WatchTarget::Service { service, .. } => Some(service.clone()),
                WatchTarget::Probe { .. } => None,
            },
            status: watch.status(),
            status_for: uptime.saturating_sub(watch.since()),
            instances: watch.instances().to_vec(),
        });
        Snapshot {
            version: env!("CARGO_PKG_VERSION"),
            pid: std::process::id(),
            uptime,
            stopping: engine.is_stopping(),
            jobs: jobs.collect(),
            watches: watches.collect(),
        }
    }
}

/// What a viewer is given. Nothing in it is copied or written out before somebody looks.
#[derive(Clone, Debug)]
pub struct View {
    /// What there is.
    pub snapshot: Snapshot,
    /// The plan in force, for the picture of it: the commands and environments in it are to be shown nowhere.
    pub plan: Arc<Plan>,
    /// What has happened last, oldest first.
    pub events: Vec<Arc<Entry>>,
}

impl View {
    /// What there is now, and how it came. `uptime` is the time on the engine's clock.
    pub fn take(engine: &Engine, children: &Children, uptime: Duration) -> Self {
        let all = engine.history().after(EntryId(0));
        let older = engine.history().count().saturating_sub(TOLD);
        View {
            snapshot: Snapshot::take(engine, children, uptime),
            plan: Arc::clone(engine.plan()),
            events: all.skip(older).cloned().collect(),
        }
    }
}

/// Asks the supervisor for views, from any task.
#[derive(Clone, Debug)]
pub struct Viewer(mpsc::Sender<oneshot::Sender<View>>);

/// The supervisor's end: whoever is in it waits for a view.
pub type Viewers = mpsc::Receiver<oneshot::Sender<View>>;

impl Viewer {
    /// A viewer and the supervisor's end of it.
    pub fn new() -> (Self, Viewers) {
        let (sender, viewers) = mpsc::channel(WAITING);
        (Viewer(sender), viewers)
    }

    /// What there is now; `None` if too many ask at once, or if pilot has ended.
    pub async fn look(&self) -> Option<View> {
        let (sender, view) = oneshot::channel();
        self.0.try_send(sender).ok()?;
        view.await.ok()
    }
}
