//! The watches of the active plan: a task each, which looks at what is outside and reports it.

use std::collections::HashMap;
use std::time::Duration;

use super::{Report, Reporter, Supervisor};
use crate::runtime::catalog::{Client, Pace, ServiceQuery, Sight, follow, follow_probe};
use crate::runtime::probe::{Finding, Prober};
use crate::runtime::task::{self, Panic, Service, Task};
use crate::runtime::telemetry::Meters;
use pilot_core::effect::Input;
use pilot_core::plan::{Probe, WatchId, WatchTarget};

/// The tasks, and what keeps them from seeing.
#[derive(Default)]
pub(super) struct Watches {
    tasks: HashMap<WatchId, Watch>,
    /// Why the catalog cannot be asked for a watch, by its name.
    trouble: HashMap<String, String>,
}

struct Watch {
    name: String,
    _task: Task,
}

impl Watches {
    /// Notes why the catalog cannot be asked for a watch; `None`: it can.
    pub(super) fn set_trouble(&mut self, watch: String, trouble: Option<String>) {
        match trouble {
            // A report may come after its watch is gone.
            Some(trouble) if self.tasks.values().any(|task| task.name == watch) => {
                self.trouble.insert(watch, trouble);
            }
            Some(_) | None => {
                self.trouble.remove(&watch);
            }
        }
    }

    pub(super) fn trouble(&self, watch: &str) -> Option<String> {
        self.trouble.get(watch).cloned()
    }
}

impl Supervisor {
    /// Follows the watches of the active plan, and no others.
    pub(super) fn follow_watches(&mut self) {
        let wanted = self.engine.watch_ids();
        let (environment, Watches { tasks, trouble }) = (&mut self.environment, &mut self.watches);
        tasks.retain(|id, watch| {
            let stays = wanted.contains(id);
            if !stays {
                environment.watch_ended(&watch.name);
                trouble.remove(&watch.name);
            }
            stays
        });
        let missing: Vec<WatchId> = wanted.iter().filter(|id| !tasks.contains_key(id)).copied().collect();
        missing.into_iter().for_each(|id| self.follow(id));
    }

    /// The catalog is another one: those who ask it start again, what they have seen stays.
    pub(super) fn forget_catalog_watches(&mut self) {
        let Supervisor { engine, watches, .. } = self;
        let asks_it = |id| engine.watch(id).is_none_or(|watch| matches!(watch.target, WatchTarget::Service { .. }));
        watches.tasks.retain(|id, _| !asks_it(*id));
    }

    fn follow(&mut self, id: WatchId) {
        let Some(watch) = self.engine.watch(id) else { return };
        let (name, interval, reporter) = (watch.name.clone(), watch.interval, self.reporter.clone());
        let task_name = format!("watch {name}");
        let pace = Pace { interval, first_look: watch.first_look, min_interval: watch.min_interval };
        let task = match &watch.target {
            WatchTarget::Service { service, tag, datacenter } => {
                let Some(client) = self.catalog.client().cloned() else { return };
                let query = ServiceQuery { service: service.clone(), tag: tag.clone(), datacenter: datacenter.clone() };
                task::keep(task_name, CatalogWatch { id, name: name.clone(), client, query, pace, reporter })
            }
            WatchTarget::Probe { probe, timeout } => {
                let (prober, meters) = (self.probes.prober().clone(), self.observers.meters.clone());
                let look = Look { prober, probe: probe.clone(), limit: *timeout, interval };
                let tell = Tell { id, source: format!("watch.{name}"), meters, reporter, last: None };
                task::keep(task_name, ProbeWatch { name: name.clone(), look, tell })
            }
        };
        self.watches.tasks.insert(id, Watch { name, _task: task });
    }
}

/// Looks at a service in the catalog. After a panic the known instances stay, as after every failure to ask.
struct CatalogWatch {
    id: WatchId,
    name: String,
    client: Client,
    query: ServiceQuery,
    pace: Pace,
    reporter: Reporter,
}

impl Service for CatalogWatch {
    async fn run(&mut self) {
        let (watch, name, reporter) = (self.id, self.name.clone(), self.reporter.clone());
        let report = move |sight| {
            let report = match sight {
                Sight::Instances(instances) => Report::Input(Input::Instances { watch, instances }),
                Sight::Trouble(reason) => Report::WatchTrouble(name.clone(), Some(reason)),
                Sight::Answers => Report::WatchTrouble(name.clone(), None),
            };
            let _ = reporter.send(report);
        };
        follow(self.name.clone(), self.client.clone(), self.query.clone(), self.pace, report).await;
    }
}

/// Looks at something else, by a probe.
struct ProbeWatch {
    name: String,
    look: Look,
    tell: Tell,
}

struct Look {
    prober: Prober,
    probe: Probe,
    limit: Duration,
    interval: Duration,
}

struct Tell {
    id: WatchId,
    source: String,
    meters: Meters,
    reporter: Reporter,
    /// Whether the last look passed, and what was said of it.
    last: Option<(bool, String)>,
}

impl Service for ProbeWatch {
    async fn run(&mut self) {
        let (look, tell) = (&self.look, &mut self.tell);
        let report = |finding: Finding, took| tell.found(finding, took);
        let probe = (look.probe.clone(), look.limit);
        follow_probe(self.name.clone(), look.prober.clone(), probe, look.interval, report).await;
    }

    fn panicked(&mut self, panic: &Panic) {
        self.tell.found(Finding::panicked(panic), Duration::ZERO);
    }
}

impl Tell {
    fn found(&mut self, finding: Finding, took: Duration) {
        let Finding { pass, note, .. } = finding;
        self.meters.probed(&self.source, pass.into(), took);
        // Said at a change, and again when it fails for another reason.
        let is_news = |(passed, said): &(bool, String)| *passed != pass || (!pass && *said != note);
        if self.last.as_ref().is_none_or(is_news) {
            let (state, name) = (if pass { "passes" } else { "fails" }, self.source.trim_start_matches("watch."));
            tracing::info!("watch {name} {state}: {note}");
            self.last = Some((pass, note.clone()));
        }
        let _ = self.reporter.send(Report::Input(Input::WatchProbed { watch: self.id, pass, note }));
    }
}
