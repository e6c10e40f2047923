//! What is different between two plans, for people: the answer to a reload request.

use std::collections::HashMap;
use std::fmt;

use crate::plan::{Plan, Watch};

/// What a reload does, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Jobs.
    pub jobs: Names,
    /// Watches.
    pub watches: Names,
    /// Blocks and keys of the top level.
    pub settings: Vec<&'static str>,
}

/// Names in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// In the old file only.
    pub removed: Vec<String>,
    /// In both, with another definition.
    pub changed: Vec<String>,
    /// In both and alike, but beginning again because of others: a job that is over and is waited for, or a hook.
    pub renewed: Vec<String>,
    /// In the new file only.
    pub added: Vec<String>,
    /// Going on as they are.
    pub kept: Vec<String>,
}

impl Changes {
    /// `goes_on` says for each job of the next plan whether an active one goes on as it.
    pub(crate) fn between(now: &Plan, next: &Plan, goes_on: &[bool]) -> Self {
        let mut goes_on = goes_on.iter();
        let goes_on = |_: &_| goes_on.next().copied().unwrap_or(false);
        Changes {
            jobs: Names::between(&now.jobs, &next.jobs, |job| &job.name, goes_on),
            watches: Names::between(&now.watches, &next.watches, |watch: &Watch| &watch.name, |_| true),
            settings: settings(now, next),
        }
    }

    /// Everything goes on.
    pub fn none(plan: &Plan) -> Self {
        Changes::between(plan, plan, &vec![true; plan.jobs.len()])
    }

    /// Whether nothing at all is different.
    pub fn are_none(&self) -> bool {
        *self == Changes { jobs: self.jobs.only_kept(), watches: self.watches.only_kept(), settings: Vec::new() }
    }
}

impl Names {
    fn between<T: PartialEq>(
        now: &[T],
        next: &[T],
        name: impl Fn(&T) -> &String,
        mut goes_on: impl FnMut(&T) -> bool,
    ) -> Self {
        let mut names = Names::default();
        let mut old: HashMap<&String, Vec<&T>> = HashMap::new();
        for thing in now.iter().rev() {
            old.entry(name(thing)).or_default().push(thing);
        }
        for thing in next {
            let list = match (old.get_mut(name(thing)).and_then(Vec::pop), goes_on(thing)) {
                (None, _) => &mut names.added,
                (Some(was), _) if was != thing => &mut names.changed,
                (Some(_), false) => &mut names.renewed,
                (Some(_), true) => &mut names.kept,
            };
            list.push(name(thing).clone());
        }
        for thing in now {
            // Of several with one name the last ones are those that are missing.
            if old.get_mut(name(thing)).and_then(Vec::pop).is_some() {
                names.removed.push(name(thing).clone());
            }
        }
        names
    }

    fn only_kept(&self) -> Names {
        Names { kept: self.kept.clone(), ..Names::default() }
    }

    fn parts(&self, what: &str) -> Vec<String> {
        let lists = [
            ("removed", &self.removed),
            ("changed", &self.changed),
            ("started again", &self.renewed),
            ("added", &self.added),
        ];
        let named = lists.iter().filter(|(_, names)| !names.is_empty());
        named.map(|(word, names)| format!("{what} {word}: {}", names.join(", "))).collect()
    }
}

/// Keys of the top level whose values differ.
fn settings(now: &Plan, next: &Plan) -> Vec<&'static str> {
    // Taken apart, so that a new setting is not forgotten here.
    let Plan { consul, logging, stop_timeout, stop_budget, jobs: _, watches: _, telemetry, control } = now;
    let pairs = [
        ("consul", *consul != next.consul),
        ("logging", *logging != next.logging),
        ("stopTimeout", *stop_timeout != next.stop_timeout),
        ("stopBudget", *stop_budget != next.stop_budget),
        ("telemetry", *telemetry != next.telemetry),
        ("control", *control != next.control),
    ];
    pairs.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect()
}

/// `jobs changed: app; jobs added: worker; settings changed: logging; 3 jobs go on`
impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.are_none() {
            return f.write_str("nothing has changed");
        }
        let mut parts = self.jobs.parts("jobs");
        parts.extend(self.watches.parts("watches"));
        if !self.settings.is_empty() {
            parts.push(format!("settings changed: {}", self.settings.join(", ")));
        }
        let kept = self.jobs.kept.len();
        parts.push(match kept {
            1 => "1 job goes on".to_owned(),
            _ => format!("{kept} jobs go on"),
        });
        f.write_str(&parts.join("; "))
    }
}
