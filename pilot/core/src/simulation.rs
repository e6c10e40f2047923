//! A world for the engine: virtual time, scripted processes, probes and a catalog. It performs effects the way the
//! runtime does and checks, at every step, what must always hold.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::effect::{Announcement, Effect, Input, JobRequest, RoundId, RunId, StopSignal, UserSignal, Verdict};
use crate::engine::Engine;
use crate::event::Event;
use crate::exit::Exit;
use crate::plan::{Job, JobId, Plan, ServiceId};
use crate::state::{State, Status};
use crate::step::Step;

/// How one run of a job behaves.
#[derive(Clone, Debug)]
pub struct Script {
    /// Ends by itself after this time; `None`: runs for ever.
    pub lasts: Option<Duration>,
    /// And ends so.
    pub exit: Exit,
    /// Ends this long after SIGTERM; `None`: ignores it.
    pub obeys: Option<Duration>,
    /// Leaves a member of its group behind for this long after its end, unless killed.
    pub leaves: Option<Duration>,
    /// Cannot be started at all.
    pub missing: bool,
}

impl Script {
    pub fn forever() -> Self {
        Script { lasts: None, exit: Exit::Code(0), obeys: Some(Duration::ZERO), leaves: None, missing: false }
    }

    pub fn exits(code: u8) -> Self {
        Script { lasts: Some(Duration::from_millis(1)), exit: Exit::Code(code), ..Script::forever() }
    }

    pub fn lasting(self, lasts: Duration) -> Self {
        Script { lasts: Some(lasts), ..self }
    }

    pub fn deaf(self) -> Self {
        Script { obeys: None, ..self }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Alive {
    Main,
    Leftover,
}

pub struct World {
    pub engine: Engine,
    pub plan: Arc<Plan>,
    pub now: Duration,
    /// By the job's name, so that they outlast a reload.
    pub scripts: BTreeMap<String, VecDeque<Script>>,
    pub default_script: Script,
    pub probe_passes: bool,
    pub probe_takes: Duration,
    /// What a probe says, whether it passes or not.
    pub probe_note: String,
    pub withdraw_takes: Option<Duration>,
    /// How long AWS takes to be told; `None`: it never answers.
    pub leave_takes: Option<Duration>,
    /// What every draining job still works on.
    pub counts: Option<u64>,
    /// Entries into target groups, departures, begun drains: when and whose.
    pub entered: Vec<(Duration, JobId)>,
    pub left: Vec<(Duration, JobId)>,
    pub drains: Vec<(Duration, JobId)>,
    /// Events, with the time they were published.
    pub events: Vec<(Duration, Event)>,
    /// Starts: when, which job, because of what.
    pub starts: Vec<(Duration, JobId, Option<Event>)>,
    pub signals: Vec<(Duration, JobId, StopSignal)>,
    pub announced: Vec<(Duration, JobId, Announcement)>,
    pub withdrawn: Vec<(Duration, JobId)>,
    pub probes: Vec<(Duration, JobId)>,
    pub said: Vec<String>,
    /// Steps of stops that are over, and how long they took.
    pub steps: Vec<(JobId, Step, Duration)>,
    /// Runs that are over: when, of which job, their number, how, and after how long.
    pub ended: Vec<(Duration, JobId, RunId, Exit, Duration)>,
    /// Inputs given to the engine.
    pub handled: u64,
    pub exit: Option<(Duration, u8)>,
    /// What the wall clock showed when the engine was made; a test that sets the clock changes it.
    pub clock: Duration,
    /// A person asked something of a job.
    pub asked: bool,
    /// How many SIGHUPs there were.
    pub signalled: usize,
    agenda: BTreeMap<(Duration, u64), Input>,
    alive: BTreeMap<(JobId, RunId), Alive>,
    scripts_of: BTreeMap<(JobId, RunId), Script>,
    in_flight: BTreeSet<(JobId, RoundId)>,
    fenced: BTreeSet<JobId>,
    /// Told to leave their target group for good.
    outside: BTreeSet<JobId>,
    /// Stopped by a person, who has not started them since.
    held: BTreeSet<JobId>,
    /// Started by a person after their end, how often: what was fenced begins again, each time once. A hook has a life for
    /// its own start and one for its source's.
    revived: BTreeMap<JobId, u32>,
    names: BTreeMap<JobId, String>,
    /// Every run there was.
    pub ran: Vec<(JobId, RunId)>,
    /// When plans handed in by a reload came into force.
    pub reloaded: Vec<Duration>,
    sequence: u64,
}

impl World {
    pub fn new(plan: Plan) -> Self {
        let plan = Arc::new(plan);
        World {
            engine: Engine::new(Arc::clone(&plan), 42),
            plan,
            now: Duration::ZERO,
            scripts: BTreeMap::new(),
            default_script: Script::forever(),
            probe_passes: true,
            probe_takes: Duration::from_millis(2),
            probe_note: "probed".to_owned(),
            withdraw_takes: Some(Duration::from_millis(1)),
            leave_takes: Some(Duration::from_millis(40)),
            counts: Some(0),
            entered: Vec::new(),
            left: Vec::new(),
            drains: Vec::new(),
            outside: BTreeSet::new(),
            events: Vec::new(),
            starts: Vec::new(),
            signals: Vec::new(),
            announced: Vec::new(),
            withdrawn: Vec::new(),
            probes: Vec::new(),
            said: Vec::new(),
            steps: Vec::new(),
            ended: Vec::new(),
            handled: 0,
            exit: None,
            clock: Duration::ZERO,
            asked: false,
            signalled: 0,
            agenda: BTreeMap::new(),
            alive: BTreeMap::new(),
            scripts_of: BTreeMap::new(),
            in_flight: BTreeSet::new(),
            fenced: BTreeSet::new(),
            held: BTreeSet::new(),
            revived: BTreeMap::new(),
            names: BTreeMap::new(),
            ran: Vec::new(),
            reloaded: Vec::new(),
            sequence: 0,
        }
    }

    pub fn job(&self, name: &str) -> JobId {
        let is_it = |id: &&JobId| self.engine.job(**id).is_some_and(|job| job.name == name);
        *self.engine.job_ids().iter().find(is_it).unwrap()
    }

    pub fn script_of(&mut self, name: &str, scripts: impl IntoIterator<Item = Script>) {
        self.scripts.insert(name.to_owned(), scripts.into_iter().collect());
    }

    pub fn script(mut self, name: &str, scripts: impl IntoIterator<Item = Script>) -> Self {
        self.script_of(name, scripts);
        self
    }

    pub fn started(mut self) -> Self {
        self.give(Input::Startup);
        self
    }

    /// What the wall clock shows.
    pub fn wall(&self) -> Duration {
        self.clock + self.now
    }

    /// Something that will happen by itself.
    pub fn later(&mut self, after: Duration, input: Input) {
        self.sequence += 1;
        self.agenda.insert((self.now + after, self.sequence), input);
    }

    pub fn give(&mut self, input: Input) {
        assert!(self.exit.is_none(), "nothing may happen after the end");
        self.asked |= matches!(input, Input::Job { .. });
        self.signalled += usize::from(input == Input::Signal(UserSignal::Hup));
        if let Input::Job { job, request } = input
            && self.engine.answer(job, request).is_ok()
        {
            self.asked(job, request);
        }
        self.handled += 1;
        let effects = self.engine.handle(input, self.now);
        for effect in effects {
            self.perform(effect);
        }
    }

    fn asked(&mut self, id: JobId, request: JobRequest) {
        if request == JobRequest::Stop {
            if self.engine.state(id).is_some_and(|job| job.phase().is_live()) {
                // It was back, even if it has said nothing since.
                self.seen_without_start(id);
            }
            // What has already ended cannot be stopped, and its source's next stop may need it again.
            if self.state(id) != State::Ended {
                self.held.insert(id);
                self.revived.remove(&id);
            }
            return;
        }
        self.held.remove(&id);
        if !self.engine.state(id).unwrap().phase().is_live() {
            self.permit(id);
        }
        // Hooks on its stop get their run for its next stop, too.
        let name = &self.engine.job(id).expect("only what is active is asked for").name;
        let hooked = |job: &Job| job.start.events().iter().any(|event| event.source == *name);
        let is_hooked = |id: &&JobId| self.engine.job(**id).is_some_and(hooked);
        let hooks: Vec<JobId> = self.engine.job_ids().iter().filter(is_hooked).copied().collect();
        hooks.into_iter().for_each(|hook| self.permit(hook));
    }

    fn permit(&mut self, id: JobId) {
        *self.revived.entry(id).or_default() += 1;
    }

    /// Uses one permission up, if there is one.
    fn is_revived(&mut self, id: JobId) -> bool {
        let Some(left) = self.revived.get_mut(&id).filter(|left| **left > 0) else { return false };
        *left -= 1;
        true
    }

    /// A job without a process has no start by which it would be seen to be back. Whoever is asked for while it is on its way
    /// out is seen before its fence, too, and that is not yet its return.
    fn seen_without_start(&mut self, id: JobId) {
        let was_out = self.fenced.contains(&id) || self.outside.contains(&id);
        if was_out && self.engine.job(id).is_some_and(|job| job.exec.is_none()) && self.is_revived(id) {
            self.fenced.remove(&id);
            self.outside.remove(&id);
        }
    }

    /// The run of this job that is going, if any, ends now.
    pub fn end(&mut self, id: JobId, exit: Exit) {
        let running =
            |((job, run), alive): (&(JobId, RunId), &Alive)| (*job == id && *alive == Alive::Main).then_some(*run);
        if let Some(run) = self.alive.iter().find_map(running) {
            self.happen(Input::Exited { job: id, run, exit, leftovers: false });
        }
    }

    /// Lets the world go on for this long, or until the engine has ended.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        let mut steps = 0u32;
        while self.exit.is_none() && self.next().is_some_and(|next| next <= end) {
            steps += 1;
            assert!(steps < 300_000, "the engine never comes to rest");
            self.step();
        }
        if self.exit.is_none() {
            self.now = end;
        }
    }

    /// Lets the world go on until the last plan that was handed in is active, and to the end of that instant.
    pub fn pass_reload(&mut self, limit: Duration) {
        let end = self.now + limit;
        while self.exit.is_none() && self.engine.is_reloading() && self.next().is_some_and(|next| next <= end) {
            self.step();
        }
        self.pass(Duration::ZERO);
    }

    fn next(&self) -> Option<Duration> {
        let next_event = self.agenda.keys().next().map(|(at, _)| *at);
        [next_event, self.engine.next_timeout()].into_iter().flatten().min()
    }

    fn step(&mut self) {
        self.now = self.now.max(self.next().unwrap_or(self.now));
        match self.agenda.first_entry().filter(|entry| entry.key().0 <= self.now) {
            Some(entry) => {
                let input = entry.remove();
                self.happen(input);
            }
            None if self.engine.goes_by_the_clock() => self.give(Input::Clock { utc: self.wall() }),
            None => self.give(Input::Tick),
        }
    }

    fn happen(&mut self, input: Input) {
        match &input {
            Input::Exited { job, run, leftovers, .. } => {
                if self.alive.get(&(*job, *run)) != Some(&Alive::Main) {
                    return;
                }
                if *leftovers {
                    self.alive.insert((*job, *run), Alive::Leftover);
                } else {
                    self.alive.remove(&(*job, *run));
                }
            }
            Input::GroupGone { job, run } if self.alive.remove(&(*job, *run)).is_none() => return,
            Input::Probed { job, round, .. } if !self.in_flight.remove(&(*job, *round)) => return,
            _ => {}
        }
        self.give(input);
    }

    fn ends(&mut self, job: JobId, run: RunId, after: Duration, exit: Exit) {
        let leaves = self.scripts_of[&(job, run)].leaves;
        self.later(after, Input::Exited { job, run, exit, leftovers: leaves.is_some() });
        if let Some(leaves) = leaves {
            self.later(after + leaves, Input::GroupGone { job, run });
        }
    }

    fn perform(&mut self, effect: Effect) {
        assert!(self.exit.is_none(), "Exit must be the last effect, not before {effect:?}");
        match effect {
            Effect::Start { job, run, cause } => {
                let name = self.engine.job(job).expect("only what is active is started").name.clone();
                self.names.insert(job, name.clone());
                self.ran.push((job, run));
                let gone = |other: &JobId| !self.engine.job_ids().contains(other);
                let old = self.alive.keys().filter(|(other, _)| gone(other) && self.names[other] == name);
                assert_eq!(old.count(), 0, "old and new of one job at once");
                let running = self.alive.iter().filter(|((other, _), alive)| *other == job && **alive == Alive::Main);
                assert_eq!(running.count(), 0, "two runs of one job at once");
                assert!(!self.held.contains(&job), "started although a person has stopped it");
                // A hook may use up restarts before its source is back, which is when its life begins again.
                if self.fenced.remove(&job) {
                    assert!(self.is_revived(job), "started behind the fence");
                }
                self.outside.remove(&job);
                self.starts.push((self.now, job, cause));
                let queued = self.scripts.get_mut(&name).and_then(VecDeque::pop_front);
                let script = queued.unwrap_or_else(|| self.default_script.clone());
                self.scripts_of.insert((job, run), script.clone());
                self.alive.insert((job, run), Alive::Main);
                if script.missing {
                    self.alive.remove(&(job, run));
                    let reason = "no such program".to_owned();
                    self.later(Duration::from_millis(50), Input::StartFailed { job, run, code: 127, reason });
                } else if let Some(lasts) = script.lasts {
                    self.ends(job, run, lasts, script.exit);
                }
            }
            Effect::Signal { job, run, signal } => {
                self.signals.push((self.now, job, signal));
                let Some(alive) = self.alive.get(&(job, run)).cloned() else { return };
                match (signal, alive) {
                    (StopSignal::Terminate, Alive::Main) => {
                        if let Some(obeys) = self.scripts_of[&(job, run)].obeys {
                            self.ends(job, run, obeys, Exit::Signal(15));
                        }
                    }
                    (StopSignal::Terminate, Alive::Leftover) => {}
                    (StopSignal::Kill, Alive::Main) => {
                        let exit = Exit::Signal(9);
                        self.later(Duration::ZERO, Input::Exited { job, run, exit, leftovers: false });
                        // It may end by itself before, in the same instant, and leave something: that is killed as well.
                        self.later(Duration::ZERO, Input::GroupGone { job, run });
                    }
                    (StopSignal::Kill, Alive::Leftover) => self.later(Duration::ZERO, Input::GroupGone { job, run }),
                }
            }
            Effect::Probe { job, round } => {
                let others = self.in_flight.iter().filter(|(other, _)| *other == job).count();
                assert_eq!(others, 0, "two probes of one job at once");
                self.in_flight.insert((job, round));
                self.probes.push((self.now, job));
                // What a step has begun it may have given up again, and its job with it.
                let Some(settings) = self.engine.job(job) else { return };
                let exec = settings.health.as_ref().and_then(|health| health.probe.as_ref());
                let exit = matches!(exec, Some(crate::plan::Probe::Exec(_)))
                    .then_some(Exit::Code(u8::from(!self.probe_passes)));
                let verdict = Verdict { pass: self.probe_passes, note: self.probe_note.clone(), exit };
                self.later(self.probe_takes, Input::Probed { job, round, verdict });
            }
            Effect::CancelProbe { job, round } => assert!(self.in_flight.remove(&(job, round))),
            Effect::Announce { job, announcement } => {
                self.seen_without_start(job);
                if announcement == Announcement::Initial && self.is_revived(job) {
                    self.fenced.remove(&job);
                }
                assert!(!self.fenced.contains(&job), "{announcement:?} behind the fence");
                self.announced.push((self.now, job, announcement));
            }
            Effect::Withdraw { job } => {
                if self.engine.state(job).unwrap().health() != Status::Maintenance {
                    self.fenced.insert(job);
                }
                self.withdrawn.push((self.now, job));
                // Each service takes as long again as the one before.
                let Some(settings) = self.engine.job(job) else { return };
                let services: Vec<ServiceId> = settings.registered_services().map(|(service, _)| service).collect();
                assert!(!services.is_empty(), "nothing to withdraw");
                if let Some(takes) = self.withdraw_takes {
                    for (service, nth) in services.into_iter().zip(1..) {
                        self.later(takes * nth, Input::Withdrawn { job, service });
                    }
                }
            }
            Effect::EnterGroup { job } => {
                self.seen_without_start(job);
                assert!(!self.outside.contains(&job), "into the target group behind the fence");
                self.entered.push((self.now, job));
            }
            Effect::LeaveGroup { job } => {
                if self.engine.state(job).unwrap().health() != Status::Maintenance {
                    self.outside.insert(job);
                }
                self.left.push((self.now, job));
                if let Some(takes) = self.leave_takes {
                    self.later(takes, Input::LeftGroup { job });
                }
            }
            Effect::Drain { job } => self.drains.push((self.now, job)),
            Effect::CountInFlight { job } => {
                self.later(Duration::from_millis(3), Input::InFlight { job, count: self.counts });
            }
            Effect::PlanActivated => self.activated(),
            Effect::Published(event) => self.events.push((self.now, event)),
            Effect::RunEnded { job, run, exit, lasted, .. } => self.ended.push((self.now, job, run, exit, lasted)),
            Effect::ProbeEnded { job, round, .. } => assert!(!self.in_flight.contains(&(job, round))),
            Effect::StepOver { job, step, took } => self.steps.push((job, step, took)),
            Effect::Say { text, .. } => self.said.push(text),
            Effect::Exit(code) => {
                assert!(self.alive.is_empty(), "left behind: {:?}", self.alive);
                self.exit = Some((self.now, code));
            }
        }
    }

    fn state(&self, id: JobId) -> State {
        self.engine.state(id).unwrap().state()
    }

    /// Nothing of what is no longer there may be left.
    fn activated(&mut self) {
        let ids = self.engine.job_ids();
        let dead: Vec<_> = self.alive.keys().filter(|(job, _)| !ids.contains(job)).collect();
        assert!(dead.is_empty(), "alive next to their successors: {dead:?}");
        let dead: Vec<_> = self.in_flight.iter().filter(|(job, _)| !ids.contains(job)).collect();
        assert!(dead.is_empty(), "probes of what is gone: {dead:?}");
        self.plan = Arc::clone(self.engine.plan());
        self.reloaded.push(self.now);
    }

    /// Hands in another plan.
    pub fn reload(&mut self, plan: Plan) {
        self.give(Input::Reload(Arc::new(plan)));
    }

    /// Tells it what a runtime may still say of jobs that are gone; nothing may come of it.
    pub fn say_what_is_late(&mut self) {
        let dead: Vec<_> = self.ran.iter().filter(|(job, _)| self.engine.job(*job).is_none()).copied().collect();
        for (job, run) in dead {
            let verdict = Verdict { pass: true, note: String::new(), exit: Some(Exit::Code(0)) };
            for input in [
                Input::Exited { job, run, exit: Exit::Code(1), leftovers: true },
                Input::GroupGone { job, run },
                Input::StartFailed { job, run, code: 127, reason: "late".to_owned() },
                Input::Probed { job, round: RoundId(run.0), verdict },
                Input::Withdrawn { job, service: ServiceId(0) },
            ] {
                let mut effects = self.engine.handle(input, self.now);
                // A check's timer is said even where nothing is looked at yet; no tick is asked for it, so it may be due here.
                effects.retain(|effect| !matches!(effect, Effect::Say { text, .. } if text.starts_with("timer: ")));
                assert_eq!(effects, []);
            }
        }
    }

    /// The run that is going of the job of this name.
    pub fn run(&self, name: &str) -> Option<RunId> {
        self.engine.run_of(self.job(name))
    }

    /// Starts as time and name.
    pub fn timeline(&self) -> Vec<(Duration, &str)> {
        self.starts.iter().map(|(at, job, _)| (*at, self.names[job].as_str())).collect()
    }

    /// The published events in v3's debug form, without the braces.
    pub fn trace(&self) -> Vec<String> {
        self.events.iter().map(|(_, event)| format!("{} {}", event.code.label(), event.source)).collect()
    }

    pub fn count_starts(&self, name: &str) -> usize {
        self.starts.iter().filter(|(_, job, _)| self.names[job] == name).count()
    }
}
