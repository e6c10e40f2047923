//! What `pilot health` says, row by row.

use super::plans::*;
use crate::effect::{Input, JobRequest, Switch};
use crate::event::Code;
use crate::plan::*;
use crate::readiness::Readiness;
use crate::simulation::{Script, World};

impl World {
    /// `ready`, `starting: why`, ... of the one job that is judged; `-` if none is.
    fn judged(&self) -> String {
        match self.engine.readiness(self.now).pop() {
            None => "-".into(),
            Some((_, Readiness::Ready)) => "ready".into(),
            Some((_, Readiness::Starting(why))) => format!("starting: {why}"),
            Some((_, Readiness::Resting(why))) => format!("resting: {why}"),
            Some((_, Readiness::Failing(why))) => format!("failing: {why}"),
        }
    }
}

/// Checked every second, with its settings changed.
fn world(change: impl FnOnce(&mut Job)) -> World {
    let mut app = job("app").checked(secs(1));
    change(&mut app);
    World::new(plan([app, job("keep")]))
}

#[test]
fn a_job_is_starting_until_its_check_decides() {
    let mut world = world(|_| ()).started();
    assert_eq!(world.judged(), "starting: has been running for 0s and is not healthy yet");
    world.pass(ms(1500));
    assert_eq!(world.judged(), "ready");
    world.probe_passes = false;
    world.pass(secs(1));
    assert_eq!(world.judged(), "failing: is unhealthy: probed");
}

#[test]
fn failures_in_the_grace_do_not_count_and_after_it_they_do() {
    let mut world = world(|app| app.health.as_mut().unwrap().start_grace = secs(30)).started();
    world.probe_passes = false;
    world.pass(ms(29_500));
    assert_eq!(world.judged(), "starting: has been running for 29s and is not healthy yet: probed");
    world.pass(secs(2));
    assert_eq!(world.judged(), "failing: is unhealthy: probed");
}

#[test]
fn a_job_that_is_not_known_to_be_well_for_too_long_fails() {
    let mut world = world(|app| app.health.as_mut().unwrap().timeout = Some(secs(2))).started();
    world.probe_takes = secs(3600);
    world.pass(ms(2999));
    assert!(world.judged().starts_with("starting"), "{}", world.judged());
    world.pass(ms(1));
    assert_eq!(world.judged(), "failing: has been running for 3s without becoming healthy");
}

#[test]
fn a_job_without_a_probe_is_ready_while_it_runs() {
    let mut world = world(|app| app.health.as_mut().unwrap().probe = None).started();
    assert_eq!(world.judged(), "ready");
    world.give(Input::Maintenance(Switch::On));
    assert_eq!(world.judged(), "resting: is in maintenance");
    world.give(Input::Maintenance(Switch::Off));
    assert_eq!(world.judged(), "ready");
}

#[test]
fn a_job_that_waits_to_run_once_is_starting_and_one_that_runs_now_and_then_is_not_judged() {
    let waiting = world(|app| app.start = once(Code::Healthy, "watch.w")).started();
    assert_eq!(waiting.judged(), "starting: has not started yet");
    for start in [each(Code::Healthy, "watch.w"), Start::Never { timeout: None }] {
        let idle = world(|app| app.start = start).started();
        assert_eq!(idle.judged(), "-");
    }
}

#[test]
fn an_end_counts_by_how_it_came() {
    for (code, want) in [(0, "-"), (3, "failing: has ended (exit status 3) and is not restarted")] {
        let mut ended = world(|_| ()).script("app", [Script::exits(code)]).started();
        ended.pass(ms(500));
        assert_eq!(ended.judged(), want);
    }
    let start = Start::Once { when: Condition::All(vec![]), timeout: Some(secs(1)) };
    let mut gave_up = world(|app| app.start = start).started();
    gave_up.pass(secs(2));
    assert_eq!(gave_up.judged(), "failing: gave up waiting to be started");
}

#[test]
fn a_crash_loop_fails_while_it_waits() {
    let mut world = world(|app| app.restarts = Count::Unlimited);
    world.default_script = Script::exits(1);
    let mut world = world.started();
    world.pass(ms(50));
    assert_eq!(world.judged(), "failing: is waiting to be restarted: it has ended 2 times in a row");
}

#[test]
fn what_a_person_stopped_rests() {
    let mut world = world(|_| ()).script("app", [Script { obeys: Some(secs(1)), ..Script::forever() }]).started();
    let app = world.job("app");
    world.give(Input::Job { job: app, request: JobRequest::Stop });
    assert_eq!(world.judged(), "resting: is stopping");
    world.pass(secs(2));
    assert_eq!(world.judged(), "resting: was stopped by a person");
}

#[test]
fn jobs_without_a_health_check_are_not_judged() {
    let mut world = world(|app| app.health = None).script("app", [Script::exits(1)]).started();
    world.pass(secs(1));
    assert_eq!(world.judged(), "-");
}
