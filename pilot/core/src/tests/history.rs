//! What is remembered of what happened, and why a job is as it is.

use std::sync::Arc;

use super::plans::*;
use crate::effect::JobRequest;
use crate::event::Code;
use crate::graph::{Graph, Reason};
use crate::history::{Cause, Entry, EntryId, What};
use crate::limits::KEPT_ENTRIES;
use crate::plan::{Count, Job};
use crate::simulation::{Script, World};
use crate::why::Why;

fn why(world: &World, name: &str) -> Why {
    world.engine.why(world.job(name), &Graph::of(&world.plan)).unwrap()
}

/// `started app`, `Healthy db`, …
fn words(story: &[Arc<Entry>]) -> Vec<String> {
    let word = |entry: &Arc<Entry>| match &entry.what {
        What::Event(event) => format!("{} {}", event.code.label(), event.source),
        What::Started(job) => format!("started {job}"),
        What::Ended { job, .. } => format!("ended {job}"),
        What::Reload => "reload".to_owned(),
        What::Asked { job, .. } => format!("asked {job}"),
    };
    story.iter().map(word).collect()
}

#[test]
fn a_story_goes_back_to_the_beginning_also_when_the_history_has_forgotten_it() {
    let db = job("db").checked(secs(1));
    let app = job("app").when(once(Code::Healthy, "db"));
    let busy = Job { restarts: Count::Unlimited, ..job("busy") };
    let mut world = World::new(plan([db, app, busy]))
        .script("busy", (0..2 * KEPT_ENTRIES).map(|_| Script::exits(0).lasting(secs(30))))
        .started();
    world.pass(secs(3));
    let told = ["started app", "StatusHealthy db", "started db", "Startup global"];
    assert_eq!(words(&why(&world, "app").story), told);
    world.pass(secs(30_000));
    let oldest = world.engine.history().after(EntryId(0)).next().unwrap().id;
    let count = world.engine.history().after(EntryId(0)).count();
    assert_eq!(count, KEPT_ENTRIES);
    assert!(oldest > EntryId(100), "{oldest:?}");
    let story = why(&world, "app").story;
    assert_eq!(words(&story), told);
    assert_eq!(story.last().unwrap().cause, Cause::Beginning);
}

#[test]
fn results_of_checks_that_repeat_are_one_entry_of_the_history() {
    let mut world = World::new(plan([job("db").checked(secs(1))])).started();
    world.pass(secs(100));
    let history = world.engine.history();
    let all: Vec<_> = history.after(EntryId(0)).cloned().collect();
    let want = ["Startup global", "started db", "ExitSuccess check.db", "StatusHealthy db"];
    assert_eq!(words(&all), want);
    assert!(all[3].times > 90 && all[3].last_at > secs(98), "{:?}", all[3]);
}

#[test]
fn a_restart_tells_after_which_end_and_what_had_started_the_job_at_first() {
    let app = job("app").restarts(Count::Unlimited);
    let script = [Script::exits(3), Script::forever()];
    let mut world = World::new(plan([app])).script("app", script).started();
    world.pass(secs(60));
    let why = why(&world, "app");
    assert_eq!(words(&why.story)[0], "started app");
    assert_eq!(words(&why.story).last().unwrap(), "started app", "a story ends with the start before");
    assert!(words(&why.story).contains(&"ended app".to_owned()), "{:?}", why.story);
    assert_eq!(words(&why.first), ["started app", "Startup global"]);
}

#[test]
fn the_history_outlasts_a_reload_which_is_the_cause_of_what_it_starts() {
    let (old, kept) = (job("old"), job("kept"));
    let mut world = World::new(plan([old, kept.clone()])).started();
    world.pass(secs(1));
    let before = world.engine.history().last();
    world.reload(plan([kept, job("new")]));
    world.pass(secs(1));
    assert_eq!(words(&why(&world, "new").story), ["started new", "reload"]);
    assert_eq!(words(&why(&world, "kept").story), ["started kept", "Startup global"]);
    let all: Vec<_> = world.engine.history().after(EntryId(0)).cloned().collect();
    assert!(words(&all).contains(&"started old".to_owned()), "of a job that is gone: {all:?}");
    let stopped = all.iter().find(|entry| words(&[Arc::clone(entry)]) == ["Stopping old"]).unwrap();
    let reload = world.engine.history().after(before).next().unwrap();
    assert_eq!((&reload.what, stopped.cause), (&What::Reload, Cause::Entry(reload.id)));
}

#[test]
fn what_a_person_asked_is_the_cause_of_what_follows() {
    let mut world = World::new(plan([job("app"), job("late").when(once(Code::Healthy, "app"))])).started();
    world.ask("late", JobRequest::Start).unwrap();
    let story = why(&world, "late").story;
    assert_eq!(words(&story), ["started late", "asked late"]);
    assert_eq!(story[1].cause, Cause::Person);
}

#[test]
fn a_waiting_job_knows_for_what_and_what_can_never_come() {
    let late = job("late").when(once(Code::Healthy, "app"));
    let last = job("last").when(once(Code::ExitSuccess, "setup"));
    let mut world =
        World::new(plan([job("app"), late, job("setup"), last])).script("setup", [Script::exits(1)]).started();
    world.pass(secs(10));
    let wait = &why(&world, "late").waits[0];
    assert_eq!(wait.never, Some(Reason::NoHealthCheck(crate::graph::JobAt(0))));
    assert_eq!((wait.source, wait.seen, wait.last_seen), (Some(world.job("app")), false, None));
    let wait = &why(&world, "last").waits[0];
    assert_eq!((&wait.never, wait.source_is_over), (&None, true), "it could have come, and its source is over");
    assert!(why(&world, "app").waits.is_empty());
}
