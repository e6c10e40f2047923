//! Reload: from the active plan to the next one, touching only what is different. v3 spec 10.6; defects 2, 19, 20.
//!
//! First all goes that does not go on: changed and removed jobs, in the order and by the steps of every stop. When the
//! last of it is gone the next plan is the active one: what goes on keeps its number, process and state, everything else begins
//! and is told what stands. A plan that comes meanwhile takes the place of the next one; a stop goes before both.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::changes::Changes;
use crate::effect::{Effect, Switch};
use crate::engine::Engine;
use crate::event::{Class, Code, Event};
use crate::history::{Cause, What};
use crate::plan::{self, Condition, Count, JobId, Plan, Start, WatchId};
use crate::state::{ActivePlan, Activity, Job, Phase, Status, Table, Why};
use crate::stop::turns::turns;
use crate::watch::Watch;

impl Engine {
    /// What a reload with this plan would do now.
    pub fn changes(&self, next: &Plan) -> Changes {
        let goes_on: Vec<bool> = self.jobs_that_go_on(next).iter().map(Option::is_some).collect();
        Changes::between(self.plan(), next, &goes_on)
    }

    /// Whether a plan waits for old processes to end.
    pub fn is_reloading(&self) -> bool {
        self.next.is_some()
    }

    /// Whether the plan that waits has no place for a job.
    pub(crate) fn is_outdated(&self, id: JobId) -> bool {
        self.next.as_ref().is_some_and(|next| !self.jobs_that_go_on(next).contains(&Some(id)))
    }

    pub(crate) fn request_reload(&mut self, next: Arc<Plan>) {
        if !self.lifecycle.stopping {
            self.cause = Cause::Entry(self.history.note(What::Reload, Cause::Person, self.now, None));
            self.reload_cause = self.cause;
            let go_on = self.jobs_that_go_on(&next);
            self.next = Some(next);
            self.retire_all_but(&go_on);
        }
    }

    /// Activates the next plan when nothing is left that must be gone before. True if something moved.
    pub(crate) fn advance_reload(&mut self) -> bool {
        let Some(next) = self.next.clone() else { return false };
        if self.jobs.values().any(|job| job.phase.is_retired() && !job.phase.is_done()) {
            return false;
        }
        // Asked again: a job that others wait for may have ended since.
        let go_on = self.jobs_that_go_on(&next);
        if self.retire_all_but(&go_on) {
            return true;
        }
        let is_left = |id: JobId| self.jobs.get(id).is_some_and(|job| !job.phase.is_done());
        if self.ids().any(|id| !go_on.contains(&Some(id)) && is_left(id)) {
            return false;
        }
        self.next = None;
        self.ends_have_changed = true;
        self.activate(next, go_on);
        true
    }

    /// For each job of the next plan the one that goes on as it; `None` for one that begins.
    pub(crate) fn jobs_that_go_on(&self, next: &Plan) -> Vec<Option<JobId>> {
        let old: Vec<(JobId, &Job)> = self.ids().filter_map(|id| Some((id, self.jobs.get(id)?))).collect();
        let names = old.iter().map(|(id, job)| (job.settings.name.as_str(), *id));
        let partners = partners(names, next.jobs.iter().map(|job| job.name.as_str()));
        let is_same = |id: JobId, settings: &plan::Job| {
            self.jobs.get(id).is_some_and(|job| *job.settings == *settings && !job.phase.is_retired())
        };
        let mut go_on: Vec<Option<JobId>> =
            partners.into_iter().zip(&next.jobs).map(|(id, job)| id.filter(|id| is_same(*id, job))).collect();
        loop {
            let standing = self.standing(&go_on, &self.watches_that_go_on(next));
            let begins: Vec<&plan::Job> =
                next.jobs.iter().zip(&go_on).filter(|(_, id)| id.is_none()).map(|(job, _)| job).collect();
            let renewed: Vec<bool> =
                go_on.iter().map(|id| id.is_some_and(|id| self.is_renewed(id, &begins, &standing))).collect();
            if !renewed.contains(&true) {
                return go_on;
            }
            for (id, _) in go_on.iter_mut().zip(renewed).filter(|(_, renewed)| *renewed) {
                *id = None;
            }
        }
    }

    /// Whether an unchanged job has to begin again because of those that begin: it is over and one of them waits for it,
    /// or it reacts to the stop of one of them and has done so, or is about to.
    fn is_renewed(&self, id: JobId, begins: &[&plan::Job], standing: &[Event]) -> bool {
        let Some(job) = self.jobs.get(id).filter(|job| !job.phase.is_held()) else {
            return false; // A person has stopped it, and it stays stopped.
        };
        let is_over = !job.phase.is_live();
        let is_waited_for = || begins.iter().any(|begins| waits_once_for(begins, &job.settings.name, standing));
        let reacts_to = |begins: &plan::Job| {
            job.settings.is_hook_on(&begins.name) && (is_over || self.serves_the_stop_of(id, &begins.name))
        };
        (is_over && is_waited_for()) || begins.iter().any(|begins| reacts_to(begins))
    }

    /// Whether a hook waits for the stop of a job that is still there, or is at work because of it.
    fn serves_the_stop_of(&self, hook: JobId, source: &str) -> bool {
        let is_armed = self.jobs.get(hook).is_some_and(|hook| hook.starts != Count::Finite(0));
        let others = self.ids().filter(|other| *other != hook).filter_map(|other| self.jobs.get(other));
        others.filter(|other| other.settings.name == source).any(|other| match other.phase {
            Phase::Live(_) | Phase::Retired(_) | Phase::StopPending { .. } => is_armed,
            Phase::Stopping(_) => true,
            Phase::Done(_) => false,
        })
    }

    /// True if somebody had to be told.
    fn retire_all_but(&mut self, go_on: &[Option<JobId>]) -> bool {
        let mut retired = Vec::new();
        for id in self.ids().filter(|id| !go_on.contains(&Some(*id))) {
            let Some(job) = self.jobs.get_mut(id) else { continue };
            match &mut job.phase {
                Phase::Live(activity) => {
                    let activity = std::mem::replace(activity, Activity::Waiting);
                    job.phase = Phase::Retired(activity);
                    retired.push(id);
                }
                // One that goes down by itself is not retired: if it is critical, its end is still the container's.
                phase if phase.is_held() => phase.set_why(Why::Reload),
                Phase::Retired(_) | Phase::StopPending { .. } | Phase::Stopping(_) | Phase::Done(_) => {}
            }
        }
        for id in &retired {
            self.retire(*id);
        }
        !retired.is_empty()
    }

    /// As rule 6 of a shutdown: a hook of something that goes stays for its work, everything else goes.
    fn retire(&mut self, id: JobId) {
        let Some(settings) = self.jobs.get(id).map(|job| Arc::clone(&job.settings)) else { return };
        let goes = |source: &str| {
            self.ids().any(|other| {
                let is_source = self.job(other).is_some_and(|other| other.name == source);
                is_source && (self.is_going(other) || self.jobs.get(other).is_some_and(|job| !job.phase.is_live()))
            })
        };
        let hooked_on = settings.start.events().iter().filter(|event| event.code.class() == Class::Stop);
        let mut sources = hooked_on.map(|event| event.source.as_str());
        let stays = settings.is_hook() && sources.any(|source| goes(source) && self.serves_the_stop_of(id, source));
        if stays { self.quit_after_its_work(id) } else { self.quit_at_once(id) }
    }

    fn activate(&mut self, next: Arc<Plan>, go_on: Vec<Option<JobId>>) {
        let watches_go_on = self.watches_that_go_on(&next);
        let standing = self.standing(&go_on, &watches_go_on);
        let job_ids: Vec<JobId> = go_on.iter().map(|id| id.unwrap_or_else(|| JobId(self.next_number()))).collect();
        let watch_ids: Vec<WatchId> =
            watches_go_on.iter().map(|id| id.unwrap_or_else(|| WatchId(self.next_number()))).collect();
        let (now, seed) = (self.now, self.seed);
        let (mut jobs, mut watches) = (self.jobs.drain(), self.watches.drain());
        let job = |(id, settings): (&JobId, &plan::Job)| {
            let begin = || Job::new(Arc::new(settings.clone()), seed.wrapping_add(id.0 as u64), now);
            (*id, jobs.remove(id).unwrap_or_else(begin))
        };
        self.jobs = Table::new(job_ids.iter().zip(&next.jobs).map(job));
        self.watches = Table::new(watch_ids.iter().map(|id| (*id, watches.remove(id).unwrap_or_else(Watch::new))));
        let begin: Vec<JobId> =
            job_ids.iter().zip(&go_on).filter(|(_, old)| old.is_none()).map(|(id, _)| *id).collect();
        let plan = ActivePlan::new(next, job_ids, watch_ids);
        self.lifecycle.order = turns(&plan);
        self.plan = Arc::new(plan);
        self.effect(Effect::PlanActivated);
        self.cause = self.reload_cause;
        for id in &begin {
            self.announce_beginning(*id);
        }
        for event in standing {
            for id in &begin {
                self.start_if_wanted(*id, &event);
            }
        }
    }

    fn watches_that_go_on(&self, next: &Plan) -> Vec<Option<WatchId>> {
        let old = self.plan.watch_ids.iter().zip(&self.plan.file.watches).map(|(id, watch)| (watch.name.as_str(), *id));
        let partners = partners(old, next.watches.iter().map(|watch| watch.name.as_str()));
        let is_same = |id: WatchId, watch: &plan::Watch| self.plan.watch(id) == Some(watch);
        partners.into_iter().zip(&next.watches).map(|(id, watch)| id.filter(|id| is_same(*id, watch))).collect()
    }

    /// What a job that begins now has to know of those that go on: a fresh pilot would tell it in its first seconds.
    fn standing(&self, jobs: &[Option<JobId>], watches: &[Option<WatchId>]) -> Vec<Event> {
        let mut events = vec![Event::global(Code::Startup)];
        if self.maintenance == Switch::On {
            events.push(Event::global(Code::EnterMaintenance));
        }
        for id in watches.iter().flatten() {
            let (Some(watch), Some(state)) = (self.plan.watch(*id), self.watches.get(*id)) else { continue };
            let source = format!("watch.{}", watch.name);
            events.extend(state.standing().iter().map(|code| Event::new(*code, source.clone())));
        }
        let jobs = jobs.iter().flatten().filter_map(|id| self.jobs.get(*id));
        for job in jobs.filter(|job| job.phase.is_live()) {
            match job.status {
                Status::Healthy => events.push(Event::new(Code::Healthy, &job.settings.name)),
                Status::Unhealthy => events.push(Event::new(Code::Unhealthy, &job.settings.name)),
                Status::Idle | Status::Unknown | Status::Maintenance | Status::AlwaysHealthy => {}
            }
        }
        events
    }
}

/// For each new one the old one of its name; those of the same name by their order.
fn partners<'a, I: Copy>(
    old: impl Iterator<Item = (&'a str, I)>,
    new: impl Iterator<Item = &'a str>,
) -> Vec<Option<I>> {
    let mut by_name: HashMap<&str, VecDeque<I>> = HashMap::new();
    for (name, id) in old {
        by_name.entry(name).or_default().push_back(id);
    }
    new.map(|name| by_name.get_mut(name)?.pop_front()).collect()
}

/// Whether a job waits, the one time it waits, for something of `source` that does not stand already.
fn waits_once_for(job: &plan::Job, source: &str, standing: &[Event]) -> bool {
    let of_it = |event: &Event| event.source.strip_prefix("check.").unwrap_or(&event.source) == source;
    match &job.start {
        Start::Once { when: Condition::All(events), .. } => events.iter().any(of_it),
        Start::Once { when: Condition::Any(events), .. } => {
            events.iter().any(of_it) && !events.iter().any(|event| standing.contains(event))
        }
        Start::Each { .. } | Start::Interval(_) | Start::Cron(_) | Start::Never { .. } => false,
    }
}
