//! What a person may ask of a job while pilot runs (wishes A13; CP#571, CP#504).

use super::plans::*;
use super::starting::{instances, watch};
use crate::effect::{Announcement, Input, JobRequest, StopSignal, Switch};
use crate::event::Code;
use crate::exit::Exit;
use crate::plan::*;
use crate::simulation::{Script, World};

impl World {
    pub(super) fn ask(&mut self, name: &str, request: JobRequest) -> Result<String, String> {
        let job = self.job(name);
        let answer = self.engine.answer(job, request);
        self.give(Input::Job { job, request });
        answer
    }

    /// Its run ends by itself.
    fn exits_by_itself(&mut self, name: &str, code: u8) {
        let job = self.job(name);
        let run = self.engine.run_of(job).unwrap();
        self.later(ms(0), Input::Exited { job, run, exit: Exit::Code(code), leftovers: false });
        self.pass(secs(5));
    }

    fn runs(&self, name: &str) -> bool {
        let job = &self.engine.jobs()[self.job(name).0];
        job.run().is_some()
    }
}

#[test]
fn a_job_that_a_person_stops_goes_through_every_step_of_a_stop_and_pilot_stays() {
    let app = Job { critical: true, ..job("app").served().restarts(Count::Unlimited) };
    let jobs = [app, job("pre").when(once(Code::Stopping, "app")), job("post").when(once(Code::Stopped, "app"))];
    let mut world =
        World::new(plan(jobs)).script("pre", [Script::exits(0)]).script("post", [Script::exits(0)]).started();
    world.pass(secs(1));
    assert_eq!(world.ask("app", JobRequest::Stop), Ok("stopping app".into()));
    world.pass(secs(60));
    let hook = ["ExitSuccess pre", "Stopping pre", "Stopped pre"];
    let want = [&["Startup global", "Stopping app"][..], &hook, &["LeavingConsul app", "Stopped app"]].concat();
    assert_eq!(world.trace()[..want.len()], want);
    assert_eq!((world.withdrawn.len(), world.count_starts("post")), (1, 1));
    assert_eq!(world.signals[0].1, world.job("app"));
    assert!(world.withdrawn[0].0 < world.signals[0].0, "out of the catalog before the signal");
    assert_eq!(world.exit, None, "neither the end of all jobs nor that of a critical one");
    assert_eq!(world.count_starts("app"), 1, "no restart");
    assert!(world.said.contains(&"stopping app: asked by a person over the control socket".to_owned()));
    world.give(Input::Stop);
    world.pass(secs(1));
    assert_eq!(world.exit.map(|(_, code)| code), Some(0));
}

#[test]
fn a_deaf_job_that_a_person_stops_is_killed_after_its_stop_timeout() {
    let deaf = Job { stop_timeout: Some(secs(3)), ..job("deaf") };
    let mut world = World::new(plan([deaf])).script("deaf", [Script::forever().deaf()]).started();
    world.ask("deaf", JobRequest::Stop).unwrap();
    world.pass(secs(60));
    let signals: Vec<_> = world.signals.iter().map(|(at, _, signal)| (*at, *signal)).collect();
    assert_eq!(signals, [(secs(0), StopSignal::Terminate), (secs(3), StopSignal::Kill)]);
    assert_eq!(world.exit, None);
}

#[test]
fn a_stopped_job_hears_no_event_until_a_person_starts_it_again() {
    let mut plan = plan([job("app").when(each(Code::Changed, "watch.w")), job("keep")]);
    plan.watches = vec![watch("w")];
    let mut world = World::new(plan).started();
    world.ask("app", JobRequest::Stop).unwrap();
    world.give(Input::Instances { watch: WatchId(0), instances: instances(1) });
    assert_eq!(world.count_starts("app"), 0);
    assert_eq!(world.ask("app", JobRequest::Stop), Ok("app is already stopped".into()));
    assert_eq!(world.ask("app", JobRequest::Start), Ok("starting app".into()));
    assert_eq!(world.count_starts("app"), 1);
    world.pass(secs(1));
    world.exits_by_itself("app", 0);
    world.give(Input::Instances { watch: WatchId(0), instances: instances(2) });
    assert_eq!(world.count_starts("app"), 2, "it waits for its events again");
}

#[test]
fn a_job_that_was_started_again_has_all_of_its_restarts_and_its_hooks_again() {
    let jobs = [job("app").restarts(Count::Finite(2)), job("pre").when(once(Code::Stopping, "app")), job("keep")];
    let mut world = World::new(plan(jobs)).script("pre", [Script::exits(0), Script::exits(0)]);
    let crash = || Script::exits(1).lasting(secs(1));
    world = world.script("app", [crash(), crash(), crash(), crash(), crash(), crash()]).started();
    world.pass(secs(60));
    assert_eq!((world.count_starts("app"), world.count_starts("pre")), (3, 1));
    assert_eq!(world.ask("app", JobRequest::Stop), Ok("app has already ended".into()));
    assert_eq!(world.ask("app", JobRequest::Start), Ok("starting app".into()));
    world.pass(secs(60));
    assert_eq!((world.count_starts("app"), world.count_starts("pre")), (6, 2));
}

#[test]
fn a_start_does_not_wait_for_the_jobs_event_and_a_job_that_runs_once_has_run() {
    let mut plan = plan([job("app").when(once(Code::Healthy, "watch.w")), job("keep")]);
    plan.watches = vec![watch("w")];
    let mut world = World::new(plan).started();
    world.ask("app", JobRequest::Start).unwrap();
    assert!(world.runs("app"));
    assert_eq!(world.ask("app", JobRequest::Start), Ok("app is already running".into()));
    world.give(Input::Instances { watch: WatchId(0), instances: instances(1) });
    world.pass(secs(1));
    assert_eq!(world.count_starts("app"), 1);
}

#[test]
fn a_restart_ends_the_run_and_costs_no_restart() {
    let served = Job { critical: true, ..job("app").served() };
    let mut world = World::new(plan([served])).started();
    world.pass(secs(1));
    for round in 2..6 {
        assert_eq!(world.ask("app", JobRequest::Restart), Ok("restarting app".into()));
        world.ask("app", JobRequest::Restart).unwrap();
        world.pass(secs(1));
        assert_eq!(world.count_starts("app"), round, "asked twice is asked once");
    }
    assert!(world.withdrawn.is_empty() && world.exit.is_none());
    assert_eq!(world.trace().iter().filter(|event| *event == "Stopping app").count(), 0);
    world.exits_by_itself("app", 7);
    assert_eq!(world.exit.map(|(_, code)| code), Some(7), "its own end still counts");
}

#[test]
fn a_restart_of_a_deaf_job_kills_it_after_its_stop_timeout() {
    let mut world = World::new(plan([job("deaf"), job("keep")])).script("deaf", [Script::forever().deaf()]).started();
    world.ask("deaf", JobRequest::Restart).unwrap();
    world.pass(secs(4));
    assert_eq!(world.count_starts("deaf"), 1);
    world.pass(secs(2));
    assert_eq!(world.count_starts("deaf"), 2);
}

#[test]
fn a_start_during_a_restart_delay_comes_at_once() {
    let slow = Backoff { initial: secs(600), max: secs(600), ..job("x").backoff };
    let app = Job { backoff: slow, ..job("app").restarts(Count::Unlimited) };
    let mut world = World::new(plan([app])).script("app", [Script::exits(1), Script::exits(1)]).started();
    world.pass(secs(1));
    assert_eq!(world.count_starts("app"), 2);
    world.ask("app", JobRequest::Start).unwrap();
    assert_eq!(world.count_starts("app"), 3);
    world.pass(secs(3600));
    assert_eq!(world.count_starts("app"), 3, "the delayed restart is not made up for");
}

#[test]
fn a_start_while_the_job_is_still_stopping_is_kept_for_later() {
    let script = Script { obeys: Some(secs(2)), ..Script::forever() };
    let mut world = World::new(plan([job("app")])).script("app", [script]).started();
    world.ask("app", JobRequest::Stop).unwrap();
    world.pass(secs(1));
    let later = "app is stopping and will be started again when it has stopped";
    assert_eq!(world.ask("app", JobRequest::Restart), Ok(later.into()));
    assert_eq!(world.count_starts("app"), 1);
    world.pass(secs(2));
    assert_eq!(world.count_starts("app"), 2);
    assert!(world.runs("app"));
}

#[test]
fn what_is_left_of_a_group_is_gone_before_a_stopped_job_starts_again() {
    let script = Script { leaves: Some(secs(2)), ..Script::forever() };
    let mut world = World::new(plan([job("app")])).script("app", [script]).started();
    world.ask("app", JobRequest::Stop).unwrap();
    world.pass(secs(1));
    world.ask("app", JobRequest::Start).unwrap();
    assert_eq!(world.count_starts("app"), 1);
    world.pass(secs(2));
    assert_eq!(world.count_starts("app"), 2);
}

#[test]
fn a_job_started_during_maintenance_is_in_maintenance() {
    let mut world = World::new(plan([job("app").served().checked(secs(1)), job("keep")])).started();
    world.pass(ms(2500));
    assert!(world.announced.iter().all(|(_, _, what)| matches!(what, Announcement::Passing { .. })));
    world.ask("app", JobRequest::Stop).unwrap();
    world.pass(secs(1));
    world.give(Input::Maintenance(Switch::On));
    let before = world.announced.len();
    world.ask("app", JobRequest::Start).unwrap();
    world.pass(secs(5));
    assert!(world.runs("app"));
    assert_eq!(world.announced.len(), before, "out of the catalog as long as maintenance lasts");
    world.give(Input::Maintenance(Switch::Off));
    world.pass(secs(2));
    assert!(world.announced.len() > before);
}

#[test]
fn nothing_is_started_once_pilot_stops() {
    let script = Script { obeys: Some(secs(2)), ..Script::forever() };
    let mut world =
        World::new(plan([job("app"), job("other")])).script("app", [script.clone()]).script("other", [script]);
    world = world.started();
    world.ask("app", JobRequest::Stop).unwrap();
    world.ask("app", JobRequest::Start).unwrap();
    world.give(Input::Stop);
    for request in [JobRequest::Start, JobRequest::Restart, JobRequest::Stop] {
        let refused = world.ask("other", request).unwrap_err();
        assert!(refused.starts_with("pilot is stopping, and every job with it"), "{refused}");
    }
    world.pass(secs(60));
    assert_eq!((world.count_starts("app"), world.count_starts("other")), (1, 1));
    assert_eq!(world.exit.map(|(_, code)| code), Some(0));
}

#[test]
fn a_job_without_a_process_cannot_be_started_but_stopped() {
    let placeholder = Job { exec: None, ..job("db").served() };
    let mut world = World::new(plan([placeholder])).started();
    assert!(world.ask("db", JobRequest::Start).unwrap_err().contains("it has no `exec`"));
    world.ask("db", JobRequest::Stop).unwrap();
    world.pass(secs(5));
    assert_eq!((world.withdrawn.len(), world.exit), (1, None));
    assert!(world.engine.jobs()[0].phase().is_done());
    assert_eq!(world.ask("db", JobRequest::Start), Ok("starting db".into()));
    assert!(world.engine.jobs()[0].phase().is_live());
}
