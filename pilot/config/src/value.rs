//! A parsed document: JSON5 values, each with its place. Numbers are 64-bit floats, as in v3, NaN and Infinity included.

use pilot_core::number::plain;

/// A value and the byte offset of its first character.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Value {
    pub at: usize,
    pub kind: Kind,
    /// A part of it is the value of a variable, and not to be repeated.
    pub rendered: bool,
}

/// The value itself.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Value>),
    /// In the order of the text; a key may occur twice.
    Object(Vec<Member>),
}

/// A key of an object and its value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Member {
    pub key: String,
    /// Byte offset of the key.
    pub at: usize,
    pub value: Value,
}

impl Value {
    /// What it is, as the end of the sentence "must be text, not …".
    pub fn shape(&self) -> String {
        match &self.kind {
            Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) if self.rendered => HIDDEN.into(),
            Kind::Null => "null".into(),
            Kind::Bool(value) => value.to_string(),
            Kind::Number(value) => plain(*value),
            Kind::Text(text) => quoted(text),
            Kind::List(_) => "a list".into(),
            Kind::Object(_) => "an object".into(),
        }
    }

    /// The text of a scalar as v3's weak typing reads it: `true` is `1`, numbers have no exponent.
    pub fn weak_text(&self) -> Option<String> {
        match &self.kind {
            Kind::Text(text) => Some(text.clone()),
            Kind::Bool(value) => Some(if *value { "1" } else { "0" }.into()),
            Kind::Number(value) => Some(plain(*value)),
            Kind::Null | Kind::List(_) | Kind::Object(_) => None,
        }
    }

    /// Whether the value of a variable is in it, however deep.
    pub fn holds_rendered(&self) -> bool {
        self.rendered
            || match &self.kind {
                Kind::List(items) => items.iter().any(Value::holds_rendered),
                Kind::Object(members) => members.iter().any(|member| member.value.holds_rendered()),
                Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => false,
            }
    }

    /// The name of a job, watch or service for messages, if it has one that may be repeated.
    pub fn shown_name(&self) -> Option<String> {
        let name = self.member("name").filter(|name| !name.rendered)?;
        name.weak_text().filter(|name| !name.is_empty())
    }

    /// The last value under `key`, in any letter case.
    pub fn member(&self, key: &str) -> Option<&Value> {
        match &self.kind {
            Kind::Object(members) => members.iter().rev().find(|m| m.key.eq_ignore_ascii_case(key)).map(|m| &m.value),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::List(_) => None,
        }
    }
}

/// What stands for a value that is not to be repeated.
pub(super) const HIDDEN: &str = "***";

/// A text in quotes for a message, cut when it is long.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{:?}...", text.get(..end).unwrap_or_default()),
        None => format!("{text:?}"),
    }
}
