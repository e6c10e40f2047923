//! Typed readers with v3's weak typing (v3 spec 2.3): a [`Field`] is a value with its place and its name, a [`Block`] an
//! object whose keys are known.
//!
//! A reader that cannot read reports why and gives nothing; the caller goes on with a default, so that all mistakes are
//! found. A reader never decides what a value means.

use std::time::Duration;

use super::diagnostic::Severity;
use super::durations::{self, DurationError};
use super::issues::Issues;
use super::nearest::nearest;
use super::v2;
use super::value::{Kind, Value};

/// A value, what it is called in messages, and where to report.
#[derive(Clone)]
pub(super) struct Field<'a> {
    pub value: &'a Value,
    pub issues: &'a Issues<'a>,
    /// Before the name in messages: `job "app": `, or nothing.
    who: String,
    /// The name in messages: `health.ttl`.
    name: String,
    /// The whole path: `jobs[1].health.ttl`.
    path: String,
}

impl<'a> Field<'a> {
    /// The whole document.
    pub fn root(value: &'a Value, issues: &'a Issues<'a>) -> Self {
        Field { value, issues, who: String::new(), name: String::new(), path: String::new() }
    }

    /// The same value, spoken of as `who`; names begin anew.
    pub fn called(mut self, who: String) -> Self {
        self.who = who + ": ";
        self.name.clear();
        self
    }

    /// Reports a mistake in this value: `complaint` goes on after the field's name.
    pub fn error(&self, complaint: impl AsRef<str>, remedy: impl Into<String>) {
        self.report(Severity::Error, complaint.as_ref(), remedy.into());
    }

    /// Reports something that is probably not meant.
    pub fn warn(&self, complaint: impl AsRef<str>, remedy: impl Into<String>) {
        self.report(Severity::Warning, complaint.as_ref(), remedy.into());
    }

    fn report(&self, severity: Severity, complaint: &str, remedy: String) {
        let subject = if self.name.is_empty() { self.who.trim_end_matches(' ') } else { &self.who };
        let space = if subject.is_empty() && self.name.is_empty() { "" } else { " " };
        let message = format!("{subject}{}{space}{complaint}", self.name);
        let remedy = Some(remedy).filter(|remedy| !remedy.is_empty());
        self.issues.add(severity, self.value.at, &self.path, message, remedy);
    }

    fn wrong_type(&self, wanted: &str, remedy: &str) {
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

    /// A whole number: numbers are truncated, booleans are 1 and 0, text is read like a number in Go (`0x1F`, `010`).
    pub fn whole(&self) -> Option<i64> {
        let read = as_whole(self.value);
        if read.is_none() {
            self.wrong_type("a whole number", "write a number without a unit");
        }
        read
    }

    /// A whole number of 16 bits in a range.
    pub fn port(&self, lowest: u16) -> Option<u16> {
        let whole = self.whole()?;
        let port = u16::try_from(whole).ok().filter(|port| *port >= lowest);
        if port.is_none() {
            let from = if lowest == 0 { "0" } else { "1" };
            self.error(format!("must be a port from {from} to 65535, not {whole}"), "write the port it listens on");
        }
        port
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
        let name = format!("{}[{index}]", self.name);
        Field { value, issues: self.issues, who: self.who.clone(), name, path: format!("{}[{index}]", self.path) }
    }

    /// A list of texts; `null` in it is empty text.
    pub fn texts(&self) -> Option<Vec<String>> {
        let read = |item: Field<'a>| if item.is_null() { Some(String::new()) } else { item.text() };
        self.items()?.into_iter().map(read).collect()
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
                self.error(format!("{failure}: {}", self.value.shape()), duration_remedy(&failure));
                None
            }
        }
    }

    /// A duration of at least one millisecond.
    pub fn at_least_a_millisecond(&self) -> Option<Duration> {
        let nanos = self.duration()?;
        let duration = durations::positive(nanos).filter(|duration| *duration >= Duration::from_millis(1));
        if duration.is_none() {
            self.error(
                format!("must be at least 1 millisecond, not {}", self.value.shape()),
                "write a time such as \"10s\"",
            );
        }
        duration
    }

    /// A duration that may be zero, but not negative.
    pub fn not_negative(&self) -> Option<Duration> {
        let nanos = self.duration()?;
        let duration = u64::try_from(nanos).ok().map(Duration::from_nanos);
        if duration.is_none() {
            self.error(format!("must not be negative: {}", self.value.shape()), "write a time such as \"10s\"");
        }
        duration
    }

    /// v3's whole seconds, at least one; as an addition also text with a unit, of at least `shortest`.
    pub fn seconds(&self, shortest: Duration, example: &str) -> Option<Duration> {
        let with_unit = match &self.value.kind {
            Kind::Text(text) if as_whole(self.value).is_none() => durations::parse_go(text).ok(),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::List(_) | Kind::Object(_) => None,
        };
        let (length, shortest, least) = match (with_unit, as_whole(self.value)) {
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
        let length = length.filter(|length| *length >= shortest);
        if length.is_none() {
            self.error(format!("must be at least {least}, not {}", self.value.shape()), format!("write {example}"));
        }
        length
    }

    /// One of a few words, in any letter case.
    pub fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Option<T> {
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

    /// An object with these keys, in any letter case. Unknown keys are mistakes, except those that v3 ignores.
    pub fn block(&self, known: &[&'static str], ignored: &[&str]) -> Option<Block<'a>> {
        self.open(known, ignored, str::eq_ignore_ascii_case)
    }

    /// The same, but letter case matters (the top level).
    pub fn strict_block(&self, known: &[&'static str]) -> Option<Block<'a>> {
        self.open(known, &[], str::eq)
    }

    fn open(&self, known: &[&'static str], ignored: &[&str], same: fn(&str, &str) -> bool) -> Option<Block<'a>> {
        let Kind::Object(members) = &self.value.kind else {
            self.wrong_type("an object", "write it in braces: { key: value }");
            return None;
        };
        let mut block = Block { field: self.clone(), members: Vec::new() };
        for member in members {
            if let Some(key) = known.iter().find(|key| same(key, &member.key)) {
                let field = self.member(&member.key, &member.value);
                block.put(key, member.at, field, member.key == *key);
            } else if ignored.iter().any(|key| key.eq_ignore_ascii_case(&member.key)) {
                let complaint = "is ignored here, as ContainerPilot 3 ignored it";
                self.at_key(Severity::Warning, member.at, &member.key, complaint, "remove it".into());
            } else {
                self.unknown_key(member.at, &member.key, known);
            }
        }
        Some(block)
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

    fn member(&self, key: &str, value: &'a Value) -> Field<'a> {
        let join = |before: &str| if before.is_empty() { key.to_owned() } else { format!("{before}.{key}") };
        Field { value, issues: self.issues, who: self.who.clone(), name: join(&self.name), path: join(&self.path) }
    }

    fn unknown_key(&self, at: usize, key: &str, known: &[&'static str]) {
        if let Some(hint) = v2::hint(key) {
            let complaint = "is a key of ContainerPilot 2, which ContainerPilot 3 and pilot do not know";
            return self.at_key(Severity::Error, at, key, complaint, hint.to_owned());
        }
        let remedy = match nearest(key, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known here: {}", known.join(", ")),
        };
        self.at_key(Severity::Error, at, key, "is not a known key", remedy);
    }

    /// Reports about a key instead of its value.
    fn at_key(&self, severity: Severity, at: usize, key: &str, complaint: &str, remedy: String) {
        let name = if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) };
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        let message = format!("{}{name} {complaint}", self.who);
        self.issues.add(severity, at, &path, message, Some(remedy));
    }
}

/// An object whose keys are known.
pub(super) struct Block<'a> {
    /// The object itself.
    pub field: Field<'a>,
    members: Vec<(&'static str, Field<'a>)>,
}

impl<'a> Block<'a> {
    /// The value of a key; absent and `null` are the same.
    pub fn get(&self, key: &str) -> Option<Field<'a>> {
        self.members
            .iter()
            .find(|(name, _)| *name == key)
            .map(|(_, field)| field.clone())
            .filter(|field| !field.is_null())
    }

    /// The same, and empty text is absent too.
    pub fn filled(&self, key: &str) -> Option<Field<'a>> {
        self.get(key).filter(|field| !field.is_empty_text())
    }

    /// Reports that a key is needed and not there.
    pub fn missing(&self, key: &str, complaint: &str, remedy: impl Into<String>) {
        self.field.at_key(Severity::Error, self.field.value.at, key, complaint, remedy.into());
    }

    /// Keeps the last of several values; a key written in the exact letter case goes first, as in v3.
    fn put(&mut self, key: &'static str, at: usize, field: Field<'a>, exact: bool) {
        let Some((_, old)) = self.members.iter_mut().find(|(name, _)| *name == key) else {
            return self.members.push((key, field));
        };
        let complaint = "is given twice, and only one of them counts";
        self.field.at_key(Severity::Warning, at, key, complaint, "remove one of them".into());
        if exact || !old.path.ends_with(key) {
            *old = field;
        }
    }
}

fn as_whole(value: &Value) -> Option<i64> {
    match &value.kind {
        // 2^63 is the first float that does not fit.
        Kind::Number(number) if number.abs() < 9_223_372_036_854_775_808.0 => Some(number.trunc() as i64),
        Kind::Bool(value) => Some(i64::from(*value)),
        Kind::Text(text) => go_integer(text),
        Kind::Null | Kind::Number(_) | Kind::List(_) | Kind::Object(_) => None,
    }
}

/// Go 1.9's `ParseInt` with base 0: a leading `0x` is hexadecimal, another leading `0` octal.
fn go_integer(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits) = match digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        Some(digits) => (16, digits),
        None if digits.starts_with('0') && digits.len() > 1 => (8, digits),
        None => (10, digits),
    };
    // Another sign after ours is no digit.
    if !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    let number = i128::from_str_radix(digits, radix).ok()?;
    i64::try_from(if negative { -number } else { number }).ok()
}

/// Go's `ParseBool`.
pub(super) fn go_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
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
