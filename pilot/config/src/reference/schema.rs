//! The reference as a JSON Schema (2020-12), for editors.
//!
//! It knows keys exactly and values loosely: any text may come from the template, and v3 takes numbers as text. What is wrong
//! beyond that, `pilot check` says.

use serde_json::{Map, Value, json};

use super::{Form, Since, children, keys, manual};
use crate::committed;
use pilot_core::event::Code;

const FILE: &str = "docs/reference/pilot.schema.json";
const NAMED: [&str; 5] = ["http", "mysql", "wait", "limit", "variable"];

fn schema() -> Value {
    let named: Map<String, Value> =
        NAMED.iter().map(|name| ((*name).to_owned(), object(&format!("#{name}")))).collect();
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "pilot configuration",
        "description": "Configuration of pilot, and of ContainerPilot 3, after its template is rendered.",
    });
    if let (Value::Object(schema), Value::Object(root)) = (&mut schema, object("")) {
        schema.extend(root);
        schema.insert("$defs".to_owned(), Value::Object(named));
    }
    schema
}

/// The schema of an object with its keys.
fn object(path: &str) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for child in children(path) {
        let whole = if path.is_empty() { child.clone() } else { format!("{path}.{child}") };
        let key = keys().find(|(path, _)| *path == whole).map(|(_, key)| key);
        let mut schema = match key {
            Some(key) => form(&whole, key.form),
            None => object(&whole),
        };
        if let (Some(key), Value::Object(schema)) = (key, &mut schema) {
            let addition = match key.since {
                Since::V3 => "",
                Since::Pilot => " (Not in ContainerPilot 3.)",
            };
            let text = format!("{} Type: {}. Default: {}.{addition}", key.says, key.words, key.default);
            schema.insert("description".to_owned(), Value::String(plain(&text)));
            if key.default == "needed" && key.name != "ttl" {
                required.push(child.clone());
            }
        }
        properties.insert(child, schema);
    }
    let mut schema = json!({ "type": "object", "additionalProperties": false, "properties": properties });
    if let (false, Value::Object(schema)) = (required.is_empty(), &mut schema) {
        schema.insert("required".to_owned(), json!(required));
    }
    schema
}

fn form(path: &str, form_of: Form) -> Value {
    let text = || json!({ "type": ["string", "number", "boolean"] });
    let texts = || json!({ "type": "array", "items": { "type": ["string", "number", "boolean", "null"] } });
    let words = |words: &[&str]| json!({ "anyOf": [{ "enum": words }, { "type": "string" }] });
    match form_of {
        Form::Text => text(),
        Form::Word(known) => words(known),
        Form::Event => words(&Code::SELECTABLE.map(|(name, _)| name)),
        Form::Integer(least, most) => {
            let mut schema = json!({ "type": ["integer", "string"] });
            if least > i64::MIN {
                schema["minimum"] = json!(least);
            }
            if most < i64::MAX {
                schema["maximum"] = json!(most);
            }
            schema
        }
        Form::Number(least, most) if least > f64::MIN => {
            json!({ "type": ["number", "string"], "minimum": least, "maximum": most })
        }
        Form::Number(..) => json!({ "type": ["number", "string"] }),
        Form::Bool => json!({ "anyOf": [{ "type": "boolean" }, { "type": ["string", "number"] }] }),
        Form::Duration | Form::Count | Form::TextOrNumber => json!({ "type": ["string", "integer"] }),
        Form::Seconds => json!({ "type": ["integer", "string"], "minimum": 1 }),
        Form::Texts => texts(),
        Form::TextOrTexts => json!({ "anyOf": [text(), texts()] }),
        Form::BoolOrTexts => json!({ "anyOf": [{ "type": "boolean" }, { "type": "string" }, texts()] }),
        Form::List(item) => json!({ "type": "array", "items": form(path, *item) }),
        Form::Map => json!({ "type": "object", "additionalProperties": text() }),
        Form::Object => object(path),
        Form::Objects => json!({ "type": "array", "items": object(&format!("{path}[]")) }),
        Form::Ref(name) => json!({ "anyOf": [{ "type": "string" }, { "$ref": format!("#/$defs/{name}") }] }),
        Form::Consul => json!({ "anyOf": [{ "type": "string" }, { "const": false }, object(path)] }),
        Form::Restarts => json!({
            "anyOf": [{ "enum": ["unlimited", "never"] }, { "type": ["integer", "string"], "minimum": 0 }, object(path)]
        }),
        Form::Notify => json!({ "anyOf": [{ "type": "boolean" }, { "type": "string" }, object(path)] }),
        Form::Tcp => json!({ "type": ["integer", "string"], "minimum": 1, "maximum": 65535 }),
        Form::Status => {
            let one = json!({ "type": ["integer", "string"] });
            json!({ "anyOf": [one, { "type": "array", "items": one }] })
        }
        Form::Waits => json!({ "type": "array", "minItems": 1, "items": { "$ref": "#/$defs/wait" } }),
        Form::Limit => json!({ "anyOf": [{ "type": ["integer", "string"] }, { "$ref": "#/$defs/limit" }] }),
        Form::Addresses => json!({
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "properties": { "address": { "type": "string" }, "port": { "type": ["integer", "string"] } },
                "required": ["address"],
                "additionalProperties": false
            }
        }),
        Form::Variables => json!({
            "type": "object",
            "additionalProperties": {
                "anyOf": [{ "type": ["string", "number", "boolean", "null"] }, { "$ref": "#/$defs/variable" }]
            }
        }),
    }
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

#[test]
fn the_schema_is_up_to_date() {
    committed::must_be(FILE, &(serde_json::to_string_pretty(&schema()).unwrap() + "\n"));
}

fn complaints(document: &str) -> Vec<String> {
    let validator = jsonschema::draft202012::new(&schema()).unwrap();
    let document: Value = json5::from_str(document).unwrap();
    validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn the_schema_is_a_schema() {
    jsonschema::draft202012::meta::validate(&schema()).unwrap();
}

#[test]
fn every_example_of_the_documentation_follows_the_schema() {
    let mut examples = 0;
    let pages = ["docs/guide/graph.md", "docs/reference/control-api.md", "docs/reference/metrics.md", "README.md"];
    for page in pages.iter().chain(&manual::PAGES) {
        let text = committed::text(page);
        for example in text.split("```json5\n").skip(1).filter_map(|rest| rest.split("```").next()) {
            let rendered = go_text_template::render(example, &Default::default()).unwrap();
            assert_eq!(complaints(&rendered), [""; 0], "{page}:\n{example}");
            examples += 1;
        }
    }
    assert!(examples >= 14, "{examples}");
}

#[test]
fn the_demo_follows_the_schema() {
    let names = [
        "APP",
        "PORT",
        "DEMO",
        "RUN_AS",
        "CONSUL_PORT",
        "CONSUL_SERVER_PORT",
        "CONSUL_SERF_PORT",
        "DB_PORT",
        "DB_PASSWD_FILE",
        "APP_PORT",
    ];
    let env = names.map(|name| (name.to_owned(), "500".to_owned())).into();
    for file in ["demo/pilot.json5", "demo/run.json5"] {
        let rendered = go_text_template::render(&committed::text(file), &env).unwrap();
        assert_eq!(complaints(&rendered), [""; 0], "{file}");
    }
}

#[test]
fn the_schema_complains_of_wrong_keys_and_kinds() {
    for document in [
        "{ job: [] }",
        "{ jobs: [{ name: 'a', helth: {} }] }",
        "{ jobs: [{ exec: 'a' }] }",
        "{ jobs: {} }",
        "{ jobs: [{ name: 'a', port: 70000 }] }",
        "{ jobs: [{ name: 'a', when: { all: [{ source: 'x', twice: 'healthy' }] } }] }",
        "{ jobs: [{ name: 'a', health: { interval: 1, ttl: 5, http: { uri: 'x' } } }] }",
        "{ jobs: [{ name: 'a', env: { A: { path: 'x' } } }] }",
        "{ consul: true }",
        "{ watches: [{ name: 'a' }] }",
        "{ telemetry: { metrics: [{ name: 'x', type: 'gauge' }] } }",
    ] {
        assert!(!complaints(document).is_empty(), "{document}");
    }
}
