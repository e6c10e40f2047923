//! The manual is true: its examples load. That it names every key, the room `keys` sees to.

use super::*;
use crate::committed;
use crate::keys::manual::PAGES;

#[test]
fn every_example_of_the_manual_is_a_plan_without_warnings() {
    let manual = PAGES.map(committed::text).concat();
    let examples: Vec<&str> = manual.split("```json5\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(examples.len() >= 11, "{}", examples.len());
    for example in examples {
        let loaded = load("manual", example, &machine(&[]));
        assert!(loaded.plan.is_some() && loaded.diagnostics.is_empty(), "{}", loaded.report(example));
    }
}
