//! Dead ends: a job waits for an event that can no longer come, because its source is over. ContainerPilot waits for ever
//! then, and so does whoever waits for the container.

use std::collections::HashMap;

use crate::engine::Engine;
use crate::event::{Class, Code, Event};
use crate::plan::{Condition, Count, JobId, Level, OnImpossible, Start};
use crate::state::{Activity, Job, Phase, Why};

/// Why a job cannot start.
#[derive(Clone, Debug)]
struct DeadEnd {
    event: Event,
    /// Somebody counts on the event: it is no report of a failure that has not happened.
    is_missed: bool,
}

impl Engine {
    /// Finds jobs that can no longer start, and those that can again. Called when a job has ended, begun again, or left.
    pub(crate) fn notice_dead_ends(&mut self) {
        if !std::mem::take(&mut self.ends_have_changed) || self.lifecycle.stopping || self.next.is_some() {
            return;
        }
        let dead_ends = self.dead_ends();
        let mut ends_all = None;
        for id in self.ids() {
            let found = dead_ends.get(&id).filter(|found| found.is_missed);
            let reason = found.map(|found| self.told(&found.event));
            let Some(job) = self.jobs.get_mut(id) else { continue };
            if job.dead_end == reason {
                continue;
            }
            job.dead_end.clone_from(&reason);
            let Some(reason) = reason else { continue };
            let name = job.settings.name.clone();
            let exits = job.settings.on_impossible == OnImpossible::Exit;
            let consequence = if exits { ": stopping everything, exit code 1" } else { "" };
            self.say(Level::Error, Some(id), format!("{name} {reason}{consequence}"));
            if exits {
                ends_all = Some(id);
            }
        }
        if let Some(id) = ends_all {
            self.lifecycle.code = 1;
            self.blame_end(id);
            self.request_stop();
        }
    }

    /// Each job that waits for its first start and cannot have it. A job that waits for one of those is found after it.
    fn dead_ends(&self) -> HashMap<JobId, DeadEnd> {
        let mut by_name: HashMap<&str, Vec<JobId>> = HashMap::new();
        for id in self.ids() {
            if let Some(job) = self.job(id) {
                by_name.entry(job.name.as_str()).or_default().push(id);
            }
        }
        let mut found = HashMap::new();
        loop {
            let new: Vec<(JobId, DeadEnd)> = self
                .ids()
                .filter(|id| !found.contains_key(id))
                .filter_map(|id| Some((id, self.dead_end(self.jobs.get(id)?, &by_name, &found)?)))
                .collect();
            if new.is_empty() {
                return found;
            }
            found.extend(new);
        }
    }

    fn dead_end(
        &self,
        job: &Job,
        by_name: &HashMap<&str, Vec<JobId>>,
        found: &HashMap<JobId, DeadEnd>,
    ) -> Option<DeadEnd> {
        let waits = job.phase == Phase::Live(Activity::Waiting) && job.starts != Count::Finite(0);
        // Hooks wait for an end, which comes at the latest when everything stops.
        if !waits || job.give_up_at.is_some() || job.settings.is_hook() {
            return None;
        }
        let gone = |event: &Event| self.never_comes(event, by_name, found);
        match &job.settings.start {
            Start::Once { when: Condition::All(events), .. } => {
                let missing = events.iter().zip(&job.seen).filter(|(_, seen)| !**seen);
                missing.filter_map(|(event, _)| gone(event)).max_by_key(|dead_end| dead_end.is_missed)
            }
            Start::Once { when: Condition::Any(events), .. } => {
                let gone: Option<Vec<DeadEnd>> = events.iter().map(gone).collect();
                gone?.into_iter().max_by_key(|dead_end| dead_end.is_missed)
            }
            Start::Each { .. } | Start::Interval(_) | Start::Cron(_) | Start::Never { .. } => None,
        }
    }

    /// Whether every job that could make the event is over, or is in a dead end itself.
    fn never_comes(
        &self,
        event: &Event,
        by_name: &HashMap<&str, Vec<JobId>>,
        found: &HashMap<JobId, DeadEnd>,
    ) -> Option<DeadEnd> {
        if event.code.class() == Class::Stop {
            return None;
        }
        let name = event.source.strip_prefix("check.").unwrap_or(&event.source);
        let mut is_missed =
            !matches!(event.code, Code::ExitFailed | Code::Unhealthy | Code::Error | Code::TimerExpired);
        // Watches, signals and pilot itself are never over.
        for source in by_name.get(name)? {
            match self.jobs.get(*source).map(|job| &job.phase) {
                Some(Phase::Done(Why::Own)) => {}
                _ => is_missed &= found.get(source)?.is_missed,
            }
        }
        Some(DeadEnd { event: event.clone(), is_missed })
    }

    fn told(&self, event: &Event) -> String {
        let source = event.source.strip_prefix("check.").unwrap_or(&event.source);
        let of_it = |id: &JobId| self.job(*id).is_some_and(|job| job.name == source);
        let last = self.ids().find(of_it).and_then(|id| self.jobs.get(id));
        let why = match last.map(|job| (job.phase.is_done(), job.last_exit)) {
            Some((true, Some(exit))) => format!("has ended ({exit})"),
            Some((true, None)) => "is over".to_owned(),
            Some((false, _)) | None => "will not start either".to_owned(),
        };
        format!("can no longer start: it waits for `{}` of {}, and {source} {why}", event.code.word(), event.source)
    }
}
