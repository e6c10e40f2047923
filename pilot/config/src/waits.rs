//! Where the events that a job waits for are written in its `when`, found once for a whole job: there may be thousands.

use std::collections::BTreeMap;

use super::loose::Field;
use pilot_core::event::{Code, Event};

/// The places of one job's sources and events.
pub(super) struct Waits<'a> {
    when: Field<'a>,
    /// By the text of the source.
    sources: BTreeMap<String, Field<'a>>,
    /// By source and event, of the entries of `all` and `any`.
    entries: BTreeMap<(String, &'static str), Field<'a>>,
    /// The one `once` or `each`.
    event: Option<Field<'a>>,
}

impl<'a> Waits<'a> {
    /// Of the job that is written here.
    pub fn of(job: &Field<'a>) -> Self {
        let when = job.within(&["when"]);
        let alone = when.within(&["source"]);
        let mut waits =
            Waits { event: event(&when), sources: BTreeMap::new(), entries: BTreeMap::new(), when: when.clone() };
        waits.add_source(&alone);
        for source in alone.elements() {
            waits.add_source(&source);
        }
        for entry in ["all", "any"].map(|key| when.within(&[key]).elements()).concat() {
            let source = entry.within(&["source"]);
            waits.add_source(&source);
            let Some(event) = event(&entry) else { continue };
            let known = Code::SELECTABLE.iter().find(|(name, _)| event.value.weak_text().as_deref() == Some(name));
            if let (Some((name, _)), Some(source)) = (known, source.value.weak_text()) {
                waits.entries.entry((source, name)).or_insert(event);
            }
        }
        waits
    }

    fn add_source(&mut self, source: &Field<'a>) {
        if let Some(text) = source.value.weak_text() {
            self.sources.entry(text).or_insert_with(|| source.clone());
        }
    }

    /// Where the source of an event is written.
    pub fn source(&self, event: &Event) -> Field<'a> {
        self.sources.get(&event.source).unwrap_or(&self.when).clone()
    }

    /// Where an event is written.
    pub fn event(&self, event: &Event) -> Field<'a> {
        let name = Code::SELECTABLE.iter().find(|(_, code)| *code == event.code).map(|(name, _)| *name);
        let entry = name.and_then(|name| self.entries.get(&(event.source.clone(), name)));
        entry.or(self.event.as_ref()).cloned().unwrap_or_else(|| self.source(event))
    }
}

/// The `once` or `each` of an entry.
fn event<'a>(entry: &Field<'a>) -> Option<Field<'a>> {
    ["once", "each"].map(|key| entry.within(&[key])).into_iter().find(|field| field.path != entry.path)
}
