//! Random plans, random behaviour, random events: what must always hold is asserted by the world at every effect
//! (never two runs or probes of one job at once, nothing passing behind the fence, nothing alive at the end, nothing
//! after the end); here, that every stop ends in time and with the contracted code, and that no event is lost.

use std::cell::Cell;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::impossible::stays_impossible;
use super::plans::*;
use super::schedule::{BERLIN, schedule};
use super::starting::{instances, watch};
use crate::effect::{Input, JobRequest, Switch, UserSignal};
use crate::event::{Code, Event, GLOBAL};
use crate::exit::Exit;
use crate::plan::*;
use crate::request::Hold;
use crate::simulation::{Script, World};
use crate::stop::HOOK_LIMIT;
use crate::stop_plan::StopPlan;

pub const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

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

fn start() -> impl Strategy<Value = Start> {
    let events = || prop::collection::vec(event(), 1..4);
    let timeout = || prop::option::of((1u64..5000).prop_map(ms));
    prop_oneof![
        4 => Just(job("x").start),
        4 => (events(), timeout()).prop_map(|(e, timeout)| Start::Once { when: Condition::All(e), timeout }),
        2 => (events(), timeout()).prop_map(|(e, timeout)| Start::Once { when: Condition::Any(e), timeout }),
        3 => (events(), timeout()).prop_map(|(events, timeout)| Start::Each { events, timeout }),
        2 => (100u64..3000).prop_map(|every| Start::Interval(ms(every))),
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
        stop_timeout in prop::option::of((0u64..4000).prop_map(ms)),
        timeout in prop::option::of((1u64..4000).prop_map(ms)),
        checked in any::<bool>(),
        every in 200u64..3000,
        thresholds in (1u32..4, 1u32..4),
        restart in any::<bool>(),
        fail_fast in any::<bool>(),
        grace in 0u64..3000,
        notify in prop::bool::weighted(0.3),
        balanced in prop::option::weighted(0.3, prop::sample::select(vec![BalancerMode::Drain, BalancerMode::Itself])),
        drains in prop::option::weighted(0.3, (0u64..4000, 0u64..4000)),
    ) -> Job {
        let balancer = balanced.map(balancer);
        let drain = drains.map(|(min, more)| Drain {
            min: ms(min),
            max: ms(min + more),
            in_flight: if more % 2 == 0 { InFlight::Unknown } else { InFlight::Connections(80) },
            signal: None,
        });
        let mut job =
            Job { balancer, drain, restarts, critical, stop_timeout, timeout, overlap, ..job(name).when(start) };
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
    fn script()(
        lasts in prop::option::weighted(0.6, 0u64..4000),
        code in 0u8..4,
        obeys in prop::option::weighted(0.8, 0u64..3000),
        leaves in prop::option::weighted(0.2, 1u64..9000),
        missing in prop::bool::weighted(0.05),
    ) -> Script {
        Script { lasts: lasts.map(ms), exit: Exit::Code(code), obeys: obeys.map(ms), leaves: leaves.map(ms), missing }
    }
}

/// Two definitions of each job; what a file says of each is 0: nothing, 1 or 2.
type Definitions = Vec<[Job; 2]>;
type Said = [usize; NAMES.len()];

fn definitions() -> impl Strategy<Value = Definitions> {
    let pair = |name| [any_job(name), any_job(name)];
    NAMES.map(pair).into_iter().collect::<Vec<_>>()
}

fn said() -> impl Strategy<Value = Said> {
    prop::array::uniform5(prop_oneof![1 => Just(0), 3 => Just(1), 1 => Just(2)])
}

#[derive(Clone, Debug)]
enum Step {
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
        6 => (0u64..3000).prop_map(Step::Pass),
        2 => Just(Step::Hup),
        1 => Just(Step::Usr2),
        1 => prop::sample::select(vec![Switch::On, Switch::Off]).prop_map(Step::Maintenance),
        2 => (0usize..5, request()).prop_map(|(job, request)| Step::Job(job, request)),
        2 => (0usize..3).prop_map(Step::Instances),
        2 => (any::<bool>(), 0u64..4000).prop_map(|(pass, takes)| Step::Probes(pass, takes)),
        // Two days around the end of summer time.
        1 => (0u64..2 * 86_400).prop_map(Step::SetClock),
        2 => (0usize..5).prop_map(Step::Notified),
        1 => (prop::option::of(0u64..9000), prop::option::of(0u64..2)).prop_map(|(takes, count)| Step::Balancer(takes, count)),
        1 => (0usize..5).prop_map(Step::GroupDrained),
        3 => (said(), 1u64..3).prop_map(|(said, interval)| Step::Reload(said, interval)),
        1 => Just(Step::Late),
    ]
}

#[derive(Clone, Debug)]
struct History {
    definitions: Definitions,
    first: Said,
    scripts: Vec<Script>,
    fallback: Script,
    steps: Vec<Step>,
    withdraw: Option<u64>,
    second_stop: Option<u64>,
    budget: Option<Duration>,
}

prop_compose! {
    fn history()(
        definitions in definitions(),
        first in said(),
        scripts in prop::collection::vec(script(), 0..30),
        fallback in script(),
        steps in prop::collection::vec(step(), 0..25),
        withdraw in prop::option::weighted(0.9, 0u64..3000),
        second_stop in prop::option::of(0u64..4000),
        budget in prop::option::weighted(0.3, (1u64..40_000).prop_map(ms)),
        (asked, reloaded) in any::<(bool, bool)>(),
    ) -> History {
        // Where nobody asks and nothing is reloaded, more is known of how it must end.
        let steps = steps.into_iter().filter(|step| match step {
            Step::Job(..) => asked,
            Step::Reload(..) => reloaded,
            _ => true,
        });
        let steps = steps.collect();
        History { definitions, first, scripts, fallback, steps, withdraw, second_stop, budget }
    }
}

impl History {
    fn file(&self, said: Said, watch_interval: u64) -> Plan {
        let jobs =
            self.definitions.iter().zip(said).filter(|(_, said)| *said > 0).map(|(pair, said)| pair[said - 1].clone());
        let watches = vec![Watch { interval: secs(watch_interval), ..watch("w") }];
        Plan { watches, stop_budget: self.budget, ..plan(jobs) }
    }

    fn world(&self, plan: Plan) -> World {
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

    fn take(&self, step: &Step, world: &mut World) {
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
            Step::Late => world.say_what_is_late(),
            Step::SetClock(to) => world.clock = (secs(AUTUMN) + secs(to)).saturating_sub(world.now),
        }
    }
}

/// Hands in a plan and sees that what goes on is not touched.
fn reload(world: &mut World, next: Plan) {
    let kept = world.engine.changes(&next).jobs.kept;
    let kept: Vec<_> = kept.iter().map(|name| (world.job(name), world.run(name))).collect();
    let signals = world.signals.len();
    world.reload(next);
    if world.engine.is_stopping() {
        return;
    }
    for (job, run) in kept {
        assert!(world.engine.job(job).is_some(), "what goes on keeps its number");
        assert!(run.is_none() || world.engine.jobs[job.0].run() == run, "what goes on keeps its process");
        assert!(world.signals[signals..].iter().all(|(_, other, _)| *other != job), "what goes on is not signalled");
    }
}

pub fn cases() -> u32 {
    std::env::var("PILOT_RANDOM_HISTORIES").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000)
}

/// So many inputs the engine handles in all histories together; `PILOT_RANDOM_EVENTS` asks for another number.
const EVENTS: u64 = 1_000_000;

#[test]
fn under_a_million_random_events_every_stop_ends_and_nothing_is_doubled_lost_or_left_behind() {
    let wanted = std::env::var("PILOT_RANDOM_EVENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(EVENTS);
    let (events, histories) = (Cell::new(0), Cell::new(0u64));
    let config = ProptestConfig {
        cases: cases(),
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..ProptestConfig::default()
    };
    while events.get() < wanted {
        let played = TestRunner::new(config.clone()).run(&history(), |history| {
            let handled = play(&history)?;
            histories.set(histories.get() + 1);
            events.set(events.get() + handled);
            Ok(())
        });
        if let Err(failure) = played {
            panic!("{failure}");
        }
    }
    println!("{} random events in {} histories", events.get(), histories.get());
}

/// One history, from the start to the end of everything; how many inputs the engine has handled.
fn play(history: &History) -> Result<u64, TestCaseError> {
    let mut world = history.world(history.file(history.first, 1)).started();
    let mut signals = 0;
    for step in &history.steps {
        if world.exit.is_some() {
            break;
        }
        signals += usize::from(matches!(step, Step::Hup));
        history.take(step, &mut world);
    }
    let seen = world.events.iter().filter(|(_, event)| event.source == "SIGHUP").count();
    prop_assert_eq!(seen, signals, "no event is lost");
    let limit = (HOOK_LIMIT + secs(15)) * (2 * NAMES.len() as u32 + 1);
    let held = world.engine.jobs().iter().any(|job| job.hold() != Hold::Free);
    let critical = history.definitions.iter().flatten().any(|job| job.critical);
    prop_assert!(world.exit.is_none() || !held || critical, "what a person stopped is no end");
    if world.engine.is_reloading() && history.second_stop.is_none() {
        world.pass_reload(limit);
        prop_assert!(!world.engine.is_reloading(), "the reload did not end: {:#?}", world.engine.jobs());
    }
    let changed = history.steps.iter().any(|step| matches!(step, Step::Job(..) | Step::Reload(..)));
    if world.exit.is_none() {
        let asked = world.now;
        world.give(Input::Stop);
        if let (Some(after), None) = (history.second_stop, world.exit) {
            world.pass(ms(after));
            if world.exit.is_none() {
                world.give(Input::Stop);
            }
        }
        world.pass(limit);
        let took = world.exit.map(|(at, _)| at - asked);
        // A hook that a person started runs on top of its run for the stop.
        // This world takes 50 ms to tell of a start that failed.
        let worst = StopPlan::of(&world.plan).worst + ms(50) * NAMES.len() as u32;
        prop_assert!(changed || took <= Some(worst), "{took:?}: {:?}", StopPlan::of(&world.plan));
    }
    if !changed {
        // A person can start what no event ever would.
        stays_impossible(&world)?;
    }
    prop_assert!(world.exit.is_some(), "the stop did not end: {:#?}", world.engine.jobs());
    if !critical {
        prop_assert_eq!(world.exit.map(|(_, code)| code), Some(0));
    }
    Ok(world.handled)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn jobs_that_a_reload_brings_live_as_in_a_pilot_that_was_started_with_them(history in history(), ends in script()) {
        let plan = history.file(history.first, 1);
        let mut fresh = history.world(plan.clone()).started();
        fresh.pass(ms(0));

        let mut reloaded = history.world(super::plans::plan([job("old").served(), job("older")]));
        reloaded.script_of("old", [ends]);
        reloaded.script_of("older", [Script { obeys: Some(ms(500)), ..Script::forever() }]);
        let mut reloaded = reloaded.started();
        reloaded.pass(secs(7));
        reloaded.reload(plan);
        reloaded.pass_reload(secs(60));
        let begin = reloaded.reloaded[0];
        prop_assert_eq!(reloaded.now, begin);

        for step in history.steps.iter().filter(|step| !matches!(step, Step::Reload(..) | Step::Late)) {
            for world in [&mut fresh, &mut reloaded] {
                if world.exit.is_none() {
                    history.take(step, world);
                }
            }
        }
        for world in [&mut fresh, &mut reloaded] {
            if world.exit.is_none() {
                world.give(Input::Stop);
                world.pass(secs(3600));
            }
        }
        let life = |world: &World, begin| {
            let since = |at: &std::time::Duration| at.checked_sub(begin);
            let runs: Vec<_> = world.timeline().iter().filter_map(|(at, name)| Some((since(at)?, (*name).to_owned()))).collect();
            let events: Vec<_> = world.events.iter().filter_map(|(at, event)| Some((since(at)?, event.to_string())))
                .filter(|(_, event)| !event.contains("Startup") && !event.contains(" old")).collect();
            (runs, events, world.exit.and_then(|(at, code)| Some((since(&at)?, code))))
        };
        prop_assert_eq!(life(&fresh, secs(0)), life(&reloaded, begin));
    }
}
