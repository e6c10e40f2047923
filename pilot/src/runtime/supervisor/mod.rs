//! The loop: takes what happens to the engine, performs what the engine wants, until it wants to exit.
//!
//! One thread, nothing in it waits: processes are started and signalled at once, everything slower is a task that
//! reports back through a channel.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;

use super::catalog::{Client, Registrar, Withdrawn};
use super::children::Children;
use super::control::{Control, Request, WAITING};
use super::environment::Environment;
use super::notify::Notices;
use super::output::Output;
use super::postmortem::Recorder;
use super::probe::Prober;
use super::process::guard::Guarded;
use super::process::leftovers;
use super::process::signals::{Arrived, Signals};
use super::telemetry::{Listening, Meters, Telemetry};
use super::view::{Snapshot, View, Viewer, Viewers};
use pilot_core::effect::{Effect, Input, RoundId, UserSignal};
use pilot_core::engine::Engine;
use pilot_core::plan::{Plan, WatchId};

mod balancing;
mod effects;
mod eyes;
mod reload;
mod remains;
mod requests;
mod telemetry;

use telemetry::Otherwise;

pub use reload::{Configuration, Loader};

use eyes::Follower;
use reload::{Loaded, Reloads};

/// How often the remains of process groups are looked at while there are any; the kernel tells nobody of their end.
const LINGERING: Duration = Duration::from_millis(20);

/// When the system had no thread to give for the output, it is asked again after so long; lines wait meanwhile.
const WITHOUT_OUTPUT: Duration = Duration::from_millis(200);

/// What tasks report.
#[derive(Debug)]
enum Report {
    Input(Input),
    ProbeDeadline(RoundId, Duration),
    /// Telemetry cannot be served, and why.
    CannotServe(String, Otherwise),
    /// Why the catalog cannot be asked for this watch; `None`: it can.
    WatchTrouble(String, Option<String>),
    Loaded(Box<Result<Loaded, String>>),
}

/// One pilot at work.
pub struct Supervisor {
    plan: Arc<Plan>,
    engine: Engine,
    began: Instant,
    signals: Signals,
    output: Output,
    children: Children,
    environment: Environment,
    notices: Notices,
    prober: Prober,
    probes: HashMap<RoundId, AbortHandle>,
    #[cfg(feature = "aws")]
    balancers: HashMap<pilot_core::plan::JobId, super::balancer::Balancer>,
    catalog: Option<Client>,
    registrar: Option<Registrar>,
    withdrawn: mpsc::UnboundedReceiver<Withdrawn>,
    withdrawals: mpsc::UnboundedSender<Withdrawn>,
    followers: HashMap<WatchId, Follower>,
    reloads: Reloads,
    control: Option<Control>,
    requests: mpsc::Receiver<Request>,
    asker: mpsc::Sender<Request>,
    reports: mpsc::UnboundedReceiver<Report>,
    reporter: mpsc::UnboundedSender<Report>,
    meters: Meters,
    /// When probes began, while they are counted.
    rounds: HashMap<RoundId, Instant>,
    telemetry: Telemetry,
    listening: Option<Listening>,
    viewers: Viewers,
    /// The newest entry of the history, for those who follow it.
    news: watch::Sender<u64>,
    failure: Option<u8>,
    remains: Recorder,
    /// Why the catalog cannot be asked for a watch, by its name.
    watch_trouble: HashMap<String, String>,
}

impl Supervisor {
    /// Everything is ready, nothing is started. `load` reads the configuration again when a reload is asked for.
    pub fn new(plan: Plan, load: Arc<Loader>, signals: Signals, output: Output, guarded: Guarded) -> Self {
        let plan = Arc::new(plan);
        let (withdrawals, withdrawn) = mpsc::unbounded_channel();
        let (reporter, reports) = mpsc::unbounded_channel();
        let (asker, requests) = mpsc::channel(WAITING);
        let (viewer, viewers) = Viewer::new();
        let meters = Meters::default();
        let catalog = plan.consul.clone().map(|consul| Client::new(consul).counted(meters.clone()));
        Supervisor {
            telemetry: Telemetry::new(meters.clone(), viewer),
            meters,
            rounds: HashMap::new(),
            listening: None,
            viewers,
            news: watch::Sender::new(0),
            failure: None,
            remains: Recorder::default(),
            watch_trouble: HashMap::new(),
            engine: Engine::new(Arc::clone(&plan), seed()),
            began: Instant::now(),
            signals,
            output,
            children: Children::new(guarded.listen_fds > 0),
            environment: Environment::new(&plan),
            notices: Notices::default(),
            prober: Prober::new(),
            probes: HashMap::new(),
            #[cfg(feature = "aws")]
            balancers: HashMap::new(),
            registrar: catalog.clone().map(|client| Registrar::new(client, withdrawals.clone())),
            catalog,
            withdrawn,
            withdrawals,
            followers: HashMap::new(),
            reloads: Reloads::new(load, Arc::clone(&plan)),
            control: None,
            requests,
            asker,
            reports,
            reporter,
            plan,
        }
    }

    /// Runs until everything has ended; returns the exit code.
    pub async fn run(mut self) -> u8 {
        if let Err(code) = self.open_control().await {
            return code;
        }
        let mut inputs = VecDeque::from([Input::Startup]);
        self.serve_telemetry(Otherwise::Stop);
        self.follow_watches();
        loop {
            while let Some(input) = inputs.pop_front() {
                for effect in self.engine.handle(input, self.began.elapsed()) {
                    if let Effect::Exit(code) = effect {
                        self.close_control().await;
                        leftovers::end(self.plan.stop_timeout, &mut self.signals).await;
                        let code = self.failure.unwrap_or(code);
                        if code != 0 {
                            self.leave_last_words(code);
                        }
                        return code;
                    }
                    self.perform(effect, &mut inputs);
                }
                let newest = self.engine.history().last().0;
                self.news.send_if_modified(|known| std::mem::replace(known, newest) != newest);
            }
            self.remains.begin();
            self.next_inputs(&mut inputs).await;
        }
    }

    async fn next_inputs(&mut self, inputs: &mut VecDeque<Input>) {
        let due = self.engine.next_timeout().map(|at| self.began + at);
        let look = self.children.has_lingering_groups().then(|| Instant::now() + LINGERING);
        let again = self.output.begin().is_err().then(|| Instant::now() + WITHOUT_OUTPUT);
        let wake = [due, look, again].into_iter().flatten().min();
        let timer = async {
            match wake {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            arrived = self.signals.next() => match arrived {
                Arrived::Child => self.reap(inputs),
                Arrived::Stop => inputs.push_back(Input::Stop),
                Arrived::Hup => inputs.push_back(Input::Signal(UserSignal::Hup)),
                Arrived::Usr2 => inputs.push_back(Input::Signal(UserSignal::Usr2)),
                Arrived::Usr1 => self.output.reopen(),
            },
            Some(Withdrawn { id, result }) = self.withdrawn.recv() => {
                if let Err(error) = result {
                    tracing::debug!("{id} could not be confirmed to be out of the catalog: {error}");
                }
                inputs.extend(self.withdrawn_service(&id));
            }
            Some(report) = self.reports.recv() => match report {
                Report::Input(input) => {
                    self.remember(&input);
                    inputs.push_back(input);
                }
                Report::ProbeDeadline(round, limit) => self.probe_timed_out(round, limit),
                Report::CannotServe(why, otherwise) => self.cannot_serve(&why, otherwise, inputs),
                Report::WatchTrouble(watch, Some(reason)) => drop(self.watch_trouble.insert(watch, reason)),
                Report::WatchTrouble(watch, None) => drop(self.watch_trouble.remove(&watch)),
                Report::Loaded(loaded) => self.loaded(*loaded, inputs),
            },
            Some(request) = self.requests.recv() => self.answer(request, inputs),
            () = self.notices.arrival() => inputs.extend(self.notices.take()),
            () = timer => {
                if let Some(wake) = wake.filter(|_| self.meters.is_on()) {
                    self.meters.woke_late(wake.elapsed());
                }
                if self.children.has_lingering_groups() {
                    self.reap(inputs);
                }
                inputs.push_back(if self.engine.goes_by_the_clock() {
                    Input::Clock { utc: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() }
                } else {
                    Input::Tick
                });
            }
            Some(viewer) = self.viewers.recv() => {
                // Whoever asked may have gone.
                let _ = viewer.send(View::new(&self.engine, self.snapshot()));
            }
        }
    }

    fn reap(&mut self, inputs: &mut VecDeque<Input>) {
        for input in self.children.reap(&mut self.environment, &mut self.notices) {
            if let Input::Exited { run, .. } | Input::StartFailed { run, .. } = &input {
                self.notices.ended(*run);
            }
            inputs.push_back(input);
        }
    }

    fn remember(&mut self, input: &Input) {
        match input {
            Input::Instances { watch, instances } => {
                if let Some(settings) = self.engine.watch(*watch) {
                    self.environment.watch_saw(&settings.name, instances);
                    self.meters.instances(&settings.name, instances.len());
                }
            }
            Input::Probed { round, .. } => {
                self.probes.remove(round);
            }
            _ => {}
        }
    }

    fn snapshot(&self) -> Snapshot {
        let trouble = |watch: &str| self.watch_trouble.get(watch).cloned();
        Snapshot::take(&self.engine, &self.children, self.began.elapsed(), trouble)
    }

    fn withdrawn_service(&self, id: &str) -> Option<Input> {
        self.engine.job_ids().iter().find_map(|job| {
            let mut services = self.engine.job(*job)?.registered_services();
            let (service, _) = services.find(|(_, service)| service.id == id)?;
            Some(Input::Withdrawn { job: *job, service })
        })
    }
}

/// Differs from container to container and from start to start; only spreads delays.
fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id())
}
