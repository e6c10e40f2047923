//! The `telemetry` block (v3 spec 9.1, 9.3) and the `control` block (8): read and validated, served by a later release.

use std::path::PathBuf;

use crate::core::plan::{Control, Metric, MetricKind, Telemetry};

use super::block::Block;
use super::value::Kind;
use super::weak::{Field, list_of};
use super::{Surroundings, address};

const SOCKET: &str = "/var/run/containerpilot.socket";
const PORT: u16 = 9090;
const KINDS: [(&str, MetricKind); 4] = [
    ("counter", MetricKind::Counter),
    ("gauge", MetricKind::Gauge),
    ("histogram", MetricKind::Histogram),
    ("summary", MetricKind::Summary),
];

/// Reads the `control` block, which may be absent.
pub(super) fn control(field: Option<Field<'_>>) -> Control {
    let socket = field.and_then(|field| field.block(&["socket"], &[])).and_then(|block| block.get("socket"));
    let path = socket.and_then(|field| {
        let path = field.text()?;
        if path.is_empty() {
            field.error("is empty", format!("write the path of a unix socket, or leave it out for {SOCKET}"));
        }
        Some(path)
    });
    Control { socket: PathBuf::from(path.unwrap_or_else(|| SOCKET.into())) }
}

/// Reads the `telemetry` block; `None` if it is not an object or has no address.
pub(super) fn read(field: &Field<'_>, surroundings: &Surroundings) -> Option<Telemetry> {
    let block = field.block(&["port", "interfaces", "tags", "metrics"], &["addr", "MetricConfigs", "JobConfig"])?;
    Some(Telemetry {
        port: block.get("port").and_then(|field| field.port(0)).unwrap_or(PORT),
        tags: block.get("tags").and_then(|field| field.texts()).unwrap_or_default(),
        metrics: block.get("metrics").and_then(|field| metrics(&field)).unwrap_or_default(),
        address: address::among_interfaces(&block, surroundings)?,
    })
}

fn metrics(field: &Field<'_>) -> Option<Vec<Metric>> {
    let mut metrics: Vec<Metric> = Vec::new();
    for item in field.items()? {
        let Some(metric) = metric(&item) else { continue };
        let same = |other: &Metric| exposed_name(other) == exposed_name(&metric);
        if metrics.iter().any(same) {
            item.warn(format!("replaces an earlier metric {:?}", exposed_name(&metric)), "remove one of them");
            metrics.retain(|other| !same(other));
        }
        metrics.push(metric);
    }
    Some(metrics)
}

fn metric(field: &Field<'_>) -> Option<Metric> {
    let known = ["namespace", "subsystem", "name", "help", "type"];
    let block = field.block(&known, &["fullName", "metricType", "collector"])?;
    let text = |key| block.get(key).and_then(|field| field.text()).unwrap_or_default();
    let (namespace, subsystem, name) = (text("namespace"), text("subsystem"), text("name"));
    let kind = kind(&block);
    let help = text("help");
    if help.is_empty() {
        block.missing("help", "is needed: a metric without a help text cannot be exposed", "write what it counts");
    }
    let metric = Metric { namespace, subsystem, name, help, kind: kind? };
    let exposed = exposed_name(&metric);
    let place = block.get("name").unwrap_or_else(|| block.field.clone());
    if metric.name.is_empty() {
        block.missing("name", "is needed", "write `name: \"requests\"`");
    } else if !is_metric_name(&exposed) {
        place.error(
            format!("makes the metric {exposed:?}, which is not a valid name"),
            "use letters, digits, `_` and `:` only, and do not begin with a digit",
        );
    }
    Some(metric)
}

fn kind(block: &Block<'_>) -> Option<MetricKind> {
    let words = list_of(KINDS.iter().map(|(word, _)| *word));
    let Some(field) = block.get("type") else {
        block.missing("type", "is needed", format!("write {words}"));
        return None;
    };
    // Unlike everywhere else letter case matters.
    let found = match &field.value.kind {
        Kind::Text(text) => KINDS.iter().find(|(word, _)| word == text).map(|(_, kind)| *kind),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::List(_) | Kind::Object(_) => None,
    };
    if found.is_none() {
        field.error(format!("does not know {}", field.value.shape()), format!("write {words}"));
    }
    found
}

/// The parts that are not empty, joined by `_`.
fn exposed_name(metric: &Metric) -> String {
    let parts = [&metric.namespace, &metric.subsystem, &metric.name];
    parts.map(String::as_str).into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_")
}

fn is_metric_name(name: &str) -> bool {
    let starts = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
    name.starts_with(starts) && name.chars().all(|c| starts(c) || c.is_ascii_digit())
}
