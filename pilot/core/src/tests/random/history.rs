//! What a random history is made of: plans, the behaviour of processes, and what happens from outside.
//!
//! Drawn so that corners come soon: two jobs of one name, times that fall together, requests and reloads in the middle of
//! a stop.

use std::ops::Range;
use std::time::Duration;

use proptest::prelude::*;

use crate::effect::{Input, JobRequest, Switch, UserSignal};
use crate::event::{Code, Event, GLOBAL};
use crate::exit::Exit;
use crate::plan::*;
use crate::simulation::{Script, World};
use crate::tests::plans::*;
use crate::tests::schedule::{BERLIN, schedule};
use crate::tests::starting::{instances, watch};

pub const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

/// Milliseconds that round times are multiples of.
const ROUND: u64 = 500;
/// The day before the end of summer time in Berlin, seconds since 1970.
const AUTUMN: u64 = 1_792_800_000;

pub fn event() -> impl Strategy<Value = Event> {
    let source = prop_oneof![
        6 => prop::sample::select(&NAMES[..]).prop_map(str::to_owned),
        1 => Just(GLOBAL.to_owned()),
        1 => Just("watch.w".to_owned()),
        1 => Just("check.a".to_owned()),
        1 => Just("SIGHUP".to_owned()),
    ];
    let code = prop::sample::select(Code::SELECTABLE.map(|(_, code)| code).to_vec());
    (prop_oneof![8 => code, 1 => Just(Code::Signal)], source).prop_map(|(code, source)| Event::new(code, source))
}

/// A time in milliseconds; every second one is round, so that it falls together with others.
fn millis(range: Range<u64>) -> BoxedStrategy<u64> {
    let round = (range.start.div_ceil(ROUND)..range.end.div_ceil(ROUND)).prop_map(|halves| halves * ROUND);
    prop_oneof![range, round].boxed()
}

fn start() -> impl Strategy<Value = Start> {
    let events = || prop::collection::vec(event(), 1..4);
    let timeout = || prop::option::of(millis(1..5000).prop_map(ms));
    prop_oneof![
        4 => Just(job("x").start),
        4 => (events(), timeout()).prop_map(|(e, timeout)| Start::Once { when: Condition::All(e), timeout }),
        2 => (events(), timeout()).prop_map(|(e, timeout)| Start::Once { when: Condition::Any(e), timeout }),
        3 => (events(), timeout()).prop_map(|(events, timeout)| Start::Each { events, timeout }),
        2 => millis(100..3000).prop_map(|every| Start::Interval(ms(every))),
        2 => prop::sample::select(vec!["* * * * *", "*/2 * * * *", "30 2 * * *"])
            .prop_map(|text| Start::Cron(schedule(text, BERLIN))),
        1 => timeout().prop_map(|timeout| Start::Never { timeout }),
    ]
}

prop_compose! {
    pub fn any_job(name: &'static str)(
        start in start(),
        restarts in prop_oneof![(0u64..4).prop_map(Count::Finite), Just(Count::Unlimited)],
        exec in prop::bool::weighted(0.9),
        services in prop_oneof![Just(0u16), 1u16..4],
        unregistered in prop::bool::weighted(0.2),
        overlap in prop::sample::select(vec![Overlap::Skip, Overlap::Queue, Overlap::Kill]),
        critical in prop::bool::weighted(0.05),
        stop_timeout in prop::option::of(millis(0..4000).prop_map(ms)),
        timeout in prop::option::of(millis(1..4000).prop_map(ms)),
        checked in any::<bool>(),
        every in millis(200..3000),
        thresholds in (1u32..4, 1u32..4),
        restart in any::<bool>(),
        fail_fast in any::<bool>(),
        grace in millis(0..3000),
        notify in prop::bool::weighted(0.3),
        balanced in prop::option::weighted(0.3, prop::sample::select(vec![BalancerMode::Drain, BalancerMode::Itself])),
        drains in prop::option::weighted(0.3, (millis(0..4000), millis(0..4000), any::<bool>())),
    ) -> Job {
        let balancer = balanced.map(balancer);
        let drain = drains.map(|(min, more, counted)| Drain {
            min: ms(min),
            max: ms(min + more),
            in_flight: if counted { InFlight::Connections(80) } else { InFlight::Unknown },
            signal: None,
        });
        let on_impossible = if critical { OnImpossible::Exit } else { OnImpossible::Wait };
        let mut job =
            Job { balancer, drain, restarts, critical, on_impossible, stop_timeout, timeout, overlap, ..job(name).when(start) };
        if services > 0 || checked {
            job = job.checked(ms(every));
        }
        job = job.serving(services);
        if let Some(service) = job.services.first_mut() {
            service.registered = !unregistered;
        }
        if let Some(health) = &mut job.health {
            (health.success_threshold, health.failure_threshold) = thresholds;
            health.on_failure = if restart { OnFailure::Restart } else { OnFailure::Report };
            health.fail_fast = fail_fast;
            health.start_grace = ms(grace);
            if notify {
                health.probe = Some(Probe::Notify(NotifyProbe { watchdog: None }));
            }
            if !checked {
                health.probe = None;
            }
        }
        if !exec {
            job.exec = None;
        }
        job
    }
}

prop_compose! {
    pub fn script()(
        lasts in prop::option::weighted(0.6, millis(0..4000)),
        code in 0u8..4,
        obeys in prop::option::weighted(0.8, millis(0..3000)),
        leaves in prop::option::weighted(0.2, millis(1..9000)),
        missing in prop::bool::weighted(0.05),
    ) -> Script {
        Script { lasts: lasts.map(ms), exit: Exit::Code(code), obeys: obeys.map(ms), leaves: leaves.map(ms), missing }
    }
}

/// Two definitions of each job; what a file says of each is 0: nothing, 1 or 2.
type Definitions = Vec<[Job; 2]>;
type Said = [usize; NAMES.len()];

fn definitions() -> impl Strategy<Value = Definitions> {
    // Boxed, because what they are drawn from is too big for a test's stack.
    let pair = |name| [any_job(name).boxed(), any_job(name).boxed()];
    // One history in four has a job whose name another one has, too.
    let namesake = prop::option::weighted(0.25, (0..NAMES.len(), 0..NAMES.len()));
    (NAMES.map(pair).into_iter().collect::<Vec<_>>(), namesake).prop_map(|(mut jobs, namesake)| {
        if let Some((job, other)) = namesake {
            for definition in &mut jobs[job] {
                definition.name = NAMES[other].to_owned();
            }
        }
        jobs
    })
}

fn said() -> impl Strategy<Value = Said> {
    prop::array::uniform5(prop_oneof![1 => Just(0), 3 => Just(1), 1 => Just(2)])
}

/// What happens from outside.
#[derive(Clone, Debug)]
pub enum Step {
    Pass(u64),
    Hup,
    Usr2,
    Maintenance(Switch),
    Job(usize, JobRequest),
    Instances(usize),
    Probes(bool, u64),
    Notified(usize),
    SetClock(u64),
    /// What AWS takes, what is in flight.
    Balancer(Option<u64>, Option<u64>),
    GroupDrained(usize),
    Reload(Said, u64),
    Late,
}

fn request() -> impl Strategy<Value = JobRequest> {
    prop::sample::select(vec![JobRequest::Start, JobRequest::Stop, JobRequest::Restart])
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => millis(0..3000).prop_map(Step::Pass),
        2 => Just(Step::Hup),
        1 => Just(Step::Usr2),
        1 => prop::sample::select(vec![Switch::On, Switch::Off]).prop_map(Step::Maintenance),
        4 => (0usize..5, request()).prop_map(|(job, request)| Step::Job(job, request)),
        2 => (0usize..3).prop_map(Step::Instances),
        2 => (any::<bool>(), millis(0..4000)).prop_map(|(pass, takes)| Step::Probes(pass, takes)),
        // Two days around the end of summer time.
        1 => (0u64..2 * 86_400).prop_map(Step::SetClock),
        2 => (0usize..5).prop_map(Step::Notified),
        1 => (prop::option::of(millis(0..9000)), prop::option::of(0u64..2)).prop_map(|(takes, count)| Step::Balancer(takes, count)),
        1 => (0usize..5).prop_map(Step::GroupDrained),
        3 => (said(), 1u64..3).prop_map(|(said, interval)| Step::Reload(said, interval)),
        1 => Just(Step::Late),
    ]
}

#[derive(Clone, Debug)]
pub struct History {
    pub definitions: Definitions,
    pub first: Said,
    scripts: Vec<Script>,
    fallback: Script,
    pub steps: Vec<Step>,
    withdraw: Option<u64>,
    pub steps_of_the_stop: Vec<Step>,
    pub second_stop: Option<u64>,
    budget: Option<Duration>,
}

prop_compose! {
    pub fn history()(
        definitions in definitions(),
        first in said(),
        scripts in prop::collection::vec(script(), 0..30),
        fallback in script(),
        steps in prop::collection::vec(step(), 0..40),
        withdraw in prop::option::weighted(0.9, millis(0..3000)),
        steps_of_the_stop in prop::collection::vec(step(), 0..8),
        second_stop in prop::option::of(millis(0..4000)),
        budget in prop::option::weighted(0.3, millis(1..40_000).prop_map(ms)),
        (asked, reloaded) in prop_oneof![
            1 => Just((false, false)), 1 => Just((true, false)), 1 => Just((false, true)), 2 => Just((true, true)),
        ],
    ) -> History {
        // Where nobody asks and nothing is reloaded, more is known of how it must end.
        let happens = |step: &Step| match step {
            Step::Job(..) => asked,
            Step::Reload(..) => reloaded,
            _ => true,
        };
        let steps = steps.into_iter().filter(happens).collect();
        let steps_of_the_stop = steps_of_the_stop.into_iter().filter(happens).collect();
        History { definitions, first, scripts, fallback, steps, withdraw, steps_of_the_stop, second_stop, budget }
    }
}

impl History {
    pub fn file(&self, said: Said, watch_interval: u64) -> Plan {
        let jobs =
            self.definitions.iter().zip(said).filter(|(_, said)| *said > 0).map(|(pair, said)| pair[said - 1].clone());
        let watches = vec![Watch { interval: secs(watch_interval), ..watch("w") }];
        Plan { watches, stop_budget: self.budget, ..plan(jobs) }
    }

    pub fn world(&self, plan: Plan) -> World {
        let mut world = World::new(plan);
        for (index, script) in self.scripts.iter().enumerate() {
            world.scripts.entry(NAMES[index % 5].to_owned()).or_default().push_back(script.clone());
        }
        // A run that ends in no time and is started again by its own consequences would never let time pass.
        let fallback = self.fallback.clone();
        world.default_script = Script { lasts: fallback.lasts.map(|lasts| lasts.max(ms(200))), ..fallback };
        world.withdraw_takes = self.withdraw.map(ms);
        world
    }

    /// Whether somebody changes what the plan says: then less is known of how it must end.
    pub fn is_interfered_with(&self) -> bool {
        let mut steps = self.steps.iter().chain(&self.steps_of_the_stop);
        steps.any(|step| matches!(step, Step::Job(..) | Step::Reload(..)))
    }

    /// Lets it all happen, unless everything ends before.
    pub fn take_all(&self, steps: &[Step], world: &mut World) {
        for step in steps {
            if world.exit.is_none() {
                self.take(step, world);
            }
        }
    }

    pub fn take(&self, step: &Step, world: &mut World) {
        match *step {
            Step::Pass(millis) => world.pass(ms(millis)),
            Step::Hup => world.give(Input::Signal(UserSignal::Hup)),
            Step::Usr2 => world.give(Input::Signal(UserSignal::Usr2)),
            Step::Maintenance(switch) => world.give(Input::Maintenance(switch)),
            Step::Job(at, request) => {
                if let Some(job) = world.engine.job_ids().get(at).copied() {
                    world.give(Input::Job { job, request });
                }
            }
            Step::Instances(count) => {
                let watch = world.engine.watch_ids()[0];
                world.give(Input::Instances { watch, instances: instances(count) });
            }
            Step::Probes(pass, takes) => (world.probe_passes, world.probe_takes) = (pass, ms(takes)),
            Step::Balancer(takes, count) => (world.leave_takes, world.counts) = (takes.map(ms), count),
            Step::Notified(at) => {
                if let Some(job) = world.engine.job_ids().get(at).copied() {
                    world.give(Input::Notified { job });
                }
            }
            Step::GroupDrained(at) => {
                if let Some(job) = world.engine.job_ids().get(at).copied() {
                    world.give(Input::GroupDrained { job });
                }
            }
            Step::Reload(said, interval) => reload(world, self.file(said, interval)),
            Step::Late => {
                // Timers that run down just now have nothing to do with it.
                world.pass(Duration::ZERO);
                if world.exit.is_none() {
                    world.say_what_is_late();
                }
            }
            Step::SetClock(to) => world.clock = (secs(AUTUMN) + secs(to)).saturating_sub(world.now),
        }
    }
}

/// Hands in a plan and sees that what goes on is not touched. A job that was being stopped before goes on with that: the
/// hook it waited for may leave with the reload, and then its signal is due.
fn reload(world: &mut World, next: Plan) {
    let kept = world.engine.jobs_that_go_on(&next).into_iter().flatten();
    let kept: Vec<_> = kept
        .filter_map(|id| {
            world.engine.state(id).map(|job| (id, job.run().map(|run| run.id), job.phase().activity().is_none()))
        })
        .collect();
    let (signals, stopping) = (world.signals.len(), world.engine.is_stopping());
    world.reload(next);
    if stopping || world.engine.is_stopping() {
        return;
    }
    for (job, run, was_stopping) in kept {
        assert!(world.engine.job(job).is_some(), "what goes on keeps its number");
        assert!(run.is_none() || world.engine.run_of(job) == run, "what goes on keeps its process");
        let is_signalled = world.signals[signals..].iter().any(|(_, other, _)| *other == job);
        assert!(was_stopping || !is_signalled, "what goes on is not signalled");
    }
}
