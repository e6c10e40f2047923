//! Typed readers with v3's weak typing (v3 spec 2.3): a [`Field`] is a value with its place and its name.
//!
//! A reader that cannot read reports why and gives nothing; the caller goes on with a default, so that all mistakes are
//! found. A reader never decides what a value means.

use std::time::Duration;

use super::diagnostic::{Rule, Severity};
use super::durations::{self, DurationError};
use super::issues::Issues;
use super::keys::{Form, Least};
use super::numbers::{go_bool, whole};
use super::value::{HIDDEN, Kind, Value, quoted};
use pilot_core::nearest::nearest;

/// A value, what it is called in messages, and where to report.
#[derive(Clone)]
pub(super) struct Field<'a> {
    pub value: &'a Value,
    pub issues: &'a Issues<'a>,
    /// Before the name in messages: `job "app": `, or nothing.
    pub who: String,
    /// The name in messages: `health.ttl`.
    pub name: String,
    /// The whole path: `jobs[1].health.ttl`.
    pub path: String,
    /// What the table of keys says it takes.
    pub form: Form,
}

impl<'a> Field<'a> {
    /// The whole document.
    pub fn root(value: &'a Value, issues: &'a Issues<'a>) -> Self {
        Field { value, issues, who: String::new(), name: String::new(), path: String::new(), form: Form::Any }
    }

    /// The same value, spoken of as `who`; names begin anew.
    pub fn called(mut self, who: String) -> Self {
        self.who = who + ": ";
        self.name.clear();
        self
    }

    /// Reports a mistake in this value: `complaint` goes on after the field's name.
    pub fn error(&self, complaint: impl AsRef<str>, remedy: impl Into<String>) {
        self.find(Severity::Error, Rule::Configuration, complaint.as_ref(), remedy.into());
    }

    /// Reports something that is probably not meant.
    pub fn warn(&self, complaint: impl AsRef<str>, remedy: impl Into<String>) {
        self.find(Severity::Warning, Rule::Configuration, complaint.as_ref(), remedy.into());
    }

    /// Reports a finding of a kind.
    pub fn find(&self, severity: Severity, rule: Rule, complaint: &str, remedy: String) {
        let subject = if self.name.is_empty() { self.who.trim_end_matches(' ') } else { &self.who };
        let space = if subject.is_empty() && self.name.is_empty() { "" } else { " " };
        let message = format!("{subject}{}{space}{complaint}", self.name);
        let remedy = Some(remedy).filter(|remedy| !remedy.is_empty());
        self.issues.add(severity, rule, self.value.at, &self.path, message, remedy);
    }

    /// Reports that this is of another kind than it must be.
    pub fn wrong_type(&self, wanted: &str, remedy: &str) {
        self.error(format!("must be {wanted}, not {}", self.value.shape()), remedy);
    }

    /// Text; numbers and booleans become text.
    pub fn text(&self) -> Option<String> {
        let text = self.value.weak_text();
        if text.is_none() {
            self.wrong_type("text", "write it in quotes");
        }
        text
    }

    /// The same for what begins with a number without a sign: -0 is 0.
    pub fn unsigned_text(&self) -> Option<String> {
        if self.value.kind == Kind::Number(0.0) { Some("0".to_owned()) } else { self.text() }
    }

    /// A whole number: numbers are truncated, booleans are 1 and 0, text is read like a number in Go (`0x1F`, `010`).
    pub fn whole(&self) -> Option<i64> {
        let read = whole(self.value);
        if read.is_none() {
            self.wrong_type("a whole number", "write a number without a unit");
        }
        read
    }

    /// A whole number in the range of the table of keys. `what` it must be and the remedy are for the message.
    pub fn integer<T: TryFrom<i64>>(&self, what: &str, remedy: &str) -> Option<T> {
        let whole = self.whole()?;
        let (Form::Integer(least, most) | Form::OptionalInteger(least, most)) = self.form else {
            debug_assert!(false, "{} is no integer in the table of keys", self.path);
            return None;
        };
        let number = T::try_from(whole).ok().filter(|_| (least..=most).contains(&whole));
        if number.is_none() {
            let range = match (least, most) {
                (i64::MIN, most) => format!("at most {most}"),
                (least, most) if most == i64::from(u32::MAX) => format!("at least {least}"),
                (least, most) => format!("{what}from {least} to {most}"),
            };
            let shown = if self.value.rendered { HIDDEN.to_owned() } else { whole.to_string() };
            self.error(format!("must be {range}, not {shown}"), remedy);
        }
        number
    }

    /// A port.
    pub fn port(&self) -> Option<u16> {
        self.integer("a port ", "write the port it listens on")
    }

    /// Any number.
    pub fn number(&self) -> Option<f64> {
        let read = match &self.value.kind {
            Kind::Number(number) => Some(*number),
            Kind::Text(text) => text.parse().ok(),
            Kind::Null | Kind::Bool(_) | Kind::List(_) | Kind::Object(_) => None,
        };
        let read = read.filter(|number: &f64| number.is_finite());
        if read.is_none() {
            self.wrong_type("a number", "write a number without a unit");
        }
        read
    }

    /// A number in the range of the table of keys.
    pub fn number_in_range(&self) -> Option<f64> {
        let number = self.number()?;
        let Form::Number(least, most) = self.form else {
            debug_assert!(false, "{} is no number in the table of keys", self.path);
            return None;
        };
        if (least..=most).contains(&number) {
            return Some(number);
        }
        let complaint = format!("must be from {least} to {most}, not {}", self.value.shape());
        self.error(complaint, "write a number in this range");
        None
    }

    /// A claim that is true or not.
    pub fn flag(&self) -> Option<bool> {
        let read = match &self.value.kind {
            Kind::Bool(value) => Some(*value),
            Kind::Number(number) => Some(*number != 0.0),
            Kind::Text(text) => go_bool(text).or(text.is_empty().then_some(false)),
            Kind::Null | Kind::List(_) | Kind::Object(_) => None,
        };
        if read.is_none() {
            self.wrong_type("true or false", "write true or false");
        }
        read
    }

    /// A list; `{}` is an empty one.
    pub fn items(&self) -> Option<Vec<Field<'a>>> {
        match &self.value.kind {
            Kind::List(items) => Some(items.iter().enumerate().map(|(index, item)| self.item(index, item)).collect()),
            Kind::Object(members) if members.is_empty() => Some(Vec::new()),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::Object(_) => {
                self.wrong_type("a list", "write it in brackets: [...]");
                None
            }
        }
    }

    fn item(&self, index: usize, value: &'a Value) -> Field<'a> {
        let form = if let Form::List(item) = self.form { *item } else { Form::Any };
        let (name, path) = (format!("{}[{index}]", self.name), format!("{}[{index}]", self.path));
        Field { value, issues: self.issues, who: self.who.clone(), name, path, form }
    }

    /// A list of texts; `null` in it is empty text.
    pub fn texts(&self) -> Option<Vec<String>> {
        let read = |item: Field<'a>| if item.is_null() { Some(String::new()) } else { item.text() };
        self.items()?.into_iter().map(read).collect()
    }

    /// A part of this value in quotes for a message, if it may be repeated.
    pub fn quoted(&self, part: &str) -> String {
        if self.value.rendered { HIDDEN.to_owned() } else { quoted(part) }
    }

    /// `null`, which is the same as absent.
    pub fn is_null(&self) -> bool {
        self.value.kind == Kind::Null
    }

    /// Empty text, which v3 takes for absent where it reads a duration or an event.
    pub fn is_empty_text(&self) -> bool {
        matches!(&self.value.kind, Kind::Text(text) if text.is_empty())
    }

    /// A signed duration in nanoseconds: whole seconds or Go syntax.
    pub fn duration(&self) -> Option<i64> {
        let text = self.text()?;
        match durations::parse(&text) {
            Ok(nanos) => Some(nanos),
            Err(failure) => {
                // A unit that does not exist is a part of the value.
                let failure = if self.value.rendered { DurationError::NotADuration } else { failure };
                self.error(format!("{failure}: {}", self.value.shape()), duration_remedy(&failure));
                None
            }
        }
    }

    /// A length of time, as long as the table of keys says at least.
    pub fn length(&self) -> Option<Duration> {
        let nanos = self.duration()?;
        let (shortest, complaint) = match self.form {
            Form::Time(Least::Zero) => (Duration::ZERO, "must not be negative:"),
            Form::Time(Least::Millisecond) | Form::TimeOr(Least::Millisecond, _) => {
                (Duration::from_millis(1), "must be at least 1 millisecond, not")
            }
            _ => {
                debug_assert!(false, "{} is no length of time in the table of keys", self.path);
                return None;
            }
        };
        let length = u64::try_from(nanos).ok().map(Duration::from_nanos).filter(|length| *length >= shortest);
        if length.is_none() {
            self.error(format!("{complaint} {}", self.value.shape()), "write a time such as \"10s\"");
        }
        length
    }

    /// v3's whole seconds, at least one; as an addition also text with a unit, of at least `shortest`.
    pub fn seconds(&self, shortest: Duration, example: &str) -> Option<Duration> {
        let with_unit = match &self.value.kind {
            Kind::Text(text) if whole(self.value).is_none() => durations::parse_go(text).ok(),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::List(_) | Kind::Object(_) => None,
        };
        let (length, shortest, least) = match (with_unit, whole(self.value)) {
            (Some(nanos), _) if shortest < Duration::from_secs(1) => {
                (durations::positive(nanos), shortest, "1 millisecond")
            }
            (Some(nanos), _) => (durations::positive(nanos), shortest, "1 second"),
            (None, Some(seconds)) => {
                (u64::try_from(seconds).ok().map(Duration::from_secs), Duration::from_secs(1), "1 second")
            }
            (None, None) => {
                self.wrong_type("a whole number of seconds", &format!("write {example}"));
                return None;
            }
        };
        if length.is_some_and(|length| length.as_secs() > durations::LONGEST_SECONDS.unsigned_abs()) {
            self.error(format!("is longer than 292 years: {}", self.value.shape()), "write a shorter time");
            return None;
        }
        let length = length.filter(|length| *length >= shortest);
        if length.is_none() {
            self.error(format!("must be at least {least}, not {}", self.value.shape()), format!("write {example}"));
        }
        length
    }

    /// One of a few words, in any letter case.
    pub fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Option<T> {
        let Form::Word(_) = self.form else {
            debug_assert!(false, "{} is no word in the table of keys", self.path);
            return None;
        };
        let text = self.text()?;
        let found = choices.iter().find(|(word, _)| word.eq_ignore_ascii_case(&text)).map(|(_, choice)| *choice);
        if found.is_none() {
            let words = list_of(choices.iter().map(|(word, _)| *word));
            let remedy = match nearest(&text, choices.iter().map(|(word, _)| *word)) {
                Some(near) => format!("did you mean \"{near}\"? It takes {words}"),
                None => format!("write {words}"),
            };
            self.error(format!("does not know {}", self.value.shape()), remedy);
        }
        found
    }

    /// The members of an object with keys of the user's choice; `null` is the same as absent.
    pub fn pairs(&self) -> Vec<(String, Field<'a>)> {
        match &self.value.kind {
            Kind::Object(members) => {
                let fields = members.iter().map(|m| (m.key.clone(), self.member(&m.key, &m.value)));
                fields.filter(|(_, field)| !field.is_null()).collect()
            }
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::List(_) => Vec::new(),
        }
    }

    /// The value of a key of this object.
    pub fn member(&self, key: &str, value: &'a Value) -> Field<'a> {
        let join = |before: &str| if before.is_empty() { key.to_owned() } else { format!("{before}.{key}") };
        let (name, path) = (join(&self.name), join(&self.path));
        Field { value, issues: self.issues, who: self.who.clone(), name, path, form: Form::Any }
    }

    /// What is written under these keys, one inside the other; as far as they are there.
    pub fn within(&self, keys: &[&str]) -> Field<'a> {
        let Some((key, deeper)) = keys.split_first() else { return self.clone() };
        match self.value.member(key) {
            Some(value) if value.kind != Kind::Null => self.member(key, value).within(deeper),
            Some(_) | None => self.clone(),
        }
    }

    /// The elements of a list; of anything else none, without a word.
    pub fn elements(&self) -> Vec<Field<'a>> {
        match &self.value.kind {
            Kind::List(items) => items.iter().enumerate().map(|(index, item)| self.item(index, item)).collect(),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::Object(_) => Vec::new(),
        }
    }
}

/// What to write instead of a text that is no duration.
pub(super) fn duration_remedy(failure: &DurationError) -> &'static str {
    match failure {
        DurationError::NoUnit => "write a unit after each number: \"1.5s\", \"1h30m\"; only whole seconds go without",
        DurationError::UnknownUnit(_) => "units are ns, us, ms, s, m and h: \"48h\", \"1h30m\"",
        DurationError::NotADuration => "write seconds (10) or a time with a unit (\"500ms\", \"1h30m\")",
        DurationError::TooLong => "write a shorter time",
    }
}

/// `"a", "b" or "c"`.
pub(super) fn list_of<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| format!("\"{word}\"")).collect();
    match words.split_last() {
        Some((last, first)) if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        _ => words.concat(),
    }
}
