//! The graph's verdicts against the engine: what it calls impossible never happens in any history (asked here and of every
//! random history), and what it calls possible happens in some history that tries everything.

use proptest::prelude::*;

use super::plans::*;
use super::random::event;
use super::starting::{instances, watch};
use crate::effect::{Input, Switch, UserSignal};
use crate::event::{Class, Code, Event};
use crate::exit::Exit;
use crate::graph::{Chance, Graph, Reason};
use crate::plan::*;
use crate::simulation::World;

/// Nothing that the graph calls impossible has happened in this history.
pub fn stays_impossible(world: &World) -> Result<(), TestCaseError> {
    // A person may start what nothing else can.
    if world.asked {
        return Ok(());
    }
    let graph = Graph::of(&world.plan);
    for (index, chance) in graph.starts.iter().enumerate() {
        let started = world.engine.jobs()[index].was_started();
        prop_assert!(*chance != Chance::Never || !started, "job {index} cannot start, but did");
    }
    let stop = world.events.iter().find(|(_, event)| event.code == Code::Shutdown).map(|(at, _)| *at);
    for (at, id, cause) in &world.starts {
        let too_early = graph.starts[id.0] == Chance::AtTheStop && stop.is_none_or(|stop| *at < stop);
        prop_assert!(!too_early, "job {} can only start at the stop, but did because of {cause:?}", id.0);
    }
    for edge in &graph.edges {
        // These come; they only start nobody who waits for them so.
        let comes_in_vain = matches!(
            edge.reason,
            None | Some(Reason::ShutdownStartsNobody | Reason::OwnEnd | Reason::OwnHealth | Reason::OnlyAtTheStop(_))
        );
        let seen = world.events.iter().any(|(_, event)| *event == edge.event);
        prop_assert!(comes_in_vain || !seen, "{} cannot come ({:?}), but did", edge.event, edge.reason);
    }
    Ok(())
}

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// Events that can be had at any time.
fn free() -> impl Strategy<Value = Event> {
    prop::sample::select(vec![
        Event::global(Code::Startup),
        Event::global(Code::EnterMaintenance),
        Event::global(Code::ExitMaintenance),
        Event::new(Code::Signal, "SIGHUP"),
        Event::new(Code::Signal, "SIGUSR2"),
        Event::new(Code::Changed, "watch.w"),
        Event::new(Code::Unhealthy, "watch.w"),
    ])
}

/// A start without alternatives that exclude each other, such as "a succeeds and a fails": which of those can be had
/// together depends on the whole history, and the graph does not claim to know. For the same reason hooks only wait for
/// jobs before them, and who gives up waits for no other job: its giving up may be what that one waits for.
fn start(index: usize) -> impl Strategy<Value = Start> {
    let by_stop = |event: &Event| event.code.class() == Class::Stop;
    let earlier = move |event: &Event| NAMES[..index].contains(&event.source.as_str());
    let fitting = move || event().prop_filter("a hook on a later job", move |e| !by_stop(e) || earlier(e));
    let patient = prop_oneof![4 => free(), 1 => Just(Event::new(Code::Healthy, "nobody"))];
    let unordered = move |events: &Vec<Event>| {
        let of_jobs = |e: &Event| e.code == Code::Healthy && NAMES.contains(&e.source.as_str());
        !(events.iter().any(by_stop) && events.iter().any(of_jobs))
    };
    let some = move || prop::collection::vec(fitting(), 1..4).prop_filter("a circle of stops", unordered);
    prop_oneof![
        3 => Just(job("x").start),
        1 => Just(Start::Interval(ms(300))),
        1 => Just(Start::Never { timeout: None }),
        6 => fitting().prop_map(|e| Start::Once { when: Condition::All(vec![e]), timeout: None }),
        2 => (fitting(), free(), free()).prop_map(|(e, f, g)| Start::Once {
            when: Condition::All(vec![f, e, g]), timeout: None
        }),
        2 => some().prop_map(|events| Start::Once { when: Condition::Any(events), timeout: None }),
        2 => some().prop_map(|events| Start::Each { events, timeout: None }),
        2 => patient.prop_map(|e| Start::Once { when: Condition::All(vec![e]), timeout: Some(secs(3)) }),
    ]
}

prop_compose! {
    fn one(index: usize)(
        start in start(index),
        restarts in prop_oneof![3 => (0u64..3).prop_map(Count::Finite), 1 => Just(Count::Unlimited)],
        exec in prop::bool::weighted(0.9),
        checked in prop::option::weighted(0.6, any::<bool>()),
    ) -> Job {
        // A path, so that no other name happens to be part of it.
        let program = Some(command(&format!("/bin/{}", NAMES[index])));
        let mut job = Job { restarts, exec: program, ..job(NAMES[index]).when(start) };
        if let Some(probe) = checked {
            job = job.checked(ms(200));
            if let Some(health) = job.health.as_mut().filter(|_| !probe) {
                health.probe = None;
            }
        }
        if !exec {
            job.exec = None;
        }
        job
    }
}

fn jobs() -> impl Strategy<Value = Vec<Job>> {
    (one(0), one(1), one(2), one(3), one(4), one(5), 1usize..7)
        .prop_map(|(a, b, c, d, e, f, count)| [a, b, c, d, e, f].into_iter().take(count).collect())
}

/// A source of choices that is the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// One thing that can happen, chosen at random.
fn try_something(world: &mut World, dice: &mut Dice) {
    let job = JobId(dice.roll(world.plan.jobs.len() as u64) as usize);
    match dice.roll(12) {
        0 => world.give(Input::Signal(UserSignal::Hup)),
        1 => world.give(Input::Signal(UserSignal::Usr2)),
        2 => world.give(Input::Maintenance(Switch::On)),
        3 => world.give(Input::Maintenance(Switch::Off)),
        4 => {
            let instances = instances(dice.roll(2) as usize);
            world.give(Input::Instances { watch: WatchId(0), instances });
        }
        5..=7 => world.end(job, Exit::Code(dice.roll(2) as u8)),
        8 => world.pass(ms(dice.roll(4_000))),
        _ => {
            world.probe_passes = dice.roll(2) == 0;
            world.pass(ms(dice.roll(450)));
        }
    }
}

/// Which jobs have started at least once in so many histories that try everything.
fn tried(plan: &Plan, wanted: &[bool]) -> Vec<bool> {
    let mut started = vec![false; plan.jobs.len()];
    for seed in 1..1_000u64 {
        let mut dice = Dice(0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(seed));
        let mut world = World::new(plan.clone()).started();
        let mut acts = dice.roll(80);
        for act in 0..200 {
            if world.exit.is_some() {
                break;
            }
            if act == acts {
                world.give(Input::Stop);
                acts = u64::MAX;
                continue;
            }
            try_something(&mut world, &mut dice);
        }
        for (seen, job) in started.iter_mut().zip(world.engine.jobs()) {
            *seen |= job.was_started();
        }
        if started == wanted {
            break;
        }
    }
    started
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: super::random::cases() / 10, failure_persistence: None, max_shrink_iters: 40, ..ProptestConfig::default()
    })]

    /// The issue's own property: the verdict "can never run" is what the engine does when every event is tried.
    #[test]
    fn a_job_can_start_if_and_only_if_some_history_starts_it(jobs in jobs()) {
        let mut plan = plan(jobs);
        plan.watches = vec![watch("w")];
        let wanted: Vec<bool> = Graph::of(&plan).starts.iter().map(|chance| *chance != Chance::Never).collect();
        prop_assert_eq!(tried(&plan, &wanted), wanted, "{:?}", Graph::of(&plan));
    }
}
