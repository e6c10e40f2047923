//! From one plan to another while it runs (v3 spec 10.6; defects 2, 19, 20).

use super::plans::*;
use super::starting::{instances, watch};
use crate::effect::{Input, JobRequest, StopSignal, Switch, UserSignal};
use crate::event::{Code, Event};
use crate::plan::*;
use crate::simulation::{Script, World};
use crate::state::{State, Status};

/// Another definition under the same name.
fn changed(job: Job) -> Job {
    Job { exec: Some(command("another")), ..job }
}

fn at_startup() -> Start {
    once(Code::Startup, "global")
}

#[test]
fn the_same_plan_again_touches_nothing() {
    let jobs = || [job("app").served().checked(secs(1)), job("setup"), job("each").when(each(Code::Signal, "SIGHUP"))];
    let mut world = World::new(plan(jobs())).script("setup", [Script::exits(0)]).started();
    world.pass(ms(1_500));
    let (run, events) = (world.run("app"), world.events.len());
    assert!(world.engine.changes(&plan(jobs())).are_none());
    world.reload(plan(jobs()));
    assert_eq!((world.run("app"), world.events.len()), (run, events));
    assert!(world.signals.is_empty() && world.withdrawn.is_empty());
    assert_eq!((world.starts.len(), world.reloaded.as_slice()), (2, [ms(1_500)].as_slice()));
}

#[test]
fn a_changed_job_is_stopped_like_any_and_its_successor_starts_when_it_is_gone() {
    let first = [job("app").served(), job("other").served()];
    let mut world =
        World::new(plan(first.clone())).script("app", [Script { obeys: Some(secs(3)), ..Script::forever() }]);
    world = world.started();
    world.pass(secs(1));
    let untouched = world.run("other");
    let second = plan([changed(first[0].clone()), first[1].clone()]);
    assert_eq!(world.engine.changes(&second).to_string(), "jobs changed: app; 1 job goes on");
    world.reload(second);
    world.pass(secs(10));
    assert_eq!(world.withdrawn, [(secs(1), JobId(0))], "only the service of the changed job leaves");
    assert_eq!(world.signals, [(secs(1) + ms(1), JobId(0), StopSignal::Terminate)]);
    assert_eq!(world.timeline()[2..], [(secs(4) + ms(1), "app")], "not beside its old process");
    assert_eq!(world.run("other"), untouched);
    assert_eq!(world.engine.jobs().len(), 2);
}

/// Defect 20: v3 never kills it, and starts the successor beside it.
#[test]
fn an_old_process_that_ignores_its_stop_signal_is_killed_before_its_successor_starts() {
    for (own, limit) in [(None, secs(5)), (Some(secs(2)), secs(2))] {
        let deaf = Job { stop_timeout: own, ..job("deaf") };
        let mut world = World::new(plan([deaf.clone()])).script("deaf", [Script::forever().deaf()]).started();
        world.reload(plan([changed(deaf)]));
        world.pass(secs(20));
        assert_eq!(world.signals[1], (limit, JobId(0), StopSignal::Kill));
        assert_eq!(world.timeline(), [(secs(0), "deaf"), (limit, "deaf")]);
    }
}

/// It may need the same port.
#[test]
fn a_job_under_a_new_name_starts_when_the_one_under_the_old_name_is_gone() {
    let mut world = World::new(plan([job("web")]));
    world = world.script("web", [Script { leaves: Some(secs(2)), ..Script::forever() }]).started();
    world.reload(plan([job("frontend")]));
    world.pass(secs(10));
    assert_eq!(world.timeline(), [(secs(0), "web"), (secs(2), "frontend")], "the whole group of it");
}

#[test]
fn a_removed_job_runs_its_hooks_leaves_and_is_not_the_end_even_if_it_was_critical() {
    let main = Job { critical: true, ..job("main") };
    let jobs = [main, job("bye").when(once(Code::Stopping, "main")), job("other")];
    let mut world = World::new(plan(jobs.clone())).script("bye", [Script::exits(0).lasting(secs(1))]).started();
    world.pass(secs(1));
    world.reload(plan([jobs[2].clone()]));
    world.pass(secs(60));
    let want = [
        "Stopping main",
        "ExitSuccess bye",
        "Stopping bye",
        "Stopped bye",
        "Stopped main",
        "ExitFailed main",
        "Error main: signal: terminated",
    ];
    assert_eq!(world.trace()[1..], want);
    assert_eq!((world.exit, world.engine.jobs().len()), (None, 1));
}

/// Spec 11, test_coprocess.
#[test]
fn a_successor_has_its_restarts_anew_and_an_unchanged_job_has_not() {
    let jobs = |second: fn(Job) -> Job| {
        let twice = Count::Finite(1);
        [job("app"), second(job("coprocess").restarts(twice)), job("spent").restarts(twice)]
    };
    let dies = || Script::exits(1).lasting(ms(100));
    let mut world = World::new(plan(jobs(|job| job)));
    world = world.script("coprocess", [dies(), dies(), dies()]).script("spent", [dies(), dies()]).started();
    world.pass(secs(2));
    assert_eq!((world.count_starts("coprocess"), world.count_starts("spent")), (2, 2));
    world.reload(plan(jobs(changed)));
    world.pass(secs(2));
    assert_eq!((world.count_starts("coprocess"), world.count_starts("spent")), (4, 2));
    assert!(world.run("coprocess").is_some() && world.run("spent").is_none());
}

#[test]
fn hooks_on_a_changed_job_do_their_work_before_its_successor_starts_and_are_armed_again() {
    let jobs = [job("app"), job("pre").when(once(Code::Stopping, "app")), job("post").when(once(Code::Stopped, "app"))];
    let mut world = World::new(plan(jobs.clone()));
    for hook in ["pre", "post"] {
        world = world.script(hook, (0..2).map(|_| Script::exits(0).lasting(secs(1))));
    }
    let mut world = world.started();
    let [app, pre, post] = jobs;
    let next = plan([changed(app), pre, post]);
    assert_eq!(
        world.engine.changes(&next).to_string(),
        "jobs changed: app; jobs started again: pre, post; 0 jobs go on"
    );
    world.reload(next);
    world.pass(secs(10));
    assert_eq!(world.timeline(), [(secs(0), "app"), (secs(0), "pre"), (secs(1), "post"), (secs(2), "app")]);
    world.give(Input::Stop);
    world.pass(secs(10));
    assert_eq!((world.count_starts("pre"), world.count_starts("post")), (2, 2), "the successor has them too");
    assert_eq!(world.exit.map(|(_, code)| code), Some(0));
}

/// In v3 a changed hook runs as it was for the job as it was.
#[test]
fn a_hook_that_changes_with_its_job_runs_in_its_old_form_for_the_old_job() {
    for hook_first in [true, false] {
        let mut jobs = vec![job("app"), job("pre").when(each(Code::Stopping, "app"))];
        if hook_first {
            jobs.reverse();
        }
        let mut world = World::new(plan(jobs.clone())).script("pre", [Script::exits(0).lasting(secs(1))]).started();
        world.reload(plan(jobs.into_iter().map(changed)));
        world.pass(secs(10));
        assert_eq!(world.timeline(), [(secs(0), "app"), (secs(0), "pre"), (secs(1), "app")]);
        assert_eq!(world.starts[1].1, JobId(usize::from(!hook_first)), "the old one");
    }
}

#[test]
fn a_changed_or_removed_hook_of_an_unchanged_job_does_not_wait_for_it() {
    for (start, runs) in [(once(Code::Stopping, "app"), false), (each(Code::Stopped, "setup"), true)] {
        let jobs = [job("app"), job("setup"), job("hook").when(start)];
        let mut world = World::new(plan(jobs.clone())).script("setup", [Script::exits(0)]).started();
        world.pass(secs(1));
        assert_eq!(world.run("hook").is_some(), runs);
        let run = world.run("app");
        let [app, setup, _] = jobs;
        world.reload(plan([app, setup]));
        world.pass(secs(1));
        assert_eq!((world.reloaded.len(), world.run("app")), (1, run));
    }
}

/// An app that runs because something else has stopped is no hook that has done its work.
#[test]
fn a_job_that_was_started_by_a_stop_and_runs_is_left_alone() {
    let setup = job("setup");
    let app = job("app").when(once(Code::Stopped, "setup"));
    let mut world =
        World::new(plan([setup.clone(), app.clone()])).script("setup", [Script::exits(0), Script::exits(0)]);
    world = world.started();
    world.pass(secs(1));
    let run = world.run("app");
    world.reload(plan([changed(setup), app]));
    world.pass(secs(1));
    assert_eq!((world.run("app"), world.count_starts("setup")), (run, 2));
}

/// v3 runs everything anew, and preStart jobs render what their app reads at its start.
#[test]
fn a_finished_job_that_a_changed_one_waits_for_runs_again_before_it() {
    for source in [Event::new(Code::ExitSuccess, "render"), Event::new(Code::Stopped, "render")] {
        let jobs = [
            job("fetch"),
            job("render").when(once(Code::ExitSuccess, "fetch")),
            job("app").when(Start::Once { when: Condition::All(vec![source]), timeout: None }),
            job("unrelated"),
        ];
        let quick = || [Script::exits(0).lasting(secs(1)), Script::exits(0).lasting(secs(1))];
        let mut world = World::new(plan(jobs.clone())).script("fetch", quick()).script("render", quick());
        world = world.script("unrelated", [Script::exits(0)]).started();
        world.pass(secs(5));
        let [fetch, render, app, unrelated] = jobs;
        let next = plan([fetch, render, changed(app), unrelated]);
        assert_eq!(
            world.engine.changes(&next).to_string(),
            "jobs changed: app; jobs started again: fetch, render; 1 job goes on"
        );
        world.reload(next);
        world.pass(secs(5));
        assert_eq!(world.timeline()[4..], [(secs(5), "fetch"), (secs(6), "render"), (secs(7), "app")]);
    }
}

#[test]
fn a_job_that_ends_while_old_processes_are_waited_for_runs_again_for_the_one_that_waits_for_it() {
    let jobs = [job("setup"), job("app").when(once(Code::ExitSuccess, "setup")), job("slow")];
    let mut world = World::new(plan(jobs[..1].iter().chain(&jobs[2..]).cloned()));
    world = world.script("setup", [Script::exits(0).lasting(secs(2)), Script::exits(0)]);
    world = world.script("slow", [Script { obeys: Some(secs(3)), ..Script::forever() }]).started();
    world.pass(secs(1));
    let [setup, app, slow] = jobs;
    world.reload(plan([setup, app, changed(slow)]));
    world.pass(secs(10));
    assert_eq!(world.timeline()[2..], [(secs(4), "setup"), (secs(4), "slow"), (secs(4) + ms(1), "app")]);
}

#[test]
fn a_running_job_that_a_changed_one_waits_for_is_left_alone() {
    let jobs = [job("setup"), job("app").when(once(Code::ExitSuccess, "setup"))];
    let mut world = World::new(plan(jobs.clone())).script("setup", [Script::exits(0).lasting(secs(5))]).started();
    world.pass(secs(1));
    let [setup, app] = jobs;
    world.reload(plan([setup, changed(app)]));
    world.pass(secs(5));
    assert_eq!(world.timeline(), [(secs(0), "setup"), (secs(5), "app")]);
}

#[test]
fn a_new_job_is_told_what_stands() {
    let any = |events: [Event; 2]| Start::Once { when: Condition::Any(events.into()), timeout: None };
    let both = Start::Once {
        when: Condition::All(vec![Event::new(Code::Healthy, "db"), Event::new(Code::Healthy, "watch.up")]),
        timeout: None,
    };
    let old = [job("db").checked(secs(1)), job("sick").checked(secs(1)), job("gone")];
    let new = [
        job("both").when(both),
        job("ill").when(once(Code::Unhealthy, "watch.down")),
        job("seen").when(each(Code::Changed, "watch.up")),
        job("either").when(any([Event::new(Code::ExitSuccess, "gone"), Event::new(Code::Healthy, "db")])),
        job("often").when(Start::Interval(secs(60))),
        job("never").when(once(Code::Changed, "watch.down")),
        job("hup").when(once(Code::Signal, "SIGHUP")),
    ];
    let with_watches = |jobs: Vec<Job>| Plan { watches: vec![watch("up"), watch("down")], ..plan(jobs) };
    let mut world = World::new(with_watches(old.to_vec())).script("gone", [Script::exits(0)]).started();
    world.give(Input::Instances { watch: WatchId(0), instances: instances(1) });
    world.give(Input::Instances { watch: WatchId(1), instances: instances(1) });
    world.give(Input::Instances { watch: WatchId(1), instances: instances(0) });
    world.give(Input::Signal(UserSignal::Hup));
    world.pass(ms(1_500));
    world.reload(with_watches(old.into_iter().chain(new).collect()));
    let mut started: Vec<_> = world.timeline()[3..].iter().map(|(_, name)| *name).collect();
    started.sort_unstable();
    assert_eq!(started, ["both", "either", "ill", "often", "seen"], "and gone need not run again for either");
    assert_eq!(world.starts.last().unwrap().2, Some(Event::new(Code::Healthy, "db")), "the cause is told");
}

#[test]
fn times_of_a_new_job_count_from_the_reload() {
    let mut world = World::new(plan([job("app")])).started();
    world.pass(secs(100));
    let waits = Start::Once { when: Condition::All(vec![Event::new(Code::Healthy, "nobody")]), timeout: Some(secs(2)) };
    let jobs =
        [job("app"), job("ticks").when(Start::Interval(secs(3))).restarts(Count::Unlimited), job("waits").when(waits)];
    world.script_of("ticks", [Script::exits(0), Script::exits(0)]);
    world.reload(plan(jobs));
    world.pass(secs(4));
    assert_eq!(world.timeline()[1..], [(secs(100), "ticks"), (secs(103), "ticks")]);
    let gave_up = world.events.iter().find(|(_, event)| event.code == Code::TimerExpired).unwrap();
    assert_eq!(gave_up.0, secs(102));
}

#[test]
fn maintenance_lasts_through_a_reload_for_old_jobs_and_new_ones() {
    let old = job("old").served().checked(secs(1));
    let mut new = job("new").served().checked(secs(1));
    new.services[0].initial_status = Some(CheckStatus::Passing);
    let mut world = World::new(plan([old.clone()])).started();
    world.give(Input::Maintenance(Switch::On));
    world.reload(plan([old, new]));
    world.pass(secs(5));
    assert!(world.engine.jobs().iter().all(|job| job.health() == Status::Maintenance && job.run().is_some()));
    assert!(world.announced.is_empty());
    world.give(Input::Maintenance(Switch::Off));
    world.pass(secs(2));
    assert!(world.engine.jobs().iter().all(|job| job.health() == Status::Healthy));
}

/// Defect 19: v3 loses it.
#[test]
fn a_stop_while_old_processes_are_waited_for_stops_everything_and_the_new_plan_never_comes() {
    let mut world = World::new(plan([job("app"), job("other")]));
    world = world.script("app", [Script { obeys: Some(secs(3)), ..Script::forever() }]).started();
    world.pass(secs(1));
    world.reload(plan([changed(job("app")), job("other"), job("new")]));
    assert!(world.engine.is_reloading());
    world.pass(secs(1));
    world.give(Input::Stop);
    assert!(!world.engine.is_reloading());
    world.pass(secs(60));
    assert_eq!(world.exit, Some((secs(4), 0)));
    assert_eq!((world.starts.len(), world.reloaded.len()), (2, 0));
}

#[test]
fn a_reload_during_a_stop_is_no_reload() {
    let mut world = World::new(plan([job("app")])).script("app", [Script::forever().deaf()]).started();
    world.give(Input::Stop);
    world.pass(secs(1));
    world.reload(plan([changed(job("app")), job("new")]));
    world.pass(secs(60));
    assert_eq!((world.starts.len(), world.exit), (1, Some((secs(5), 0))));
}

#[test]
fn the_last_of_several_plans_that_wait_is_the_one_that_comes() {
    let mut world = World::new(plan([job("app"), job("other")]));
    world = world.script("app", [Script { obeys: Some(secs(3)), ..Script::forever() }]).started();
    world.reload(plan([changed(job("app")), job("between")]));
    world.pass(secs(1));
    world.reload(plan([job("app"), job("other"), job("last")]));
    world.pass(secs(10));
    // `other` went with the first, and the definition that app had before is a new job too: the old one was told to stop.
    assert_eq!(world.timeline()[2..], [(secs(3), "app"), (secs(3), "other"), (secs(3), "last")]);
    assert_eq!(world.reloaded, [secs(3)]);
}

#[test]
fn jobs_that_go_in_a_reload_go_in_the_order_of_a_stop() {
    let agent =
        Job { exec: Some(Command { program: "/bin/consul".into(), args: vec!["agent".into()] }), ..job("catalog") };
    let jobs = [agent, job("db").checked(secs(1)), job("app").when(once(Code::Healthy, "db")), job("stays")];
    let slow = Script { obeys: Some(ms(300)), ..Script::forever() };
    let mut world = World::new(plan(jobs));
    world.default_script = slow;
    let mut world = world.started();
    world.pass(secs(3));
    world.reload(plan([job("stays")]));
    world.pass(secs(10));
    let order: Vec<_> = world.signals.iter().map(|(at, id, _)| (*at, id.0)).collect();
    assert_eq!(order, [(secs(3), 2), (secs(3) + ms(300), 1), (secs(3) + ms(600), 0)]);
}

/// Defect: zero jobs and a watch make v3's reload hang.
#[test]
fn a_plan_without_jobs_can_be_reloaded_and_is_no_end() {
    let empty = || Plan { watches: vec![watch("w")], ..plan([]) };
    let mut world = World::new(empty()).started();
    world.reload(plan([job("app")]));
    assert_eq!(world.count_starts("app"), 1);
    world.reload(empty());
    world.pass(secs(60));
    assert_eq!((world.exit, world.engine.jobs().len()), (None, 0));
    world.give(Input::Stop);
    assert_eq!(world.exit.map(|(_, code)| code), Some(0));
}

#[test]
fn when_only_finished_jobs_are_left_pilot_ends() {
    let mut world = World::new(plan([job("done"), job("app")])).script("done", [Script::exits(0)]).started();
    world.pass(secs(1));
    world.reload(plan([job("done")]));
    world.pass(secs(10));
    assert_eq!(world.exit, Some((secs(1), 0)));
}

#[test]
fn a_critical_job_that_ends_by_itself_is_the_end_even_while_a_plan_waits() {
    let main = Job { critical: true, ..job("main") };
    let mut world = World::new(plan([main.clone(), job("slow")]));
    world = world.script("main", [Script { leaves: Some(secs(2)), ..Script::exits(3).lasting(secs(1)) }]);
    world = world.script("slow", [Script { obeys: Some(secs(3)), ..Script::forever() }]).started();
    world.pass(ms(1_500));
    world.reload(plan([changed(main), changed(job("slow"))]));
    world.pass(secs(20));
    assert_eq!((world.exit.map(|(_, code)| code), world.starts.len()), (Some(3), 2));
}

#[test]
fn a_watch_that_goes_on_repeats_nothing_and_one_that_changed_begins_without_memory() {
    let with = |watches: Vec<Watch>| {
        let jobs = [job("app"), job("reacts").when(each(Code::Changed, "watch.w"))];
        Plan { watches, ..plan(jobs) }
    };
    let mut world = World::new(with(vec![watch("w")])).started();
    let sight = |watch| Input::Instances { watch, instances: instances(1) };
    world.give(sight(WatchId(0)));
    world.reload(with(vec![watch("other"), watch("w")]));
    assert_eq!(world.engine.watch_ids()[1], WatchId(0));
    world.give(sight(WatchId(0)));
    assert_eq!(world.trace(), ["Startup global", "StatusChanged watch.w", "StatusHealthy watch.w"]);
    let next = with(vec![Watch { interval: secs(9), ..watch("w") }]);
    assert_eq!(world.engine.changes(&next).to_string(), "watches removed: other; watches changed: w; 2 jobs go on");
    world.reload(next);
    world.give(sight(WatchId(0)));
    assert_eq!(world.trace().len(), 3, "what the old one still says is nothing");
    world.give(sight(world.engine.watch_ids()[0]));
    assert_eq!(world.trace().len(), 5);
}

#[test]
fn what_is_late_from_a_job_that_is_gone_is_nothing() {
    let mut world = World::new(plan([job("app").restarts(Count::Unlimited)])).started();
    let (old, run) = (world.job("app"), world.run("app").unwrap());
    world.reload(plan([changed(job("app").restarts(Count::Unlimited))]));
    world.pass(secs(1));
    let (events, now) = (world.events.len(), world.run("app"));
    let exit = crate::exit::Exit::Code(1);
    world.give(Input::Exited { job: old, run, exit, leftovers: true });
    world.give(Input::GroupGone { job: old, run });
    world.give(Input::StartFailed { job: old, run, code: 127, reason: "late".to_owned() });
    world.give(Input::Withdrawn { job: old, service: ServiceId(0) });
    assert_eq!((world.events.len(), world.run("app"), world.starts.len()), (events, now, 2));
}

#[test]
fn jobs_of_one_name_are_told_apart_by_their_order() {
    let mut world = World::new(plan([job("x"), job("x").restarts(Count::Finite(1))])).started();
    let next = plan([job("x"), changed(job("x")), job("x")]);
    assert_eq!(world.engine.changes(&next).to_string(), "jobs changed: x; jobs added: x; 1 job goes on");
    world.reload(next);
    world.pass(secs(1));
    assert_eq!(world.engine.job_ids()[0], JobId(0));
    assert_eq!(world.starts.len(), 4);
}

#[test]
fn a_new_order_alone_touches_nothing_and_is_the_order_from_then_on() {
    let mut world = World::new(plan([job("a"), job("b").when(at_startup())])).started();
    let runs = (world.run("a"), world.run("b"));
    world.reload(plan([job("b").when(at_startup()), job("a")]));
    assert_eq!((world.run("a"), world.run("b")), runs);
    assert_eq!(world.engine.job_ids(), [JobId(1), JobId(0)]);
}

#[test]
fn what_a_person_has_stopped_stays_stopped_unless_its_definition_changes() {
    let jobs =
        [job("app"), job("needs").when(once(Code::Healthy, "app")), job("pre").when(once(Code::Stopping, "needs"))];
    let mut world = World::new(plan([jobs[0].clone(), job("other")])).started();
    let stop = |world: &mut World, name: &str| {
        let job = world.job(name);
        world.give(Input::Job { job, request: JobRequest::Stop });
        world.pass(secs(1));
    };
    stop(&mut world, "app");
    world.reload(plan(jobs.iter().cloned().chain([job("other")])));
    world.pass(secs(1));
    assert_eq!((world.run("app"), world.count_starts("app")), (None, 1), "although a new job waits for it");
    stop(&mut world, "pre");
    world.reload(plan([jobs[0].clone(), changed(jobs[1].clone()), jobs[2].clone(), job("other")]));
    world.pass(secs(1));
    assert_eq!(world.engine.state(world.job("pre")).unwrap().state(), State::Stopped);
    world.reload(plan([changed(jobs[0].clone()), job("other")]));
    world.pass(secs(1));
    assert!(world.run("app").is_some());
}

#[test]
fn nothing_can_be_asked_of_a_job_that_a_reload_takes_down_and_who_asked_before_is_not_an_end() {
    let main = Job { critical: true, ..job("main") };
    let slow = Script { obeys: Some(secs(3)), ..Script::forever() };
    let mut world = World::new(plan([main.clone(), job("other")])).script("main", [slow]).started();
    let id = world.job("main");
    world.give(Input::Job { job: id, request: JobRequest::Stop });
    world.reload(plan([changed(main), job("other")]));
    let refused = world.engine.answer(id, JobRequest::Start).unwrap_err();
    assert_eq!(refused, "a reload is taking main down: ask again when that is done");
    world.give(Input::Job { job: id, request: JobRequest::Start });
    world.pass(secs(10));
    assert_eq!(world.timeline()[2..], [(secs(3), "main")]);
    assert_eq!(world.exit, None);
}
