//! What fuzzers call: one function for each border where bytes from outside come in. Each must return, whatever it is given.
//!
//! Compiled only with `--cfg fuzzing`; `make fuzz` runs each for a minute (docs/development/testing.md).

use std::collections::BTreeMap;

use crate::graph::Diagram;
use crate::runtime::{catalog, control, notify, probe};
use pilot_config::{Interfaces, Question, Surroundings, examine, fuzz_room};
use pilot_core::graph::Graph;

fn surroundings() -> Surroundings {
    let env = [("NAME", "value"), ("N", "3"), ("EMPTY", "")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let interfaces = || vec![("eth0".to_owned(), std::net::IpAddr::from([10, 0, 0, 7]))];
    let interfaces = Interfaces::new(interfaces);
    Surroundings { env: BTreeMap::from(env), hostname: "box".to_owned(), interfaces, ..Surroundings::default() }
}

/// A configuration: template, JSON5, every block, what `check` finds, and the diagrams of what is valid.
pub fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let question = Question { stop_budget: Some(std::time::Duration::from_secs(30)) };
    let loaded = examine("fuzz", text, &surroundings(), &question);
    let _ = (loaded.report(text), loaded.shown());
    if let Some(plan) = &loaded.plan {
        let graph = Graph::of(plan);
        let diagram = Diagram { plan, graph: &graph, now: None };
        let _ = (diagram.text(), diagram.svg());
    }
}

/// A template.
pub fn template(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = go_text_template::render(text, &surroundings().env);
    }
}

/// A length of time.
pub fn duration(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = fuzz_room::duration(text);
    }
}

/// An interface to advertise, with the addresses it is chosen from.
pub fn interfaces(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        fuzz_room::interfaces(text);
    }
}

/// Bodies and parameters of the control socket.
pub fn control(data: &[u8]) {
    control::fuzz(data);
}

/// A datagram to the readiness socket.
pub fn notify(data: &[u8]) {
    let _ = notify::message::parse(data);
}

/// Consul's answer to a question for the instances of a service.
pub fn catalog(data: &[u8]) {
    catalog::fuzz(data);
}

/// What a MySQL server says, from its greeting on.
pub fn mysql(data: &[u8]) {
    probe::fuzz(data);
}
