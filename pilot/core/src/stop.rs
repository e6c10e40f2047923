//! How things end: one job's way out, the order in which all go, the exit code.
//!
//! A job leaves in fixed steps: `stopping` and its hooks, out of the catalog, out of the target group and serving on
//! (`drain`), stop signal and `stopped`, SIGKILL when its time is over (v3 spec 10.3, with the process signalled last).
//! Every wait has a limit, so every stop ends.

use std::time::Duration;

use super::drain::{HURRIED_LEAVE, LEAVE_LIMIT, tails};
use super::effect::{Effect, StopSignal};
use super::engine::Engine;
use super::event::{Code, Event};
use super::in_force::{InForce, Table};
use super::job::{Activity, Job, Phase, hooked_on_stop, is_of_a_stop};
use super::plan::{Condition, JobId, Level, ServiceId, Start};
use super::request::Hold;
use super::stop_order::stop_order;

/// A hook that has no limit of its own is given up after this: the longest stop ECS allows on Fargate.
pub const HOOK_LIMIT: Duration = Duration::from_secs(120);
/// The catalog may delay a job's stop for so long, however many services it has.
pub const WITHDRAW_LIMIT: Duration = Duration::from_secs(2);
/// After a second stop request: from a process's SIGTERM to its SIGKILL.
const HURRIED_GRACE: Duration = Duration::from_secs(1);
/// What SIGKILL did not end in this time (uninterruptible sleep) is left to the kernel.
const KILL_LIMIT: Duration = Duration::from_secs(2);

/// What is known of the end of everything.
#[derive(Debug)]
pub(super) struct Lifecycle {
    pub stopping: bool,
    pub hurried: bool,
    /// When the scheduler's patience ends, if it is known.
    pub deadline: Option<Duration>,
    code: u8,
    exited: bool,
    /// For each job: those that must be gone before it is stopped.
    pub after: Table<Vec<JobId>>,
    /// For each job: how long those take that stop after it.
    pub tails: Table<Duration>,
}

impl Lifecycle {
    pub(super) fn new(plan: &InForce) -> Self {
        let (after, tails) = order_in_force(plan);
        Lifecycle { stopping: false, hurried: false, deadline: None, code: 0, exited: false, after, tails }
    }

    /// Another plan is in force.
    pub(super) fn follow(&mut self, plan: &InForce) {
        (self.after, self.tails) = order_in_force(plan);
    }

    /// How long those take that stop after this job.
    pub(super) fn tail(&self, id: JobId) -> Duration {
        self.tails.get(id.0).copied().unwrap_or_default()
    }
}

/// By the numbers in force: who must be gone before whom, and how long those take that stop after each.
fn order_in_force(plan: &InForce) -> (Table<Vec<JobId>>, Table<Duration>) {
    let id = |place: usize| plan.job_ids[place];
    let numbers = || plan.job_ids.iter().map(|id| id.0);
    let order = stop_order(&plan.file.jobs).into_iter().map(|after| after.into_iter().map(id).collect());
    (Table::new(numbers().zip(order)), Table::new(numbers().zip(tails(&plan.file))))
}

impl Engine {
    /// SIGTERM or SIGINT: begin to stop, or hurry.
    pub(super) fn request_stop(&mut self) {
        if !self.lifecycle.stopping {
            self.lifecycle.stopping = true;
            self.lifecycle.deadline = self.plan.stop_budget.map(|budget| self.now + budget);
            self.next = None;
            self.shorten_hooks();
            self.shorten_drains();
            self.publish(Event::global(Code::Shutdown));
        } else if !self.lifecycle.hurried {
            self.lifecycle.hurried = true;
            self.say(Level::Warn, None, "second stop request: skipping all waits".to_owned());
            self.hurry();
        }
    }

    fn hurry(&mut self) {
        for id in self.ids() {
            match self.jobs[id.0].phase {
                Phase::Live => self.halt(id),
                Phase::Hooks { .. } => self.withdraw(id),
                Phase::Draining(_) => self.end_drain(id),
                // Others still have to be told, within a moment.
                Phase::Leaving { until } => {
                    self.jobs[id.0].phase = Phase::Leaving { until: until.min(self.now + HURRIED_LEAVE) };
                }
                Phase::Withdrawing { .. } | Phase::Done => {}
                Phase::Ending { killed, .. } => self.jobs[id.0].phase = Phase::Ending { next: self.now, killed },
            }
        }
    }

    /// Step 1: `stopping`, once it is this job's turn.
    pub(super) fn halt(&mut self, id: JobId) {
        if self.jobs[id.0].phase != Phase::Live {
            return;
        }
        if self.must_wait(id) {
            let job = &mut self.jobs[id.0];
            (job.leaving, job.tick_at) = (true, None);
            return;
        }
        self.leave(id);
    }

    fn leave(&mut self, id: JobId) {
        let planned = self.now + self.plan.jobs[id.0].stop_timeout.unwrap_or(HOOK_LIMIT);
        let until = if self.lifecycle.hurried { self.now } else { self.hooks_in_time(id, planned) };
        self.say_hooks(id, until - self.now);
        let job = &mut self.jobs[id.0];
        job.pending = 0;
        job.anew = false;
        if job.run().is_none() {
            job.activity = Activity::Idle;
        }
        self.enter_phase(id, Phase::Hooks { until });
        self.publish(Event::new(Code::Stopping, self.plan.jobs[id.0].name.clone()));
    }

    /// The jobs hooked on its `stopping` that have not had their run.
    fn say_hooks(&mut self, id: JobId, limit: Duration) {
        let name = &self.plan.jobs[id.0].name;
        let hooks = self.ids().filter(|hook| {
            let job = &self.jobs[hook.0];
            *hook != id && job.phase == Phase::Live && self.waits_for(*hook, Code::Stopping, name)
        });
        let hooks: Vec<&str> = hooks.map(|hook| self.plan.jobs[hook.0].name.as_str()).collect();
        if !hooks.is_empty() && !limit.is_zero() {
            let doing = format!("stopping, waiting for {}", hooks.join(", "));
            self.say_step(id, &doing, limit);
        }
    }

    /// Waiting for hooks may cost a drain all of its time, but nothing else of what comes after it.
    fn hooks_in_time(&self, id: JobId, planned: Duration) -> Duration {
        self.in_time(planned, self.departure(id) + self.stop_grace(id) + self.lifecycle.tail(id))
    }

    /// How long it may take to get out of Consul and out of its target group.
    fn departure(&self, id: JobId) -> Duration {
        let catalog = if self.is_in_catalog(id) { WITHDRAW_LIMIT } else { Duration::ZERO };
        let balancer = self.plan.jobs[id.0].balancer.as_ref().map_or(Duration::ZERO, |_| LEAVE_LIMIT);
        catalog + balancer
    }

    /// Who waits for hooks already, because a person stopped it, has the scheduler's budget from now on.
    fn shorten_hooks(&mut self) {
        for id in self.ids() {
            let Phase::Hooks { until } = self.jobs[id.0].phase else { continue };
            self.jobs[id.0].phase = Phase::Hooks { until: self.hooks_in_time(id, until) };
        }
    }

    /// Whether it is on its way to the end, or about to be: in a shutdown everything, in a reload what is retired.
    pub(super) fn is_going(&self, id: JobId) -> bool {
        self.lifecycle.stopping || self.jobs[id.0].retired
    }

    /// A running job that goes waits until those that go too and need it are gone.
    fn must_wait(&self, id: JobId) -> bool {
        let is_left = |other: &JobId| self.is_going(*other) && self.jobs[other.0].phase != Phase::Done;
        self.is_going(id)
            && !self.lifecycle.hurried
            && self.jobs[id.0].run().is_some()
            && self.lifecycle.after[id.0].iter().any(is_left)
    }

    /// Step 2: out of the catalog, before the process is told anything.
    fn withdraw(&mut self, id: JobId) {
        self.cancel_probe(id);
        if self.is_in_catalog(id) {
            let left = self.plan.jobs[id.0].registered_services().map(|(service, _)| service).collect();
            self.say_step(id, "out of Consul, waiting for the agent", WITHDRAW_LIMIT);
            self.enter_phase(id, Phase::Withdrawing { until: self.now + WITHDRAW_LIMIT, left });
            self.publish(Event::new(Code::LeavingConsul, self.plan.jobs[id.0].name.clone()));
            self.effect(Effect::Withdraw { job: id });
        } else {
            self.leave_group(id);
        }
    }

    /// One service is out; the job goes on when all of them are.
    pub(super) fn withdrawn(&mut self, id: JobId, service: ServiceId) {
        let Phase::Withdrawing { left, .. } = &mut self.jobs[id.0].phase else { return };
        left.retain(|other| *other != service);
        if left.is_empty() {
            self.leave_group(id);
        }
    }

    /// Step 5, after those in `drain`: the stop signal, then `stopped`.
    pub(super) fn end(&mut self, id: JobId) {
        let grace = self.stop_grace(id);
        let next = self.now + grace;
        self.enter_phase(id, Phase::Ending { next, killed: false });
        let runs: Vec<_> = self.jobs[id.0].alive().collect();
        if !runs.is_empty() {
            self.say_step(id, "stop signal, waiting for the end of its processes before SIGKILL", grace);
        }
        for run in runs {
            self.effect(Effect::Signal { job: id, run, signal: StopSignal::Terminate });
        }
        self.say_kill();
        self.publish(Event::new(Code::Stopped, self.plan.jobs[id.0].name.clone()));
    }

    /// From the stop signal to SIGKILL.
    pub(super) fn stop_grace(&self, id: JobId) -> Duration {
        let grace = self.plan.jobs[id.0].stop_timeout.unwrap_or(self.plan.stop_timeout);
        if self.lifecycle.hurried { grace.min(HURRIED_GRACE) } else { grace }
    }

    /// Limits the run of a hook that would otherwise hold up the end of everything.
    pub(super) fn bound_hook(&mut self, id: JobId) {
        let Activity::Running { kill_at, .. } = self.jobs[id.0].activity else { return };
        let planned = kill_at.unwrap_or(self.now + HOOK_LIMIT);
        let limit = self.in_time(planned, self.departure(id) + self.lifecycle.tail(id));
        if let Activity::Running { kill_at, .. } = &mut self.jobs[id.0].activity {
            *kill_at = Some(limit);
        }
    }

    pub(super) fn tick_stop(&mut self, id: JobId) {
        let now = self.now;
        match self.jobs[id.0].phase {
            Phase::Hooks { until } if until <= now => {
                if self.has_busy_hook(id) {
                    let text = format!("{} stops before the jobs hooked on it are done", self.plan.jobs[id.0].name);
                    self.say(Level::Warn, Some(id), text);
                }
                self.withdraw(id);
            }
            Phase::Withdrawing { until, .. } if until <= now => self.leave_group(id),
            Phase::Leaving { until } if until <= now => self.left_group(id),
            Phase::Ending { next, killed: false } if next <= now => {
                let text = format!("killing processes for job {:?}", self.plan.jobs[id.0].name);
                self.say(Level::Info, Some(id), text);
                let runs: Vec<_> = self.jobs[id.0].alive().collect();
                for run in runs {
                    self.effect(Effect::Signal { job: id, run, signal: StopSignal::Kill });
                }
                self.jobs[id.0].phase = Phase::Ending { next: now + KILL_LIMIT, killed: true };
            }
            Phase::Ending { next, killed: true } if next <= now => {
                let text = format!("processes of {:?} survive SIGKILL and are left behind", self.plan.jobs[id.0].name);
                self.say(Level::Error, Some(id), text);
                self.jobs[id.0].activity = Activity::Idle;
                self.jobs[id.0].lingering.clear();
            }
            Phase::Live
            | Phase::Hooks { .. }
            | Phase::Withdrawing { .. }
            | Phase::Leaving { .. }
            | Phase::Draining(_)
            | Phase::Ending { .. }
            | Phase::Done => {}
        }
    }

    /// Whether a job hooked on this one's `stopping` is still at it. Asked only when every event is delivered.
    fn has_busy_hook(&self, id: JobId) -> bool {
        let source = &self.plan.jobs[id.0].name;
        self.ids().filter(|hook| *hook != id && self.waits_for(*hook, Code::Stopping, source)).any(|hook| {
            let job = &self.jobs[hook.0];
            match job.phase {
                Phase::Live => job.activity != Activity::Idle || job.pending > 0,
                Phase::Hooks { .. } | Phase::Withdrawing { .. } | Phase::Leaving { .. } | Phase::Draining(_) => true,
                Phase::Ending { .. } | Phase::Done => false,
            }
        })
    }

    /// One step for the first job on its way out that can make one. True if something moved: then its events have to be
    /// delivered before anybody's next step is judged.
    pub(super) fn advance_stops(&mut self) -> bool {
        if self.ids().any(|id| self.advance_stop(id)) {
            return true;
        }
        if self.break_circle() || self.advance_reload() {
            return true;
        }
        self.exit_when_done();
        false
    }

    fn advance_stop(&mut self, id: JobId) -> bool {
        match self.jobs[id.0].phase {
            Phase::Live if self.jobs[id.0].leaving && !self.must_wait(id) => self.leave(id),
            Phase::Live if self.is_going(id) && self.waits_in_vain(id) => self.leave(id),
            Phase::Hooks { .. } if !self.has_busy_hook(id) => self.withdraw(id),
            Phase::Ending { .. } if self.jobs[id.0].alive().next().is_none() => {
                self.enter_phase(id, Phase::Done);
                self.finished(id);
            }
            // Nobody is left who could finish anything.
            Phase::Draining(_) if self.jobs[id.0].run().is_none() => self.end_drain(id),
            Phase::Live
            | Phase::Hooks { .. }
            | Phase::Withdrawing { .. }
            | Phase::Leaving { .. }
            | Phase::Draining(_)
            | Phase::Ending { .. }
            | Phase::Done => return false,
        }
        true
    }

    /// A hook whose event cannot come any more: its source has already passed that step, or never existed.
    fn waits_in_vain(&self, id: JobId) -> bool {
        let job = &self.jobs[id.0];
        if job.activity != Activity::Idle || job.pending > 0 || !hooked_on_stop(&self.plan.jobs[id.0]) {
            return false;
        }
        let possible = |event: &Event| {
            self.ids().filter(|other| *other != id && self.plan.jobs[other.0].name == event.source).any(|other| {
                match self.jobs[other.0].phase {
                    Phase::Live => self.is_going(other),
                    Phase::Hooks { .. } => is_of_a_stop(event.code) && event.code != Code::Stopping,
                    Phase::Withdrawing { .. } => {
                        matches!(event.code, Code::LeavingTargetGroup | Code::Draining | Code::Drained | Code::Stopped)
                    }
                    Phase::Leaving { .. } => matches!(event.code, Code::Draining | Code::Drained | Code::Stopped),
                    Phase::Draining(_) => matches!(event.code, Code::Drained | Code::Stopped),
                    Phase::Ending { .. } | Phase::Done => false,
                }
            })
        };
        match &self.plan.jobs[id.0].start {
            Start::Once { when: Condition::All(events), .. } => {
                events.iter().zip(&job.seen).any(|(event, seen)| !seen && !possible(event))
            }
            Start::Once { when: Condition::Any(events), .. } | Start::Each { events, .. } => {
                !events.iter().any(possible)
            }
            Start::Interval(_) | Start::Cron(_) | Start::Never { .. } => true,
        }
    }

    /// Jobs that go and wait for each other's end: the first of them goes.
    fn break_circle(&mut self) -> bool {
        let waits = |id: &JobId| {
            let job = &self.jobs[id.0];
            job.phase == Phase::Live && (job.leaving || (job.activity == Activity::Idle && job.pending == 0))
        };
        let is_left = |id: &JobId| self.is_going(*id) && self.jobs[id.0].phase != Phase::Done;
        let open: Vec<JobId> = self.ids().filter(is_left).collect();
        if !open.iter().all(waits) {
            return false;
        }
        let Some(first) = open.first().copied() else { return false };
        self.leave(first);
        true
    }

    /// The end of a critical job is the container's end.
    fn finished(&mut self, id: JobId) {
        if self.keep_held(id) || !self.plan.jobs[id.0].critical || self.is_going(id) {
            return;
        }
        let name = &self.plan.jobs[id.0].name;
        let (code, how) = match self.jobs[id.0].last_exit {
            Some(exit) if self.succeeded(id, exit) => (0, exit.to_string()),
            Some(exit) => (exit.code(), exit.to_string()),
            None => (1, "it never ran".to_owned()),
        };
        let text = format!("critical job {name} has ended ({how}): stopping everything, exit code {code}");
        self.say(Level::Info, Some(id), text);
        self.lifecycle.code = code;
        self.blame_end(id);
        self.request_stop();
    }

    fn exit_when_done(&mut self) {
        // A job that a person stopped may be started again.
        let over = |job: &Job| job.phase == Phase::Done && (job.hold == Hold::Free || self.lifecycle.stopping);
        let all_done = self.jobs.values().all(over);
        // Without any job there is nothing whose end could be the end (v3 spec 10.5), but a request is.
        let over = all_done && self.next.is_none() && (self.lifecycle.stopping || !self.plan.job_ids.is_empty());
        if over && !self.lifecycle.exited {
            self.lifecycle.exited = true;
            self.effect(Effect::Exit(self.lifecycle.code));
        }
    }
}
