//! What random histories have found: each broke a promise once, and is told here as short as it could be made.

use std::time::Duration;

use super::plans::*;
use crate::effect::{Input, JobRequest};
use crate::event::{Code, Event};
use crate::graph::{Chance, Graph, JobAt, Reason};
use crate::limits::{HOOK_LIMIT, LONGEST_SLEEP};
use crate::plan::*;
use crate::simulation::{Script, World};
use crate::state::State;
use crate::stop::worst_case::StopPlan;

/// A placeholder that leaves the catalog and is not answered: its stop takes two seconds.
fn slow_to_leave(name: &str) -> Job {
    Job { exec: None, ..job(name).checked(ms(200)).served() }
}

fn ask(world: &mut World, name: &str, request: JobRequest) {
    let job = world.job(name);
    world.give(Input::Job { job, request });
}

/// The timers of one instant: the first ends what a reload waits for, the second lets the next plan come into force, and
/// the job after them is in it no longer.
#[test]
fn a_plan_that_comes_into_force_between_two_timers_leaves_none_of_a_job_that_is_gone() {
    let waits = Start::Once { when: Condition::All(vec![Event::new(Code::Healthy, "nobody")]), timeout: Some(secs(2)) };
    let last = Job { exec: None, ..job("last") };
    let jobs = [slow_to_leave("leaves"), job("waits").when(waits), last];
    let mut world = World::new(plan(jobs.clone())).started();
    world.withdraw_takes = None;
    let [_, waits, last] = jobs;
    world.reload(plan([waits, Job { restarts: Count::Finite(1), ..last }]));
    world.pass(secs(10));
    assert_eq!(world.reloaded, [secs(2)]);
}

/// A reload takes a hook away that a person has stopped, while its source is on its way down by itself and a person asks
/// for that one again.
#[test]
fn a_hook_that_a_reload_has_taken_down_stays_down_when_its_source_is_started_again() {
    let source = Job { restarts: Count::Finite(0), ..job("source").checked(ms(200)).served() };
    let hook = job("hook").when(once(Code::Stopping, "source"));
    let mut world = World::new(plan([job("other"), source, hook])).script("source", [Script::exits(0)]);
    world.withdraw_takes = None;
    let mut world = world.started();
    ask(&mut world, "hook", JobRequest::Stop);
    world.pass(ms(500));
    assert_eq!(world.engine.state(world.job("source")).unwrap().state(), State::Stopping);
    world.reload(plan([]));
    let source = world.job("source");
    let refused = world.engine.answer(source, JobRequest::Start);
    assert_eq!(refused.unwrap_err(), "a reload is taking source down: ask again when that is done");
    ask(&mut world, "source", JobRequest::Start);
    world.pass(secs(30));
    assert_eq!(world.timeline(), [(secs(0), "other"), (secs(0), "source")]);
    assert_eq!(world.reloaded.len(), 1);
}

/// Two of one name count each other's ends as their own; one that has no process was looked at for ever after that.
#[test]
fn a_placeholder_that_restarts_by_its_namesake_comes_to_rest() {
    let placeholder = Job { exec: None, ..job("a").restarts(Count::Finite(2)) };
    let mut world = World::new(plan([job("a").restarts(Count::Finite(1)), placeholder]));
    world = world.script("a", [Script::exits(0), Script::exits(0)]).started();
    world.pass(secs(10));
    assert!(world.handled < 20, "{} inputs", world.handled);
    world.give(Input::Stop);
    world.pass(secs(10));
    assert_eq!(world.exit.map(|(_, code)| code), Some(0));
}

/// Rule 6: no more restarts. A hook that crashed and waits for its next start is done.
#[test]
fn a_hook_that_waits_to_be_restarted_does_not_hold_up_a_stop() {
    let start =
        Start::Each { events: vec![Event::global(Code::Startup), Event::new(Code::Stopping, "nobody")], timeout: None };
    let hook = job("hook").when(start).restarts(Count::Unlimited);
    let mut world = World::new(plan([hook])).script("hook", (0..20).map(|_| Script::exits(1))).started();
    world.pass(secs(40));
    let starts = world.starts.len();
    let asked = world.now;
    world.give(Input::Stop);
    world.pass(secs(60));
    assert_eq!((world.exit, world.starts.len()), (Some((asked, 0)), starts));
}

/// Of two of one name the reason is told of the one that could make the event, not of the first.
#[test]
fn the_reason_for_an_impossible_event_is_told_of_the_namesake_that_could_make_it() {
    let waits = Job { exec: None, ..job("waits").when(once(Code::LeavingTargetGroup, "a")) };
    let graph = Graph::of(&plan([job("a"), job("a").restarts(Count::Unlimited).balanced(BalancerMode::Drain), waits]));
    let reasons: Vec<_> = graph.waits(JobAt(2)).map(|edge| edge.reason.clone()).collect();
    assert_eq!(reasons, [Some(Reason::OnlyAtTheStop(JobAt(1)))]);
    let own = job("b").balanced(BalancerMode::Drain).when(each(Code::LeavingTargetGroup, "b"));
    let graph = Graph::of(&plan([job("b"), own]));
    assert_eq!(graph.edges.last().and_then(|edge| edge.reason.clone()), Some(Reason::OwnEnd));
}

/// A hook whose namesake's ends have it run before the stop has a run under way, and one for the stop.
#[test]
fn the_worst_case_counts_the_run_that_a_namesake_has_caused() {
    let hook = job("a").when(once(Code::Stopping, "b")).restarts(Count::Finite(2));
    let own = StopPlan::of(&plan([job("b"), hook.clone()])).worst;
    let with_namesake = StopPlan::of(&plan([job("b"), hook, job("a")])).worst;
    assert_eq!(with_namesake - own, HOOK_LIMIT);
}

/// The end of a namesake's run counts as a job's own; one that was never started was looked at from then on, and reported
/// healthy.
#[test]
fn a_job_that_was_never_started_is_not_looked_at_when_its_namesake_ends() {
    let never = Job { exec: None, ..job("d").checked(ms(200)).when(once(Code::LeavingConsul, "nobody")) };
    let waits = job("b").when(once(Code::Healthy, "d"));
    let mut world = World::new(plan([never, waits, job("d")])).script("d", [Script::exits(0)]).started();
    world.pass(secs(1));
    assert_eq!(world.probes, []);
    assert_eq!(world.timeline(), [(secs(0), "d")]);
}

/// The longest times that a file can name pass the engine from the start to the end.
#[test]
fn no_time_is_too_long() {
    for longest in [Duration::MAX, secs(i64::MAX as u64)] {
        let hook = Job { timeout: Some(longest), ..job("hook").when(once(Code::Stopping, "app")) };
        let app = job("app").checked(longest).served().balanced(BalancerMode::Itself).drains(longest, longest);
        let app = Job { stop_timeout: Some(longest), timeout: Some(longest), ..app };
        let every = job("every").when(Start::Interval(longest));
        let waits = Start::Each { events: vec![Event::new(Code::Healthy, "nobody")], timeout: Some(longest) };
        let file = Plan {
            stop_timeout: longest,
            stop_budget: Some(longest),
            ..plan([app, hook, every, job("waits").when(waits)])
        };
        assert!(StopPlan::of(&file).worst >= longest);
        let mut world = World::new(file).started();
        world.pass(secs(1));
        assert!(world.engine.next_timeout().unwrap() <= world.now + LONGEST_SLEEP);
        world.give(Input::Stop);
        world.pass(secs(1));
        world.give(Input::Stop);
        world.pass(secs(3600));
        assert!(world.exit.is_some());
    }
}

/// Two of one name: a hook is at work for the first, which has ended, when everything stops, and runs for the second after that.
#[test]
fn the_worst_case_of_a_hook_counts_every_job_of_the_name_that_it_waits_for() {
    let ends = Job { exec: None, start: Start::Interval(ms(100)), stop_timeout: Some(secs(0)), ..job("b") };
    let stays = Job { exec: None, ..job("b") };
    let hook = job("hook").when(Start::Each { events: vec![Event::new(Code::Stopping, "b")], timeout: None });
    let plan = plan([ends, stays, hook]);
    let worst = StopPlan::of(&plan).worst;
    let mut world = World::new(plan).started();
    world.pass(ms(100));
    assert_eq!(world.timeline(), [(ms(100), "hook")]);
    world.give(Input::Stop);
    world.pass(worst);
    assert!(world.exit.is_some(), "it took longer than {worst:?}");
}

/// A hook that waits for a job's end hears of its checks meanwhile: the job is a hook itself, and is checked while it runs.
#[test]
fn a_hook_with_alternatives_can_start_by_a_check_that_runs_only_at_the_stop() {
    let checked = job("checked")
        .checked(ms(200))
        .when(Start::Each { events: vec![Event::new(Code::Stopped, "c")], timeout: None });
    let events = vec![Event::new(Code::ExitSuccess, "check.checked"), Event::new(Code::LeavingConsul, "checked")];
    let hook = job("hook").when(Start::Each { events, timeout: None });
    let c = Job { start: Start::Never { timeout: None }, ..job("c") };
    let plan = plan([c, checked, hook]);
    assert_eq!(Graph::of(&plan).starts[2], Chance::AtTheStop);
    let mut world = World::new(plan).started();
    world.give(Input::Stop);
    world.pass(HOOK_LIMIT * 3);
    assert!(world.timeline().iter().any(|(_, name)| *name == "hook"), "{:?}", world.timeline());
}

/// The second request comes in the instant of SIGKILL: what has just been killed has to be waited for.
#[test]
fn a_second_stop_request_gives_nothing_up_that_was_only_just_killed() {
    let deaf = Job { stop_timeout: Some(secs(1)), ..job("deaf") };
    let mut world = World::new(plan([deaf])).script("deaf", [Script::forever().deaf()]).started();
    world.give(Input::Stop);
    // The engine first, so that the end of the process is not known yet.
    world.now += secs(1);
    world.give(Input::Tick);
    assert!(world.said.iter().any(|text| text.starts_with("killing processes")), "{:?}", world.said);
    world.give(Input::Stop);
    assert_eq!(world.exit, None, "{:?}", world.said);
    world.pass(secs(1));
    assert_eq!(world.exit.map(|(_, code)| code), Some(0));
}

/// Two of one name: the first is a hook, and healthy at the stop; the second waits for that, and has no check itself.
#[test]
fn health_that_a_namesake_has_at_the_stop_is_no_lack_of_a_check() {
    let first = job("d").checked(ms(200)).when(once(Code::Stopping, "a"));
    let second = Job { exec: None, ..job("d").when(once(Code::Healthy, "d")) };
    let plan = plan([Job { start: Start::Never { timeout: None }, ..job("a") }, first, second]);
    let graph = Graph::of(&plan);
    let edge = graph.waits(JobAt(2)).next().unwrap();
    assert_eq!(edge.reason, Some(Reason::OnlyAtTheStop(JobAt(1))));
}
