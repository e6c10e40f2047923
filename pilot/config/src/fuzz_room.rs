//! For fuzzers: the small languages inside of a configuration, which nobody else needs from outside of this room.

use super::{durations, interfaces};

/// Any text as a length of time; both forms agree on what both accept.
pub fn duration(text: &str) {
    let (whole, go) = (durations::parse(text), durations::parse_go(text));
    assert!(
        text.is_empty() || go.is_err() || whole == go || text.trim_start_matches(['+', '-']).parse::<u64>().is_ok()
    );
}

/// Any text as a list of specs, one a line, with the addresses of some machine.
pub fn interfaces(text: &str) {
    let machine: Vec<(String, std::net::IpAddr)> = ["10.0.0.7", "127.0.0.1", "::1", "fd00::7"]
        .iter()
        .enumerate()
        .filter_map(|(number, address)| Some((format!("eth{number}"), address.parse().ok()?)))
        .collect();
    let specs: Vec<_> = text.lines().filter_map(|line| interfaces::parse(line).ok()).collect();
    let chosen = interfaces::choose(&specs, &machine);
    assert!(chosen.is_none() || !specs.is_empty());
}
