//! The table as a JSON Schema (2020-12), for editors.
//!
//! It takes what the reader takes, key by key, loose typing included. What it cannot say, the reader alone knows: how keys
//! go together, how long a time is or how large a fraction that is written as text, the inside of small languages (URLs,
//! cron, addresses), keys in another letter case, and lists at the top that are none, which v3 passes over. A test
//! generates documents and holds the two equal but for these.

use serde_json::{Map, Value, json};

use nix::sys::signal::Signal;
use pilot_core::event::Code;

use super::patterns::{TIME, any_case, integer, up_to};
use super::{Form, Key, Least, Object, Since, TOP};
use crate::durations::LONGEST_SECONDS;

/// Names of events that v3 takes and never sees.
pub(crate) const UNSEEN: [&str; 3] = ["quit", "SIGHUP", "SIGUSR2"];

/// The schema of a whole document.
pub(crate) fn schema() -> Value {
    let mut shared = Map::new();
    let mut schema = object(&TOP, &mut shared);
    if let Value::Object(schema) = &mut schema {
        schema.insert("$schema".into(), "https://json-schema.org/draft/2020-12/schema".into());
        schema.insert("title".into(), "pilot configuration".into());
        let text = "Configuration of pilot, and of ContainerPilot 3, after its template is rendered.";
        schema.insert("description".into(), text.into());
        schema.insert("$defs".into(), Value::Object(shared));
    }
    schema
}

type Shared = Map<String, Value>;

/// An object, or a reference to one that stands in several places.
fn object(object: &'static Object, shared: &mut Shared) -> Value {
    if object.shared.is_empty() {
        return described(object, shared);
    }
    if !shared.contains_key(object.shared) {
        let schema = described(object, shared);
        shared.insert(object.shared.into(), schema);
    }
    json!({ "$ref": format!("#/$defs/{}", object.shared) })
}

fn described(object: &'static Object, shared: &mut Shared) -> Value {
    let mut properties = Map::new();
    for key in object.keys() {
        properties.insert(key.name.into(), property(key, shared));
    }
    for name in object.ignored {
        let text = "Ignored, as in ContainerPilot 3.";
        properties.insert((*name).into(), json!({ "deprecated": true, "description": text }));
    }
    let needed: Vec<&str> = object.keys().filter(|key| key.is_needed()).map(|key| key.name).collect();
    let mut schema = json!({ "type": "object", "additionalProperties": false, "properties": properties });
    if let (false, Value::Object(schema)) = (needed.is_empty(), &mut schema) {
        schema.insert("required".into(), json!(needed));
    }
    schema
}

fn property(key: &'static Key, shared: &mut Shared) -> Value {
    let mut schema = of(key.form, shared);
    let Value::Object(members) = &mut schema else { return schema };
    if key.is_needed() {
        if matches!(key.form, Form::Text | Form::Language(_)) {
            members.insert("minLength".into(), 1.into());
        }
    } else if let Some(Value::Array(types)) = members.get_mut("type") {
        types.push("null".into());
    } else if let Some(Value::Array(ways)) = members.get_mut("anyOf") {
        ways.push(json!({ "type": "null" }));
    } else {
        schema = json!({ "anyOf": [schema, { "type": "null" }] });
    }
    if let (false, Value::Object(members)) = (key.says.is_empty(), &mut schema) {
        let addition = if key.since == Since::V3 { "" } else { " (Not in ContainerPilot 3.)" };
        let text = format!("{} Type: {}. Default: {}.{addition}", key.says, key.words, key.default);
        members.insert("description".into(), plain(&text).into());
    }
    schema
}

fn of(form: Form, shared: &mut Shared) -> Value {
    match form {
        Form::Any => json!({}),
        Form::Text | Form::Language("") => json!({ "type": ["string", "number", "boolean"] }),
        Form::Filled => json!({ "type": ["string", "number", "boolean"], "minLength": 1 }),
        Form::Language(pattern) => json!({ "type": ["string", "number", "boolean"], "pattern": pattern }),
        Form::Match(pattern) => json!({ "type": ["string"], "pattern": pattern }),
        Form::Word(words) => {
            let cases: Vec<String> = words.iter().map(|word| any_case(word)).collect();
            json!({ "anyOf": [{ "enum": words }, { "type": "string", "pattern": format!("^({})?$", cases.join("|")) }] })
        }
        Form::ExactWord(words) => json!({ "anyOf": [{ "enum": words }] }),
        Form::Event => {
            let known = Code::SELECTABLE.iter().map(|(name, _)| *name);
            let names: Vec<&str> = known.chain(UNSEEN).chain([""]).collect();
            json!({ "anyOf": [{ "enum": names }] })
        }
        Form::Integer(least, most) => whole(least, most, &integer(least, most)),
        Form::OptionalInteger(least, most) => whole(least, most, &format!("({})?", integer(least, most))),
        Form::Number(least, most) => {
            json!({ "type": ["number", "string"], "minimum": least, "maximum": most, "pattern": FRACTION })
        }
        Form::Growing(least, most) => {
            let item = json!({ "type": ["number", "string"], "exclusiveMinimum": least, "exclusiveMaximum": most, "pattern": FRACTION });
            json!({ "anyOf": [{ "type": "array", "minItems": 1, "items": item }] })
        }
        Form::Flag => flag(),
        Form::Time(least) => time(least),
        Form::TimeOr(least, word) => json!({ "anyOf": [{ "const": word }, time(least)] }),
        Form::TimeWithUnit => {
            json!({ "anyOf": [{ "type": "string", "pattern": format!("^([+-]?(0|({TIME})+))?$") }, { "enum": [0, false] }] })
        }
        Form::Seconds => {
            let pattern = format!("^[+-]?(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*|({TIME})+)$");
            json!({
                "type": ["number", "string", "boolean"], "minimum": 1, "exclusiveMaximum": LONGEST_SECONDS + 1,
                "pattern": pattern, "not": { "const": false }
            })
        }
        Form::Count => count(),
        Form::Bound => {
            let pattern = format!("^({}|[+]?0*({}))$", any_case("unlimited"), up_to(10, u64::MAX - 1));
            json!({ "type": ["integer", "string", "boolean"], "minimum": 0, "exclusiveMaximum": u64::MAX as f64, "pattern": pattern })
        }
        Form::Texts => list(&json!({ "type": ["string", "number", "boolean", "null"] })),
        Form::FilledTexts => json!({ "anyOf": [
            { "type": ["string", "number", "boolean"] },
            { "type": "array", "minItems": 1, "items": { "type": ["string", "number", "boolean", "null"] } }
        ] }),
        Form::List(item) => list(&of(*item, shared)),
        Form::Interfaces => {
            let Value::Object(mut list) = list(&json!({ "type": ["string", "number", "boolean"] })) else {
                return json!({});
            };
            if let Some(Value::Array(ways)) = list.get_mut("anyOf") {
                ways.push(json!({ "type": "string" }));
            }
            Value::Object(list)
        }
        Form::Command => json!({ "anyOf": [
            { "type": "string", "minLength": 1 },
            { "type": "array", "minItems": 1, "items": { "type": ["string", "number", "boolean", "null"] } }
        ] }),
        Form::Path => path(),
        Form::Paths => json!({ "anyOf": [path(), { "type": "array", "items": path() }] }),
        Form::FlagOrNames => {
            let name = json!({ "type": ["string", "number", "boolean"], "pattern": NAME });
            json!({ "anyOf": [flag(), { "type": "array", "items": name }] })
        }
        Form::Account => {
            let most = u32::MAX - 1;
            let pattern = format!(
                "^(0*({})|[\\p{{Alphabetic}}_][^\\s:/\\u0000-\\u001f\\u007f-\\u009f]*)$",
                up_to(10, most.into())
            );
            json!({ "type": ["integer", "string", "boolean"], "minimum": 0, "maximum": most, "pattern": pattern })
        }
        Form::Umask => {
            json!({ "type": ["integer", "string", "boolean"], "minimum": 0, "maximum": 777, "pattern": "^0*[0-7]{1,3}$" })
        }
        Form::Signal => {
            let names: Vec<String> =
                Signal::iterator().map(|signal| any_case(signal.as_str().trim_start_matches("SIG"))).collect();
            let pattern =
                format!("^(\\s*([+]?0*([1-9]|[12][0-9]|3[01])|({})?({}))\\s*)?$", any_case("SIG"), names.join("|"));
            json!({ "type": ["integer", "string", "boolean"], "minimum": 1, "maximum": 31, "pattern": pattern, "not": { "const": false } })
        }
        Form::Tcp => json!({
            "type": ["integer", "string", "boolean"], "minimum": 1, "maximum": 65535,
            "pattern": format!("^([+]?0*({})|.*:[0-9]+)$", up_to(10, 65535)), "not": { "const": false }
        }),
        Form::Status => {
            let code = "\\s*[+]?0*[1-5][0-9][0-9]\\s*";
            let one = json!({ "type": ["integer", "string"], "minimum": 100, "maximum": 599, "pattern": format!("^{code}(-{code})?$") });
            json!({ "anyOf": [one, { "type": "array", "minItems": 1, "items": one }] })
        }
        Form::Meta => json!({ "anyOf": [{
            "type": "object", "maxProperties": 64,
            "patternProperties": {
                "^(?!consul-)[A-Za-z0-9_-]{1,128}$": { "type": ["string", "number", "boolean", "null"], "maxLength": 512 }
            },
            "additionalProperties": { "type": "null" }
        }] }),
        Form::Headers => json!({ "anyOf": [{
            "type": "object",
            "patternProperties": {
                "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$": {
                    "type": ["string", "number", "boolean", "null"], "pattern": "^[^\\u0000-\\u0008\\u000a-\\u001f\\u007f-\\u009f]*$"
                }
            },
            "additionalProperties": { "type": "null" }
        }] }),
        Form::Object(inner) => object(inner, shared),
        Form::Objects(inner) => {
            let item = object(inner, shared);
            list(&item)
        }
        Form::Parts(inner) => {
            json!({ "anyOf": [{ "type": "array", "items": { "anyOf": [object(inner, shared), { "type": "null" }] } }] })
        }
        Form::Consul(inner) => {
            let text = json!({ "type": "string", "pattern": super::patterns::CONSUL_ADDRESS });
            json!({ "anyOf": [text, { "const": false }, object(inner, shared)] })
        }
        Form::Restarts(inner) => json!({ "anyOf": [count(), object(inner, shared)] }),
        Form::Notify(inner) => json!({ "anyOf": [flag(), object(inner, shared)] }),
        Form::Waits(inner) => json!({ "anyOf": [{ "type": "array", "minItems": 1, "items": object(inner, shared) }] }),
        Form::Limit(inner) => json!({ "anyOf": [of(Form::Bound, shared), object(inner, shared)] }),
        Form::Variables(inner) => {
            let text = json!({ "type": ["string", "number", "boolean", "null"], "pattern": "^[^\\u0000]*$" });
            json!({ "anyOf": [{
                "type": "object", "propertyNames": { "pattern": NAME },
                "additionalProperties": { "anyOf": [text, object(inner, shared)] }
            }] })
        }
        Form::Addresses(inner) => {
            let one = json!({ "anyOf": [object(inner, shared), { "type": "null" }] });
            json!({ "anyOf": [{ "type": "object", "additionalProperties": one }] })
        }
        Form::Probe(url, inner) => {
            json!({ "anyOf": [{ "type": "string", "pattern": url }, object(inner, shared)] })
        }
    }
}

const FRACTION: &str = "^[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?$";
/// Of a variable.
const NAME: &str = "^[^=\\u0000]+$";

/// A list; `{}` is an empty one.
fn list(item: &Value) -> Value {
    json!({ "anyOf": [{ "type": "array", "items": item }, { "type": "object", "maxProperties": 0 }] })
}

/// A whole number: a fraction is cut off, `true` is 1.
fn whole(least: i64, most: i64, pattern: &str) -> Value {
    let mut schema = json!({
        "type": ["number", "string", "boolean"], "exclusiveMaximum": most + 1, "pattern": format!("^({pattern})$")
    });
    if let Value::Object(members) = &mut schema {
        if least > 0 {
            members.insert("minimum".into(), least.into());
            members.insert("not".into(), json!({ "const": false }));
        } else {
            members.insert("exclusiveMinimum".into(), least.saturating_sub(1).into());
        }
    }
    schema
}

fn flag() -> Value {
    json!({ "type": ["boolean", "number", "string"], "pattern": "^(1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)?$" })
}

fn time(least: Least) -> Value {
    let from = match least {
        Least::Negative => -LONGEST_SECONDS,
        Least::Zero => 0,
        Least::Millisecond => 1,
    };
    let mut schema = json!({
        "type": ["integer", "string", "boolean"], "minimum": from, "maximum": LONGEST_SECONDS,
        "pattern": format!("^([+-]?([0-9]+|({TIME})+))?$")
    });
    if let (Least::Millisecond, Value::Object(members)) = (least, &mut schema) {
        members.insert("not".into(), json!({ "const": false }));
    }
    schema
}

fn count() -> Value {
    let pattern = format!("^(unlimited|never|[+]?0*({})|-0+)$", up_to(10, i64::MAX.unsigned_abs()));
    json!({ "type": ["number", "string"], "minimum": 0, "exclusiveMaximum": 9_007_199_254_740_992_u64, "pattern": pattern })
}

fn path() -> Value {
    json!({ "type": ["string", "number", "boolean"], "pattern": "^[^\\u0000]+$" })
}

/// Without what only Markdown shows.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        let link = after.split_once("](").and_then(|(words, after)| Some((words, after.split_once(')')?.1)));
        match link.filter(|(words, _)| !words.contains(['[', '`'])) {
            Some((words, after)) => {
                out.push_str(before);
                out.push_str(words);
                rest = after;
            }
            None => {
                out.push_str(before);
                out.push('[');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out.replace("**+** ", "").replace('`', "")
}
