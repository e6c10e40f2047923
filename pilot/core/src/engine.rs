//! The bus: takes what happens, delivers events to the jobs, and gives what is to be done.
//!
//! Events are delivered in the order of the file, one after the other, and each job holds its rules against each of them, in
//! v3's order (spec 6.4). The rules: what starts and what follows an end in `runs`, what comes again in `periodic`, what
//! health means in `health`, what rests in `maintenance`, what stops, and in which order, in `stop`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::effect::{Announcement, Effect, Input, RoundId, RunId, Switch};
use super::event::{Code, Event};
use super::exit::Exit;
use super::history::{Cause, History, What};
use super::in_force::{InForce, Table};
use super::job::{Activity, Job, Phase, hooked_on_stop};
use super::periodic::Clock;
use super::plan::{self, Count, JobId, Level, Plan, WatchId};
use super::runs::Ended;
use super::stop::Lifecycle;
use super::watch::{NO_INSTANCE, Watch};

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
    pub(super) plan: Arc<InForce>,
    pub(super) jobs: Table<Job>,
    pub(super) watches: Table<Watch>,
    pub(super) lifecycle: Lifecycle,
    /// To be in force when what it removes or changes is gone.
    pub(super) next: Option<Arc<Plan>>,
    pub(super) maintenance: Switch,
    pub(super) now: Duration,
    pub(super) seed: u64,
    pub(super) history: History,
    /// Of what happens now.
    pub(super) cause: Cause,
    /// Of what a reload does.
    pub(super) reload_cause: Cause,
    queue: VecDeque<Queued>,
    effects: Vec<Effect>,
    last_id: u64,
    next_number: usize,
    /// The wall clock, once it was told.
    pub(super) clock: Option<Clock>,
}

impl Engine {
    /// An engine at time zero. `seed` spreads restart delays.
    pub fn new(plan: Arc<Plan>, seed: u64) -> Self {
        let job_ids: Vec<JobId> = (0..plan.jobs.len()).map(JobId).collect();
        let watch_ids: Vec<WatchId> = (0..plan.watches.len()).map(WatchId).collect();
        let plan = Arc::new(InForce::new(plan, job_ids, watch_ids));
        let new = |id: &JobId| Job::new(&plan.jobs[id.0], seed.wrapping_add(id.0 as u64), Duration::ZERO);
        let jobs = plan.job_ids.iter().map(|id| (id.0, new(id)));
        Engine {
            jobs: Table::new(jobs),
            watches: Table::new(plan.watch_ids.iter().map(|id| (id.0, Watch::new()))),
            lifecycle: Lifecycle::new(&plan),
            next_number: plan.job_ids.len().max(plan.watch_ids.len()),
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
        for job in self.jobs.values_mut() {
            job.note(self.now);
        }
        std::mem::take(&mut self.effects)
    }

    /// When [`Input::Tick`] is wanted at the latest.
    pub fn next_timeout(&self) -> Option<Duration> {
        self.jobs.values().filter_map(Job::next_timeout).chain(self.next_look()).min()
    }

    /// The plan in force.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan.file
    }

    /// The jobs' states, in the order of the plan in force.
    pub fn jobs(&self) -> Vec<&Job> {
        self.plan.job_ids.iter().map(|id| &self.jobs[id.0]).collect()
    }

    /// What the plan in force says of a job.
    pub fn job(&self, id: JobId) -> Option<&plan::Job> {
        self.plan.jobs.get(id.0)
    }

    /// A job's state.
    pub fn state(&self, id: JobId) -> Option<&Job> {
        self.jobs.get(id.0)
    }

    /// The run of a job that is going.
    pub fn run_of(&self, id: JobId) -> Option<RunId> {
        self.jobs.get(id.0).and_then(Job::run)
    }

    /// What the plan in force says of a watch.
    pub fn watch(&self, id: WatchId) -> Option<&plan::Watch> {
        self.plan.watches.get(id.0)
    }

    /// The numbers of the jobs, in the order of the plan in force.
    pub fn job_ids(&self) -> &[JobId] {
        &self.plan.job_ids
    }

    /// The numbers of the watches, in the order of the plan in force.
    pub fn watch_ids(&self) -> &[WatchId] {
        &self.plan.watch_ids
    }

    /// The watches' states, in the order of the plan in force.
    pub fn watches(&self) -> Vec<&Watch> {
        self.plan.watch_ids.iter().map(|id| &self.watches[id.0]).collect()
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
            Input::StartFailed { job, run, code, reason } => {
                if self.end_run(job, run, Exit::Code(code)) {
                    let name = &self.plan.jobs[job.0].name;
                    let text = format!("unable to start {name}: {reason}");
                    let error = Event::new(Code::Error, reason);
                    self.publish(Event::new(Code::ExitFailed, name.clone()));
                    self.publish(error);
                    self.say(Level::Error, Some(job), text);
                }
            }
            Input::Exited { job, run, exit, leftovers } => {
                if leftovers {
                    self.jobs[job.0].lingering.push(run);
                }
                let how = if self.ended_as_asked(job, run, exit) { Ended::AsAsked } else { Ended::ByItself };
                if self.end_run(job, run, exit) {
                    let name = self.plan.jobs[job.0].name.clone();
                    self.publish_exit(Some(job), name, (exit, how), self.succeeded(job, exit));
                }
            }
            Input::GroupGone { job, run } => self.jobs[job.0].lingering.retain(|left| *left != run),
            Input::Probed { job, round, verdict } => self.probed(job, round, verdict),
            Input::Notified { job } => self.look_now(job),
            Input::Instances { watch, instances } => {
                let events = self.watches[watch.0].see(instances, self.now);
                self.publish_watch(watch, events, NO_INSTANCE);
            }
            Input::WatchProbed { watch, pass, note } => {
                let events = self.watches[watch.0].probed(pass, &note, self.now);
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
            | Input::Withdrawn { job, .. } => self.job(*job).is_some(),
            Input::Instances { watch, .. } | Input::WatchProbed { watch, .. } => self.watch(*watch).is_some(),
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
        let source = format!("watch.{}", self.plan.watches[watch.0].name);
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
        if self.jobs[id.0].phase != Phase::Live {
            return;
        }
        let plan = Arc::clone(&self.plan);
        let own = event.source == plan.jobs[id.0].name;
        match event.code {
            Code::Shutdown => self.quit(id),                                     // 6
            Code::ExitSuccess | Code::ExitFailed if own => self.on_own_exit(id), // 9
            Code::EnterMaintenance => {
                self.enter_maintenance(id); // 7
                self.start_if_wanted(id, event);
            }
            Code::ExitMaintenance => {
                self.exit_maintenance(id); // 8
                self.start_if_wanted(id, event);
            }
            Code::ExitSuccess
            | Code::ExitFailed
            | Code::Error
            | Code::Stopping
            | Code::LeavingConsul
            | Code::LeavingTargetGroup
            | Code::Draining
            | Code::Drained
            | Code::Stopped
            | Code::Healthy
            | Code::Unhealthy
            | Code::Changed
            | Code::TimerExpired
            | Code::Startup
            | Code::Signal => self.start_if_wanted(id, event), // 10, 11
        }
    }

    /// Rule 6: no more restarts. A job hooked on another's stop keeps waiting for it, every other one stops.
    fn quit(&mut self, id: JobId) {
        let waits_for_a_stop = hooked_on_stop(&self.plan.jobs[id.0]) && self.jobs[id.0].starts != Count::Finite(0);
        if waits_for_a_stop {
            self.jobs[id.0].anew = false;
            self.quit_after_its_work(id);
        } else {
            self.quit_at_once(id);
        }
    }

    pub(super) fn quit_at_once(&mut self, id: JobId) {
        let job = &mut self.jobs[id.0];
        job.budget = Count::Finite(0);
        job.give_up_at = None;
        self.halt(id);
    }

    pub(super) fn quit_after_its_work(&mut self, id: JobId) {
        let job = &mut self.jobs[id.0];
        job.budget = Count::Finite(0);
        job.give_up_at = None;
        // Of the runs it may owe one is made up for: it may be the one for the stop that is under way.
        job.pending = job.pending.min(1);
        // A restart is no longer owed.
        if matches!(job.activity, Activity::BackingOff { .. }) {
            job.activity = Activity::Idle;
        }
        if job.starts == Count::Unlimited {
            job.starts = Count::Finite(1);
        }
        self.bound_hook(id);
    }

    /// A timer may end what a reload waits for, and the next plan is in force before the next timer: jobs that are gone by
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
                if self.jobs.get(id.0).is_some() {
                    self.cause = Cause::Timer;
                    timer(self, id);
                }
            }
        }
    }

    /// Rule 2: `when.timeout`.
    fn tick_wait(&mut self, id: JobId) {
        let now = self.now;
        let job = &mut self.jobs[id.0];
        if job.phase == Phase::Live && job.give_up_at.is_some_and(|at| at <= now) {
            job.give_up_at = None;
            self.say_timeout(id);
            let name = self.plan.jobs[id.0].name.clone();
            self.say(Level::Warn, Some(id), format!("{name} gives up waiting to start: its when.timeout has passed"));
            self.publish(Event::new(Code::TimerExpired, name));
            // Its own quit comes after the event, as every job's rules do.
            self.settle();
            if self.jobs.get(id.0).is_some_and(|job| job.phase == Phase::Live) {
                self.quit(id);
            }
        }
    }

    pub(super) fn announce(&mut self, id: JobId, announcement: Announcement) {
        if self.is_in_catalog(id) {
            self.effects.push(Effect::Announce { job: id, announcement });
        }
    }

    /// Whether anything of this job is for the catalog.
    pub(super) fn is_in_catalog(&self, id: JobId) -> bool {
        self.plan.registers(&self.plan.jobs[id.0])
    }

    pub(super) fn publish(&mut self, event: Event) {
        self.queue.push_back(Queued { event, cause: self.cause, reason: None });
    }

    /// An event of something that failed, and why it did.
    pub(super) fn publish_because(&mut self, event: Event, reason: &str) {
        self.queue.push_back(Queued { event, cause: self.cause, reason: Some(reason.to_owned()) });
    }

    pub(super) fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    pub(super) fn say(&mut self, level: Level, job: Option<JobId>, text: String) {
        self.effects.push(Effect::Say { level, job, text });
    }

    pub(super) fn next_round(&mut self) -> RoundId {
        RoundId(self.next_id())
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = JobId> + use<> {
        let plan = Arc::clone(&self.plan);
        (0..plan.job_ids.len()).map(move |at| plan.job_ids[at])
    }

    /// For a job or a watch.
    pub(super) fn next_number(&mut self) -> usize {
        self.next_number += 1;
        self.next_number - 1
    }

    pub(super) fn next_id(&mut self) -> u64 {
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
