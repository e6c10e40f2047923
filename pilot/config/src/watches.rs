//! The `watches` list (v3 spec 7), with another service name and native probes as additions.

use std::time::Duration;

use pilot_core::plan::{Watch, WatchTarget};

use super::block::Block;
use super::issues::Issues;
use super::keys;
use super::loose::Field;
use super::probe;
use super::service::is_service_name;
use super::value::Kind;

const PROBES: [&str; 3] = ["http", "tcp", "mysql"];

#[derive(Clone, Copy)]
enum FirstLook {
    Now,
    Interval,
}

const FIRST_LOOKS: [(&str, FirstLook); 2] = [("now", FirstLook::Now), ("interval", FirstLook::Interval)];

/// Reads one watch. `None` if it is not an object (reported).
pub(super) fn read(field: &Field<'_>) -> Option<Watch> {
    let called = field.value.shown_name();
    let block = match called {
        Some(name) => field.clone().called(format!("watch {name:?}")),
        None => field.clone(),
    }
    .block(&keys::WATCH)?;
    let name = block.filled("name").and_then(|field| field.text()).unwrap_or_default();
    match block.filled("name") {
        None => block.missing("name", "is needed", "write the name of the service that is watched"),
        Some(field) if !is_service_name(&name) => field.error(
            format!("{} cannot be used", field.value.shape()),
            "begin with a small letter and use letters, digits and `-` only, at least two; for another name in Consul add `service`",
        ),
        Some(_) => {}
    }
    let interval = block.get("interval").map(|field| field.seconds(Duration::from_millis(1), "`interval: 10`"));
    if interval.is_none() {
        block.missing("interval", "is needed", "write the seconds from one look to the next: `interval: 10`");
    }
    let interval = interval.flatten().unwrap_or(Duration::from_secs(1));
    let text = |key| block.filled(key).and_then(|field| field.text());
    let target = match probing(&block, interval) {
        Some(target) => target?,
        None => WatchTarget::Service {
            service: text("service").unwrap_or_else(|| name.clone()),
            tag: text("tag"),
            datacenter: text("dc"),
        },
    };
    let first_look = match block.filled("initial").and_then(|field| field.choice(&FIRST_LOOKS)) {
        Some(FirstLook::Now) => Duration::ZERO,
        Some(FirstLook::Interval) | None => interval,
    };
    let min_interval = block.filled("minInterval").and_then(|field| field.length()).unwrap_or(interval);
    Some(Watch { name, target, interval, first_look, min_interval })
}

/// v3 looks for the first time when one interval has passed. A file that says what v3 cannot say has no such history, and
/// nobody waits without need. Called when everything has been read.
pub(super) fn settle_first_looks(watches: &mut [(Field<'_>, Watch)], issues: &Issues<'_>) {
    if !issues.has_additions.get() {
        return;
    }
    for (place, watch) in watches {
        let written = place.value.member("initial").is_some_and(|value| !matches!(value.kind, Kind::Null));
        if !written {
            watch.first_look = Duration::ZERO;
        }
    }
}

/// The probe of a watch that has one; `Some(None)` if it is wrong.
fn probing(block: &Block<'_>, interval: Duration) -> Option<Option<WatchTarget>> {
    if !PROBES.iter().any(|key| block.get(key).is_some()) {
        if let Some(field) = block.get("timeout") {
            field.error("has no meaning for a service in Consul", "remove it, or add http, tcp or mysql");
        }
        return None;
    }
    for key in ["service", "tag", "dc", "initial", "minInterval"] {
        if let Some(field) = block.get(key) {
            field.error("has no meaning beside a probe, which does not ask Consul", "remove it, or the probe");
        }
    }
    let timeout = block.filled("timeout").map_or(Some(interval), |field| field.length());
    let probe = probe::read(block, &PROBES, Err("a watch has no port of its own"));
    Some(probe.zip(timeout).map(|(probe, timeout)| WatchTarget::Probe { probe, timeout }))
}
