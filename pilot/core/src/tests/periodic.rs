//! Periodic jobs: overlap, and cron jobs under a wall clock that is set, slewed and frozen. Virtual time, virtual clock.

use std::time::Duration;

use super::plans::*;
use super::schedule::{BERLIN, schedule, utc};
use crate::effect::{Input, StopSignal};
use crate::exit::Exit;
use crate::plan::*;
use crate::simulation::{Script, World};
use crate::timers::Timer;

fn cron(text: &str) -> Job {
    job("x").when(Start::Cron(schedule(text, "UTC"))).restarts(Count::Unlimited)
}

/// A world with one job, that begins at this moment of the wall clock. Its runs take a second.
fn at(begin: &str, job: Job) -> World {
    let mut world = World::new(plan([job, super::plans::job("keep")])).script("keep", [Script::forever()]);
    world.default_script = Script::exits(0).lasting(secs(1));
    world.clock = Duration::from_secs(utc(begin) as u64);
    world.started()
}

/// When the job was started, by the wall clock of a world whose clock was never set.
fn starts(world: &World) -> Vec<String> {
    let id = world.job("x");
    let of_x = world.starts.iter().filter(|(_, job, _)| *job == id);
    of_x.map(|(at, ..)| of_day(world.clock + *at)).collect()
}

fn of_day(wall: Duration) -> String {
    let seconds = wall.as_secs() % 86_400;
    format!("{:02}:{:02}:{:02}.{:03}", seconds / 3600, seconds / 60 % 60, seconds % 60, wall.subsec_millis())
}

fn set_clock(world: &mut World, to: &str) {
    world.clock = Duration::from_secs(utc(to) as u64) - world.now;
}

fn count(world: &World) -> usize {
    world.count_starts("x")
}

#[test]
fn a_cron_job_runs_at_its_times_and_not_at_startup() {
    let mut world = at("2026-01-01 09:58:20", cron("*/5 * * * *"));
    world.pass(secs(13 * 60));
    assert_eq!(starts(&world), ["10:00:00.000", "10:05:00.000", "10:10:00.000"]);
    let due = world.engine.timers().into_iter().find(|(_, _, due)| *due == Timer::Schedule);
    assert_eq!(due.map(|(at, ..)| of_day(world.clock + at)).as_deref(), Some("10:15:00.000"));
}

/// As for an interval job, but it is over with its last run instead of one time later.
#[test]
fn restarts_count_the_runs_after_the_first() {
    for (restarts, runs) in [(Count::Finite(0), 1), (Count::Finite(2), 3)] {
        let mut world = World::new(plan([cron("* * * * *").restarts(restarts)]));
        world.default_script = Script::exits(1).lasting(secs(5));
        let mut world = world.started();
        world.pass(secs(3600));
        assert_eq!(count(&world), runs);
        assert_eq!(world.exit, Some((secs(60 * runs as u64 + 5), 0)), "over when the last run is");
    }
}

#[test]
fn a_job_that_waits_for_its_time_does_not_hold_up_a_stop() {
    let mut world = at("2026-01-01 00:00", cron("0 3 * * *"));
    world.pass(secs(10));
    world.give(Input::Stop);
    world.pass(secs(1));
    assert_eq!((world.exit.is_some(), count(&world)), (true, 0));
}

#[test]
fn the_clock_is_asked_for_when_a_job_is_due_and_once_a_minute() {
    let mut world = at("2026-01-01 00:00:10", cron("0 3 * * *"));
    world.pass(ms(1));
    assert_eq!(world.engine.next_timeout(), Some(secs(60)));
    set_clock(&mut world, "2026-01-01 02:59:30");
    world.pass(secs(61));
    assert_eq!(world.engine.next_timeout().map(|at| at - secs(60)), Some(secs(60)), "the day after, and a look before");
    let idle = World::new(plan([job("keep")])).started();
    assert_eq!(
        (idle.engine.next_timeout(), idle.engine.goes_by_the_clock()),
        (None, false),
        "without cron nobody asks"
    );
}

/// A clock that is slewed runs slower or faster than ours: never early, and once.
#[test]
fn a_slewed_clock_neither_starts_a_job_early_nor_twice() {
    for (slew, late) in [(-30i64, true), (30, false)] {
        let mut world = at("2026-01-01 09:59:00", cron("0 10 * * *"));
        world.pass(secs(59));
        let clock = world.clock.as_millis() as i64 + slew;
        world.clock = ms(clock as u64);
        world.pass(secs(120));
        assert_eq!(count(&world), 1);
        let wall = world.clock + world.starts.last().unwrap().0;
        assert!(wall >= Duration::from_secs(utc("2026-01-01 10:00") as u64), "not before ten by the clock");
        assert_eq!(of_day(wall), if late { "10:00:00.000" } else { "10:00:00.030" });
    }
}

#[test]
fn what_was_missed_runs_once_however_long_it_was() {
    for (text, later) in [("*/5 * * * *", 2), ("0 11 * * *", 0), ("0 10,11 * * *", 0)] {
        // Put forward: seen within a minute, run once, then on as before.
        let mut world = at("2026-01-01 09:58:20", cron(text));
        world.pass(secs(10));
        set_clock(&mut world, "2026-01-01 12:00:01");
        world.pass(secs(61));
        assert_eq!(count(&world), 1, "{text}");
        // Frozen with everything, clock and all: the same.
        let mut world = at("2026-01-01 09:58:20", cron(text));
        world.pass(secs(10));
        world.now += secs(2 * 3600);
        world.pass(secs(1));
        assert_eq!(count(&world), 1, "{text}");
        world.pass(secs(7 * 60));
        assert_eq!(count(&world), 1 + later, "{text}");
    }
}

#[test]
fn put_back_a_little_nothing_runs_twice() {
    let mut world = at("2026-01-01 09:59:30", cron("0 10 * * *"));
    world.pass(secs(60));
    assert_eq!(count(&world), 1);
    set_clock(&mut world, "2026-01-01 08:30:00");
    world.pass(secs(2 * 3600));
    assert_eq!(count(&world), 1, "ten o'clock has been run");
    world.pass(secs(24 * 3600));
    assert_eq!(count(&world), 2);

    let mut world = at("2026-01-01 09:59:30", cron("* * * * *"));
    world.pass(secs(31));
    set_clock(&mut world, "2026-01-01 09:59:58");
    world.pass(secs(30));
    assert_eq!(count(&world), 1, "two seconds back");
    world.pass(secs(60));
    assert_eq!(count(&world), 2);
}

#[test]
fn put_back_far_the_new_time_holds_at_once() {
    // Every five minutes means every five minutes.
    let mut world = at("2026-01-01 09:59:30", cron("*/5 * * * *"));
    world.pass(secs(60));
    set_clock(&mut world, "2026-01-01 08:01:00");
    world.pass(secs(10 * 60));
    assert_eq!(count(&world), 3);
    assert!(world.said.contains(&"the clock was put back: x goes by the new time".to_owned()));
    // The clock was wrong by years; what it had run then says nothing of now.
    let mut world = at("2038-01-01 09:59:30", cron("0 10 * * *"));
    world.pass(secs(60));
    set_clock(&mut world, "2026-01-01 08:00:00");
    world.pass(secs(3 * 3600));
    assert_eq!(count(&world), 2);
}

#[test]
fn a_day_with_23_hours_and_one_with_25_have_one_night_each() {
    for day in ["2026-03-29", "2026-10-25"] {
        let nightly = job("x").when(Start::Cron(schedule("30 2 * * *", BERLIN))).restarts(Count::Unlimited);
        let mut world = at(&format!("{day} 00:00"), nightly);
        world.pass(secs(20 * 3600));
        assert_eq!(count(&world), 1, "{day}");
    }
}

/// The scripts of a job of 25 s whose time comes every 10 s: how often, and when, it is started in 60 s.
fn overlapping(overlap: Overlap, script: Script, start: Start) -> Vec<u64> {
    let task = Job { overlap, timeout: None, ..job("x").when(start).restarts(Count::Unlimited) };
    let mut world = World::new(plan([task]));
    world.default_script = script;
    let mut world = world.started();
    world.pass(ms(59_900));
    world.starts.iter().map(|(at, ..)| at.as_millis() as u64).collect()
}

#[test]
fn a_time_that_comes_during_a_run_is_skipped_kept_or_ends_the_run() {
    let long = Script::exits(0).lasting(secs(25));
    let rows: [(Overlap, &[u64]); 3] = [
        (Overlap::Skip, &[0, 30_000]),
        (Overlap::Queue, &[0, 25_000, 50_000]),
        (Overlap::Kill, &[0, 10_000, 20_000, 30_000, 40_000, 50_000]),
    ];
    for (overlap, times) in rows {
        assert_eq!(overlapping(overlap, long.clone(), Start::Interval(secs(10))), times, "{overlap:?}");
    }
    // The same by the clock: 150 s of work every minute.
    let long = Script::exits(0).lasting(secs(150));
    let minutely = || job("x").when(Start::Cron(schedule("* * * * *", "UTC"))).restarts(Count::Unlimited);
    for (overlap, times) in
        [(Overlap::Skip, &[60u64, 240][..]), (Overlap::Queue, &[60, 210]), (Overlap::Kill, &[60, 120, 180, 240, 300])]
    {
        let mut world = World::new(plan([Job { overlap, ..minutely() }]));
        world.default_script = long.clone();
        let mut world = world.started();
        world.pass(secs(301));
        let got: Vec<u64> = world.starts.iter().map(|(at, ..)| at.as_secs()).collect();
        assert_eq!(got, times, "{overlap:?}");
    }
}

#[test]
fn a_run_that_ignores_its_end_is_killed_and_followed_by_one_run() {
    let task = Job {
        overlap: Overlap::Kill,
        timeout: None,
        ..job("x").when(Start::Interval(secs(3))).restarts(Count::Unlimited)
    };
    let deaf = Script::forever().deaf();
    let mut world = World::new(plan([task])).script("x", [deaf]);
    world.default_script = Script::exits(0);
    let mut world = world.started();
    world.pass(ms(8_500));
    let signals: Vec<_> = world.signals.iter().map(|(at, _, signal)| (at.as_secs(), *signal)).collect();
    assert_eq!(
        signals,
        [(3, StopSignal::Terminate), (8, StopSignal::Kill)],
        "asked once, killed after the stop timeout"
    );
    assert_eq!(world.count_starts("x"), 2);
    assert_eq!(world.trace()[1..3], ["ExitFailed x", "Error x: signal: killed"]);
}

/// A time that causes no run costs no restart.
#[test]
fn skipped_times_are_not_counted_as_runs() {
    for (overlap, at) in [(Overlap::Skip, [0, 30, 60]), (Overlap::Queue, [0, 25, 50])] {
        let task =
            Job { overlap, timeout: None, ..job("x").when(Start::Interval(secs(10))).restarts(Count::Finite(2)) };
        let mut world = World::new(plan([task]));
        world.default_script = Script { exit: Exit::Code(1), ..Script::exits(0).lasting(secs(25)) };
        let mut world = world.started();
        world.pass(secs(600));
        let times: Vec<u64> = world.starts.iter().map(|(at, ..)| at.as_secs()).collect();
        assert_eq!(times, at, "{overlap:?}");
        assert!(world.exit.is_some());
    }
}

/// A reload that changes one schedule: the other cron job keeps its time, and is not told of it.
#[test]
fn a_changed_schedule_in_a_reload_touches_that_job_only_and_the_next_times_are_known() {
    let named = |name: &str, text: &str| job(name).when(Start::Cron(schedule(text, "UTC"))).restarts(Count::Unlimited);
    let files = |x: &str| plan([named("x", x), named("y", "*/10 * * * *"), job("keep")]);
    let mut world = World::new(files("*/5 * * * *")).script("keep", [Script::forever()]);
    world.default_script = Script::exits(0).lasting(secs(1));
    world.clock = Duration::from_secs(utc("2026-01-01 09:58:20") as u64);
    let mut world = world.started();
    world.pass(secs(30));
    let due = |world: &World| {
        let all = world.engine.timers().into_iter().filter(|(_, _, due)| *due == Timer::Schedule);
        all.map(|(at, id, _)| (of_day(world.clock + at), id)).collect::<Vec<_>>()
    };
    let (x, y) = (world.job("x"), world.job("y"));
    assert_eq!(due(&world), [("10:00:00.000".to_owned(), x), ("10:00:00.000".to_owned(), y)]);
    let second = files("*/3 * * * *");
    assert_eq!(world.engine.changes(&second).to_string(), "jobs changed: x; 2 jobs go on");
    world.reload(second);
    world.pass(secs(9 * 60));
    assert_eq!(world.job("y"), y, "it goes on");
    assert_eq!(world.count_starts("y"), 1);
    // x at 10:00, 10:03 and 10:06.
    assert_eq!(world.count_starts("x"), 3);
}
