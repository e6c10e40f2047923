//! A job that waits for what can no longer come: said once, seen everywhere, and for a job that asks for it the end.

use super::plans::*;
use crate::effect::{Input, JobRequest};
use crate::event::Code;
use crate::plan::*;
use crate::readiness::Readiness;
use crate::simulation::{Script, World};

fn world(plan: Plan, code: u8) -> World {
    World::new(plan).script("migrate", [Script::exits(code)]).started()
}

fn app(on_impossible: OnImpossible) -> Job {
    let when = once(Code::ExitSuccess, "migrate");
    Job { critical: on_impossible == OnImpossible::Exit, on_impossible, ..job("app").when(when) }
}

fn failing(world: &World, name: &str) -> Option<String> {
    let id = world.job(name);
    let judged = world.engine.readiness(world.now);
    judged.into_iter().find_map(|(other, readiness)| match readiness {
        Readiness::Failing(reason) if other == id => Some(reason),
        _ => None,
    })
}

const REASON: &str =
    "can no longer start: it waits for `exitSuccess` of migrate, and migrate has ended (exit status 1)";

#[test]
fn an_app_whose_migration_has_failed_ends_the_container_with_1() {
    let mut world = world(plan([job("migrate"), job("sidecar"), app(OnImpossible::Exit)]), 1);
    world.pass(secs(30));
    assert_eq!(world.exit.map(|(_, code)| code), Some(1));
    assert!(
        world.said.iter().any(|text| text == &format!("app {REASON}: stopping everything, exit code 1")),
        "{:?}",
        world.said
    );
}

#[test]
fn one_that_is_to_wait_is_unhealthy_and_told_of_once() {
    let mut world = world(plan([job("migrate"), app(OnImpossible::Wait)]), 1);
    for _ in 0..5 {
        world.pass(secs(30));
    }
    assert_eq!(world.exit, None);
    assert_eq!(failing(&world, "app").as_deref(), Some(REASON));
    assert_eq!(world.said.iter().filter(|text| text.contains("can no longer start")).count(), 1);
    // A person runs the migration again, and it succeeds.
    world.script_of("migrate", [Script::exits(0)]);
    let migrate = world.job("migrate");
    world.give(Input::Job { job: migrate, request: JobRequest::Start });
    assert_eq!(failing(&world, "app"), None);
    world.pass(secs(1));
    assert_eq!(world.timeline().last().map(|(_, name)| *name), Some("app"));
}

#[test]
fn a_job_that_a_person_starts_in_spite_of_it_is_in_none_any_more() {
    let mut world = world(plan([job("migrate"), app(OnImpossible::Wait)]), 1);
    world.pass(secs(30));
    assert_eq!(failing(&world, "app").as_deref(), Some(REASON));
    let app = world.job("app");
    world.give(Input::Job { job: app, request: JobRequest::Start });
    assert_eq!(failing(&world, "app"), None);
}

#[test]
fn a_success_is_no_dead_end() {
    let mut world = world(plan([job("migrate"), app(OnImpossible::Exit)]), 0);
    world.pass(secs(30));
    assert_eq!((world.exit, failing(&world, "app")), (None, None));
}

/// What reports a failure is not missed when there is none, nor is what waits for that.
#[test]
fn a_job_for_a_failure_that_did_not_happen_is_no_dead_end() {
    let alarm = Job { on_impossible: OnImpossible::Exit, ..job("alarm").when(once(Code::ExitFailed, "migrate")) };
    let after = Job { on_impossible: OnImpossible::Exit, ..job("after").when(once(Code::ExitSuccess, "alarm")) };
    let mut world = world(plan([job("migrate"), job("other"), alarm, after]), 0);
    world.pass(secs(30));
    assert_eq!(world.exit, None);
    assert_eq!((failing(&world, "alarm"), failing(&world, "after")), (None, None));
}

#[test]
fn who_waits_for_a_job_in_a_dead_end_is_in_one_too() {
    let after = job("after").when(once(Code::Healthy, "app"));
    let mut world = world(plan([job("migrate"), job("other"), app(OnImpossible::Wait), after]), 1);
    world.pass(secs(30));
    let reason = "can no longer start: it waits for `healthy` of app, and app will not start either";
    assert_eq!(failing(&world, "after").as_deref(), Some(reason));
}

/// Stopped by a person, who may start it again; and a job with a time-out gives up by itself.
#[test]
fn what_may_still_come_is_no_dead_end() {
    let patient =
        Start::Once { when: Condition::All(vec![crate::event::Event::new(Code::Healthy, "slow")]), timeout: None };
    let limited = Start::Once {
        when: Condition::All(vec![crate::event::Event::new(Code::ExitSuccess, "migrate")]),
        timeout: Some(secs(60)),
    };
    let jobs = [job("migrate"), job("slow"), job("patient").when(patient), job("limited").when(limited)];
    let mut world = world(plan(jobs), 1);
    let slow = world.job("slow");
    world.give(Input::Job { job: slow, request: JobRequest::Stop });
    world.pass(secs(30));
    assert_eq!((failing(&world, "patient"), failing(&world, "limited")), (None, None));
}
