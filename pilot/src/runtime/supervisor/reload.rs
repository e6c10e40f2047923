//! Reload: read and validate aside, then refuse and change nothing, or hand the plan to the engine. v3 spec 10.6.
//!
//! Whatever can fail (the file, the log's destination, the control socket) is done before anything is changed. Requests
//! that come while a file is being read have it read once more afterwards: the one who asks may have written it since.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::telemetry::Otherwise;
use super::{Report, Supervisor};
use crate::runtime::control::{Answer, Control, Refusal, Summary, Why};
use crate::runtime::output::Destination;
use crate::runtime::process::limits::make_room_for;
use crate::runtime::task;
use pilot_core::changes::Changes;
use pilot_core::effect::Input;
use pilot_core::plan::Plan;

/// A file system that hangs is not waited for. Longer than what reading itself allows a file that does not end, which has the
/// better message (`cli/config_file.rs`).
const READ_LIMIT: Duration = Duration::from_secs(8);

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
        self.control.reloads.waiting.push(requester);
        if self.control.reloads.reading.is_empty() {
            self.read_again();
        }
    }

    fn read_again(&mut self) {
        self.control.reloads.reading = std::mem::take(&mut self.control.reloads.waiting);
        let load = Arc::clone(&self.control.reloads.load);
        let (variables, accepted) = (self.environment.variables(), Arc::clone(&self.control.reloads.accepted));
        let (asker, meters, reporter) =
            (self.control.asker.clone(), self.observers.meters.clone(), self.reporter.clone());
        let lost = reporter.clone();
        let reading = async move {
            let before = Arc::clone(&accepted);
            let reading = task::blocking("reading the configuration", move || read(&*load, variables, &before));
            let mut loaded = match timeout(READ_LIMIT, reading).await {
                Ok(Ok(loaded)) => loaded,
                Ok(Err(panic)) => Err(format!("reading the configuration failed: {panic}")),
                Err(_) => {
                    Err(format!("the configuration could not be read within {READ_LIMIT:?}: does its disk answer?"))
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
        };
        task::spawn_or("the reload", reading, move |panic| {
            let failed = Err(format!("reading the configuration failed: {panic}"));
            let _ = lost.send(Report::Loaded(Box::new(failed)));
        })
        .detach();
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
        for Requester { answer, summary } in std::mem::take(&mut self.control.reloads.reading) {
            // Who asked may be gone.
            let _ = answer.send(match (&outcome, summary) {
                (Ok(_), Summary::Silent) => Answer::Done,
                (Ok(changes), Summary::Told) => Answer::Said(changes.to_string()),
                (Err(refusal), _) => Answer::Refused(refusal.clone()),
            });
        }
        if !self.control.reloads.waiting.is_empty() {
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
            if let Some(old) = self.control.served.replace(control) {
                old.retire();
            }
        }
        self.output.change(&plan.logging, destination);
        tracing::debug!("loaded config: {shown}");
        for warning in warnings {
            tracing::warn!("{warning}");
        }
        // The same once more, while it waits for old processes, is no change either.
        let is_new = plan != self.control.reloads.accepted;
        let changes = if is_new { self.engine.changes(&plan) } else { Changes::none(&plan) };
        self.control.reloads.accepted = Arc::clone(&plan);
        inputs.push_back(Input::Reload(plan));
        Ok(changes)
    }

    /// A plan is in force: what is not the engine's is brought in line with it.
    pub(super) fn plan_activated(&mut self) {
        let before = std::mem::replace(&mut self.plan, Arc::clone(self.engine.plan()));
        make_room_for(self.plan.jobs.len());
        self.change_catalog(&before);
        self.follow_watches();
        self.serve_telemetry(Otherwise::GoOn);
        self.leave_groups_of_the_gone();
        self.environment.announce_services(&self.plan);
        self.observers.keep_jobs_of(&self.plan);
        self.output.retain_recent(|name| self.plan.jobs.iter().any(|job| job.name == name));
        tracing::debug!("control: reloaded app via control plane");
        if let Some(control) = &self.control.served {
            tracing::info!("control: serving at {}", control.path().display());
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
