//! Reload: read and validate aside, then refuse and change nothing, or hand the plan to the engine. v3 spec 10.6.
//!
//! Whatever can fail (the file, the log's destination, the control socket) is done before anything is changed. Requests
//! that come while a file is being read have it read once more afterwards: the one who asks may have written it since.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::telemetry::Otherwise;
use super::{Report, Supervisor};
use crate::runtime::catalog::{Client, Registrar};
use crate::runtime::control::{Answer, Control, Refusal, Summary, Why};
use crate::runtime::output::Destination;
use pilot_core::changes::Changes;
use pilot_core::effect::Input;
use pilot_core::plan::Plan;

/// Reading a file of any sensible size takes a thousandth of it; a file system that hangs is not waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// A valid configuration, and what is to be said about it nevertheless.
pub struct Configuration {
    /// What it says.
    pub plan: Plan,
    /// A sentence each, with its place.
    pub warnings: Vec<String>,
    /// The whole of it without its secrets, for the debug log.
    pub shown: String,
}

/// Reads, renders with these variables and validates the configuration. An error is a report for people, of many lines.
pub type Loader = dyn Fn(BTreeMap<String, String>) -> Result<Configuration, String> + Send + Sync;

/// Who asked for a reload.
pub(super) struct Requester {
    pub answer: oneshot::Sender<Answer>,
    pub summary: Summary,
}

/// What is remembered between a request and its answer.
pub(super) struct Reloads {
    load: Arc<Loader>,
    /// The plan that was accepted last: in force, or to be when old processes are gone.
    accepted: Arc<Plan>,
    /// Wait for the reading that is under way; never empty while one is.
    reading: Vec<Requester>,
    /// Came while it was.
    waiting: Vec<Requester>,
}

/// A plan, and open what it needs and the one before it has not.
#[derive(Debug)]
pub(super) struct Loaded {
    plan: Plan,
    warnings: Vec<String>,
    shown: String,
    destination: Option<Destination>,
    control: Option<Control>,
}

impl Reloads {
    pub(super) fn new(load: Arc<Loader>, accepted: Arc<Plan>) -> Self {
        Reloads { load, accepted, reading: Vec::new(), waiting: Vec::new() }
    }
}

impl Supervisor {
    /// Reads the configuration again and brings everything in line with it; comes back at once, the answer comes later.
    pub(super) fn reload(&mut self, requester: Requester) {
        tracing::debug!("control: reloading app via control plane");
        self.reloads.waiting.push(requester);
        if self.reloads.reading.is_empty() {
            self.read_again();
        }
    }

    fn read_again(&mut self) {
        self.reloads.reading = std::mem::take(&mut self.reloads.waiting);
        let load = Arc::clone(&self.reloads.load);
        let (variables, accepted) = (self.environment.variables(), Arc::clone(&self.reloads.accepted));
        let (asker, meters, reporter) = (self.asker.clone(), self.meters.clone(), self.reporter.clone());
        tokio::spawn(async move {
            let before = Arc::clone(&accepted);
            let reading = spawn_blocking(move || read(&*load, variables, &before));
            let mut loaded = match timeout(PATIENCE, reading).await {
                Ok(Ok(loaded)) => loaded,
                Ok(Err(error)) => Err(format!("reading the configuration failed: {error}")),
                Err(_) => {
                    Err(format!("the configuration could not be read within {PATIENCE:?}: does its disk answer?"))
                }
            };
            if let Ok(new) = &mut loaded
                && new.plan.control.socket != accepted.control.socket
            {
                match Control::open(&new.plan.control.socket, asker, meters).await {
                    Ok(control) => new.control = Some(control),
                    Err(error) => loaded = Err(error.to_string()),
                }
            }
            let _ = reporter.send(Report::Loaded(Box::new(loaded)));
        });
    }

    /// The file has been read: the answer, for everybody who asked before that was begun.
    pub(super) fn loaded(&mut self, loaded: Result<Loaded, String>, inputs: &mut VecDeque<Input>) {
        let outcome = match loaded {
            Ok(loaded) => self.accept(loaded, inputs),
            Err(report) => Err(Refusal::new(Why::Unusable, report)),
        };
        match &outcome {
            Ok(changes) => tracing::info!("reload: {changes}"),
            Err(refusal) => {
                tracing::error!("the configuration is not reloaded, and nothing is changed:");
                refusal.text.lines().for_each(|line| tracing::error!("{line}"));
            }
        }
        for Requester { answer, summary } in std::mem::take(&mut self.reloads.reading) {
            // Who asked may be gone.
            let _ = answer.send(match (&outcome, summary) {
                (Ok(_), Summary::Silent) => Answer::Done,
                (Ok(changes), Summary::Told) => Answer::Said(changes.to_string()),
                (Err(refusal), _) => Answer::Refused(refusal.clone()),
            });
        }
        if !self.reloads.waiting.is_empty() {
            self.read_again();
        }
    }

    fn accept(&mut self, loaded: Loaded, inputs: &mut VecDeque<Input>) -> Result<Changes, Refusal> {
        let Loaded { plan, warnings, shown, destination, control } = loaded;
        if self.engine.is_stopping() {
            if let Some(control) = control {
                control.retire();
            }
            return Err(Refusal::new(Why::Conflict, "pilot is stopping: nothing is reloaded any more"));
        }
        let plan = Arc::new(plan);
        if let Some(control) = control {
            self.environment.announce_socket(control.path());
            if let Some(old) = self.control.replace(control) {
                old.retire();
            }
        }
        self.output.change(&plan.logging, destination);
        tracing::debug!("loaded config: {shown}");
        for warning in warnings {
            tracing::warn!("{warning}");
        }
        // The same once more, while it waits for old processes, is no change either.
        let is_new = plan != self.reloads.accepted;
        let changes = if is_new { self.engine.changes(&plan) } else { Changes::none(&plan) };
        self.reloads.accepted = Arc::clone(&plan);
        inputs.push_back(Input::Reload(plan));
        Ok(changes)
    }

    /// A plan is in force: what is not the engine's is brought in line with it.
    pub(super) fn in_force(&mut self) {
        let before = std::mem::replace(&mut self.plan, Arc::clone(self.engine.plan()));
        self.change_catalog(&before);
        self.follow_watches();
        self.serve_telemetry(Otherwise::GoOn);
        self.leave_groups_of_the_gone();
        self.environment.announce_services(&self.plan);
        self.remains.retain(|name| self.plan.jobs.iter().any(|job| job.name == name));
        self.output.retain_recent(|name| self.plan.jobs.iter().any(|job| job.name == name));
        tracing::debug!("control: reloaded app via control plane");
        if let Some(control) = &self.control {
            tracing::info!("control: serving at {}", control.path().display());
        }
    }

    fn change_catalog(&mut self, before: &Plan) {
        if before.consul != self.plan.consul {
            self.catalog = self.plan.consul.clone().map(|consul| Client::new(consul).counted(self.meters.clone()));
            self.registrar = match (self.registrar.take(), self.catalog.clone()) {
                (Some(mut registrar), Some(client)) => {
                    registrar.turn_to(client);
                    Some(registrar)
                }
                (None, Some(client)) => Some(Registrar::new(client, self.withdrawals.clone())),
                (Some(registrar), None) => {
                    registrar.leave();
                    None
                }
                (None, None) => None,
            };
            self.forget_catalog_followers();
        }
        if let Some(registrar) = &mut self.registrar {
            let services = || self.plan.jobs.iter().flat_map(|job| job.registered_services());
            registrar.retain(|id| services().any(|(_, service)| service.id == id));
        }
    }
}

/// What blocks: files. May hang as long as they do.
fn read(load: &Loader, variables: BTreeMap<String, String>, before: &Plan) -> Result<Loaded, String> {
    let Configuration { plan, warnings, shown } = load(variables)?;
    let other_log = plan.logging.output != before.logging.output;
    let destination = other_log.then(|| Destination::open(&plan.logging.output)).transpose();
    let destination = destination.map_err(|error| error.to_string())?;
    Ok(Loaded { plan, warnings, shown, destination, control: None })
}
