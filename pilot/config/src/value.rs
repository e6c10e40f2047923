//! A parsed document: JSON5 values, each with its place. Numbers are 64-bit floats, as in v3, NaN and Infinity included.

use pilot_core::number::plain;

/// A value and the byte offset of its first character.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Value {
    pub at: usize,
    pub kind: Kind,
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

    /// The last value under `key`, in any letter case.
    pub fn member(&self, key: &str) -> Option<&Value> {
        match &self.kind {
            Kind::Object(members) => members.iter().rev().find(|m| m.key.eq_ignore_ascii_case(key)).map(|m| &m.value),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::List(_) => None,
        }
    }
}

/// A text in quotes for a message, cut when it is long.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{:?}...", text.get(..end).unwrap_or_default()),
        None => format!("{text:?}"),
    }
}
