//! A parsed document: JSON5 values, each with its place. Numbers are 64-bit floats, as in v3, NaN and Infinity included.

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

/// Shortest decimal without an exponent, with Go's words for what is no number.
pub(super) fn plain(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.into();
    }
    value.to_string()
}

/// How Go prints a float in an argument list (`%v`): an exponent from a million up and below 0.0001.
pub(super) fn go_printed(value: f64) -> String {
    let shortest = format!("{value:e}");
    let Some((mantissa, exponent)) = shortest.split_once('e') else { return plain(value) };
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..6).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{mantissa}e{sign}{:02}", exponent.abs())
        }
        _ => plain(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_v3_writes_them() {
        for (number, text, argument) in [
            (5.0, "5", "5"),
            (1.5, "1.5", "1.5"),
            (8000.0, "8000", "8000"),
            (999_999.0, "999999", "999999"),
            (1_000_000.0, "1000000", "1e+06"),
            (1_234_567.0, "1234567", "1.234567e+06"),
            (0.0001, "0.0001", "0.0001"),
            (0.00001, "0.00001", "1e-05"),
            (-2e30, "-2000000000000000000000000000000", "-2e+30"),
            (0.0, "0", "0"),
            (f64::NAN, "NaN", "NaN"),
            (f64::INFINITY, "+Inf", "+Inf"),
        ] {
            assert_eq!(plain(number), text);
            assert_eq!(go_printed(number), argument);
        }
    }
}
