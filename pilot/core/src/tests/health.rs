//! Probes, thresholds, heartbeats and maintenance (v3 spec 5.6, 5.7, 8).

use super::plans::*;
use std::time::Duration;

use crate::effect::{Announcement, Input, JobRequest, RoundId, StopSignal, Switch, Verdict};
use crate::event::Code;
use crate::exit::Exit;
use crate::history::EntryId;
use crate::plan::*;
use crate::simulation::{Script, World};
use crate::state::{State, Status};

fn app() -> Job {
    job("app").served().checked(secs(5))
}

fn with_health(job: Job, change: impl FnOnce(&mut HealthCheck)) -> Job {
    let mut job = job;
    if let Some(health) = &mut job.health {
        change(health);
    }
    job
}

/// Trace B of spec 10.7.
#[test]
fn a_passing_check_is_an_event_and_a_heartbeat_every_time() {
    let setup_then_app = [job("setup"), app().when(once(Code::ExitSuccess, "setup"))];
    let mut world = World::new(plan(setup_then_app)).script("setup", [Script::exits(0)]).started();
    world.pass(ms(10_100));
    let check = ["ExitSuccess check.app", "StatusHealthy app"];
    let want =
        [&["Startup global", "ExitSuccess setup", "Stopping setup", "Stopped setup"][..], &check, &check].concat();
    assert_eq!(world.trace(), want);
    assert_eq!(world.announced.len(), 2);
    assert_eq!(world.probes[0].0, secs(5), "the first check comes one interval after the start");
}

#[test]
fn a_failing_check_is_an_event_and_no_word_to_the_catalog() {
    let mut world = World::new(plan([app()]));
    world.probe_passes = false;
    let mut world = world.started();
    world.pass(ms(5_100));
    assert_eq!(world.trace()[1..], ["ExitFailed check.app", "Error check.app: exit status 1", "StatusUnhealthy app"]);
    assert!(world.announced.is_empty(), "v3 lets the TTL lapse");
}

#[test]
fn fail_fast_tells_the_catalog_at_once_of_a_failing_check_and_of_a_lost_process() {
    let fast = with_health(app().restarts(Count::Unlimited), |health| health.fail_fast = true);
    let mut world = World::new(plan([fast])).script("app", [Script::exits(1).lasting(secs(12))]).started();
    world.pass(ms(10_100));
    world.probe_passes = false;
    world.pass(secs(6));
    let kinds: Vec<bool> =
        world.announced.iter().map(|(_, _, what)| matches!(what, Announcement::Failing { .. })).collect();
    assert_eq!(kinds, [false, false, true, true]);
    assert_eq!(world.announced[2].0, secs(12), "the lost process is reported when it is lost");
}

#[test]
fn an_idle_job_is_not_probed() {
    let mut world = World::new(plan([app().when(once(Code::Healthy, "nobody"))])).started();
    world.pass(secs(60));
    assert!(world.probes.is_empty());
}

#[test]
fn a_job_without_a_probe_sends_its_heartbeat_unconditionally() {
    let mut world = World::new(plan([with_health(app(), |health| health.probe = None)])).started();
    world.pass(ms(15_100));
    assert_eq!(world.announced.len(), 3);
    assert_eq!(world.trace(), ["Startup global"]);
    assert_eq!(world.engine.jobs()[0].health(), Status::Unknown);
}

/// Reliability case 28, defect 6.
#[test]
fn a_slow_probe_neither_overlaps_nor_delays_another_job() {
    let mut world = World::new(plan([app(), job("other").restarts(Count::Unlimited)]));
    world = world.script("other", [Script::exits(1).lasting(secs(6))]);
    world.probe_takes = secs(12);
    let mut world = world.started();
    world.pass(ms(30_100));
    let times: Vec<u64> = world.probes.iter().map(|(at, _)| at.as_secs()).collect();
    assert_eq!(times, [5, 20]);
    assert_eq!(world.starts[2].0, secs(6), "the other job is restarted at once");
}

/// Reliability case 25.
#[test]
fn thresholds_count_results_in_a_row_and_the_heartbeat_goes_on_below_them() {
    let job = with_health(app(), |health| {
        (health.success_threshold, health.failure_threshold, health.interval) = (2, 3, secs(1));
    });
    let mut world = World::new(plan([job])).started();
    let mut states = Vec::new();
    for pass in [true, true, false, false, true, false, false, false, true, true] {
        world.probe_passes = pass;
        world.pass(secs(1));
        world.pass(ms(0));
        states.push(world.engine.jobs()[0].health().as_str());
    }
    world.pass(ms(10));
    // The result of a probe is in shortly after its tick, so each state shows one probe later.
    let want = [
        "unknown",
        "unknown",
        "healthy",
        "healthy",
        "healthy",
        "healthy",
        "healthy",
        "healthy",
        "unhealthy",
        "unhealthy",
    ];
    assert_eq!(states, want);
    assert_eq!(world.engine.jobs()[0].health(), Status::Healthy);
    assert_eq!(world.announced.len(), 7, "from the second pass to the failure before the third, and the last pass");
}

/// Reliability cases 21 and 22.
#[test]
fn an_unhealthy_job_is_restarted_once_per_threshold_but_not_in_its_start_grace() {
    let job = with_health(app().restarts(Count::Unlimited), |health| {
        (health.interval, health.failure_threshold) = (secs(1), 3);
        (health.on_failure, health.start_grace) = (OnFailure::Restart, secs(10));
    });
    let mut world = World::new(plan([job]));
    world.probe_passes = false;
    let mut world = world.started();
    world.pass(ms(9_900));
    assert_eq!(world.count_starts("app"), 1);
    world.pass(secs(3));
    assert_eq!(world.count_starts("app"), 2, "three failures after the grace");
    world.pass(secs(11));
    assert_eq!(world.count_starts("app"), 2, "the new run has its own grace");
    world.pass(secs(2));
    assert_eq!(world.count_starts("app"), 3);
    assert!(world.signals.iter().all(|(_, _, signal)| *signal == StopSignal::Terminate));
}

#[test]
fn an_unhealthy_run_that_ignores_its_stop_signal_is_killed() {
    let job = with_health(app().restarts(Count::Unlimited), |health| health.on_failure = OnFailure::Restart);
    let mut world = World::new(plan([job])).script("app", [Script::forever().deaf()]);
    world.probe_passes = false;
    let mut world = world.started();
    world.pass(ms(10_500));
    let signals: Vec<_> = world.signals.iter().map(|(at, _, signal)| (at.as_secs(), *signal)).collect();
    assert_eq!(signals, [(5, StopSignal::Terminate), (10, StopSignal::Kill)]);
    assert_eq!(world.count_starts("app"), 2);
}

#[test]
fn initial_status_is_announced_before_the_job_starts() {
    let mut job = app();
    if let Some(service) = job.services.first_mut() {
        service.initial_status = Some(CheckStatus::Warning);
    }
    let world = World::new(plan([job.when(once(Code::Healthy, "nobody"))])).started();
    assert_eq!(world.announced.len(), 1);
    assert_eq!(world.announced[0].2, Announcement::Initial);
}

/// Appendix A, and defect 3.
#[test]
fn maintenance_takes_the_service_out_and_lets_it_back_in() {
    let mut world = World::new(plan([app()])).started();
    world.pass(ms(5_100));
    assert_eq!(world.engine.jobs()[0].health(), Status::Healthy);
    world.pass(ms(4_901));
    assert_eq!(world.probes.len(), 2, "one is under way");
    world.give(Input::Maintenance(Switch::On));
    assert_eq!(world.engine.jobs()[0].health(), Status::Maintenance);
    for number in 0..100 {
        let verdict = Verdict { pass: true, note: String::new(), exit: None };
        world.give(Input::Probed { job: JobId(0), round: RoundId(number), verdict });
    }
    assert_eq!(world.engine.jobs()[0].health(), Status::Maintenance, "its result comes too late");
    let (announced, probes) = (world.announced.len(), world.probes.len());
    world.pass(secs(60));
    assert_eq!((world.announced.len(), world.probes.len()), (announced, probes));
    assert_eq!(world.withdrawn.len(), 1);
    assert!(world.signals.is_empty(), "the process keeps running");
    world.give(Input::Maintenance(Switch::Off));
    assert_eq!(world.engine.jobs()[0].health(), Status::Unknown);
    world.pass(ms(5_100));
    assert_eq!(world.engine.jobs()[0].health(), Status::Healthy);
    assert_eq!(world.announced.len(), announced + 1);
}

/// Spec 5.9, 9.1 and the end of 8: what stands for pilot itself, in v3 deregistered and failing during maintenance.
#[test]
fn the_job_of_telemetry_is_healthy_from_the_beginning_and_stays_in_the_catalog_during_maintenance() {
    let telemetry = with_health(app(), |health| health.probe = None);
    let telemetry = Job { name: TELEMETRY_JOB.into(), exec: None, ..telemetry };
    let world = World::new(plan([telemetry]));
    assert_eq!(world.engine.jobs()[0].health().as_str(), "healthy");
    let mut world = world.started();
    world.pass(ms(5_100));
    assert_eq!(world.announced.iter().map(|(at, ..)| at.as_secs()).collect::<Vec<_>>(), [5]);
    for switch in [Switch::On, Switch::Off] {
        world.give(Input::Maintenance(switch));
        assert_eq!(world.engine.jobs()[0].health().as_str(), "healthy");
        world.pass(secs(5));
    }
    assert_eq!((world.announced.len(), world.withdrawn.len()), (3, 0));
    world.pass(secs(3600));
    assert_eq!(world.exit, None, "with telemetry nothing ends by itself");
    world.give(Input::Stop);
    world.pass(secs(1));
    assert_eq!((world.withdrawn.len(), world.exit.map(|(_, code)| code)), (1, Some(0)));
}

/// What `status` shows; the seconds are those of the last change.
#[test]
fn a_job_tells_what_it_does_and_since_when() {
    let jobs = [
        app().restarts(Count::Unlimited),
        job("hook").when(each(Code::Stopped, "app")),
        Job { exec: None, ..job("place") },
    ];
    let mut world = World::new(plan(jobs)).script("app", [Script::exits(1), Script::exits(1)]);
    let told = |world: &World, index: usize| {
        let job = &world.engine.jobs()[index];
        (job.state().as_str(), job.state_since().as_secs(), job.runs(), job.restarts())
    };
    assert_eq!(told(&world, 0), ("waiting", 0, 0, 0));
    world.give(Input::Startup);
    world.pass(ms(50));
    assert_eq!(told(&world, 0), ("restarting", 0, 2, 1));
    assert_eq!(told(&world, 1), ("waiting", 0, 0, 0));
    assert_eq!(told(&world, 2), ("running", 0, 0, 0));
    world.pass(secs(10));
    assert_eq!(told(&world, 0), ("running", 0, 3, 2));
    assert_eq!(world.engine.jobs()[0].status_since().as_secs(), 5, "healthy since the first check");
    assert_eq!(world.engine.jobs()[0].last_exit(), Some(Exit::Code(1)));
    world.withdraw_takes = Some(secs(1));
    world.give(Input::Stop);
    assert_eq!(told(&world, 0), ("stopping", 10, 3, 2));
    world.pass(ms(1_500));
    assert_eq!(told(&world, 0), ("ended", 11, 3, 2));
}

#[test]
fn a_job_can_start_at_maintenance() {
    let mut world = World::new(plan([job("x").when(each(Code::EnterMaintenance, "global"))])).started();
    world.give(Input::Maintenance(Switch::On));
    assert_eq!(world.count_starts("x"), 1);
}

#[test]
fn without_a_catalog_health_works_and_nothing_is_announced() {
    let mut plan = plan([app()]);
    plan.consul = None;
    let mut world = World::new(plan).started();
    world.pass(ms(5_100));
    assert_eq!(world.engine.jobs()[0].health(), Status::Healthy);
    world.give(Input::Stop);
    world.pass(secs(1));
    assert!(world.announced.is_empty() && world.withdrawn.is_empty() && world.exit.is_some());
}

fn notified(every: u64) -> Job {
    let probe = Some(Probe::Notify(NotifyProbe { watchdog: None }));
    with_health(app(), |health| (health.probe, health.interval) = (probe, secs(every)))
}

#[test]
fn a_process_that_says_that_it_is_ready_is_healthy_at_once_and_its_heartbeat_follows_from_then() {
    let mut world = World::new(plan([notified(10)]));
    world.probe_takes = ms(0);
    let mut world = world.started();
    world.pass(secs(3));
    world.give(Input::Notified { job: JobId(0) });
    world.pass(ms(20_500));
    let times: Vec<u64> = world.probes.iter().map(|(at, _)| at.as_secs()).collect();
    assert_eq!(times, [3, 13, 23]);
    assert_eq!(world.announced.len(), 3);
    assert_eq!(world.trace(), ["Startup global", "StatusHealthy app", "StatusHealthy app", "StatusHealthy app"]);
}

/// Reliability case 26.
#[test]
fn a_process_that_dies_before_it_is_ready_has_failed_once() {
    let job = with_health(notified(1).restarts(Count::Finite(5)), |health| health.start_grace = secs(10));
    let mut world = World::new(plan([job]));
    world.probe_passes = false;
    world.default_script = Script::exits(1).lasting(secs(2));
    let mut world = world.started();
    world.pass(secs(60));
    let failures = world.trace().iter().filter(|event| event.starts_with("ExitFailed")).count();
    assert_eq!((failures, world.trace().iter().filter(|event| event.starts_with("Status")).count()), (6, 0));
}

/// Reliability case 26: and nobody asks a process that is not there.
#[test]
fn between_two_runs_there_is_nobody_to_be_asked() {
    let mut job = notified(1).restarts(Count::Unlimited);
    job.backoff.initial = secs(20);
    let mut world = World::new(plan([job]));
    (world.probe_passes, world.probe_takes) = (false, ms(0));
    world.default_script = Script::exits(1).lasting(ms(2_500));
    let mut world = world.started();
    world.pass(secs(10));
    world.give(Input::Notified { job: JobId(0) });
    world.pass(secs(5));
    // The first restart is immediate, the second one waits.
    let times: Vec<u64> = world.probes.iter().map(|(at, _)| at.as_secs()).collect();
    assert_eq!((world.count_starts("app"), times), (2, vec![1, 2, 3, 4]));
}

/// Reliability case 26: ready too late.
#[test]
fn a_process_that_is_not_ready_in_time_is_unhealthy_and_restarted_once() {
    let job = with_health(notified(1).restarts(Count::Unlimited), |health| {
        (health.start_grace, health.on_failure) = (secs(5), OnFailure::Restart);
    });
    let mut world = World::new(plan([job]));
    (world.probe_passes, world.probe_takes) = (false, ms(0));
    let mut world = world.started();
    world.pass(ms(5_500));
    assert_eq!(world.count_starts("app"), 2);
    let trace = ["Startup global", "StatusUnhealthy app", "ExitFailed app", "Error app: signal: terminated"];
    assert_eq!(world.trace(), trace);
    world.probe_passes = true;
    world.give(Input::Notified { job: JobId(0) });
    world.pass(ms(1));
    assert_eq!(world.engine.jobs()[0].health(), Status::Healthy);
}

#[test]
fn in_maintenance_and_after_its_stop_a_word_of_readiness_changes_nothing() {
    let mut world = World::new(plan([notified(10)]));
    world.probe_takes = ms(0);
    let mut world = world.started();
    world.give(Input::Maintenance(Switch::On));
    world.give(Input::Notified { job: JobId(0) });
    assert_eq!((world.probes.len(), world.engine.jobs()[0].health()), (0, Status::Maintenance));
    world.give(Input::Maintenance(Switch::Off));
    world.give(Input::Notified { job: JobId(0) });
    assert_eq!(world.probes.len(), 1);
    world.pass(ms(1));
    world.withdraw_takes = None;
    world.give(Input::Stop);
    world.give(Input::Notified { job: JobId(0) });
    world.pass(ms(100));
    assert_eq!(world.probes.len(), 1);
}

/// A check that passes says nothing of a process that is gone: neither to the catalog nor to anybody else.
#[test]
fn a_job_that_waits_to_be_restarted_is_unhealthy_whatever_its_check_says() {
    let mut world = World::new(plan([app().checked(ms(300)).restarts(Count::Unlimited)]));
    world.default_script = Script::exits(1).lasting(ms(500));
    let mut world = world.started();
    let (mut waited, mut announced) = (0, world.announced.len());
    for _ in 0..200 {
        world.pass(ms(50));
        let (state, health) = (world.engine.jobs()[0].state(), world.engine.jobs()[0].health());
        let new = world.announced.len() - std::mem::replace(&mut announced, world.announced.len());
        if state == State::Restarting {
            assert_eq!(health, Status::Unhealthy);
            waited += 1;
            assert!(waited == 1 || new <= 1, "nothing passing is announced");
        }
    }
    assert!(waited > 20, "{waited}");
    let waits =
        |at: &Duration| world.starts.iter().rposition(|(start, ..)| start <= at).map(|run| *at - world.starts[run].0);
    assert!(world.announced.iter().all(|(at, ..)| waits(at).unwrap() <= ms(510)), "{:?}", world.announced);
    assert!(world.probes.iter().all(|(at, _)| waits(at).unwrap() <= ms(510)), "{:?}", world.probes);
}

#[test]
fn without_a_process_a_job_is_unhealthy_if_it_should_have_one_and_else_nothing_is_known() {
    let health = |world: &World| {
        let job = world.engine.jobs()[0];
        (job.state(), job.health())
    };
    let healthy = |world: World| {
        let mut world = world.started();
        world.pass(ms(5_100));
        assert_eq!(health(&world), (State::Running, Status::Healthy));
        world
    };
    let ends = |code| World::new(plan([app()])).script("app", [Script::exits(code).lasting(secs(6))]);
    for (code, want) in [(0, Status::Unknown), (3, Status::Unhealthy)] {
        let mut world = healthy(ends(code));
        world.pass(secs(2));
        assert_eq!(health(&world), (State::Ended, want));
    }
    let mut stopped = healthy(World::new(plan([app(), job("keep")])));
    let job = stopped.job("app");
    stopped.give(Input::Job { job, request: JobRequest::Stop });
    stopped.pass(secs(2));
    assert_eq!(health(&stopped), (State::Stopped, Status::Unknown));
    let mut resting = healthy(World::new(plan([app()])));
    resting.give(Input::Maintenance(Switch::On));
    assert_eq!(health(&resting), (State::Running, Status::Maintenance));
    let never = World::new(plan([app().when(once(Code::Healthy, "nobody"))])).started();
    assert_eq!(health(&never), (State::Waiting, Status::Idle));
}

#[test]
fn the_reason_of_a_failure_is_kept_and_said_again_when_it_changes() {
    let mut world = World::new(plan([app()])).started();
    world.probe_passes = false;
    let fail = |world: &mut World, note: &str| {
        world.probe_note = note.to_owned();
        world.pass(ms(5_010));
        world.engine.jobs()[0].failing_reason().map(str::to_owned)
    };
    assert_eq!(fail(&mut world, "refused").as_deref(), Some("refused"));
    assert_eq!(fail(&mut world, "refused").as_deref(), Some("refused"));
    assert_eq!(fail(&mut world, "timed out").as_deref(), Some("timed out"));
    let said: Vec<&String> = world.said.iter().filter(|line| line.contains("unhealthy: ")).collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("app is unhealthy: refused"), "{said:?}");
    assert!(said[1].ends_with("app is still unhealthy: timed out"), "{said:?}");
    let entries = world.engine.history().after(EntryId(0));
    let reasons: Vec<_> = entries.filter_map(|entry| Some((entry.times, entry.reason.clone()?))).collect();
    assert_eq!(reasons, [(3, "timed out".to_owned())]);
}
