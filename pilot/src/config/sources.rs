//! Looks at what jobs wait for: names that nobody has, and names that two have. Warnings only: v3 runs such files.

use std::collections::BTreeSet;

use crate::core::event::{Code, Event, GLOBAL};
use crate::core::plan::{Condition, Job, Start, Watch};

use super::nearest::nearest;
use super::weak::Field;

/// A job or watch and where it is written.
pub(super) type Placed<'a, T> = (Field<'a>, T);

/// Warns about sources that nobody is.
pub(super) fn check(jobs: &[Placed<'_, Job>], watches: &[Placed<'_, Watch>]) {
    let mut known: BTreeSet<String> = [GLOBAL, "SIGHUP", "SIGUSR2"].map(str::to_owned).into();
    for name in jobs.iter().map(|(_, job)| &job.name) {
        known.insert(name.clone());
        known.insert(format!("check.{name}"));
    }
    known.extend(watches.iter().map(|(_, watch)| format!("watch.{}", watch.name)));
    for (place, job) in jobs {
        let mut seen = BTreeSet::new();
        for event in events(&job.start) {
            // The source of an error is its text, which nobody can know beforehand.
            let checkable = event.code != Code::Error && !known.contains(&event.source);
            if checkable && seen.insert(&event.source) {
                unknown(place, &event.source, &known);
            }
        }
    }
}

fn unknown(place: &Field<'_>, source: &str, known: &BTreeSet<String>) {
    let watch = format!("watch.{source}");
    let remedy = if known.contains(&watch) {
        format!("a watch is written with its prefix: \"{watch}\"")
    } else {
        match nearest(source, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => "name a job, `watch.NAME`, `check.JOB` or \"global\"".into(),
        }
    };
    place.warn(format!("waits for {source:?}, and there is no such job or watch"), remedy);
}

fn events(start: &Start) -> &[Event] {
    match start {
        Start::Once { when: Condition::All(events) | Condition::Any(events), .. } | Start::Each { events, .. } => {
            events
        }
        Start::Interval(_) | Start::Never { .. } => &[],
    }
}

/// Warns about a name that an earlier one of the same kind has.
pub(super) fn check_duplicates<'a, T: 'a>(
    kind: &str,
    all: impl IntoIterator<Item = &'a Placed<'a, T>>,
    name: fn(&T) -> &str,
) {
    let mut seen = BTreeSet::new();
    for (place, one) in all {
        if !name(one).is_empty() && !seen.insert(name(one).to_owned()) {
            let complaint = format!("has the name of an earlier {kind}, so that their events cannot be told apart");
            place.warn(complaint, "give one of them another name");
        }
    }
}
