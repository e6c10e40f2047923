//! Looks at what jobs wait for: names that nobody has, and names that two have. Warnings only: v3 runs such files.

use std::collections::BTreeSet;

use pilot_core::event::{Code, Event, GLOBAL};
use pilot_core::plan::{Job, Watch};

use super::diagnostic::{Rule, Severity};
use super::weak::Field;
use pilot_core::nearest::nearest;

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
        for event in job.start.events() {
            // The source of an error is its text, which nobody can know beforehand.
            let checkable = event.code != Code::Error && !known.contains(&event.source);
            if checkable && seen.insert(&event.source) {
                unknown(place, event, &known);
            }
        }
    }
}

fn unknown(job: &Field<'_>, event: &Event, known: &BTreeSet<String>) {
    let source = event.source.as_str();
    let watch = format!("watch.{source}");
    let remedy = if known.contains(&watch) {
        format!("a watch is written with its prefix: \"{watch}\"")
    } else {
        match nearest(source, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => {
                "name a job, `watch.NAME`, `check.JOB` or \"global\"; for what runs in another container add a watch"
                    .into()
            }
        }
    };
    let complaint = format!("waits for {source:?}, and there is no such job or watch");
    let place = Field { name: String::new(), ..source_of(job, event) };
    place.find(Severity::Warning, Rule::UnknownSource, &complaint, remedy);
}

/// Where the source of an event is written in a job's `when`.
fn source_of<'a>(job: &Field<'a>, event: &Event) -> Field<'a> {
    let is_it = |field: &Field<'_>| field.value.weak_text().as_deref() == Some(event.source.as_str());
    let when = job.within(&["when"]);
    let entries = ["all", "any"].map(|key| when.within(&[key]).elements()).concat();
    let alone = when.within(&["source"]);
    let written = std::iter::once(alone.clone())
        .chain(alone.elements())
        .chain(entries.iter().map(|entry| entry.within(&["source"])))
        .find(is_it);
    written.unwrap_or(when)
}

/// Where an event that a job waits for is written.
pub(super) fn event_of<'a>(job: &Field<'a>, event: &Event) -> Field<'a> {
    let source = source_of(job, event);
    let when = job.within(&["when"]);
    let named =
        |field: &Field<'a>| ["once", "each"].map(|key| field.within(&[key])).into_iter().find(|f| f.path != field.path);
    for entry in ["all", "any"].map(|key| when.within(&[key]).elements()).concat() {
        let same_source = entry.within(&["source"]).value.weak_text().as_deref() == Some(event.source.as_str());
        let code = named(&entry).and_then(|field| field.value.weak_text());
        let known = Code::SELECTABLE.iter().find(|(name, _)| Some(*name) == code.as_deref()).map(|(_, code)| *code);
        if same_source && known == Some(event.code) {
            return named(&entry).unwrap_or(entry);
        }
    }
    named(&when).unwrap_or(source)
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
