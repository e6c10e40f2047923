//! The table is complete, and its schema is one.

use serde_json::Value;

use super::schema::schema;
use super::*;
use crate::committed;

fn all(object: &'static Object, found: &mut Vec<(&'static Object, &'static Key)>) {
    for key in object.keys() {
        found.push((object, key));
        if let Some(inner) = key.form.object() {
            all(inner, found);
        }
    }
}

#[test]
fn every_key_says_something_and_is_there_once() {
    let mut found = Vec::new();
    all(&TOP, &mut found);
    assert!(found.len() > 180, "{}", found.len());
    for (object, key) in found {
        let same = object.keys().filter(|other| other.name.eq_ignore_ascii_case(key.name)).count();
        assert_eq!(same, 1, "{} in {}", key.name, object.home);
        let is_frame = key.form.object().is_some() && key.says.is_empty();
        let says = !key.says.is_empty() && !key.words.is_empty() && !key.default.is_empty();
        assert!(says || is_frame, "{} in {}", key.name, object.home);
    }
}

#[test]
fn the_resources_that_can_be_limited_are_all_there() {
    let known: Vec<&str> = pilot_core::plan::Resource::ALL.iter().map(|(name, _)| *name).collect();
    assert_eq!(LIMITS.names().collect::<Vec<_>>(), known);
}

#[test]
fn a_key_is_sent_home_only_if_its_home_is_the_only_one() {
    for (key, home) in [
        ("overlap", Some("`when`")),
        ("stopBudget", Some("the file itself")),
        ("restarts", Some("`jobs[]`")),
        ("nofile", Some("`limits`")),
        ("passing", Some("`weights`")),
        ("cafile", Some("`consul.tls`")),
        ("watchdog", Some("`notify`")),
        ("file", None),
        ("interval", None),
        ("tls", None),
        ("nonsense", None),
    ] {
        assert_eq!(home_of(key), home, "{key}");
    }
}

#[test]
fn the_schema_is_up_to_date() {
    committed::must_be("docs/reference/pilot.schema.json", &crate::schema());
}

pub(crate) fn complaints(document: &str) -> Vec<String> {
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
        "STATUS_PORT",
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
        "{ jobs: [{ name: 'a', port: '70000' }] }",
        "{ jobs: [{ name: 'a', when: { all: [{ source: 'x', twice: 'healthy' }] } }] }",
        "{ jobs: [{ name: 'a', health: { interval: 1, ttl: 5, http: { uri: 'x' } } }] }",
        "{ jobs: [{ name: 'a', health: { interval: 1, ttl: 5, failureThreshold: 0 } }] }",
        "{ jobs: [{ name: 'a', health: { interval: 1, mysql: { host: 'h', user: 'u', port: 70000 } } }] }",
        "{ jobs: [{ name: 'a', env: { A: { path: 'x' } } }] }",
        "{ consul: true }",
        "{ watches: [{ name: 'a' }] }",
        "{ telemetry: { metrics: [{ name: 'x', type: 'gauge' }] } }",
    ] {
        assert!(!complaints(document).is_empty(), "{document}");
    }
}
