//! What the event graph says of small plans: who starts whom, what never can, and why.

use super::plans::*;
use super::starting::watch;
use crate::event::{Code, Event};
use crate::graph::{Chance, Graph, JobAt, Mode, Node, Reason, WatchAt};
use crate::plan::*;

/// The verdict on each job.
fn starts(plan: &Plan) -> Vec<Chance> {
    Graph::of(plan).starts
}

/// Why the job that is last in the plan waits in vain for its first event.
fn reason(jobs: impl IntoIterator<Item = Job>) -> Option<Reason> {
    let mut plan = plan(jobs);
    plan.watches = vec![watch("w")];
    let graph = Graph::of(&plan);
    let last = JobAt(plan.jobs.len() - 1);
    let edge = graph.waits(last).next().unwrap();
    assert_eq!(edge.reason.is_some(), edge.chance == Chance::Never);
    edge.reason.clone()
}

fn all(events: &[(Code, &str)]) -> Start {
    let events = events.iter().map(|(code, source)| Event::new(*code, *source)).collect();
    Start::Once { when: Condition::All(events), timeout: None }
}

fn any(events: &[(Code, &str)]) -> Start {
    let events = events.iter().map(|(code, source)| Event::new(*code, *source)).collect();
    Start::Once { when: Condition::Any(events), timeout: None }
}

fn silent(name: &str) -> Job {
    Job { exec: None, ..job(name) }
}

fn patient(name: &str) -> Job {
    let timeout = Some(secs(1));
    job(name).when(Start::Once { when: Condition::All(vec![Event::new(Code::Signal, "SIGHUP")]), timeout })
}

#[test]
fn each_event_has_those_who_can_make_it() {
    let rows: Vec<(&str, Job, Code, &str, Option<Reason>)> = vec![
        ("exit of a job", job("a"), Code::ExitSuccess, "a", None),
        ("failure of a job", job("a"), Code::ExitFailed, "a", None),
        ("exit of nothing", silent("a"), Code::ExitSuccess, "a", Some(Reason::RunsNothing(JobAt(0)))),
        ("health of a job", job("a").checked(secs(1)), Code::Healthy, "a", None),
        ("health without exec", silent("a").checked(secs(1)), Code::Unhealthy, "a", None),
        ("health without check", job("a"), Code::Healthy, "a", Some(Reason::NoHealthCheck(JobAt(0)))),
        ("exit of a check", job("a").checked(secs(1)), Code::ExitFailed, "check.a", None),
        ("exit of no check", job("a"), Code::ExitFailed, "check.a", Some(Reason::NoHealthCheck(JobAt(0)))),
        ("change of a job", job("a"), Code::Changed, "a", Some(Reason::OnlyWatchesChange(JobAt(0)))),
        ("change of a watch", job("a"), Code::Changed, "watch.w", None),
        ("health of a watch", job("a"), Code::Healthy, "watch.w", None),
        ("exit of a watch", job("a"), Code::ExitSuccess, "watch.w", Some(Reason::NotOfWatches(WatchAt(0)))),
        ("nobody", job("a"), Code::Healthy, "b", Some(Reason::NobodyThere)),
        ("no such watch", job("a"), Code::Healthy, "watch.b", Some(Reason::NobodyThere)),
        ("a stop", job("a"), Code::Stopping, "a", None),
        ("out of Consul", job("a").checked(secs(1)).served(), Code::LeavingConsul, "a", None),
        ("never in Consul", job("a"), Code::LeavingConsul, "a", Some(Reason::NotInConsul(JobAt(0)))),
        ("out of its group", job("a").balanced(BalancerMode::Drain), Code::LeavingTargetGroup, "a", None),
        ("in no group", job("a"), Code::LeavingTargetGroup, "a", Some(Reason::NotInTargetGroup(JobAt(0)))),
        ("drained", job("a").drains(secs(1), secs(2)), Code::Drained, "a", None),
        ("drains not", job("a"), Code::Draining, "a", Some(Reason::DrainsNot(JobAt(0)))),
        ("patience", patient("a"), Code::TimerExpired, "a", None),
        ("no patience", job("a"), Code::TimerExpired, "a", Some(Reason::StartsAtOnce(JobAt(0)))),
        (
            "endless patience",
            job("a").when(once(Code::Signal, "SIGHUP")),
            Code::TimerExpired,
            "a",
            Some(Reason::NoWhenTimeout(JobAt(0))),
        ),
        ("shutdown", job("a"), Code::Shutdown, "global", Some(Reason::ShutdownStartsNobody)),
        ("startup", job("a"), Code::Startup, "global", None),
        ("startup of a job", job("a"), Code::Startup, "a", Some(Reason::SourceIsGlobal)),
        ("maintenance", job("a"), Code::EnterMaintenance, "global", None),
        ("an error's text", job("a"), Code::Error, "a: exit status 1", None),
        ("the text of nothing", silent("a"), Code::Error, "a: exit status 1", Some(Reason::RunsNothing(JobAt(0)))),
        ("an error's job", job("a"), Code::Error, "a", Some(Reason::ErrorNeedsText(Some(JobAt(0))))),
        ("a signal", job("a"), Code::Signal, "SIGUSR2", None),
        ("no such signal", job("a"), Code::Signal, "SIGTERM", Some(Reason::NobodyThere)),
    ];
    for (row, source, code, name, why) in rows {
        assert_eq!(reason([source, job("x").when(once(code, name))]), why, "{row}");
    }
    let mut native = job("a").checked(secs(1));
    native.health.as_mut().unwrap().probe = Some(Probe::Tcp("a:1".into()));
    let waiting = job("x").when(once(Code::ExitSuccess, "check.a"));
    assert_eq!(reason([native, waiting]), Some(Reason::CheckIsNoProgram(JobAt(0))));
}

#[test]
fn a_job_cannot_be_started_by_what_it_does_itself() {
    let own = |code, name| reason([job("x").checked(secs(1)).when(once(code, name))]);
    assert_eq!(own(Code::ExitSuccess, "x"), Some(Reason::OwnEnd));
    for code in [Code::Stopping, Code::LeavingConsul, Code::LeavingTargetGroup, Code::Draining, Code::Stopped] {
        assert_eq!(own(code, "x"), Some(Reason::OwnEnd));
    }
    assert_eq!(own(Code::Healthy, "x"), Some(Reason::OwnHealth));
    assert_eq!(own(Code::ExitFailed, "check.x"), Some(Reason::OwnHealth));
}

#[test]
fn who_waits_for_the_impossible_is_impossible_too() {
    let jobs = [
        job("a").when(once(Code::Healthy, "nobody")),
        job("b").when(once(Code::ExitSuccess, "a")),
        job("c").when(any(&[(Code::ExitSuccess, "b"), (Code::ExitSuccess, "d")])),
        job("d"),
        job("e").when(all(&[(Code::ExitSuccess, "b"), (Code::ExitSuccess, "d")])),
        job("f").when(Start::Never { timeout: None }),
    ];
    let plan = plan(jobs);
    let graph = Graph::of(&plan);
    use Chance::{Never, Open};
    assert_eq!(graph.starts, [Never, Never, Open, Open, Never, Never]);
    assert_eq!(graph.obstacles(JobAt(4))[0].reason, Some(Reason::NeverStarts(JobAt(1))));
    assert!(graph.obstacles(JobAt(2)).is_empty() && graph.obstacles(JobAt(5)).is_empty());
    assert_eq!(graph.waits(JobAt(2)).map(|edge| edge.mode).collect::<Vec<_>>(), [Mode::Any, Mode::Any]);
    assert_eq!(graph.starts_of(Node::Job(JobAt(3))).map(|edge| edge.to.0).collect::<Vec<_>>(), [2, 4]);
}

/// Reliability case 32: the circle never starts, the one that only orders the stop does.
#[test]
fn a_circle_never_starts_unless_something_else_starts_it() {
    let circle = |first: Start| plan([job("a").when(first), job("b").when(once(Code::ExitSuccess, "a"))]);
    let closed = circle(once(Code::ExitSuccess, "b"));
    assert_eq!(starts(&closed), [Chance::Never, Chance::Never]);
    assert_eq!(Graph::of(&closed).deadlocks(), [[JobAt(0), JobAt(1)]]);
    let kicked = circle(any(&[(Code::ExitSuccess, "b"), (Code::Signal, "SIGHUP")]));
    assert_eq!(starts(&kicked), [Chance::Open, Chance::Open]);
    assert!(Graph::of(&kicked).deadlocks().is_empty());
    let by_stop_only = plan([job("a"), job("b").when(once(Code::Stopped, "a"))]);
    assert_eq!(starts(&by_stop_only), [Chance::Open, Chance::Open], "a ends by itself");
}

#[test]
fn jobs_that_start_each_other_at_every_exit_are_an_endless_loop() {
    let jobs = [
        job("a").when(each(Code::ExitSuccess, "b")),
        job("b").when(each(Code::ExitSuccess, "a")),
        job("c").when(each(Code::ExitSuccess, "a")),
    ];
    assert_eq!(Graph::of(&plan(jobs)).loops(), [[JobAt(0), JobAt(1)]]);
    let once_is_enough = [job("a").when(each(Code::ExitSuccess, "b")), job("b").when(once(Code::ExitSuccess, "a"))];
    assert!(Graph::of(&plan(once_is_enough)).loops().is_empty());
}

#[test]
fn hooks_on_the_stop_of_an_endless_job_start_at_the_stop() {
    let jobs = [
        job("app").restarts(Count::Unlimited),
        job("hook").when(once(Code::Stopping, "app")),
        job("after").when(once(Code::Stopped, "hook")),
        Job { exec: None, ..job("placeholder").when(once(Code::Stopping, "app")) },
        job("late").when(once(Code::ExitSuccess, "hook")),
    ];
    use Chance::{AtTheStop, Never, Open};
    let plan = plan(jobs);
    let graph = Graph::of(&plan);
    assert_eq!(graph.starts, [Open, AtTheStop, AtTheStop, Never, Never]);
    assert_eq!(graph.obstacles(JobAt(3))[0].reason, Some(Reason::OnlyAtTheStop(JobAt(0))));
    assert_eq!(graph.obstacles(JobAt(4))[0].reason, Some(Reason::OnlyAtTheStop(JobAt(1))));
    assert!(graph.edges.iter().filter(|edge| edge.is_hook()).count() == 3);
}

#[test]
fn the_stop_order_is_the_engines() {
    let jobs = [
        job("consul"),
        job("db").checked(secs(1)),
        job("app").when(once(Code::Healthy, "db")),
        job("post").when(once(Code::Stopped, "consul")),
    ];
    let graph = Graph::of(&plan(jobs));
    assert_eq!(graph.stops_after, [vec![JobAt(1), JobAt(2)], vec![JobAt(2)], vec![], vec![]]);
}
