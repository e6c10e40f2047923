//! The worst case of a stop, added up and then lived through. That it is never exceeded, random histories show.

use super::plans::*;
use crate::effect::Input;
use crate::event::Code;
use crate::graph::JobAt;
use crate::plan::*;
use crate::simulation::{Script, World};
use crate::stop::worst_case::StopPlan;

/// Everybody takes all the time there is.
fn lived(plan: &Plan) -> std::time::Duration {
    let mut world = World::new(plan.clone());
    world.default_script = Script::forever().deaf();
    world.withdraw_takes = None;
    let mut world = world.started();
    world.pass(secs(2));
    world.give(Input::Stop);
    world.pass(secs(3_600));
    world.exit.unwrap().0 - secs(2)
}

fn limited(name: &str, stop_timeout: u64) -> Job {
    Job { stop_timeout: Some(secs(stop_timeout)), ..job(name) }
}

fn hook(name: &str, code: Code, source: &str, timeout: u64) -> Job {
    Job { timeout: Some(secs(timeout)), stop_timeout: Some(secs(0)), ..job(name).when(once(code, source)) }
}

#[test]
fn the_worst_case_is_the_sum_along_the_order_of_stopping() {
    let rows: [(&str, Vec<Job>, u64); 8] = [
        ("nothing", vec![], 0),
        ("one", vec![job("a")], 5),
        ("the longest of two", vec![job("a"), limited("b", 9)], 9),
        ("the catalog", vec![job("a").served()], 7),
        ("a hook before", vec![limited("a", 60), hook("pre", Code::Stopping, "a", 20)], 80),
        ("a hook that may not take so long", vec![limited("a", 10), hook("pre", Code::Stopping, "a", 20)], 20),
        ("a hook after", vec![limited("a", 3), hook("post", Code::Stopped, "a", 20)], 20),
        (
            "dependents first",
            vec![limited("db", 4).checked(secs(1)), limited("app", 6).served().when(once(Code::Healthy, "db"))],
            12,
        ),
    ];
    for (row, jobs, worst) in rows {
        let plan = plan(jobs);
        let stop = StopPlan::of(&plan);
        assert_eq!((stop.worst, stop.circular), (secs(worst), false), "{row}: {stop:?}");
        assert_eq!(lived(&plan), secs(worst), "{row}");
    }
}

#[test]
fn each_job_has_its_share() {
    let jobs = [limited("app", 60).served(), hook("pre", Code::Stopping, "app", 20), limited("consul", 1)];
    let stop = StopPlan::of(&plan(jobs));
    let [app, pre, consul] = &stop.jobs[..] else { panic!() };
    assert_eq!(
        (app.begins, app.hooks, app.catalog, app.grace, app.gone),
        (secs(0), secs(20), secs(2), secs(60), secs(82))
    );
    assert_eq!((pre.runs, pre.begins, pre.gone), (secs(20), secs(20), secs(20)));
    assert_eq!((&consul.after[..], consul.begins, stop.worst), (&[JobAt(0), JobAt(1)][..], secs(82), secs(83)));
}

#[test]
fn a_circle_of_stops_is_added_up_one_by_one() {
    let jobs = [hook("a", Code::Stopped, "b", 10), hook("b", Code::Stopped, "a", 20)];
    let plan = plan(jobs);
    let stop = StopPlan::of(&plan);
    assert_eq!((stop.worst, stop.circular), (secs(30), true));
    assert!(lived(&plan) <= stop.worst);
}
