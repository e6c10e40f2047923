//! What makes a job run, and how often (v3 spec 5.3 to 5.5, 7, 10.7).

use super::plans::*;
use crate::effect::{Input, Instance, UserSignal};
use crate::event::{Code, Event};
use crate::exit::Exit;
use crate::plan::*;
use crate::simulation::{Script, World};

/// Spec 5.5, the rows that end by themselves or not.
#[test]
fn the_number_of_runs_and_whether_a_job_completes_follow_v3s_table() {
    let startup = || job("x").start;
    let signal = || each(Code::Signal, "SIGHUP");
    let done = |runs| (runs, true);
    let open = |runs| (runs, false);
    let rows: [(&str, Start, Count, (usize, bool)); 13] = [
        ("startup never", startup(), Count::Finite(0), done(1)),
        ("startup 3", startup(), Count::Finite(3), done(4)),
        ("once never", once(Code::Healthy, "watch.w"), Count::Finite(0), done(1)),
        ("once 2", once(Code::Healthy, "watch.w"), Count::Finite(2), done(3)),
        ("each never", each(Code::Healthy, "watch.w"), Count::Finite(0), open(3)),
        ("each 2", each(Code::Healthy, "watch.w"), Count::Finite(2), open(5)),
        ("interval never", Start::Interval(secs(1)), Count::Finite(0), done(1)),
        ("interval 2", Start::Interval(secs(1)), Count::Finite(2), done(3)),
        ("signal never", signal(), Count::Finite(0), open(2)),
        ("signal 2", signal(), Count::Finite(2), open(4)),
        ("nothing", Start::Never { timeout: None }, Count::Finite(0), open(0)),
        (
            "any",
            Start::Once {
                when: Condition::Any(vec![Event::new(Code::Healthy, "watch.w"), Event::new(Code::Signal, "SIGHUP")]),
                timeout: None,
            },
            Count::Finite(0),
            done(1),
        ),
        (
            "all",
            Start::Once {
                when: Condition::All(vec![Event::new(Code::Healthy, "watch.w"), Event::new(Code::Signal, "SIGHUP")]),
                timeout: None,
            },
            Count::Finite(0),
            done(1),
        ),
    ];
    for (row, start, restarts, (runs, completes)) in rows {
        let mut plan = plan([job("x").when(start).restarts(restarts)]);
        plan.watches = vec![watch("w")];
        let mut world = World::new(plan);
        world.default_script = Script::exits(1);
        let mut world = world.started();
        let mut seen = 0;
        for step in 0..3 {
            world.pass(ms(100));
            if world.exit.is_none() {
                seen += 1;
                world.give(Input::Instances { watch: WatchId(0), instances: instances(seen) });
                if step < 2 {
                    world.give(Input::Signal(UserSignal::Hup));
                }
            }
        }
        world.pass(secs(10));
        assert_eq!(world.count_starts("x"), runs, "{row}: runs");
        assert_eq!(world.exit.map(|(_, code)| code), completes.then_some(0), "{row}: completes");
    }
}

#[test]
fn unlimited_restarts_never_complete_and_back_off() {
    let mut world = World::new(plan([job("x").restarts(Count::Unlimited)]));
    world.default_script = Script::exits(1);
    let mut world = world.started();
    world.pass(secs(300));
    assert_eq!(world.exit, None);
    let times: Vec<u64> = world.starts.iter().map(|(at, ..)| at.as_millis() as u64).collect();
    assert_eq!(times[..5], [0, 1, 102, 303, 704], "immediate first restart, then growing delays");
    assert!(world.starts.windows(2).all(|pair| pair[1].0 - pair[0].0 <= secs(31)), "the cap holds");
    assert!(world.starts.len() > 15);
}

/// Trace D of spec 10.7.
#[test]
fn a_crash_loop_leaves_v3s_trace() {
    let mut world = World::new(plan([job("x").restarts(Count::Finite(2))]));
    world.default_script = Script::exits(3);
    let mut world = world.started();
    world.pass(secs(10));
    let failed = ["ExitFailed x", "Error x: exit status 3"];
    let want = [&["Startup global"][..], &failed, &failed, &failed, &["Stopping x", "Stopped x"]].concat();
    assert_eq!(world.trace(), want);
}

/// Trace A.
#[test]
fn a_job_that_succeeds_leaves_v3s_trace_and_ends_pilot_without_delay() {
    let mut world = World::new(plan([job("x")]));
    world.default_script = Script::exits(0);
    let mut world = world.started();
    world.pass(secs(1));
    assert_eq!(world.trace(), ["Startup global", "ExitSuccess x", "Stopping x", "Stopped x"]);
    assert_eq!(world.exit, Some((ms(1), 0)));
}

/// Trace F, and reliability case 33.
#[test]
fn a_job_whose_event_never_comes_gives_up_and_one_that_started_does_not() {
    let wait = |source: &str| Start::Once {
        when: Condition::All(vec![Event::new(Code::Healthy, source)]),
        timeout: Some(ms(100)),
    };
    let mut world = World::new(plan([job("x").when(wait("nobody"))])).started();
    world.pass(secs(1));
    assert_eq!(world.trace(), ["Startup global", "TimerExpired x", "Stopping x", "Stopped x"]);

    let started = Start::Once { when: Condition::All(vec![Event::global(Code::Startup)]), timeout: Some(ms(100)) };
    let mut world = World::new(plan([job("x").when(started)])).started();
    world.pass(secs(1));
    assert_eq!(world.trace(), ["Startup global"]);
}

/// Reliability case 19, defect 6.
#[test]
fn each_event_during_a_run_is_one_more_run_afterwards_and_blocks_nothing() {
    let mut world = World::new(plan([
        job("slow").when(each(Code::Signal, "SIGHUP")),
        job("quick").when(each(Code::Signal, "SIGHUP")),
    ]));
    world = world.script("slow", (0..9).map(|_| Script::exits(0).lasting(secs(10))));
    world.default_script = Script::exits(0);
    let mut world = world.started();
    for _ in 0..3 {
        world.give(Input::Signal(UserSignal::Hup));
        world.pass(ms(10));
    }
    assert_eq!((world.count_starts("slow"), world.count_starts("quick")), (1, 3));
    world.pass(secs(60));
    assert_eq!(world.count_starts("slow"), 3);
    assert!(world.signals.is_empty(), "a long run is not interrupted");
}

/// Reliability case 31: 10 000 events while a slow job runs.
#[test]
fn ten_thousand_events_are_neither_lost_nor_a_burden() {
    let mut world = World::new(plan([job("x").when(each(Code::Signal, "SIGHUP"))]));
    world = world.script("x", [Script::exits(0).lasting(secs(1))]);
    world.default_script = Script::exits(0);
    let mut world = world.started();
    for _ in 0..10_000 {
        world.give(Input::Signal(UserSignal::Hup));
    }
    world.pass(secs(60));
    assert_eq!(world.count_starts("x"), 10_000);
}

/// Spec 11 test_tasks: 200 ms tasks every 500 ms, and one that needs longer than its timeout.
#[test]
fn periodic_tasks_run_as_often_as_v3s_integration_test_wants() {
    let every = Start::Interval(ms(500));
    let task = |name: &str, timeout| Job {
        timeout: Some(timeout),
        ..job(name).when(every.clone()).restarts(Count::Finite(5))
    };
    let world = World::new(plan([task("one", ms(500)), task("three", ms(100))]));
    let world = world.script("one", (0..9).map(|_| Script::exits(0).lasting(ms(200))));
    let mut world = world.script("three", (0..9).map(|_| Script::exits(0).lasting(secs(2)))).started();
    world.pass(ms(3500));
    assert_eq!((world.count_starts("one"), world.count_starts("three")), (6, 6));
    assert_eq!(world.said.iter().filter(|line| line.starts_with("three timeout after 100ms")).count(), 6);
}

/// Defect 6, #548.
#[test]
fn ticks_during_a_long_run_are_not_made_up_for() {
    let task = Job { timeout: Some(secs(60)), ..job("x").when(Start::Interval(secs(1))).restarts(Count::Unlimited) };
    let mut world = World::new(plan([task])).script("x", [Script::exits(0).lasting(ms(10_500))]);
    world.default_script = Script::exits(0);
    let mut world = world.started();
    world.pass(ms(12_900));
    assert_eq!(world.count_starts("x"), 4, "one long, one that was due, then the ticks at 11 and 12 s");
}

/// Reliability case 54: ten minutes frozen.
#[test]
fn a_pause_of_ten_minutes_causes_no_storm() {
    let mut world = World::new(plan([
        job("x").when(Start::Interval(secs(1))).restarts(Count::Unlimited),
        job("y").checked(secs(1)),
    ]));
    world.default_script = Script::forever();
    let world = world.script("x", (0..99).map(|_| Script::exits(0)));
    let mut world = world.started();
    world.pass(ms(2_500));
    let (before, probes) = (world.count_starts("x"), world.probes.len());
    world.now += secs(600);
    world.pass(ms(1));
    assert!(world.count_starts("x") - before <= 1 && world.probes.len() - probes <= 1);
}

/// Reliability case 30.
#[test]
fn two_conditions_start_a_job_once_in_either_order() {
    for signal_first in [true, false] {
        let both = Condition::All(vec![Event::new(Code::Signal, "SIGHUP"), Event::new(Code::Changed, "watch.w")]);
        let mut plan = plan([job("x").when(Start::Once { when: both, timeout: None })]);
        plan.watches = vec![watch("w")];
        let mut world = World::new(plan).started();
        let mut inputs =
            [Input::Signal(UserSignal::Hup), Input::Instances { watch: WatchId(0), instances: instances(1) }];
        if !signal_first {
            inputs.reverse();
        }
        let [first, second] = inputs;
        world.give(first.clone());
        assert_eq!(world.count_starts("x"), 0);
        world.give(second);
        assert_eq!(world.count_starts("x"), 1);
        world.give(first);
        assert_eq!(world.count_starts("x"), 1);
    }
}

/// Reliability case 29: a chain, a diamond and a fan-out of 200 jobs.
#[test]
fn chains_and_diamonds_start_in_order() {
    let after = |source: &str| once(Code::ExitSuccess, source);
    let join = Start::Once {
        when: Condition::All(vec![Event::new(Code::ExitSuccess, "left"), Event::new(Code::ExitSuccess, "right")]),
        timeout: None,
    };
    let mut jobs =
        vec![job("join").when(join), job("left").when(after("root")), job("right").when(after("root")), job("root")];
    jobs.extend((0..200).map(|i| job(&format!("fan{i}")).when(after("join"))));
    let mut world = World::new(plan(jobs)).script("right", [Script::exits(0).lasting(ms(500))]);
    world.default_script = Script::exits(0);
    let mut world = world.started();
    world.pass(secs(5));
    let order: Vec<&str> = world.starts.iter().map(|(_, id, _)| world.plan.jobs[id.0].name.as_str()).collect();
    assert_eq!(order[..4], ["root", "left", "right", "join"]);
    assert_eq!(order.len(), 204);
    assert_eq!(world.exit, Some((ms(503), 0)));
}

/// Reliability case 8, defect 8.
#[test]
fn a_missing_program_is_a_failed_run_with_code_127() {
    let missing = Script { missing: true, ..Script::forever() };
    let world = World::new(plan([Job { critical: true, ..job("x") }])).script("x", [missing]);
    let mut world = world.started();
    world.pass(secs(1));
    assert_eq!(world.trace()[..3], ["Startup global", "ExitFailed x", "Error no such program"]);
    assert_eq!(world.exit.map(|(_, code)| code), Some(127));
    assert!(world.said.contains(&"unable to start x: no such program".to_owned()));
}

/// Reliability cases 1 and 2.
#[test]
fn a_critical_jobs_end_is_the_containers_end_with_its_code() {
    let rows = [
        (Exit::Code(0), vec![], 0),
        (Exit::Code(3), vec![], 3),
        (Exit::Code(255), vec![], 255),
        (Exit::Signal(9), vec![], 137),
        (Exit::Code(143), vec![143], 0),
        (Exit::Signal(15), vec![143], 0),
        (Exit::Code(144), vec![143], 144),
    ];
    for (exit, success_codes, code) in rows {
        let main = Job { critical: true, success_codes, ..job("main") };
        let script = Script { exit, ..Script::exits(0) };
        let mut world = World::new(plan([main, job("other")])).script("main", [script]).started();
        world.pass(secs(1));
        assert_eq!(world.exit.map(|(_, code)| code), Some(code), "{exit}");
        assert_eq!(world.signals.len(), 1, "the other job was stopped");
    }
}

#[test]
fn a_critical_job_ends_the_container_only_when_its_restarts_are_used_up() {
    let main = Job { critical: true, ..job("main").restarts(Count::Finite(2)) };
    let mut world = World::new(plan([main, job("other")])).script("main", (0..3).map(|_| Script::exits(4)));
    world.default_script = Script::forever();
    let mut world = world.started();
    world.pass(secs(5));
    assert_eq!((world.count_starts("main"), world.exit.map(|(_, code)| code)), (3, Some(4)));
}

#[test]
fn a_run_is_told_what_caused_it() {
    let mut world = World::new(plan([job("x").when(each(Code::Signal, "SIGUSR2"))])).started();
    world.give(Input::Signal(UserSignal::Usr2));
    assert_eq!(world.starts[0].2, Some(Event::new(Code::Signal, "SIGUSR2")));
}

pub fn watch(name: &str) -> Watch {
    Watch {
        name: name.to_owned(),
        target: WatchTarget::Service { service: name.to_owned(), tag: None, datacenter: None },
        interval: secs(1),
        first_look: ms(0),
        min_interval: ms(0),
    }
}

pub fn instances(count: usize) -> Vec<Instance> {
    (0..count).map(|i| Instance { id: format!("w-{i}"), address: "10.0.0.1".into(), port: 80 + i as u16 }).collect()
}
