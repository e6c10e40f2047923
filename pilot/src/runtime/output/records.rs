//! pilot's own log statements, made with `tracing`, as lines of the configured format.
//!
//! Only pilot's: what libraries log (queries, headers) may hold secrets. Spans are not recorded. Never blocks.
//! A statement with a field `fatal` (any value) has v3's level `fatal`.

use std::fmt::{self, Write};
use std::sync::Arc;

use tracing::field::{Field as Name, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::format::{Field, Value};
use super::queue::{Lines, Queue};
use pilot_core::plan::Level;

const FATAL: &str = "fatal";

/// The subscriber for `tracing::subscriber::set_global_default`.
#[derive(Debug)]
pub struct Records {
    queue: Arc<Queue>,
}

impl Records {
    pub(super) fn new(queue: Arc<Queue>) -> Records {
        Records { queue }
    }
}

/// v3's level of a statement; `None`: too fine for any of them.
fn level_of(metadata: &Metadata<'_>) -> Option<Level> {
    if metadata.fields().field(FATAL).is_some() {
        return Some(Level::Fatal);
    }
    match *metadata.level() {
        tracing::Level::ERROR => Some(Level::Error),
        tracing::Level::WARN => Some(Level::Warn),
        tracing::Level::INFO => Some(Level::Info),
        tracing::Level::DEBUG => Some(Level::Debug),
        tracing::Level::TRACE => None,
    }
}

impl Subscriber for Records {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let ours = metadata.target() == "pilot" || metadata.target().starts_with("pilot::");
        ours && metadata.is_event() && level_of(metadata).is_some_and(|level| self.queue.admits(level))
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(if self.queue.admits(Level::Debug) { LevelFilter::DEBUG } else { LevelFilter::INFO })
    }

    fn event(&self, event: &Event<'_>) {
        let mut parts = Parts::default();
        event.record(&mut parts);
        parts.fields.sort_by(|one, other| one.key.cmp(&other.key));
        let mut bytes = Vec::with_capacity(256);
        let level = level_of(event.metadata()).unwrap_or(Level::Debug);
        self.queue.record(level, &parts.fields, &parts.message, &mut bytes);
        self.queue.push_or_lose(Lines::one(bytes));
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The message and the other fields of one statement.
#[derive(Default)]
struct Parts {
    message: String,
    fields: Vec<Field>,
}

impl Parts {
    fn add(&mut self, name: &Name, value: Value) {
        let key = match name.name() {
            FATAL => return,
            "message" => {
                let (Value::Text(text) | Value::Bare(text)) = value;
                self.message = text;
                return;
            }
            // As v3 did with keys that every line has.
            taken @ ("level" | "msg" | "time") => format!("fields.{taken}"),
            key => key.to_owned(),
        };
        self.fields.push(Field { key, value });
    }
}

impl Visit for Parts {
    fn record_debug(&mut self, name: &Name, value: &dyn fmt::Debug) {
        let mut text = String::new();
        let _ = write!(text, "{value:?}");
        self.add(name, Value::Text(text));
    }

    fn record_str(&mut self, name: &Name, value: &str) {
        self.add(name, Value::Text(value.to_owned()));
    }

    fn record_i64(&mut self, name: &Name, value: i64) {
        self.add(name, Value::Bare(value.to_string()));
    }

    fn record_u64(&mut self, name: &Name, value: u64) {
        self.add(name, Value::Bare(value.to_string()));
    }

    fn record_bool(&mut self, name: &Name, value: bool) {
        self.add(name, Value::Bare(value.to_string()));
    }

    fn record_error(&mut self, name: &Name, value: &(dyn std::error::Error + 'static)) {
        self.add(name, Value::Text(value.to_string()));
    }
}
