//! What a configuration is rendered and resolved with: environment, host name, addresses of this machine.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::IpAddr;
use std::path::Path;

use tz::TimeZone;

use crate::runtime::output::local_zone;
use crate::runtime::task_address::task_addresses;
use pilot_config::{Interfaces, Loaded, Question, Surroundings, Task, Zones, examine, load};

fn text(text: OsString) -> String {
    text.to_string_lossy().into_owned()
}

/// The environment with `CONTAINERPILOT_PID` (v3 spec 1.5): the template's data.
pub(super) fn variables() -> BTreeMap<String, String> {
    let mut env: BTreeMap<String, String> =
        std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect();
    env.insert("CONTAINERPILOT_PID".to_owned(), std::process::id().to_string());
    env
}

/// These variables, the host name and every address.
fn surroundings(env: BTreeMap<String, String>) -> Surroundings {
    let hostname = nix::unistd::gethostname().map(text).unwrap_or_default();
    let (interfaces, task) = (Interfaces::new(interfaces), Task::new(task_addresses));
    Surroundings { env, hostname, interfaces, task, zones: Zones(zone) }
}

fn zone(name: &str) -> Option<TimeZone> {
    match name {
        "" => Some(local_zone()),
        // Known without any data.
        "UTC" => Some(TimeZone::utc()),
        name => TimeZone::from_posix_tz(name).ok(),
    }
}

fn interfaces() -> Vec<(String, IpAddr)> {
    let Ok(addresses) = nix::ifaddrs::getifaddrs() else { return Vec::new() };
    addresses
        .filter_map(|entry| {
            let address = entry.address?;
            let v4 = address.as_sockaddr_in().map(|address| IpAddr::V4(address.ip()));
            let ip = v4.or_else(|| address.as_sockaddr_in6().map(|address| IpAddr::V6(address.ip())))?;
            Some((entry.interface_name, ip))
        })
        .collect()
}

/// Renders, parses and validates with this machine's surroundings.
pub(super) fn loaded(path: &Path, text: &str) -> Loaded {
    loaded_with(path, text, variables())
}

/// The same with variables that are not those pilot was started with.
pub(super) fn loaded_with(path: &Path, text: &str, env: BTreeMap<String, String>) -> Loaded {
    load(&path.display().to_string(), text, &surroundings(env))
}

/// The same, and looks at what it means.
pub(super) fn examined(path: &Path, text: &str, question: &Question) -> Loaded {
    examine(&path.display().to_string(), text, &surroundings(variables()), question)
}
