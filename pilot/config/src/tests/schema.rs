//! The schema and the reader take the same values: every key of the table, with values of every kind in its place.
//!
//! What a schema cannot say is listed in [`beyond_a_schema`] and [`cross_key`], and nothing else is let pass.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::keys::schema::schema;
use crate::keys::*;

const ARN: &str = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/app/0123456789abcdef";

/// A document in which the members stand in this object, and the members it has anyhow.
pub(super) fn around(object: &'static Object, key: &str, members: Map<String, Value>) -> Value {
    let own = |mut given: Value| {
        if let Value::Object(given) = &mut given {
            given.extend(members.clone());
        }
        given
    };
    let job = |more: Value| {
        let mut job = json!({ "name": "app", "exec": "x", "port": 80, "health": { "interval": 1, "ttl": 5 } });
        if let (Value::Object(job), Value::Object(more)) = (&mut job, more) {
            job.extend(more);
        }
        json!({ "consul": "c", "jobs": [job] })
    };
    let health = |probe: Value| {
        let mut health = json!({ "interval": 1, "ttl": 5 });
        if let (Value::Object(health), Value::Object(probe)) = (&mut health, probe) {
            health.extend(probe);
        }
        job(json!({ "health": health }))
    };
    let is = |other: &'static Object| std::ptr::eq(object, other);
    let lonely = json!({ "name": "app", "exec": "x" });
    if is(&TOP) {
        own(json!({}))
    } else if is(&CONSUL) {
        json!({ "consul": own(json!({})) })
    } else if is(&CONSUL_TLS) {
        json!({ "consul": { "tls": own(json!({})) } })
    } else if is(&LOGGING) {
        json!({ "logging": own(json!({})) })
    } else if is(&CONTROL) {
        json!({ "control": own(json!({})) })
    } else if is(&TELEMETRY) {
        json!({ "consul": "c", "telemetry": own(json!({})) })
    } else if is(&METRIC) {
        json!({ "telemetry": { "metrics": [own(json!({ "name": "m", "help": "h", "type": "gauge" }))] } })
    } else if is(&JOB) {
        match key {
            // With a port the name is that of a service, and a health check is needed.
            "name" | "health" => json!({ "jobs": [own(lonely)] }),
            _ => job(own(json!({}))),
        }
    } else if is(&JOB_LOGGING) {
        job(json!({ "logging": own(json!({})) }))
    } else if is(&JOB_CONSUL) {
        job(json!({ "consul": own(json!({})) }))
    } else if is(&JOB_ADVERTISE) {
        job(json!({ "advertise": own(json!({})) }))
    } else if is(&JOB_WEIGHTS) {
        job(json!({ "weights": own(json!({})) }))
    } else if is(&WHEN) {
        let given = match key {
            "timezone" => json!({ "cron": "* * * * *" }),
            "overlap" => json!({ "interval": "1s" }),
            "source" | "timeout" => json!({ "once": "healthy", "source": "x" }),
            "once" | "each" => json!({ "source": "x" }),
            _ => json!({}),
        };
        job(json!({ "when": own(given) }))
    } else if is(&WAIT) {
        match key {
            "each" => job(json!({ "when": { "any": [own(json!({ "source": "x" }))] } })),
            _ => job(json!({ "when": { "any": [own(json!({ "source": "x", "once": "healthy" }))] } })),
        }
    } else if is(&RESTARTS) {
        let given = if key == "maxDelay" { json!({ "delay": 0 }) } else { json!({}) };
        job(json!({ "restarts": own(given) }))
    } else if is(&HEALTH) {
        match key {
            // Only `exec` and a service need one.
            "ttl" => json!({ "jobs": [{ "name": "a", "health": own(json!({ "interval": 1, "tcp": 80 })) }] }),
            _ => health(own(json!({}))),
        }
    } else if is(&CHECK_LOGGING) {
        health(json!({ "logging": own(json!({})) }))
    } else if is(&HTTP) {
        health(json!({ "http": own(json!({ "url": "/" })) }))
    } else if is(&MYSQL) {
        let given = if key == "socket" { json!({ "user": "u" }) } else { json!({ "host": "h", "user": "u" }) };
        health(json!({ "mysql": own(given) }))
    } else if is(&NOTIFY) {
        health(json!({ "notify": own(json!({})) }))
    } else if is(&LIMITS) {
        job(json!({ "limits": own(json!({})) }))
    } else if is(&LIMIT) {
        let other = if key == "soft" { json!({ "hard": "unlimited" }) } else { json!({ "soft": 0 }) };
        job(json!({ "limits": { "core": own(other) } }))
    } else if is(&VARIABLE) {
        job(json!({ "env": { "A": own(json!({ "file": "/f" })) } }))
    } else if is(&BALANCER) {
        job(json!({ "loadBalancer": own(json!({ "targetGroup": ARN })) }))
    } else if is(&DRAIN) {
        let given = if key == "max" { json!({ "min": 0 }) } else { json!({}) };
        job(json!({ "drain": own(given) }))
    } else if is(&SERVICE) {
        job(json!({ "services": [own(json!({ "name": "svc", "port": 81 }))] }))
    } else if is(&SERVICE_CONSUL) {
        job(json!({ "services": [{ "name": "svc", "port": 81, "consul": own(json!({})) }] }))
    } else if is(&SERVICE_ADVERTISE) {
        job(json!({ "services": [{ "name": "svc", "port": 81, "advertise": own(json!({})) }] }))
    } else if is(&SERVICE_WEIGHTS) {
        job(json!({ "services": [{ "name": "svc", "port": 81, "weights": own(json!({})) }] }))
    } else if is(&TAGGED) {
        job(json!({ "taggedAddresses": { "wan": own(json!({ "address": "10.0.0.1" })) } }))
    } else if is(&WATCH) {
        let given = if key == "timeout" {
            json!({ "name": "db", "interval": 1, "tcp": "h:1" })
        } else {
            json!({ "name": "db", "interval": 1 })
        };
        json!({ "consul": "c", "watches": [own(given)] })
    } else {
        panic!("{} has no document of its own here", object.home)
    }
}

/// Where a key is needed, or not, because of others.
fn cross_key(object: &'static Object, key: &str, value: &Value) -> bool {
    // Without `targetGroup` only `mode: "off"` is right.
    if value.is_null() && std::ptr::eq(object, &BALANCER) && key == "targetGroup" {
        return true;
    }
    if std::ptr::eq(object, &JOB) && key == "loadBalancer" {
        return value.as_object().is_some_and(|balancer| !balancer.contains_key("targetGroup"));
    }
    let absent = value.is_null() || value == "";
    absent
        && [
            // An entry of `all` and `any` has one event.
            (&raw const WAIT, "once"),
            (&raw const WAIT, "each"),
            // One of the two.
            (&raw const MYSQL, "host"),
            (&raw const MYSQL, "socket"),
        ]
        .contains(&(&raw const *object, key))
}

/// What the reader refuses and a schema cannot.
fn beyond_a_schema(form: Form, value: &Value) -> bool {
    let has_text = || match value {
        Value::String(_) => true,
        Value::Array(items) => items.iter().any(|item| !item.is_null()),
        Value::Object(members) => members.values().any(Value::is_string),
        _ => false,
    };
    match form {
        // Small languages.
        Form::Language(_) => !value.is_null(),
        Form::Interfaces | Form::Probe(..) | Form::Consul(_) | Form::Tcp => has_text(),
        // How long a time or how large a fraction in text is, and whether one code is above another.
        Form::Time(_) | Form::TimeOr(..) | Form::TimeWithUnit | Form::Seconds | Form::Number(..) | Form::Status => {
            has_text()
        }
        // The digits of a number.
        Form::Umask => value.is_number(),
        // The order of a list, or that nothing is in it twice.
        Form::Growing(..) | Form::List(_) => value.is_array(),
        // One of the two parts is there, and the hard one is not below the soft one.
        Form::Limit(_) => value.is_object(),
        // Consul counts bytes.
        Form::Meta => value.as_object().is_some_and(|meta| meta.values().any(|text| text.to_string().len() > 512)),
        _ => false,
    }
}

/// What the reader passes over and a schema does not.
fn passed_over(form: Form) -> bool {
    matches!(form, Form::Parts(_))
}

fn takes(document: &str) -> bool {
    loaded(document).diagnostics.iter().all(|found| found.severity != Severity::Error)
}

/// What the reader says of a document that it refuses.
fn reads(document: &str) -> Option<String> {
    let loaded = loaded(document);
    loaded.diagnostics.iter().any(|found| found.severity == Severity::Error).then(|| loaded.report(document))
}

/// Built once for all tests of a process.
static JUDGE: LazyLock<jsonschema::Validator> = LazyLock::new(|| jsonschema::draft202012::new(&schema()).unwrap());

fn compare(object: &'static Object, key: &'static Key, value: &Value) -> Result<(), String> {
    if cross_key(object, key.name, value) {
        return Ok(());
    }
    let document = around(object, key.name, [(key.name.to_owned(), value.clone())].into_iter().collect());
    let text = document.to_string();
    let (schema_takes, reader_takes) = (JUDGE.is_valid(&document), takes(&text));
    // What is wrong is only put into words for a difference, because that takes longer than the judging.
    if schema_takes && !reader_takes && !beyond_a_schema(key.form, value) {
        let report = reads(&text).unwrap_or_default();
        let what = "the schema takes what the reader refuses";
        return Err(format!("{}: {}: {what}: {text}\n{report}", object.home, key.name));
    }
    if reader_takes && !schema_takes && !passed_over(key.form) {
        let complaint = JUDGE.iter_errors(&document).next().map(|error| error.to_string()).unwrap_or_default();
        let what = "the reader takes what the schema refuses";
        return Err(format!("{}: {}: {what}: {text}\n{complaint}", object.home, key.name));
    }
    Ok(())
}

pub(super) fn all_keys() -> Vec<(&'static Object, &'static Key)> {
    fn collect(object: &'static Object, found: &mut Vec<(&'static Object, &'static Key)>) {
        for key in object.keys() {
            let known = |(other, known): &(&'static Object, &'static Key)| {
                std::ptr::eq(*other, object) && known.name == key.name
            };
            if !found.iter().any(known) {
                found.push((object, key));
                if let Some(inner) = key.form.object() {
                    collect(inner, found);
                }
            }
        }
    }
    let mut found = Vec::new();
    collect(&TOP, &mut found);
    found
}

/// Whether it takes a list of values, or an object whose names are the user's.
fn holds_values(form: Form) -> bool {
    matches!(
        form,
        Form::Growing(..)
            | Form::Texts
            | Form::FilledTexts
            | Form::List(_)
            | Form::Interfaces
            | Form::Command
            | Form::Paths
            | Form::FlagOrNames
            | Form::Status
            | Form::Meta
            | Form::Headers
            | Form::Variables(_)
            | Form::Addresses(_)
    )
}

/// Values at the edges of what any key takes.
fn edges(form: Form) -> Vec<Value> {
    let numbers: [f64; 36] = [
        -1.0,
        -0.5,
        0.0,
        0.1,
        0.5,
        1.0,
        1.5,
        8.0,
        27.0,
        31.0,
        32.0,
        99.0,
        100.0,
        255.0,
        256.0,
        599.0,
        600.0,
        777.0,
        778.0,
        1000.0,
        1001.0,
        65535.0,
        65535.5,
        65536.0,
        4_294_967_294.0,
        4_294_967_295.0,
        4_294_967_296.0,
        9_223_372_036.0,
        9_223_372_037.0,
        -9_223_372_036.0,
        -9_223_372_037.0,
        9_007_199_254_740_991.0,
        9_007_199_254_740_992.0,
        1e19,
        1e20,
        1e300,
    ];
    let texts = [
        "",
        " ",
        "a",
        "ab",
        "Ab",
        "a-b",
        "a b",
        "a.b",
        "a_b",
        "0",
        "1",
        "-1",
        "+1",
        "01",
        "08",
        "0x1F",
        "-0x0",
        "-0",
        "65535",
        "65536",
        "0xffff",
        "0x10000",
        "0177777",
        "0200000",
        "255",
        "256",
        "4294967295",
        "4294967296",
        "1.5",
        "1e3",
        ".5",
        "true",
        "T",
        "yes",
        "never",
        "unlimited",
        "UNLIMITED",
        "1s",
        "-1s",
        "999us",
        "1h30m",
        "10 s",
        "9223372036",
        "9223372037",
        "300000000h",
        "1d",
        "passing",
        "Passing",
        "warn",
        "DEBUG",
        "json",
        "stdout",
        "http",
        "https",
        "HTTPS",
        "self",
        "gauge",
        "Gauge",
        "restart",
        "verify-ca",
        "writer",
        "skip",
        "healthy",
        "Healthy",
        "quit",
        "SIGHUP",
        "SIGTERM",
        "term",
        " 15 ",
        "SIGSIGTERM",
        "RTMIN",
        "027",
        "1777",
        "0777",
        "200",
        "200-299",
        "299-200",
        "20",
        "GET",
        "G3T",
        "/path",
        "http://h:1/x",
        "http://h/a b",
        "connections",
        "mysql://u@h/d",
        "h:1",
        "h:0",
        ":1",
        "10.0.0.1",
        "10.0.0.0/8",
        "::1",
        "eth0",
        "lo",
        "static:1.2.3.4",
        "UTC",
        "* * * * *",
        "nginx",
        "_x",
        "1x",
        "é",
        "le",
        "__a",
        "consul-a",
        ARN,
        "a=b",
        "a\u{0}b",
        "a\nb",
        "a\tb",
    ];
    let mut values: Vec<Value> = vec![Value::Null, true.into(), false.into()];
    values.extend(
        numbers.map(
            |number| if number.fract() == 0.0 && number.abs() < 9e18 { json!(number as i64) } else { json!(number) },
        ),
    );
    values.extend(texts.map(Value::from));
    values.push("x".repeat(600).into());
    let scalars: Vec<Value> = values.clone();
    // Where neither a list nor an object of the user's own choice is taken, what is in it makes no difference.
    let inside = if holds_values(form) { scalars.as_slice() } else { &scalars[..5] };
    values.push(json!(-0.0));
    values.push(json!([]));
    values.push(json!({}));
    values.extend(inside.iter().map(|value| json!([value])));
    values.extend(inside.iter().map(|value| json!({ "a": value })));
    values.extend(inside.iter().filter_map(|value| Some(json!({ value.as_str()?: "x" }))));
    values.push(json!({ "consul-x": null, "a b": null }));
    values.push(json!([{}]));
    values.push(json!([[]]));
    values.push(json!([1, null, "a"]));
    values
}

#[test]
fn schema_and_reader_take_the_same_values_at_the_edges() {
    let mut wrong: Vec<String> = Vec::new();
    // The limits are one reader and one form by sixteen names.
    let one_limit = |object: &'static Object, key: &Key| !std::ptr::eq(object, &LIMITS) || key.name == "core";
    for (object, key) in all_keys().into_iter().filter(|(object, key)| one_limit(object, key)) {
        wrong.extend(edges(key.form).iter().filter_map(|value| compare(object, key, value).err()));
    }
    let shown = wrong.iter().enumerate().filter(|(at, _)| at % wrong.len().div_ceil(30).max(1) == 0);
    let shown: Vec<&str> = shown.map(|(_, difference)| difference.as_str()).collect();
    assert!(wrong.is_empty(), "{} differences, among them:\n{}", wrong.len(), shown.join("\n\n"));
}

/// The base documents are good for both, so that the value alone decides.
#[test]
fn what_stands_around_the_values_is_good() {
    for (object, key) in all_keys() {
        let document = around(object, key.name, Map::new());
        let text = document.to_string();
        let needs_more =
            [(&raw const WAIT, "each"), (&raw const MYSQL, "socket")].contains(&(&raw const *object, key.name));
        assert!(JUDGE.is_valid(&document), "{text}");
        assert!(needs_more || reads(&text).is_none(), "{text}: {:?}", reads(&text));
    }
}

#[test]
fn what_is_needed_is_needed_by_both_and_nothing_unknown_is_taken() {
    let mut seen = BTreeSet::new();
    for (object, key) in all_keys() {
        let unknown = around(object, key.name, [("zzz".to_owned(), json!(1))].into_iter().collect());
        assert!(!JUDGE.is_valid(&unknown) && reads(&unknown.to_string()).is_some(), "{unknown}");
        for ignored in object.ignored {
            let document =
                around(object, key.name, [((*ignored).to_owned(), json!({ "any": 1 }))].into_iter().collect());
            assert!(JUDGE.is_valid(&document), "{document}");
            assert!(reads(&document.to_string()).is_none(), "{document}");
        }
        if key.is_needed() && seen.insert((object.home, key.name)) {
            compare(object, key, &Value::Null).unwrap();
        }
    }
    assert!(seen.len() >= 14, "{seen:?}");
}

/// Text that looks like what keys take.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        "[+-]?(0[xX])?[0-9a-fA-F]{0,6}",
        "[+-]?[0-9]{0,20}",
        "([+-]?[0-9.]{1,4}(ns|us|ms|s|m|h|d)?){1,3}",
        "[0-9]{2,4}(-[0-9]{2,4})?",
        "[a-zA-Z_:@/.= -]{0,8}",
        "(SIG|sig)?[A-Z0-9+]{1,6}",
        // Two braces begin an action of the template, wherever they stand.
        "[^\\pC{]{0,5}",
    ]
}

fn values() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        3 => texts().prop_map(Value::from),
        1 => any::<i32>().prop_map(Value::from),
        1 => (0..70000).prop_map(Value::from),
        1 => any::<f64>().prop_filter("JSON has it", |number| number.is_finite()).prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
    ];
    prop_oneof![
        4 => scalar.clone(),
        1 => prop::collection::vec(scalar.clone(), 0..3).prop_map(Value::from),
        1 => prop::collection::btree_map(texts(), scalar, 0..3).prop_map(|map| Value::Object(map.into_iter().collect())),
    ]
}

proptest! {
    // Nothing is written next to the sources; what it finds goes among the edges.
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn schema_and_reader_take_the_same_values(picks in prop::collection::vec((any::<prop::sample::Index>(), values()), 60)) {
        let keys = all_keys();
        for (pick, value) in picks {
            let (object, key) = *pick.get(&keys);
            let compared = compare(object, key, &value);
            prop_assert!(compared.is_ok(), "{}", compared.unwrap_err());
        }
    }
}
