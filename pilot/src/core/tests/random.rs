//! Random plans, random behaviour, random events: what must always hold is asserted by the world at every effect
//! (never two runs or probes of one job at once, nothing passing behind the fence, nothing alive at the end, nothing
//! after the end); here, that every stop ends in time and with the contracted code, and that no event is lost.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::impossible::stays_impossible;
use super::plans::*;
use super::starting::{instances, watch};
use super::world::{Script, World};
use crate::core::effect::{Input, JobRequest, Switch, UserSignal};
use crate::core::event::{Code, Event, GLOBAL};
use crate::core::exit::Exit;
use crate::core::plan::*;
use crate::core::request::Hold;
use crate::core::stop::HOOK_LIMIT;
use crate::core::stop_plan::StopPlan;

pub const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

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
        1 => timeout().prop_map(|timeout| Start::Never { timeout }),
    ]
}

prop_compose! {
    pub fn any_job(name: &'static str)(
        start in start(),
        restarts in prop_oneof![(0u64..4).prop_map(Count::Finite), Just(Count::Unlimited)],
        exec in prop::bool::weighted(0.9),
        served in any::<bool>(),
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
        let mut job = Job { balancer, drain, restarts, critical, stop_timeout, timeout, ..job(name).when(start) };
        if served || checked {
            job = job.checked(ms(every));
        }
        if served {
            job = job.served();
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

#[derive(Clone, Debug)]
enum Step {
    Pass(u64),
    Hup,
    Usr2,
    Maintenance(Switch),
    Job(usize, JobRequest),
    Instances(usize),
    Probes(bool, u64),
    /// What AWS takes, what is in flight.
    Balancer(Option<u64>, Option<u64>),
    GroupDrained(usize),
    Notified(usize),
}

/// Plan, scripts of the first runs and of all others, steps, how long a withdrawal takes, when a second stop comes.
type History = (Plan, Vec<Script>, Script, Vec<Step>, Option<u64>, Option<u64>);

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
        2 => (0usize..5).prop_map(Step::Notified),
        1 => (prop::option::of(0u64..9000), prop::option::of(0u64..2)).prop_map(|(takes, count)| Step::Balancer(takes, count)),
        1 => (0usize..5).prop_map(Step::GroupDrained),
    ]
}

prop_compose! {
    fn history()(
        a in any_job("a"), b in any_job("b"), c in any_job("c"), d in any_job("d"), e in any_job("e"),
        count in 0usize..6,
        scripts in prop::collection::vec(script(), 0..30),
        fallback in script(),
        steps in prop::collection::vec(step(), 0..25),
        withdraw in prop::option::weighted(0.9, 0u64..3000),
        second_stop in prop::option::of(0u64..4000),
        budget in prop::option::weighted(0.3, (1u64..40_000).prop_map(ms)),
        asked in any::<bool>(),
    ) -> History {
        let steps = steps.into_iter().filter(|step| asked || !matches!(step, Step::Job(..))).collect();
        let mut plan = plan([a, b, c, d, e].into_iter().take(count));
        plan.watches = vec![watch("w")];
        plan.stop_budget = budget;
        (plan, scripts, fallback, steps, withdraw, second_stop)
    }
}

/// Histories of one round.
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
            let handled = play(history)?;
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
fn play((plan, scripts, fallback, steps, withdraw, second_stop): History) -> Result<u64, TestCaseError> {
    let jobs = plan.jobs.len() as u32;
    let critical = plan.jobs.iter().any(|job| job.critical);
    let mut world = World::new(plan);
    for (index, script) in scripts.into_iter().enumerate() {
        world.scripts.entry(index % 5).or_default().push_back(script);
    }
    // A run that ends in no time and is started again by its own consequences would never let time pass.
    world.default_script = Script { lasts: fallback.lasts.map(|lasts| lasts.max(ms(200))), ..fallback };
    world.withdraw_takes = withdraw.map(ms);
    let mut world = world.started();
    let mut signals = 0;
    let by_hand = steps.iter().any(|step| matches!(step, Step::Job(..)));
    for step in steps {
        if world.exit.is_some() {
            break;
        }
        match step {
            Step::Pass(millis) => world.pass(ms(millis)),
            Step::Hup => {
                signals += 1;
                world.give(Input::Signal(UserSignal::Hup));
            }
            Step::Usr2 => world.give(Input::Signal(UserSignal::Usr2)),
            Step::Maintenance(switch) => world.give(Input::Maintenance(switch)),
            Step::Job(job, _) if job >= jobs as usize => {}
            Step::Job(job, request) => world.give(Input::Job { job: JobId(job), request }),
            Step::Instances(count) => {
                world.give(Input::Instances { watch: WatchId(0), instances: instances(count) });
            }
            Step::Notified(job) if job < jobs as usize => world.give(Input::Notified { job: JobId(job) }),
            Step::Notified(_) => {}
            Step::Balancer(takes, count) => (world.leave_takes, world.counts) = (takes.map(ms), count),
            Step::GroupDrained(job) if job < jobs as usize => world.give(Input::GroupDrained { job: JobId(job) }),
            Step::GroupDrained(_) => {}
            Step::Probes(pass, takes) => (world.probe_passes, world.probe_takes) = (pass, ms(takes)),
        }
    }
    let seen = world.events.iter().filter(|(_, event)| event.source == "SIGHUP").count();
    prop_assert_eq!(seen, signals, "no event is lost");
    let held = world.engine.jobs().iter().any(|job| job.hold() != Hold::Free);
    prop_assert!(world.exit.is_none() || !held || critical, "what a person stopped is no end");
    if world.exit.is_none() {
        let asked = world.now;
        world.give(Input::Stop);
        if let (Some(after), None) = (second_stop, world.exit) {
            world.pass(ms(after));
            if world.exit.is_none() {
                world.give(Input::Stop);
            }
        }
        let limit = (HOOK_LIMIT + secs(15)) * (2 * jobs + 1);
        world.pass(limit);
        let took = world.exit.map(|(at, _)| at - asked);
        // A hook that a person started runs on top of its run for the stop.
        // This world takes 50 ms to tell of a start that failed.
        let worst = StopPlan::of(&world.plan).worst + ms(50) * jobs;
        prop_assert!(world.asked || took <= Some(worst), "{took:?}: {:?}", StopPlan::of(&world.plan));
    }
    if !by_hand {
        // A person can start what no event ever would.
        stays_impossible(&world)?;
    }
    prop_assert!(world.exit.is_some(), "the stop did not end: {:#?}", world.engine.jobs());
    if !critical {
        prop_assert_eq!(world.exit.map(|(_, code)| code), Some(0));
    }
    Ok(world.handled)
}
