//! The manual is true: its examples load, and it names every key.

use super::*;
use crate::config;

const MANUAL: &str = include_str!("../../../../docs/configuration.md");

#[test]
fn every_example_of_the_manual_is_a_plan_without_warnings() {
    let examples: Vec<&str> = MANUAL.split("```json5\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(examples.len() >= 11, "{}", examples.len());
    for example in examples {
        let loaded = load("manual", example, &machine(&[]));
        assert!(loaded.plan.is_some() && loaded.diagnostics.is_empty(), "{}", loaded.report(example));
    }
}

#[test]
fn every_key_is_in_the_manual() {
    let lists = [
        config::document::KEYS,
        config::jobs::KEYS,
        config::health::KEYS,
        config::process::KEYS,
        &config::limits::KEYS,
        config::when::KEYS,
        config::watches::KEYS,
        config::mysql::KEYS,
        config::consul::KEYS,
        config::consul::TLS_KEYS,
        config::control::KEYS,
        config::balancer::KEYS,
        config::balancer::DRAIN_KEYS,
        config::telemetry::KEYS,
        config::telemetry::METRIC_KEYS,
    ];
    for key in lists.into_iter().flatten() {
        let named = [format!("`{key}`"), format!("`{key}."), format!(".{key}`")];
        assert!(named.iter().any(|name| MANUAL.contains(name)), "{key}");
    }
}
