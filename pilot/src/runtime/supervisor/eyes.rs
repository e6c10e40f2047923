//! Looking: at a job's health, at what a watch names. Whatever is seen comes back as a report.

use std::collections::VecDeque;
use std::time::Instant;

use super::{Report, Supervisor};
use crate::core::effect::{Input, RoundId, Verdict};
use crate::core::exit::Exit;
use crate::core::plan::{JobId, Probe, WatchId, WatchTarget};
use crate::runtime::catalog::{ServiceQuery, follow, follow_probe};
use crate::runtime::probe::Finding;

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
                inputs.push_back(Input::Probed { job, round, verdict });
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

    pub(super) fn follow(&self, id: WatchId) {
        let Some(watch) = self.engine.watch(id) else { return };
        let (reporter, interval) = (self.reporter.clone(), watch.interval);
        match &watch.target {
            WatchTarget::Service { service, tag, datacenter } => {
                let Some(client) = self.catalog.clone() else { return };
                let query = ServiceQuery { service: service.clone(), tag: tag.clone(), datacenter: datacenter.clone() };
                tokio::spawn(follow(client, query, interval, move |instances| {
                    let _ = reporter.send(Report::Input(Input::Instances { watch: id, instances }));
                }));
            }
            WatchTarget::Probe { probe, timeout } => {
                let name = watch.name.clone();
                let (meters, source) = (self.meters.clone(), format!("watch.{name}"));
                let mut last = None;
                let report = move |finding: Finding, took| {
                    meters.probed(&source, finding.pass.into(), took);
                    if last.replace(finding.pass) != Some(finding.pass) {
                        let state = if finding.pass { "passes" } else { "fails" };
                        tracing::info!("watch {name} {state}: {}", finding.note);
                    }
                    let _ = reporter.send(Report::Input(Input::WatchProbed { watch: id, pass: finding.pass }));
                };
                tokio::spawn(follow_probe(self.prober.clone(), probe.clone(), *timeout, interval, report));
            }
        }
    }
}
