//! Out of the target group and serving on: the order, the limits, the budget, what a second stop request does.

use super::plans::*;
use crate::effect::{Input, JobRequest, StopSignal, Switch};
use crate::event::Code;
use crate::plan::*;
use crate::readiness::Readiness;
use crate::simulation::{Script, World};

/// An app behind a load balancer that drains for 3 to 10 seconds.
fn app(mode: BalancerMode) -> Job {
    job("app").checked(secs(1)).served().balanced(mode).drains(secs(3), secs(10))
}

fn running(plan: Plan) -> World {
    let mut world = World::new(plan).started();
    world.pass(secs(2));
    world
}

fn stopped(world: &mut World) -> u64 {
    let asked = world.now;
    world.give(Input::Stop);
    world.pass(secs(60));
    let (at, code) = world.exit.expect("it ends");
    assert_eq!(code, 0);
    (at - asked).as_millis().try_into().unwrap()
}

#[test]
fn a_job_leaves_the_catalog_then_its_target_group_then_serves_on_and_only_then_gets_its_stop_signal() {
    let mut world = running(plan([app(BalancerMode::Drain)]));
    let asked = world.now;
    stopped(&mut world);
    let after = |at: &std::time::Duration| (*at - asked).as_millis();
    assert_eq!(after(&world.withdrawn[0].0), 0);
    assert_eq!(after(&world.left[0].0), 1, "when the catalog has answered");
    assert_eq!(after(&world.drains[0].0), 41, "when AWS has answered");
    assert_eq!(world.signals[0].2, StopSignal::Terminate);
    assert_eq!(after(&world.signals[0].0), 3041, "nothing was in flight when the quiet time was over");
    let tail = &world.trace()[world.trace().len() - 8..];
    assert_eq!(
        tail,
        [
            "Stopping app",
            "LeavingConsul app",
            "LeavingTargetGroup app",
            "Draining app",
            "Drained app",
            "Stopped app",
            "ExitFailed app",
            "Error app: signal: terminated"
        ]
    );
}

/// Each with its limit and what is left in all when it begins, and with what it took when it is over.
#[test]
fn every_step_of_a_stop_says_what_it_waits_for_and_how_long_and_is_measured() {
    let hook = Job { timeout: Some(secs(4)), ..job("pre").when(once(Code::Stopping, "app")) };
    let mut settings = plan([app(BalancerMode::Drain), hook]);
    settings.stop_budget = Some(secs(60));
    let mut world = World::new(settings).script("app", [Script::forever().deaf()]).started();
    world.script_of("pre", [Script::exits(0).lasting(secs(1))]);
    world.pass(secs(2));
    (world.withdraw_takes, world.leave_takes) = (Some(ms(500)), Some(ms(1_500)));
    let said = world.said.len();
    stopped(&mut world);
    let of_app: Vec<&str> = world.said[said..]
        .iter()
        .map(String::as_str)
        .filter(|line| line.starts_with("app") && line.contains("most"))
        .collect();
    assert_eq!(
        of_app,
        [
            "app: stopping, waiting for pre, at most 43s; 60s of the stop budget left",
            "app: out of Consul, waiting for the agent, at most 2s; 59s of the stop budget left",
            "app: out of target group app, waiting for AWS, at most 8s; 58s of the stop budget left",
            "app drains: it serves on for at least 3s, then until nothing is in flight, at most 10s",
            "app: stop signal, waiting for the end of its processes before SIGKILL, at most 5s; 54s of the stop budget left",
        ]
    );
    let app = world.job("app");
    let steps: Vec<_> = world
        .steps
        .iter()
        .filter(|(job, ..)| *job == app)
        .map(|(_, step, took)| (step.as_str(), took.as_millis()))
        .collect();
    assert_eq!(steps, [("hooks", 1_000), ("catalog", 500), ("balancer", 1_500), ("drain", 3_000), ("kill", 5_000)]);
}

#[test]
fn what_is_hooked_on_a_departure_starts_with_it_and_holds_nobody_up() {
    let hook = |name, code| job(name).when(once(code, "app"));
    let hooks = [hook("catalog", Code::LeavingConsul), hook("group", Code::LeavingTargetGroup)];
    let mut world = running(plan([app(BalancerMode::Drain)].into_iter().chain(hooks)));
    let asked = world.now;
    world.default_script = Script::exits(0).lasting(secs(1));
    assert_eq!(stopped(&mut world), 3_041);
    let hooks = [(asked, "catalog"), (asked + ms(1), "group")];
    assert_eq!(world.timeline()[1..], hooks, "the catalog answers after 1 ms");
}

#[test]
fn a_departure_that_there_is_none_of_is_not_waited_for() {
    for code in [Code::LeavingConsul, Code::LeavingTargetGroup] {
        let mut world = running(plan([job("app"), job("hook").when(once(code, "app"))]));
        assert_eq!(stopped(&mut world), 0);
        assert_eq!(world.starts.len(), 1, "{code:?}");
    }
}

#[test]
fn what_is_in_flight_is_waited_for_but_not_for_ever() {
    let mut world = running(plan([app(BalancerMode::Drain)]));
    world.counts = Some(2);
    assert_eq!(stopped(&mut world), 10_041);
    let mut world = running(plan([app(BalancerMode::Drain)]));
    world.counts = None;
    assert_eq!(stopped(&mut world), 10_041, "nobody can tell is not nothing");
    let mut world = running(plan([app(BalancerMode::Drain)]));
    world.counts = Some(1);
    world.give(Input::Stop);
    world.pass(secs(5));
    world.counts = Some(0);
    world.pass(secs(1));
    assert!(world.exit.is_some());
}

#[test]
fn a_drain_says_every_five_seconds_what_it_waits_for_and_how_long_it_still_has() {
    let mut world = running(plan([app(BalancerMode::Drain)]));
    world.counts = Some(2);
    stopped(&mut world);
    assert!(world.said.contains(&"app drains: 2 in flight, 5s left at most".to_owned()), "{:#?}", world.said);
    assert!(world.said.contains(&"app has drained: 2 still in flight".to_owned()), "{:#?}", world.said);
}

#[test]
fn where_nobody_counts_what_is_said_to_be_left_is_what_is_left() {
    let mut job = app(BalancerMode::Drain);
    job.drain = Some(Drain { min: secs(7), max: secs(60), in_flight: InFlight::Unknown, signal: None });
    let plan = plan([job]);
    assert_eq!(crate::stop::worst_case::StopPlan::of(&plan).worst, secs(2 + 8 + 7 + 5));
    let mut world = running(plan);
    assert_eq!(stopped(&mut world), 7_041);
    assert!(world.said.contains(&"app drains: it serves on for 7s".to_owned()), "{:#?}", world.said);
    let told = "app drains: new requests may still come, 2s left at most";
    assert!(world.said.contains(&told.to_owned()), "{:#?}", world.said);
}

#[test]
fn a_silent_load_balancer_costs_eight_seconds_and_no_more() {
    let mut world = running(plan([app(BalancerMode::Drain)]));
    world.leave_takes = None;
    assert_eq!(stopped(&mut world), 8_000 + 3_000 + 1);
}

#[test]
fn when_the_load_balancer_is_done_nothing_is_waited_for_but_what_is_in_flight() {
    let mut world = running(plan([app(BalancerMode::Drain)]));
    let asked = world.now;
    world.give(Input::Stop);
    world.pass(ms(600));
    let app = world.job("app");
    world.give(Input::GroupDrained { job: app });
    world.pass(secs(1));
    assert!(world.exit.is_some_and(|(at, _)| at - asked < secs(2)));
}

#[test]
fn a_second_stop_request_skips_the_waiting_and_still_tells_the_load_balancer() {
    let mut world = running(plan([app(BalancerMode::Drain)]));
    world.counts = Some(9);
    world.give(Input::Stop);
    world.pass(secs(1));
    world.give(Input::Stop);
    world.pass(ms(5));
    assert!(world.exit.is_some());
    let mut world = running(plan([app(BalancerMode::Drain)]));
    world.give(Input::Stop);
    world.give(Input::Stop);
    world.pass(secs(1));
    assert_eq!((world.left.len(), world.drains.len(), world.exit.is_some()), (1, 0, true));
}

#[test]
fn a_stop_budget_takes_its_time_from_the_drain() {
    let mut settings = plan([app(BalancerMode::Drain)]);
    settings.stop_budget = Some(secs(12));
    let mut world = running(settings);
    world.counts = Some(2);
    // 12 s less 5 s for the process and 2 s for pilot itself.
    assert_eq!(stopped(&mut world), 5_000);
    assert!(
        world.said.iter().any(|line| line.contains("(instead of 10s: the stop budget leaves no more)")),
        "{:#?}",
        world.said
    );
}

/// The drain gives up its time first, then the hook; what gets the job out and ends it has all of its own.
#[test]
fn a_hook_that_hangs_leaves_the_budget_what_has_to_come_after_it() {
    let hanging = |start| {
        let mut settings = plan([app(BalancerMode::Drain), job("hook").when(start)]);
        settings.stop_budget = Some(secs(30));
        settings
    };
    let mut world = running(hanging(once(Code::Stopping, "app")));
    (world.withdraw_takes, world.leave_takes, world.counts) = (None, None, Some(2));
    let asked = world.now;
    assert_eq!(stopped(&mut world), 28_000, "the hook is killed when 2 s are left for pilot itself");
    let after = |at: std::time::Duration| (at - asked).as_secs();
    assert_eq!(after(world.withdrawn[0].0), 30 - 2 - 5 - 8 - 2, "pilot, the process, AWS, Consul");
    assert_eq!((world.signals[0].1, after(world.signals[0].0)), (world.job("app"), 23));

    let mut world = running(hanging(each(Code::Stopping, "app")));
    world.ask("app", JobRequest::Stop).unwrap();
    world.pass(secs(60));
    assert_eq!(world.withdrawn, [], "a person's stop has no budget, and the hook its 120 s");
    assert_eq!(stopped(&mut world), 28_000);
}

// Found by tests/tests/aws/exclusive/random_stops.rs: the drain of a reload began before there was a deadline, and kept its own.
#[test]
fn a_drain_that_is_under_way_when_everything_stops_keeps_within_the_budget_too() {
    let mut job = app(BalancerMode::Drain);
    job.drain = Some(Drain { max: secs(60), ..job.drain.unwrap() });
    let mut settings = plan([job]);
    settings.stop_budget = Some(secs(12));
    let mut next = settings.clone();
    next.jobs[0].exec = Some(command("newer"));
    let mut world = running(settings);
    world.counts = Some(2);
    world.reload(next);
    world.pass(secs(2));
    assert_eq!(world.drains.len(), 1, "the reload drains");
    assert_eq!(stopped(&mut world), 5_000, "12 s less 5 s for the process and 2 s for pilot itself");
    let told = "app drains for 5s at most: the stop budget leaves no more";
    assert!(world.said.contains(&told.to_owned()), "{:#?}", world.said);
}

#[test]
fn what_stops_after_a_drain_has_its_part_of_the_budget() {
    let database = job("db").checked(secs(1));
    let needs_it = app(BalancerMode::Drain).when(once(Code::Healthy, "db"));
    let mut settings = plan([database, needs_it]);
    settings.stop_budget = Some(secs(20));
    let mut world = World::new(settings).started();
    world.pass(secs(4));
    world.counts = Some(2);
    world.default_script = Script::forever().deaf();
    // 20 s less 2 s for pilot and 5 s for each process.
    assert_eq!(stopped(&mut world), 8_000);
}

#[test]
fn behind_the_fence_nothing_enters_a_target_group_and_a_check_under_way_reports_nothing() {
    let mut world = running(plan([app(BalancerMode::Itself)]));
    assert_eq!(world.entered.len(), 1, "when it was healthy first");
    world.probe_takes = secs(2);
    world.pass(ms(700));
    let announced = world.announced.len();
    stopped(&mut world);
    assert_eq!((world.entered.len(), world.announced.len()), (1, announced));
}

#[test]
fn maintenance_takes_a_target_out_only_where_pilot_put_it_in() {
    for (mode, departures) in [(BalancerMode::Itself, 1), (BalancerMode::Drain, 0)] {
        let mut world = running(plan([app(mode)]));
        world.give(Input::Maintenance(Switch::On));
        world.pass(secs(3));
        assert_eq!(world.left.len(), departures);
        world.give(Input::Maintenance(Switch::Off));
        world.pass(secs(3));
        assert_eq!(world.entered.len(), 2);
    }
}

#[test]
fn a_process_that_ends_while_it_drains_ends_the_drain() {
    let mut world = running(plan([app(BalancerMode::Drain)]));
    let asked = world.now;
    world.give(Input::Stop);
    world.pass(secs(1));
    let app = world.job("app");
    world.end(app, crate::exit::Exit::Code(0));
    world.pass(ms(1));
    assert!(world.exit.is_some_and(|(at, _)| at - asked < secs(2)));
}

#[test]
fn a_job_that_registers_itself_is_not_ready_until_the_load_balancer_called_it_healthy_once() {
    let mut world = running(plan([app(BalancerMode::Itself)]));
    let app = world.job("app");
    let ready = |world: &World| world.engine.readiness(world.now).pop().map(|(_, readiness)| readiness);
    let see = |world: &mut World, healthy, state: Option<&str>| {
        world.give(Input::Target { job: app, healthy, state: state.map(str::to_owned) });
    };
    see(&mut world, false, Some("initial (Elb.InitialHealthChecking)"));
    assert!(matches!(ready(&world), Some(Readiness::Starting(why)) if why.contains("initial")));
    see(&mut world, false, None);
    assert_eq!(ready(&world), Some(Readiness::Ready), "an API that is away is no verdict");
    see(&mut world, true, Some("healthy"));
    see(&mut world, false, Some("unhealthy"));
    assert_eq!(ready(&world), Some(Readiness::Ready), "it was healthy once");
}

#[test]
fn a_job_without_a_process_that_is_started_again_on_its_way_out_is_back_in_its_target_group() {
    let job = Job { balancer: Some(balancer(BalancerMode::Drain)), ..job("place").checked(ms(200)).served() };
    let mut world = World::new(plan([Job { exec: None, ..job }]));
    world.withdraw_takes = None;
    let mut world = world.started();
    world.pass(secs(1));
    let id = world.job("place");
    for request in [JobRequest::Stop, JobRequest::Start] {
        world.give(Input::Job { job: id, request });
        world.pass(ms(1));
    }
    world.pass(secs(30));
    let entered: Vec<_> = world.entered.iter().map(|(_, job)| *job).collect();
    assert_eq!(entered, [id, id], "{}", world.said.join("\n"));
}
