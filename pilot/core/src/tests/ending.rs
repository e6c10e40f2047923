//! How jobs and everything stop (v3 spec 10.3 to 10.5; reliability cases 6, 12, 18, 34).

use super::plans::*;
use crate::effect::{Input, StopSignal, Switch};
use crate::event::{Code, Event};
use crate::exit::Exit;
use crate::limits::{HOOK_LIMIT, WITHDRAW_LIMIT};
use crate::plan::*;
use crate::simulation::{Script, World};

/// Trace C of spec 10.7, with the service withdrawn before the signal.
#[test]
fn hooks_run_before_and_after_the_stop_as_in_v3() {
    for served in [true, false] {
        hooks_around(if served { job("app").served() } else { job("app") });
    }
}

fn hooks_around(app: Job) {
    let served = !app.services.is_empty();
    let jobs =
        [app, job("preStop").when(once(Code::Stopping, "app")), job("postStop").when(once(Code::Stopped, "app"))];
    let world = World::new(plan(jobs)).script("preStop", [Script::exits(0).lasting(secs(1))]);
    let mut world = world.script("postStop", [Script::exits(0).lasting(secs(1))]).started();
    world.pass(secs(1));
    world.give(Input::Stop);
    world.pass(secs(60));
    let mut trace = world.trace();
    let end = trace.iter().position(|event| event == "ExitFailed app").unwrap();
    trace.drain(end..end + 2);
    // No file of v3's can wait for it.
    trace.retain(|event| event != "LeavingConsul app");
    let want = [
        "Startup global",
        "Shutdown global",
        "Stopping app",
        "ExitSuccess preStop",
        "Stopping preStop",
        "Stopped preStop",
        "Stopped app",
        "ExitSuccess postStop",
        "Stopping postStop",
        "Stopped postStop",
    ];
    assert_eq!(trace, want);
    let withdrawal = ms(u64::from(served));
    assert_eq!(world.withdrawn.first().map(|(at, _)| *at), served.then_some(secs(2)));
    assert_eq!(world.signals[0].0, secs(2) + withdrawal, "signalled when it is out of the catalog");
    assert_eq!(world.exit, Some((secs(3) + withdrawal, 0)), "and no sleep after the end");
}

#[test]
fn a_stop_of_obedient_jobs_takes_no_time_and_exits_0() {
    let mut world = World::new(plan([job("a"), job("b")])).started();
    world.pass(secs(1));
    world.give(Input::Stop);
    world.pass(secs(10));
    assert_eq!(world.exit, Some((secs(1), 0)));
}

#[test]
fn a_job_that_ignores_its_stop_signal_is_killed_after_its_own_or_the_global_limit() {
    for (own, after) in [(None, 5), (Some(secs(2)), 2)] {
        let deaf = Job { stop_timeout: own, ..job("deaf") };
        let mut world = World::new(plan([deaf])).script("deaf", [Script::forever().deaf()]).started();
        world.give(Input::Stop);
        world.pass(secs(60));
        assert_eq!(world.exit, Some((secs(after), 0)));
        assert!(world.said.contains(&"killing processes for job \"deaf\"".to_owned()));
    }
}

/// Reliability case 12.
#[test]
fn what_is_left_of_a_group_is_waited_for_and_then_killed() {
    for (leaves, exit_at) in [(secs(1), secs(1)), (secs(600), secs(5))] {
        let script = Script { leaves: Some(leaves), ..Script::forever() };
        let mut world = World::new(plan([job("x")])).script("x", [script]).started();
        world.give(Input::Stop);
        world.pass(secs(60));
        assert_eq!(world.exit, Some((exit_at, 0)));
    }
}

/// Reliability case 6.
#[test]
fn a_second_stop_skips_all_waiting_and_still_withdraws() {
    let jobs = [job("app").served(), job("pre").when(once(Code::Stopping, "app"))];
    let mut world = World::new(plan(jobs)).script("app", [Script::forever().deaf()]).started();
    world.pass(secs(1));
    world.give(Input::Stop);
    world.pass(secs(1));
    assert!(world.signals.is_empty(), "the hook still runs");
    world.give(Input::Stop);
    world.pass(secs(60));
    assert_eq!(world.withdrawn.len(), 1);
    let app: Vec<_> =
        world.signals.iter().filter(|(_, id, _)| id.0 == 0).map(|(at, _, signal)| (*at, *signal)).collect();
    assert_eq!(app, [(secs(2) + ms(1), StopSignal::Terminate), (secs(3) + ms(1), StopSignal::Kill)]);
    assert_eq!(world.exit.map(|(_, code)| code), Some(0));
}

/// Defect 7: a catalog that never answers delays the stop by its share only.
#[test]
fn a_silent_catalog_cannot_hold_up_a_stop() {
    let mut world = World::new(plan([job("app").served()]));
    world.withdraw_takes = None;
    let mut world = world.started();
    world.give(Input::Stop);
    world.pass(secs(60));
    assert_eq!(world.exit, Some((WITHDRAW_LIMIT, 0)));
}

#[test]
fn a_job_with_several_services_is_signalled_when_all_of_them_are_out() {
    let mut world = World::new(plan([job("app").serving(3)]));
    world.withdraw_takes = Some(ms(300));
    let mut world = world.started();
    world.give(Input::Stop);
    world.pass(secs(60));
    assert_eq!((world.withdrawn.len(), world.signals[0].0), (1, ms(900)), "asked for together, waited for together");

    let mut world = World::new(plan([job("app").serving(3)]));
    world.withdraw_takes = Some(ms(900));
    let mut world = world.started();
    world.give(Input::Stop);
    world.pass(secs(60));
    assert_eq!(world.signals[0].0, WITHDRAW_LIMIT, "the third would need 2.7 s");
}

#[test]
fn what_is_not_registered_is_checked_and_the_catalog_hears_nothing_of_it() {
    let mut app = job("app").serving(2).checked(secs(1));
    for service in &mut app.services {
        service.registered = false;
        service.initial_status = Some(CheckStatus::Warning);
    }
    let mut world = World::new(plan([app])).started();
    world.pass(ms(2_500));
    world.give(Input::Maintenance(Switch::On));
    world.give(Input::Maintenance(Switch::Off));
    world.give(Input::Stop);
    world.pass(secs(60));
    assert_eq!(world.trace().iter().filter(|event| *event == "StatusHealthy app").count(), 2);
    assert!(world.announced.is_empty() && world.withdrawn.is_empty());
    assert_eq!(world.exit.map(|(_, code)| code), Some(0));
}

/// Defect 4.
#[test]
fn a_pre_stop_job_that_hangs_is_waited_for_only_so_long() {
    for (limit, waits) in [(Some(secs(3)), secs(3)), (None, HOOK_LIMIT)] {
        let app = Job { stop_timeout: limit, ..job("app") };
        let hook = job("hook").when(once(Code::Stopping, "app"));
        let mut world = World::new(plan([app, hook])).started();
        world.give(Input::Stop);
        world.pass(secs(600));
        assert_eq!(world.signals[0].0, waits);
        assert_eq!(world.exit.map(|(at, _)| at <= HOOK_LIMIT + secs(6)), Some(true));
    }
}

/// 120 s each, else.
#[test]
fn a_hook_that_is_behind_with_its_runs_makes_up_for_one_of_them_when_the_stop_comes() {
    let hook = job("hook").when(Start::Each {
        events: vec![Event::new(Code::Signal, "SIGHUP"), Event::new(Code::Stopping, "app")],
        timeout: None,
    });
    let mut world = World::new(plan([job("app"), hook]));
    world = world.script("hook", (0..10).map(|_| Script::exits(0).lasting(secs(5)))).started();
    for _ in 0..10 {
        world.give(Input::Signal(crate::effect::UserSignal::Hup));
    }
    world.give(Input::Stop);
    world.pass(secs(60));
    assert_eq!(
        (world.count_starts("hook"), world.exit),
        (3, Some((secs(15), 0))),
        "the one that ran, one owed, the stop's"
    );
}

/// Defect 21.
#[test]
fn each_stopping_and_a_source_that_ends_by_itself_do_not_deadlock() {
    let jobs = [job("app"), job("hook").when(each(Code::Stopping, "app"))];
    let mut world = World::new(plan(jobs)).script("app", [Script::exits(0)]);
    world.default_script = Script::exits(0);
    let mut world = world.started();
    world.pass(secs(1));
    let trace = world.trace();
    assert_eq!(trace[trace.len() - 2..], ["ExitSuccess hook", "Stopped app"]);
    world.give(Input::Stop);
    world.pass(secs(1));
    assert_eq!(world.exit.map(|(_, code)| code), Some(0));
}

#[test]
fn hooks_whose_event_cannot_come_do_not_hold_up_the_stop() {
    let jobs = [
        job("app"),
        job("orphan").when(once(Code::Stopped, "nobody")),
        job("late").when(each(Code::Stopped, "setup")),
        job("setup"),
        job("circle1").when(once(Code::Stopped, "circle2")),
        job("circle2").when(once(Code::Stopped, "circle1")),
        job("self").when(once(Code::Stopped, "self")),
    ];
    let mut world = World::new(plan(jobs)).script("app", [Script::forever()]);
    world.default_script = Script::exits(0);
    let mut world = world.started();
    world.pass(secs(1));
    world.give(Input::Stop);
    world.pass(secs(10));
    assert_eq!(world.exit.map(|(_, code)| code), Some(0));
}

/// [Q] of spec 10.4: a hook that already runs at the shutdown is an ordinary job.
#[test]
fn a_hook_that_already_ran_when_the_stop_came_is_terminated_like_any_job() {
    let jobs = [job("setup"), job("hook").when(once(Code::Stopped, "setup")), job("app")];
    let mut world = World::new(plan(jobs)).script("setup", [Script::exits(0)]).started();
    world.pass(secs(1));
    assert_eq!(world.count_starts("hook"), 1);
    world.give(Input::Stop);
    world.pass(secs(1));
    assert_eq!(world.exit.map(|(_, code)| code), Some(0));
}

/// Reliability case 34.
#[test]
fn jobs_stop_in_reverse_order_and_the_consul_agent_last_of_all() {
    let agent =
        Job { exec: Some(Command { program: "/bin/consul".into(), args: vec!["agent".into()] }), ..job("catalog") };
    let jobs = [
        agent,
        job("db").checked(secs(1)),
        job("app").served().when(once(Code::Healthy, "db")),
        job("post").when(once(Code::Stopped, "app")),
    ];
    let slow = Script { obeys: Some(ms(300)), ..Script::forever() };
    let mut world = World::new(plan(jobs)).script("post", [Script::exits(0).lasting(secs(2))]);
    world.default_script = slow;
    let mut world = world.started();
    world.pass(secs(3));
    world.give(Input::Stop);
    world.pass(secs(60));
    let order: Vec<&str> = world.signals.iter().map(|(_, id, _)| world.plan.jobs[id.0].name.as_str()).collect();
    assert_eq!(order, ["app", "db", "catalog"]);
    assert_eq!(world.signals[1].0 - world.signals[0].0, ms(300), "the database stops when the app is gone");
    assert_eq!(world.signals[2].0, secs(5) + ms(1), "the agent outlives even the post-stop job");
    assert_eq!(world.exit.map(|(_, code)| code), Some(0));
}

#[test]
fn jobs_that_need_each_other_in_a_circle_still_stop() {
    let both = |source: &str| Start::Once {
        when: Condition::Any(vec![Event::global(Code::Startup), Event::new(Code::Healthy, source)]),
        timeout: None,
    };
    let jobs = [job("a").checked(secs(1)).when(both("b")), job("b").checked(secs(1)).when(both("a"))];
    let mut world = World::new(plan(jobs)).started();
    world.pass(secs(3));
    world.give(Input::Stop);
    world.pass(secs(10));
    assert_eq!(world.exit.map(|(_, code)| code), Some(0));
}

/// Reliability case 18.
#[test]
fn nothing_is_started_again_once_a_stop_has_begun() {
    let crashing = job("x").restarts(Count::Unlimited);
    let mut world = World::new(plan([crashing, job("slow")]));
    world = world.script("slow", [Script { obeys: Some(secs(4)), ..Script::forever() }]);
    world.default_script = Script::exits(1);
    let mut world = world.started();
    world.pass(ms(500));
    let before = world.count_starts("x");
    world.give(Input::Stop);
    world.pass(secs(60));
    assert_eq!(world.count_starts("x"), before);
    assert_eq!(world.exit, Some((ms(4_500), 0)));
}

/// Reliability case 7.
#[test]
fn a_stop_before_anything_started_ends_at_once() {
    let mut world = World::new(plan([job("app").served()]));
    world.give(Input::Startup);
    world.give(Input::Stop);
    world.pass(secs(1));
    assert_eq!(world.exit.map(|(_, code)| code), Some(0));
    assert_eq!(world.withdrawn.len(), 1, "deregistered although it never was registered, as in v3");
}

/// Defect 19.
#[test]
fn without_jobs_pilot_runs_until_it_is_asked_to_stop() {
    let mut world = World::new(plan([])).started();
    world.pass(secs(3600));
    assert_eq!(world.exit, None);
    world.give(Input::Stop);
    assert_eq!(world.exit.map(|(_, code)| code), Some(0));
}

#[test]
fn a_negative_stop_timeout_means_no_wait() {
    let plan = Plan { stop_timeout: std::time::Duration::ZERO, ..plan([job("deaf")]) };
    let mut world = World::new(plan).script("deaf", [Script::forever().deaf()]).started();
    world.give(Input::Stop);
    world.pass(secs(1));
    assert_eq!(world.exit.map(|(at, _)| at.is_zero()), Some(true));
}

/// Runs that a hook still owed to older events would each have their own two minutes.
#[test]
fn of_the_runs_that_a_hook_still_owed_when_the_stop_came_one_is_made_up_for() {
    let events = vec![Event::new(Code::Stopped, "app"), Event::new(Code::Signal, "SIGHUP")];
    let hook = job("hook").when(Start::Each { events, timeout: None });
    let mut world = World::new(plan([job("app"), hook])).started();
    for _ in 0..20 {
        world.give(Input::Signal(crate::effect::UserSignal::Hup));
    }
    world.give(Input::Stop);
    world.pass(HOOK_LIMIT * 30);
    assert_eq!(world.count_starts("hook"), 3, "the one that was going, one that was owed, and the one for the stop");
    assert_eq!(world.exit.map(|(at, _)| at <= HOOK_LIMIT * 3 + secs(5)), Some(true));
}

/// The code that a shell gives is as good; whatever else it ends with while it stops is an error, as is the same end unasked.
#[test]
fn an_end_that_was_asked_for_is_no_error() {
    let obeys = |exit| Script { obeys: Some(ms(10)), exit, ..Script::forever() };
    for asked in [true, false] {
        let script = if asked {
            obeys(Exit::Code(0))
        } else {
            Script { lasts: Some(secs(1)), exit: Exit::Signal(15), ..Script::forever() }
        };
        let mut world = World::new(plan([job("app"), job("keep")])).script("app", [script]).started();
        if asked {
            world.give(Input::Stop);
        }
        world.pass(secs(5));
        let said = |text: &str| world.said.iter().any(|line| line == text);
        assert_eq!(said("app has stopped (signal: terminated)"), asked, "{:?}", world.said);
        assert_eq!(said("app exited with error: signal: terminated"), !asked, "{:?}", world.said);
    }
}
