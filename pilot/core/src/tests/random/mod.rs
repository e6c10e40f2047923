//! Random plans, random behaviour, random events: what must always hold is asserted by the world at every effect
//! (never two runs or probes of one job at once, nothing passing behind the fence, nothing alive at the end, nothing
//! after the end); here, that every stop ends in time and with the contracted code, and that no event is lost.

use std::time::Duration;

use proptest::prelude::*;

mod history;
mod search;

use super::impossible::stays_impossible;
use super::plans::*;
use crate::effect::Input;
use crate::event::Code;
use crate::limits::HOOK_LIMIT;
use crate::simulation::{Script, World};
use crate::stop::worst_case::StopPlan;
pub use history::event;
use history::{History, NAMES, Step, script};
use search::search;

/// How many cases the smaller random tests play.
pub fn cases() -> u32 {
    std::env::var("PILOT_RANDOM_HISTORIES").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000)
}

/// `PILOT_RANDOM_EVENTS` asks for another number.
const EVENTS: u64 = 1_000_000;

#[test]
fn under_a_million_random_events_every_stop_ends_and_nothing_is_doubled_lost_or_left_behind() {
    search("million_random_events", EVENTS, play);
}

/// One history, from the start to the end of everything; how many inputs the engine has handled.
fn play(history: &History) -> Result<u64, TestCaseError> {
    let mut world = history.world(history.file(history.first, 1)).started();
    history.take_all(&history.steps, &mut world);
    let critical = history.definitions.iter().flatten().any(|job| job.critical);
    let held = world.engine.jobs().iter().any(|job| job.phase().is_held());
    prop_assert!(world.exit.is_none() || !held || critical, "what a person stopped is no end");
    if world.engine.is_reloading() && history.second_stop.is_none() {
        world.pass_reload(limit());
        prop_assert!(!world.engine.is_reloading(), "the reload did not end: {:#?}", world.engine.jobs());
    }
    if world.exit.is_none() {
        stop(history, &mut world)?;
    }
    let signals = world.signalled;
    let seen = world.events.iter().filter(|(_, event)| event.code == Code::Signal && event.source == "SIGHUP").count();
    prop_assert_eq!(seen, signals, "no event is lost");
    if !history.is_interfered_with() {
        // A person can start what no event ever would.
        stays_impossible(&world)?;
    }
    prop_assert!(world.exit.is_some(), "the stop did not end: {:#?}", world.engine.jobs());
    if !critical {
        prop_assert_eq!(world.exit.map(|(_, code)| code), Some(0));
    }
    Ok(world.handled)
}

/// What no stop takes, however its jobs wait for each other.
fn limit() -> Duration {
    (HOOK_LIMIT + secs(15)) * (2 * NAMES.len() as u32 + 1)
}

/// Asks everything to stop, and asks for this and that while it does.
fn stop(history: &History, world: &mut World) -> Result<(), TestCaseError> {
    let asked = world.now;
    world.give(Input::Stop);
    history.take_all(&history.steps_of_the_stop, world);
    if let (Some(after), None) = (history.second_stop, world.exit) {
        world.pass(ms(after));
        if world.exit.is_none() {
            world.give(Input::Stop);
        }
    }
    world.pass(limit());
    let took = world.exit.map(|(at, _)| at - asked);
    // A hook that a person started runs on top of its run for the stop.
    // This world takes 50 ms to tell of a start that failed.
    let worst = StopPlan::of(&world.plan).worst + ms(50) * NAMES.len() as u32;
    let in_time = took <= Some(worst) || history.is_interfered_with();
    prop_assert!(in_time, "{took:?}: {:?}", StopPlan::of(&world.plan));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn jobs_that_a_reload_brings_live_as_in_a_pilot_that_was_started_with_them(history in history::history(), ends in script()) {
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
        // As above: a cron job has to be told the time before somebody sets the clock.
        reloaded.pass(ms(0));
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
