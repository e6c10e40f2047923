//! Looking: at a job's health, at what a watch names. Whatever is seen comes back as a report.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tokio::task::AbortHandle;

use super::{Report, Supervisor};
use crate::runtime::catalog::{ServiceQuery, Sight, follow, follow_probe};
use crate::runtime::probe::Finding;
use pilot_core::effect::{Input, RoundId, Verdict};
use pilot_core::exit::Exit;
use pilot_core::plan::{JobId, Probe, WatchId, WatchTarget};

/// The task that looks at what a watch names.
pub(super) struct Follower {
    task: AbortHandle,
    /// Its name.
    watch: String,
}

impl Supervisor {
    /// Starts a probe; whatever kind it is, its result or its deadline comes back as a report.
    pub(super) fn probe(&mut self, job: JobId, round: RoundId, inputs: &mut VecDeque<Input>) {
        let Supervisor { engine, children, environment, notices, output, reporter, .. } = self;
        let Some(settings) = engine.job(job) else { return };
        let Some(health) = &settings.health else { return };
        let reporter = reporter.clone();
        if self.meters.is_on() {
            self.rounds.insert(round, Instant::now());
        }
        match &health.probe {
            None => {}
            Some(Probe::Exec(command)) => {
                tracing::debug!("check.{}.Run start", settings.name);
                let started =
                    children.start_probe(settings, (job, round), (command, health.output), environment, output);
                match (started, health.timeout) {
                    (Ok(()), Some(limit)) => {
                        let task = tokio::spawn(async move {
                            tokio::time::sleep(limit).await;
                            let _ = reporter.send(Report::ProbeDeadline(round, limit));
                        });
                        self.probes.insert(round, task.abort_handle());
                    }
                    (Ok(()), None) => {}
                    (Err(error), _) => {
                        let exit = Some(Exit::Code(error.exit_code()));
                        let verdict = Verdict { pass: false, note: error.to_string(), exit };
                        inputs.push_back(Input::Probed { job, round, verdict });
                    }
                }
            }
            Some(Probe::Notify(_)) => {
                let verdict = notices.verdict(engine.run_of(job));
                // Known already: before the end of the process that spoke, if that is next in the queue.
                inputs.push_front(Input::Probed { job, round, verdict });
            }
            Some(native) => {
                let (prober, native, limit) = (self.prober.clone(), native.clone(), health.timeout);
                let task = tokio::spawn(async move {
                    let finding = prober.run(&native, limit).await;
                    let verdict = Verdict { pass: finding.pass, note: finding.note, exit: None };
                    let _ = reporter.send(Report::Input(Input::Probed { job, round, verdict }));
                });
                self.probes.insert(round, task.abort_handle());
            }
        }
    }

    /// The process of an exec probe has not ended in time.
    pub(super) fn probe_timed_out(&mut self, round: RoundId, limit: Duration) {
        let Some(job) = self.children.probe_timed_out(round, limit).and_then(|job| self.engine.job(job)) else {
            return;
        };
        if let Some(Probe::Exec(command)) = job.health.as_ref().and_then(|health| health.probe.as_ref()) {
            tracing::warn!("check.{} timeout after {limit:?}: '[{}]'", job.name, command.args.join(" "));
            tracing::debug!("check.{}.kill", job.name);
        }
    }

    /// Follows the watches of the plan in force, and no others.
    pub(super) fn follow_watches(&mut self) {
        let wanted = self.engine.watch_ids().to_vec();
        let ended: Vec<WatchId> = self.followers.keys().filter(|id| !wanted.contains(id)).copied().collect();
        for id in ended {
            if let Some(Follower { task, watch }) = self.followers.remove(&id) {
                task.abort();
                self.environment.watch_ended(&watch);
                self.watch_trouble.remove(&watch);
            }
        }
        for id in wanted {
            if !self.followers.contains_key(&id) {
                self.follow(id);
            }
        }
    }

    /// The catalog is another one: those who ask it start over, what they have seen stays.
    pub(super) fn forget_catalog_followers(&mut self) {
        let Supervisor { engine, followers, .. } = self;
        followers.retain(|id, follower| {
            let asks_it = engine.watch(*id).is_none_or(|watch| matches!(watch.target, WatchTarget::Service { .. }));
            if asks_it {
                follower.task.abort();
            }
            !asks_it
        });
    }

    fn follow(&mut self, id: WatchId) {
        let Some(watch) = self.engine.watch(id) else { return };
        let (reporter, interval, target) = (self.reporter.clone(), watch.interval, &watch.target);
        let watch = watch.name.clone();
        let task = match target {
            WatchTarget::Service { service, tag, datacenter } => {
                let Some(client) = self.catalog.clone() else { return };
                let query = ServiceQuery { service: service.clone(), tag: tag.clone(), datacenter: datacenter.clone() };
                let name = watch.clone();
                let report = move |sight| {
                    let report = match sight {
                        Sight::Instances(instances) => Report::Input(Input::Instances { watch: id, instances }),
                        Sight::Trouble(reason) => Report::WatchTrouble(name.clone(), Some(reason)),
                        Sight::Answers => Report::WatchTrouble(name.clone(), None),
                    };
                    let _ = reporter.send(report);
                };
                tokio::spawn(follow(watch.clone(), client, query, interval, report))
            }
            WatchTarget::Probe { probe, timeout } => {
                let name = watch.clone();
                let (meters, source) = (self.meters.clone(), format!("watch.{name}"));
                let mut last: Option<(bool, String)> = None;
                let report = move |finding: Finding, took| {
                    meters.probed(&source, finding.pass.into(), took);
                    let Finding { pass, note, .. } = finding;
                    // Said at a change, and again when it fails for another reason.
                    let is_news = |(passed, said): &(bool, String)| *passed != pass || (!pass && *said != note);
                    if last.as_ref().is_none_or(is_news) {
                        let state = if pass { "passes" } else { "fails" };
                        tracing::info!("watch {name} {state}: {note}");
                        last = Some((pass, note.clone()));
                    }
                    let _ = reporter.send(Report::Input(Input::WatchProbed { watch: id, pass, note }));
                };
                tokio::spawn(follow_probe(
                    watch.clone(),
                    self.prober.clone(),
                    (probe.clone(), *timeout),
                    interval,
                    report,
                ))
            }
        };
        self.followers.insert(id, Follower { task: task.abort_handle(), watch });
    }
}
