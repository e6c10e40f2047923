//! Looks at what jobs wait for: names that nobody has, and names that two have. Warnings only: v3 runs such files.

use std::collections::BTreeSet;

use pilot_core::event::{Code, Event, GLOBAL};
use pilot_core::plan::{Job, Watch};

use super::diagnostic::{Rule, Severity};
use super::loose::Field;
use super::waits::Waits;
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
    let mut suggestions = Suggestions { known: &known, left: COMPARISONS };
    for (place, job) in jobs {
        let mut seen = BTreeSet::new();
        // The source of an error is its text, which nobody can know beforehand.
        let checkable = |event: &&Event| event.code != Code::Error && !known.contains(&event.source);
        let mut waits = None;
        for event in job.start.events().iter().filter(checkable) {
            if seen.insert(&event.source) {
                unknown(place, waits.get_or_insert_with(|| Waits::of(place)), event, &mut suggestions);
            }
        }
    }
}

/// Names that are compared for suggestions in one file: whose file has more mistakes is helped by the first of them.
const COMPARISONS: usize = 1_000_000;

struct Suggestions<'a> {
    known: &'a BTreeSet<String>,
    left: usize,
}

impl Suggestions<'_> {
    fn nearest(&mut self, source: &str) -> Option<&str> {
        self.left = self.left.checked_sub(self.known.len())?;
        nearest(source, self.known.iter().map(String::as_str))
    }
}

fn unknown(job: &Field<'_>, waits: &Waits<'_>, event: &Event, suggestions: &mut Suggestions<'_>) {
    let source = event.source.as_str();
    let watch = format!("watch.{source}");
    let remedy = if suggestions.known.contains(&watch) {
        format!("a watch is written with its prefix: \"{watch}\"")
    } else {
        match suggestions.nearest(source) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => {
                "name a job, `watch.NAME`, `check.JOB` or \"global\"; for what runs in another container add a watch"
                    .into()
            }
        }
    };
    let complaint = format!("waits for {source:?}, and there is no such job or watch");
    let place = Field { name: String::new(), who: job.who.clone(), ..waits.source(event) };
    place.find(Severity::Warning, Rule::UnknownSource, &complaint, remedy);
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
