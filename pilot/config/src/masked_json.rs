//! A document as one line of JSON without its secrets, for the debug log (v3 spec 2.1, appendix B).
//!
//! What the file says after rendering, in its order and its words; defaults are not in it.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use pilot_core::number::plain;

use super::mask::{is_secret_key, without_password};
use super::value::{HIDDEN, Kind, Value};

/// The JSON text.
pub(super) fn json(document: &Value) -> String {
    // It can only fail for a map whose keys are no texts.
    serde_json::to_string(&Shown { value: document, hidden: false }).unwrap_or_default()
}

struct Shown<'a> {
    value: &'a Value,
    /// It is, or is inside, the value of a secret key.
    hidden: bool,
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match &self.value.kind {
            Kind::Null => to.serialize_unit(),
            Kind::Object(members) => {
                let mut map = to.serialize_map(Some(members.len()))?;
                for member in members {
                    let hidden = self.hidden || is_secret_key(&member.key);
                    map.serialize_entry(&member.key, &Shown { value: &member.value, hidden })?;
                }
                map.end()
            }
            Kind::List(items) => {
                let mut list = to.serialize_seq(Some(items.len()))?;
                for value in items {
                    list.serialize_element(&Shown { value, hidden: self.hidden })?;
                }
                list.end()
            }
            Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) if self.hidden || self.value.rendered => {
                to.serialize_str(HIDDEN)
            }
            Kind::Bool(value) => to.serialize_bool(*value),
            Kind::Number(value) => number(*value, to),
            Kind::Text(text) => to.serialize_str(&without_password(text)),
        }
    }
}

/// A whole number without a fraction; what JSON has no number for, as a word.
fn number<S: Serializer>(value: f64, to: S) -> Result<S::Ok, S::Error> {
    match plain(value).parse::<i64>() {
        Ok(whole) => to.serialize_i64(whole),
        Err(_) if value.is_finite() => to.serialize_f64(value),
        Err(_) => to.serialize_str(&plain(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::syntax::parse_rendered;
    use super::json;

    #[test]
    fn a_document_is_one_line_of_json_in_its_own_order_and_without_secrets() {
        for (text, shown) in [
            (
                "{consul: 'x:1', // where\n jobs: [{name: 'b', port: 80}, null]}",
                r#"{"consul":"x:1","jobs":[{"name":"b","port":80},null]}"#,
            ),
            ("{b: true, a: [1.5, -0x10, 1e30, NaN, -Infinity]}", r#"{"b":true,"a":[1.5,-16,1e+30,"NaN","-Inf"]}"#),
            ("{consul: {token: 'abc', tokenFile: '/t'}}", r#"{"consul":{"token":"***","tokenFile":"/t"}}"#),
            (
                "{http: {headers: {A: 'x', B: [1, null]}, url: 'http://u:geheim@h/'}}",
                r#"{"http":{"headers":{"A":"***","B":["***",null]},"url":"http://u:******@h/"}}"#,
            ),
            ("{a: 'line\\nnext \"q\"'}", r#"{"a":"line\nnext \"q\""}"#),
        ] {
            assert_eq!(json(&parse_rendered(text, &[]).unwrap()), shown);
        }
    }
}
