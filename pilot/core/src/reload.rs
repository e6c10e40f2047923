//! Reload: from the plan in force to the next one, touching only what is different. v3 spec 10.6; defects 2, 19, 20.
//!
//! First all goes that does not go on: changed and removed jobs, in the order and by the steps of every stop. When the
//! last of it is gone the next plan is in force: what goes on keeps its number, process and state, everything else begins
//! and is told what stands. A plan that comes meanwhile takes the place of the next one; a stop goes before both.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::changes::Changes;
use super::effect::{Effect, Switch};
use super::engine::Engine;
use super::event::{Code, Event};
use super::history::{Cause, What};
use super::in_force::InForce;
use super::job::{Job, Phase, Status, hooked_on_stop, is_of_a_stop, start_events};
use super::plan::{self, Condition, Count, JobId, Plan, Start, WatchId};
use super::request::Hold;
use super::watch::Watch;

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
    pub(super) fn is_outdated(&self, id: JobId) -> bool {
        self.next.as_ref().is_some_and(|next| !self.jobs_that_go_on(next).contains(&Some(id)))
    }

    pub(super) fn request_reload(&mut self, next: Arc<Plan>) {
        if !self.lifecycle.stopping {
            self.cause = Cause::Entry(self.history.note(What::Reload, Cause::Person, self.now, None));
            self.reload_cause = self.cause;
            let go_on = self.jobs_that_go_on(&next);
            self.next = Some(next);
            self.retire_all_but(&go_on);
        }
    }

    /// Puts the next plan in force when nothing is left that must be gone before. True if something moved.
    pub(super) fn advance_reload(&mut self) -> bool {
        let Some(next) = self.next.clone() else { return false };
        let is_left = |id: &JobId| self.jobs[id.0].phase != Phase::Done;
        if self.ids().any(|id| self.jobs[id.0].retired && is_left(&id)) {
            return false;
        }
        // Asked anew: a job that others wait for may have ended since.
        let go_on = self.jobs_that_go_on(&next);
        if self.retire_all_but(&go_on) {
            return true;
        }
        if self.ids().any(|id| !go_on.contains(&Some(id)) && self.jobs[id.0].phase != Phase::Done) {
            return false;
        }
        self.next = None;
        self.put_in_force(next, go_on);
        true
    }

    /// For each job of the next plan the one that goes on as it; `None` for one that begins.
    pub(super) fn jobs_that_go_on(&self, next: &Plan) -> Vec<Option<JobId>> {
        let old = self.ids().map(|id| (self.plan.jobs[id.0].name.as_str(), id));
        let partners = partners(old, next.jobs.iter().map(|job| job.name.as_str()));
        let is_same = |id: &JobId, job: &plan::Job| self.plan.jobs[id.0] == *job && !self.jobs[id.0].retired;
        let mut go_on: Vec<Option<JobId>> =
            partners.into_iter().zip(&next.jobs).map(|(id, job)| id.filter(|id| is_same(id, job))).collect();
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

    /// Whether an unchanged job has to begin anew because of those that begin: it is over and one of them waits for it,
    /// or it reacts to the stop of one of them and has done so, or is about to.
    fn is_renewed(&self, id: JobId, begins: &[&plan::Job], standing: &[Event]) -> bool {
        if self.jobs[id.0].hold != Hold::Free {
            return false; // A person has stopped it, and it stays stopped.
        }
        let job = &self.plan.jobs[id.0];
        let is_over = self.jobs[id.0].phase != Phase::Live;
        let is_waited_for = begins.iter().any(|begins| waits_once_for(begins, &job.name, standing));
        let reacts = hooked_on_stop(job)
            && begins.iter().any(|begins| {
                let stop_of_it = |event: &Event| is_of_a_stop(event.code) && event.source == begins.name;
                start_events(&job.start).iter().any(stop_of_it)
                    && (is_over || self.serves_the_stop_of(id, &begins.name))
            });
        (is_over && is_waited_for) || reacts
    }

    /// Whether a hook waits for the stop of a job that is still there, or is at work because of it.
    fn serves_the_stop_of(&self, hook: JobId, source: &str) -> bool {
        let is_armed = self.jobs[hook.0].starts != Count::Finite(0);
        self.ids().filter(|other| *other != hook && self.plan.jobs[other.0].name == source).any(|other| {
            match self.jobs[other.0].phase {
                Phase::Live => is_armed,
                Phase::Hooks { .. }
                | Phase::Withdrawing { .. }
                | Phase::Leaving { .. }
                | Phase::Draining(_)
                | Phase::Ending { .. } => true,
                Phase::Done => false,
            }
        })
    }

    /// True if somebody had to be told.
    fn retire_all_but(&mut self, go_on: &[Option<JobId>]) -> bool {
        let outdated: Vec<JobId> = self.ids().filter(|id| !go_on.contains(&Some(*id))).collect();
        let mut retired = Vec::new();
        for id in outdated {
            let job = &mut self.jobs[id.0];
            let is_held = std::mem::replace(&mut job.hold, Hold::Free) != Hold::Free;
            if job.phase == Phase::Live && !job.retired {
                retired.push(id);
            }
            // One that goes down by itself is not retired: if it is critical, its end is still the container's.
            job.retired |= is_held || job.phase == Phase::Live;
        }
        for id in &retired {
            self.retire(*id);
        }
        !retired.is_empty()
    }

    /// As rule 6 of a shutdown: a hook of something that goes stays for its work, everything else goes.
    fn retire(&mut self, id: JobId) {
        let plan = Arc::clone(&self.plan);
        let job = &plan.jobs[id.0];
        let goes = |source: &str| {
            self.ids().any(|other| {
                plan.jobs[other.0].name == source && (self.is_going(other) || self.jobs[other.0].phase != Phase::Live)
            })
        };
        let stays = hooked_on_stop(job)
            && start_events(&job.start).iter().any(|event| {
                is_of_a_stop(event.code) && goes(&event.source) && self.serves_the_stop_of(id, &event.source)
            });
        if stays { self.quit_after_its_work(id) } else { self.quit_at_once(id) }
    }

    fn put_in_force(&mut self, next: Arc<Plan>, go_on: Vec<Option<JobId>>) {
        let watches_go_on = self.watches_that_go_on(&next);
        let standing = self.standing(&go_on, &watches_go_on);
        let job_ids: Vec<JobId> = go_on.iter().map(|id| id.unwrap_or_else(|| JobId(self.next_number()))).collect();
        let watch_ids = watches_go_on.iter().map(|id| id.unwrap_or_else(|| WatchId(self.next_number()))).collect();
        let plan = InForce::new(next, job_ids, watch_ids);
        let begin: Vec<JobId> =
            plan.job_ids.iter().zip(&go_on).filter(|(_, old)| old.is_none()).map(|(id, _)| *id).collect();
        let (now, seed) = (self.now, self.seed);
        self.jobs.follow(&plan.jobs, |number, job| Job::new(job, seed.wrapping_add(number as u64), now));
        self.watches.follow(&plan.watches, |_, _| Watch::new());
        self.lifecycle.follow(&plan);
        self.plan = Arc::new(plan);
        self.effect(Effect::InForce);
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
        let old = self.plan.watch_ids.iter().map(|id| (self.plan.watches[id.0].name.as_str(), *id));
        let partners = partners(old, next.watches.iter().map(|watch| watch.name.as_str()));
        let is_same = |id: &WatchId, watch: &plan::Watch| self.plan.watches[id.0] == *watch;
        partners.into_iter().zip(&next.watches).map(|(id, watch)| id.filter(|id| is_same(id, watch))).collect()
    }

    /// What a job that begins now has to know of those that go on: a fresh pilot would tell it in its first seconds.
    fn standing(&self, jobs: &[Option<JobId>], watches: &[Option<WatchId>]) -> Vec<Event> {
        let mut events = vec![Event::global(Code::Startup)];
        if self.maintenance == Switch::On {
            events.push(Event::global(Code::EnterMaintenance));
        }
        for id in watches.iter().flatten() {
            let source = format!("watch.{}", self.plan.watches[id.0].name);
            events.extend(self.watches[id.0].standing().iter().map(|code| Event::new(*code, source.clone())));
        }
        for id in jobs.iter().flatten().filter(|id| self.jobs[id.0].phase == Phase::Live) {
            let source = &self.plan.jobs[id.0].name;
            match self.jobs[id.0].status {
                Status::Healthy => events.push(Event::new(Code::Healthy, source)),
                Status::Unhealthy => events.push(Event::new(Code::Unhealthy, source)),
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
