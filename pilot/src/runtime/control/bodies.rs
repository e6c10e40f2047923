//! The bodies of v3's POST requests, read as leniently and as strictly as v3 reads them (spec 8).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::ask::Sample;
use pilot_core::number::go_printed;
use pilot_core::plan::Secret;

/// `/v3/environ`: an object of texts; `null` is empty text. An error sets nothing.
pub(super) fn environment(body: &[u8]) -> Result<BTreeMap<String, Secret>, String> {
    let mut variables = BTreeMap::new();
    for (name, value) in object(body)? {
        let value = match value {
            Value::Null => String::new(),
            Value::String(text) => text,
            other => return Err(format!("the value of {name:?} is {}, not text", kind(&other))),
        };
        variables.insert(name, Secret::new(value));
    }
    Ok(variables)
}

/// `/v3/metric`: an object; every value becomes text as Go prints it.
pub(super) fn metrics(body: &[u8]) -> Result<Vec<Sample>, String> {
    Ok(object(body)?.into_iter().map(|(key, value)| sample(&key, &value)).collect())
}

/// v3 sends `key|value` over its bus and cuts it at each `|` there.
fn sample(key: &str, value: &Value) -> Sample {
    let event = format!("{key}|{}", printed(value));
    let mut parts = event.split('|').map(str::to_owned);
    let mut next = || parts.next().unwrap_or_default();
    Sample { key: next(), value: next() }
}

/// v3 takes `null` for an empty object, and repairs what is not UTF-8.
fn object(body: &[u8]) -> Result<Map<String, Value>, String> {
    match serde_json::from_str(&String::from_utf8_lossy(body)) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(Value::Null) => Ok(Map::new()),
        Ok(other) => Err(format!("the body is {}, not an object of keys and values", kind(&other))),
        // Only the place: the body may hold secrets.
        Err(error) => Err(format!("the body is not JSON: line {}, column {}", error.line(), error.column())),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Go's `%v`.
fn printed(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.as_f64().map_or_else(|| number.to_string(), go_printed),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(printed).collect::<Vec<_>>().join(" ")),
        Value::Object(members) => {
            let members = members.iter().map(|(key, value)| format!("{key}:{}", printed(value)));
            format!("map[{}]", members.collect::<Vec<_>>().join(" "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// v3 spec 8 and appendix A, PutEnv.
    #[test]
    fn an_environment_is_an_object_of_texts_or_nothing_of_it_is_set() {
        let good: [(&str, &[(&str, &str)]); 7] = [
            (r#"{"A": "1", "B": "x=y"}"#, &[("A", "1"), ("B", "x=y")]),
            (r#"{"A": ""}"#, &[("A", "")]),
            (r#"{"A": null}"#, &[("A", "")]),
            (r#"{"A": "null"}"#, &[("A", "null")]),
            (r#"{"A": "1", "A": "2"}"#, &[("A", "2")]),
            ("{}", &[]),
            ("null", &[]),
        ];
        for (body, want) in good {
            let want = want.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))).collect();
            assert_eq!(environment(body.as_bytes()), Ok(want), "{body}");
        }
        let bad = [
            (r#"{"A": "1", "B": 2}"#, "the value of \"B\" is a number, not text"),
            (r#"{"A": {}}"#, "the value of \"A\" is an object, not text"),
            (r#"["A=1"]"#, "the body is a list, not an object of keys and values"),
            (r#"{"A": "secret"#, "the body is not JSON: line 1, column 13"),
            ("", "the body is not JSON: line 1, column 0"),
        ];
        for (body, want) in bad {
            assert_eq!(environment(body.as_bytes()), Err(want.to_owned()), "{body}");
        }
        assert_eq!(environment(b"{\"A\": \"\xff\"}").unwrap()["A"].expose(), "\u{fffd}");
    }

    /// v3 spec 8, appendix A, metric post.
    #[test]
    fn metric_values_are_printed_as_go_prints_them() {
        let rows = [
            ("1.0", "1"),
            ("1000000", "1e+06"),
            ("-0.5", "-0.5"),
            ("123456789", "1.23456789e+08"),
            (r#""42""#, "42"),
            (r#""NaN""#, "NaN"),
            ("true", "true"),
            ("null", "<nil>"),
            (r#"[1, "a"]"#, "[1 a]"),
            (r#"{"a": 1}"#, "map[a:1]"),
        ];
        for (json, value) in rows {
            let got = metrics(format!(r#"{{"mymetric": {json}}}"#).as_bytes()).unwrap();
            assert_eq!(got, [Sample { key: "mymetric".into(), value: value.into() }], "{json}");
        }
        let two = metrics(br#"{"a": 1, "b": 2}"#).unwrap();
        assert_eq!(two.len(), 2);
        assert_eq!(metrics(br#"{"a|b": 1}"#).unwrap(), [Sample { key: "a".into(), value: "b".into() }]);
        assert_eq!(metrics(b"[]").unwrap_err(), "the body is a list, not an object of keys and values");
    }
}
