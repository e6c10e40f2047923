//! Probes under way: started, ended by their result, their deadline or the engine. Each ends exactly once, and nothing of it
//! is kept after that.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::{Report, Supervisor};
use crate::runtime::probe::{Finding, Prober};
use crate::runtime::process::reap::Delivery;
use crate::runtime::task::{self, Task};
use pilot_core::effect::{Input, RoundId, Verdict};
use pilot_core::exit::Exit;
use pilot_core::plan::{Command, JobId, Probe};

/// Every probe that is under way.
pub(super) struct Probes {
    prober: Prober,
    under_way: HashMap<RoundId, UnderWay>,
}

/// One of them. Times are on the engine's clock.
struct UnderWay {
    job: JobId,
    began: Duration,
    /// When the process of an exec probe has to have ended; all others keep their deadline themselves.
    deadline: Option<(Duration, Duration)>,
    /// pilot's pauses when it began.
    paused: Duration,
    _task: Option<Task>,
}

impl Probes {
    pub(super) fn new() -> Self {
        Probes { prober: Prober::new(), under_way: HashMap::new() }
    }

    /// What makes probes, for whoever else looks at something outside.
    pub(super) fn prober(&self) -> &Prober {
        &self.prober
    }

    /// A probe is over: when it began, if it was still under way.
    pub(super) fn ended(&mut self, round: RoundId) -> Option<Duration> {
        self.under_way.remove(&round).map(|probe| probe.began)
    }

    /// When the next exec probe has to have ended.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        self.under_way.values().filter_map(|probe| probe.deadline).map(|(at, _)| at).min()
    }

    /// The exec probes whose time is over, and how much they had.
    fn overdue(&mut self, now: Duration) -> Vec<(JobId, RoundId, Duration)> {
        let late = |probe: &UnderWay| probe.deadline.filter(|(at, _)| *at <= now).map(|(_, limit)| limit);
        let late: Vec<_> = self
            .under_way
            .iter()
            .filter_map(|(round, probe)| late(probe).map(|limit| (probe.job, *round, limit)))
            .collect();
        for (_, round, _) in &late {
            if let Some(probe) = self.under_way.get_mut(round) {
                probe.deadline = None;
            }
        }
        late
    }

    #[cfg(test)]
    fn count(&self) -> usize {
        self.under_way.len()
    }
}

impl Supervisor {
    /// Starts a probe; whatever kind it is, its result or its deadline comes back as a report.
    pub(super) fn probe(&mut self, job: JobId, round: RoundId, inputs: &mut VecDeque<Input>) {
        let Some(settings) = self.engine.job(job) else { return };
        let Some(health) = &settings.health else { return };
        let now = self.clock.now();
        let mut under_way = UnderWay { job, began: now, deadline: None, paused: self.clock.paused(), _task: None };
        match &health.probe {
            None => return,
            Some(Probe::Exec(command)) => {
                tracing::debug!("check.{}.Run start", settings.name);
                under_way.deadline = health.timeout.map(|limit| (now.saturating_add(limit), limit));
                let Supervisor { children, environment, output, .. } = self;
                let started =
                    children.start_probe(settings, (job, round), (command, health.output), environment, output);
                if let Err(error) = started {
                    let exit = Some(Exit::Code(error.exit_code()));
                    let verdict = Verdict { pass: false, note: error.to_string(), exit };
                    inputs.push_back(Input::Probed { job, round, verdict });
                }
            }
            Some(Probe::Notify(_)) => {
                let verdict = self.notices.verdict(self.engine.run_of(job), now);
                // Known already: before the end of the process that spoke, if that is next in the queue.
                inputs.push_front(Input::Probed { job, round, verdict });
            }
            Some(native) => {
                let (prober, native, limit) = (self.probes.prober.clone(), native.clone(), health.timeout);
                let (reporter, lost) = (self.reporter.clone(), self.reporter.clone());
                let name = format!("the check of {}", settings.name);
                let report = move |reporter: &super::Reporter, finding: Finding| {
                    let verdict = Verdict { pass: finding.pass, note: finding.note, exit: None };
                    let _ = reporter.send(Report::Input(Input::Probed { job, round, verdict }));
                };
                under_way._task = Some(task::spawn_or(
                    name,
                    async move { report(&reporter, prober.run(&native, limit).await) },
                    move |panic| report(&lost, Finding::panicked(panic)),
                ));
            }
        }
        self.probes.under_way.insert(round, under_way);
    }

    /// The engine wants no result of this probe any more.
    pub(super) fn cancel_probe(&mut self, round: RoundId) {
        if self.probes.ended(round).is_some() {
            self.children.forget_probe(round, &mut self.environment);
        }
    }

    /// A deadline is a verdict of its own, whether the process can be ended or not: checking goes on.
    pub(super) fn end_overdue_probes(&mut self, inputs: &mut VecDeque<Input>) {
        for (job, round, limit) in self.probes.overdue(self.clock.now()) {
            let Some(delivery) = self.children.give_up_probe(round, &mut self.environment) else { continue };
            if let Some(settings) = self.engine.job(job) {
                let args = match settings.health.as_ref().and_then(|health| health.probe.as_ref()) {
                    Some(Probe::Exec(Command { args, .. })) => args.join(" "),
                    Some(_) | None => String::new(),
                };
                tracing::warn!("check.{} timeout after {limit:?}: '[{args}]'", settings.name);
                tracing::debug!("check.{}.kill", settings.name);
                if delivery == Delivery::NotPermitted {
                    tracing::error!("check.{} cannot be killed: {}", settings.name, Delivery::REMEDY);
                }
            }
            let exit = Some(Exit::Signal(nix::sys::signal::Signal::SIGKILL as i32));
            let verdict = Verdict { pass: false, note: format!("no result within {limit:?}"), exit };
            inputs.push_back(Input::Probed { job, round, verdict });
        }
    }

    /// A native probe that failed while pilot stood still tells nothing of the job: it is made once more.
    pub(super) fn repeat_after_pause(&mut self, input: &Input, inputs: &mut VecDeque<Input>) -> bool {
        let Input::Probed { job, round, verdict } = input else { return false };
        let paused = self.clock.paused();
        let meanwhile = self.probes.under_way.get(round).is_some_and(|probe| probe.paused != paused);
        if verdict.pass || !meanwhile {
            return false;
        }
        self.probe(*job, *round, inputs);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::some_job;
    use super::*;

    /// How many checks a container makes in a day at one a second.
    const CHECKS: u64 = 100_000;

    #[tokio::test(start_paused = true)]
    async fn nothing_is_kept_of_a_hundred_thousand_probes() {
        let mut probes = Probes::new();
        let (limit, job) = (Duration::from_secs(3600), some_job());
        for number in 0..CHECKS {
            let (round, began) = (RoundId(number), Duration::from_secs(number));
            let task = (number % 2 == 0).then(|| task::spawn("a check", tokio::time::sleep(limit)));
            let deadline = task.is_none().then(|| (began + limit, limit));
            let probe = UnderWay { job, began, deadline, paused: Duration::ZERO, _task: task };
            probes.under_way.insert(round, probe);
            if number % 3 == 0 {
                assert_eq!(probes.overdue(began + limit).len(), usize::from(number % 2 == 1));
                assert_eq!(probes.overdue(began + limit), [], "a deadline passes once");
            }
            assert_eq!(probes.ended(round), Some(began));
            assert_eq!(probes.ended(round), None);
        }
        assert_eq!((probes.count(), probes.next_deadline()), (0, None));
        while tokio::runtime::Handle::current().metrics().num_alive_tasks() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(probes.under_way.capacity() < 64, "{}", probes.under_way.capacity());
    }
}
