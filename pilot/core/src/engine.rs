//! The bus: takes what happens, delivers events to the jobs, and gives what is to be done.
//!
//! Events are delivered in the order of the file, one after the other, and each job holds its rules against each of them, in
//! v3's order (spec 6.4). The rules: what starts and what follows an end in `runs`, what comes again in `periodic`, what
//! health means in `health`, what rests in `maintenance`, what stops, and in which order, in `stop`.
//!
//! A job is asked for by its number at every step, and a number that a reload has taken away finds nothing: no rule trusts
//! that what was there a moment ago still is.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::effect::{Announcement, Effect, Input, RoundId, RunId, Switch};
use crate::event::{Class, Code, Event};
use crate::history::{Cause, History, What};
use crate::limits::LONGEST_SLEEP;
use crate::plan::{self, Count, JobId, Level, Plan, WatchId};
use crate::state::{ActivePlan, Activity, Clock, Job, Lifecycle, Table};
use crate::stop::turns::turns;
use crate::watch::{NO_INSTANCE, Watch};

/// An event that waits for its delivery.
#[derive(Debug)]
struct Queued {
    event: Event,
    cause: Cause,
    /// Of a failure: what went wrong.
    reason: Option<String>,
}

/// The state of everything pilot supervises.
#[derive(Debug)]
pub struct Engine {
    pub(crate) plan: Arc<ActivePlan>,
    pub(crate) jobs: Table<JobId, Job>,
    pub(crate) watches: Table<WatchId, Watch>,
    pub(crate) lifecycle: Lifecycle,
    /// To be the active plan when what it removes or changes is gone.
    pub(crate) next: Option<Arc<Plan>>,
    pub(crate) maintenance: Switch,
    pub(crate) now: Duration,
    pub(crate) seed: u64,
    pub(crate) history: History,
    /// Of what happens now.
    pub(crate) cause: Cause,
    /// Of what a reload does.
    pub(crate) reload_cause: Cause,
    queue: VecDeque<Queued>,
    effects: Vec<Effect>,
    last_id: u64,
    next_number: usize,
    /// A job has ended, begun again or left since dead ends were looked for.
    pub(crate) ends_have_changed: bool,
    /// The wall clock, once it was told.
    pub(crate) clock: Option<Clock>,
}

impl Engine {
    /// An engine at time zero. `seed` spreads restart delays.
    pub fn new(plan: Arc<Plan>, seed: u64) -> Self {
        let job_ids: Vec<JobId> = (0..plan.jobs.len()).map(JobId).collect();
        let watch_ids: Vec<WatchId> = (0..plan.watches.len()).map(WatchId).collect();
        let begin = |(id, settings): (&JobId, &plan::Job)| {
            (*id, Job::new(Arc::new(settings.clone()), seed.wrapping_add(id.0 as u64), Duration::ZERO))
        };
        let jobs = Table::new(job_ids.iter().zip(&plan.jobs).map(begin));
        let watches = Table::new(watch_ids.iter().map(|id| (*id, Watch::new())));
        let next_number = job_ids.len().max(watch_ids.len());
        let plan = Arc::new(ActivePlan::new(plan, job_ids, watch_ids));
        Engine {
            jobs,
            watches,
            lifecycle: Lifecycle::new(turns(&plan)),
            next_number,
            ends_have_changed: false,
            plan,
            next: None,
            maintenance: Switch::Off,
            now: Duration::ZERO,
            seed,
            history: History::new(),
            cause: Cause::Beginning,
            reload_cause: Cause::Person,
            queue: VecDeque::new(),
            effects: Vec::new(),
            last_id: 0,
            clock: None,
        }
    }

    /// One step: what happened, when (time since the engine was made, never backwards), and what is to be done.
    pub fn handle(&mut self, input: Input, now: Duration) -> Vec<Effect> {
        self.now = self.now.max(now);
        self.take(input);
        self.settle();
        self.fire_timers();
        self.settle();
        self.notice_dead_ends();
        self.settle();
        for job in self.jobs.values_mut() {
            job.note(self.now);
        }
        std::mem::take(&mut self.effects)
    }

    /// When [`Input::Tick`] is wanted at the latest; never more than a day ahead of the last input.
    pub fn next_timeout(&self) -> Option<Duration> {
        let next = self.jobs.values().filter_map(Job::next_timeout).chain(self.next_look()).min();
        next.map(|at| at.min(self.after(LONGEST_SLEEP)))
    }

    /// The plan that holds now.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan.file
    }

    /// The jobs' states, in the order of the active plan.
    pub fn jobs(&self) -> Vec<&Job> {
        self.plan.job_ids.iter().filter_map(|id| self.jobs.get(*id)).collect()
    }

    /// What the active plan says of a job.
    pub fn job(&self, id: JobId) -> Option<&plan::Job> {
        self.jobs.get(id).map(|job| &*job.settings)
    }

    /// A job's state.
    pub fn state(&self, id: JobId) -> Option<&Job> {
        self.jobs.get(id)
    }

    /// The run of a job that is going.
    pub fn run_of(&self, id: JobId) -> Option<RunId> {
        self.jobs.get(id).and_then(Job::run).map(|run| run.id)
    }

    /// What the active plan says of a watch.
    pub fn watch(&self, id: WatchId) -> Option<&plan::Watch> {
        self.plan.watch(id)
    }

    /// The numbers of the jobs, in the order of the active plan.
    pub fn job_ids(&self) -> &[JobId] {
        &self.plan.job_ids
    }

    /// The numbers of the watches, in the order of the active plan.
    pub fn watch_ids(&self) -> &[WatchId] {
        &self.plan.watch_ids
    }

    /// The watches' states, in the order of the active plan.
    pub fn watches(&self) -> Vec<&Watch> {
        self.plan.watch_ids.iter().filter_map(|id| self.watches.get(*id)).collect()
    }

    /// What has happened, and why.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Whether maintenance was asked for.
    pub fn maintenance(&self) -> Switch {
        self.maintenance
    }

    /// Whether everything is being stopped.
    pub fn is_stopping(&self) -> bool {
        self.lifecycle.stopping
    }

    fn take(&mut self, input: Input) {
        if !self.concerns_the_living(&input) {
            return;
        }
        self.cause = cause_of(&input);
        match input {
            Input::Startup => {
                for id in self.ids() {
                    self.announce_initial_status(id);
                }
                self.publish(Event::global(Code::Startup));
            }
            Input::Stop => self.request_stop(),
            Input::Signal(signal) => self.publish(Event::new(Code::Signal, signal.name())),
            Input::Maintenance(switch) => {
                self.maintenance = switch;
                self.publish(Event::global(match switch {
                    Switch::On => Code::EnterMaintenance,
                    Switch::Off => Code::ExitMaintenance,
                }));
            }
            Input::Reload(next) => self.request_reload(next),
            Input::Job { job, request } => self.requested(job, request),
            Input::Tick => {}
            Input::Clock { utc } => self.told_the_time(utc),
            Input::StartFailed { job, run, code, reason } => self.start_failed(job, run, code, reason),
            Input::Exited { job, run, exit, leftovers } => self.exited(job, run, exit, leftovers),
            Input::GroupGone { job, run } => {
                if let Some(job) = self.jobs.get_mut(job) {
                    job.lingering.retain(|left| *left != run);
                }
            }
            Input::Probed { job, round, verdict } => self.probed(job, round, verdict),
            Input::Notified { job } => self.look_now(job),
            Input::Instances { watch, instances } => {
                let now = self.now;
                let events = self.watches.get_mut(watch).map_or(&[][..], |watch| watch.see(instances, now));
                self.publish_watch(watch, events, NO_INSTANCE);
            }
            Input::WatchProbed { watch, pass, note } => {
                let now = self.now;
                let events = self.watches.get_mut(watch).map_or(&[][..], |watch| watch.probed(pass, &note, now));
                self.publish_watch(watch, events, &note);
            }
            Input::Target { job, healthy, state } => self.target_seen(job, healthy, state),
            Input::LeftGroup { job } => self.left_group(job),
            Input::GroupDrained { job } => self.drained(job),
            Input::InFlight { job, count } => self.counted(job, count),
            Input::Withdrawn { job, service } => self.withdrawn(job, service),
        }
    }

    /// What is late, and about a job or watch that a reload has removed since, is nothing.
    fn concerns_the_living(&self, input: &Input) -> bool {
        match input {
            Input::StartFailed { job, .. }
            | Input::Exited { job, .. }
            | Input::GroupGone { job, .. }
            | Input::Probed { job, .. }
            | Input::Job { job, .. }
            | Input::Notified { job }
            | Input::Target { job, .. }
            | Input::LeftGroup { job }
            | Input::GroupDrained { job }
            | Input::InFlight { job, .. }
            | Input::Withdrawn { job, .. } => self.jobs.get(*job).is_some(),
            Input::Instances { watch, .. } | Input::WatchProbed { watch, .. } => self.watches.get(*watch).is_some(),
            Input::Startup
            | Input::Stop
            | Input::Signal(_)
            | Input::Maintenance(_)
            | Input::Reload(_)
            | Input::Tick
            | Input::Clock { .. } => true,
        }
    }

    fn publish_watch(&mut self, watch: WatchId, codes: &[Code], why_unhealthy: &str) {
        let Some(settings) = self.plan.watch(watch) else { return };
        let source = format!("watch.{}", settings.name);
        for code in codes {
            let event = Event::new(*code, source.clone());
            match code {
                Code::Unhealthy => self.publish_because(event, why_unhealthy),
                _ => self.publish(event),
            }
        }
    }

    /// Delivers events and lets stops make progress until nothing moves any more.
    fn settle(&mut self) {
        loop {
            while let Some(Queued { event, cause, reason }) = self.queue.pop_front() {
                let entry = self.history.note(What::Event(event.clone()), cause, self.now, reason);
                self.cause = Cause::Entry(entry);
                self.effects.push(Effect::Published(event.clone()));
                for id in self.ids() {
                    self.on_event(id, &event);
                }
            }
            if !self.advance_stops() {
                break;
            }
        }
    }

    /// The rules of spec 6.4, numbers as there. Timers (rules 1 to 3) are in [`Self::fire_timers`], check results
    /// (4 and 5) in `health`.
    fn on_event(&mut self, id: JobId, event: &Event) {
        let Some(job) = self.jobs.get(id).filter(|job| job.phase.is_live()) else { return };
        let own = event.source == job.settings.name;
        match (event.code, event.code.class()) {
            (Code::Shutdown, _) => return self.quit(id),               // 6
            (Code::EnterMaintenance, _) => self.enter_maintenance(id), // 7
            (Code::ExitMaintenance, _) => self.exit_maintenance(id),   // 8
            (_, Class::Exit) if own => return self.on_own_exit(id),    // 9
            _ => {}
        }
        self.start_if_wanted(id, event); // 10, 11
    }

    /// Rule 6: no more restarts. A job hooked on another's stop keeps waiting for it, every other one stops.
    fn quit(&mut self, id: JobId) {
        let Some(job) = self.jobs.get_mut(id) else { return };
        if job.settings.is_hook() && job.starts != Count::Finite(0) {
            job.owed.by_person = false;
            self.quit_after_its_work(id);
        } else {
            self.quit_at_once(id);
        }
    }

    pub(crate) fn quit_at_once(&mut self, id: JobId) {
        let Some(job) = self.jobs.get_mut(id) else { return };
        job.budget = Count::Finite(0);
        job.give_up_at = None;
        self.halt(id);
    }

    pub(crate) fn quit_after_its_work(&mut self, id: JobId) {
        let Some(job) = self.jobs.get_mut(id) else { return };
        job.budget = Count::Finite(0);
        job.give_up_at = None;
        // Of the runs it may owe one is made up for: it may be the one for the stop that is under way.
        job.owed.starts = job.owed.starts.min(1);
        let rest = job.at_rest();
        if let Some(activity @ Activity::BackingOff { .. }) = job.phase.activity_mut() {
            // A restart is no longer owed.
            *activity = rest;
        }
        if job.starts == Count::Unlimited {
            job.starts = Count::Finite(1);
        }
        self.bound_hook(id);
    }

    /// A timer may end what a reload waits for, and the next plan is active before the next timer: jobs that are gone by
    /// then have none.
    fn fire_timers(&mut self) {
        let timers = [
            Self::tick_check,    // 1
            Self::tick_wait,     // 2
            Self::tick_interval, // 3
            Self::tick_activity,
            Self::tick_stop,
            Self::tick_drain,
        ];
        for id in self.ids() {
            for timer in timers {
                self.cause = Cause::Timer;
                timer(self, id);
            }
        }
    }

    /// Rule 2: `when.timeout`.
    fn tick_wait(&mut self, id: JobId) {
        let now = self.now;
        let Some(job) = self.jobs.get_mut(id) else { return };
        if !job.phase.is_live() || job.give_up_at.is_none_or(|at| at > now) {
            return;
        }
        job.give_up_at = None;
        let name = job.settings.name.clone();
        self.say_timeout(id);
        self.say(Level::Warn, Some(id), format!("{name} gives up waiting to start: its when.timeout has passed"));
        self.publish(Event::new(Code::TimerExpired, name));
        // Its own quit comes after the event, as every job's rules do.
        self.settle();
        if self.jobs.get(id).is_some_and(|job| job.phase.is_live()) {
            self.quit(id);
        }
    }

    pub(crate) fn announce(&mut self, id: JobId, announcement: Announcement) {
        if self.is_in_catalog(id) {
            self.effects.push(Effect::Announce { job: id, announcement });
        }
    }

    /// Whether anything of this job is for the catalog.
    pub(crate) fn is_in_catalog(&self, id: JobId) -> bool {
        self.job(id).is_some_and(|job| self.plan.registers(job))
    }

    pub(crate) fn publish(&mut self, event: Event) {
        self.queue.push_back(Queued { event, cause: self.cause, reason: None });
    }

    /// An event of something that failed, and why it did.
    pub(crate) fn publish_because(&mut self, event: Event, reason: &str) {
        self.queue.push_back(Queued { event, cause: self.cause, reason: Some(reason.to_owned()) });
    }

    pub(crate) fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    pub(crate) fn say(&mut self, level: Level, job: Option<JobId>, text: String) {
        self.effects.push(Effect::Say { level, job, text });
    }

    pub(crate) fn next_round(&mut self) -> RoundId {
        RoundId(self.next_id())
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = JobId> + use<> {
        let plan = Arc::clone(&self.plan);
        let mut place = 0..;
        std::iter::from_fn(move || plan.job_ids.get(place.next()?).copied())
    }

    /// What time it is after this long. A time that no clock reaches is the last one there is.
    pub(crate) fn after(&self, time: Duration) -> Duration {
        self.now.saturating_add(time)
    }

    /// For a job or a watch.
    pub(crate) fn next_number(&mut self) -> usize {
        self.next_number += 1;
        self.next_number - 1
    }

    pub(crate) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }
}

/// What happens because of this input.
fn cause_of(input: &Input) -> Cause {
    match input {
        Input::Startup => Cause::Beginning,
        Input::Stop => Cause::StopRequest,
        Input::Signal(signal) => Cause::Signal(*signal),
        Input::Maintenance(_) | Input::Reload(_) | Input::Job { .. } => Cause::Person,
        Input::Tick | Input::Clock { .. } => Cause::Timer,
        Input::StartFailed { .. }
        | Input::Exited { .. }
        | Input::GroupGone { .. }
        | Input::Probed { .. }
        | Input::Notified { .. }
        | Input::Instances { .. }
        | Input::WatchProbed { .. }
        | Input::Target { .. }
        | Input::LeftGroup { .. }
        | Input::GroupDrained { .. }
        | Input::InFlight { .. }
        | Input::Withdrawn { .. } => Cause::Seen,
    }
}
