//! The `telemetry` block (v3 spec 9.1, 9.3).

use std::collections::BTreeMap;

use pilot_core::plan::{BUILT_IN_METRICS, Job, Metric, MetricKind, TELEMETRY_JOB, Telemetry};

use super::block::Block;
use super::loose::{Field, list_of};
use super::value::{Kind, Member, Value};
use super::{Surroundings, address, jobs, keys};

const PORT: u16 = 9090;
const KINDS: [&str; 4] = ["counter", "gauge", "histogram", "summary"];
/// From one heartbeat to the next, and the time Consul waits for one, in seconds.
const HEARTBEAT: [f64; 2] = [5.0, 15.0];

/// Reads the `telemetry` block and makes the job that stands for it; `None` if it is not an object or has no address.
pub(super) fn read(field: &Field<'_>, surroundings: &Surroundings, registers: bool) -> Option<(Telemetry, Job)> {
    let block = field.block(&keys::TELEMETRY)?;
    let port = block.get("port").and_then(|field| field.port()).unwrap_or(PORT);
    let metrics = block.get("metrics").and_then(|field| metrics(&field)).unwrap_or_default();
    let mut tags = block.get("tags").and_then(|field| field.texts()).unwrap_or_default();
    tags.push(env!("CARGO_PKG_VERSION").to_owned());
    let hosts = block.get("hosts").and_then(|field| field.texts()).unwrap_or_default();
    let address = address::among_interfaces(&block, surroundings)?;
    let telemetry = Telemetry { port, address, metrics, hosts };
    let job = job(field, &telemetry, tags, (surroundings, registers))?;
    Some((telemetry, job))
}

/// As in v3, telemetry is advertised by a job like any other (v3 spec 9.1), so it is read like any other.
fn job(
    field: &Field<'_>,
    telemetry: &Telemetry,
    tags: Vec<String>,
    (surroundings, registers): (&Surroundings, bool),
) -> Option<Job> {
    let at = field.value.at;
    let value = |kind| Value { at, kind, rendered: false };
    let text = |text: String| value(Kind::Text(text));
    let object = |members: Vec<(&str, Value)>| {
        let member = |(key, value): (&str, Value)| Member { key: key.to_owned(), at, value };
        value(Kind::Object(members.into_iter().map(member).collect()))
    };
    let [interval, ttl] = HEARTBEAT.map(|seconds| value(Kind::Number(seconds)));
    let written = object(vec![
        ("name", text(TELEMETRY_JOB.to_owned())),
        ("port", value(Kind::Number(telemetry.port.into()))),
        ("interfaces", text(format!("static:{}", telemetry.address))),
        ("tags", value(Kind::List(tags.into_iter().map(text).collect()))),
        ("health", object(vec![("interval", interval), ("ttl", ttl)])),
    ]);
    jobs::read(&Field { value: &written, ..field.clone() }, surroundings, registers)
}

fn metrics(field: &Field<'_>) -> Option<Vec<Metric>> {
    let mut metrics: Vec<Option<Metric>> = Vec::new();
    let mut places = BTreeMap::new();
    for item in field.items()? {
        let Some(metric) = metric(&item) else { continue };
        let name = metric.exposed_name();
        if let Some(earlier) = places.insert(name.clone(), metrics.len()) {
            item.warn(format!("replaces an earlier metric {name:?}"), "remove one of them");
            metrics[earlier] = None;
        }
        metrics.push(Some(metric));
    }
    Some(metrics.into_iter().flatten().collect())
}

fn metric(field: &Field<'_>) -> Option<Metric> {
    let block = field.block(&keys::METRIC)?;
    let text = |key| block.get(key).and_then(|field| field.text()).unwrap_or_default();
    let (namespace, subsystem, name) = (text("namespace"), text("subsystem"), text("name"));
    let kind = kind(&block);
    let help = text("help");
    if help.is_empty() {
        block.missing("help", "is needed: a metric without a help text cannot be exposed", "write what it counts");
    }
    let labels = block.get("labels").and_then(|field| labels(&field)).unwrap_or_default();
    let metric = Metric { namespace, subsystem, name, help, kind: kind?, labels };
    let exposed = metric.exposed_name();
    let place = block.get("name").unwrap_or_else(|| block.field.clone());
    if metric.name.is_empty() {
        block.missing("name", "is needed", "write `name: \"requests\"`");
    } else if !is_metric_name(&exposed) {
        place.error(
            format!("makes the metric {exposed:?}, which is not a valid name"),
            "use letters, digits, `_` and `:` only, and do not begin with a digit",
        );
    } else if BUILT_IN_METRICS.contains(&exposed.as_str()) {
        place.error(
            format!("makes the metric {exposed:?}, which is one of pilot's own"),
            "choose another name, or add a namespace",
        );
    }
    Some(metric)
}

/// Names of labels, which Prometheus restricts.
fn labels(field: &Field<'_>) -> Option<Vec<String>> {
    let mut labels = Vec::new();
    for item in field.items()? {
        let Some(label) = item.text() else { continue };
        if !is_label_name(&label) {
            item.error(
                format!("{label:?} cannot be the name of a label"),
                "use letters, digits and `_`, do not begin with a digit or `__`; `le` and `quantile` are taken",
            );
        } else if labels.contains(&label) {
            item.error(format!("{label:?} is a label already"), "remove one of them");
        }
        labels.push(label);
    }
    Some(labels)
}

/// Numbers that grow from one to the next, each within the limits.
fn growing(field: &Field<'_>, within: impl Fn(f64) -> bool, remedy: &str) -> Option<Vec<f64>> {
    let mut numbers: Vec<f64> = Vec::new();
    for item in field.items()? {
        let number = item.number()?;
        if !within(number) {
            item.error(format!("cannot be {}", item.value.shape()), remedy);
        } else if numbers.last().is_some_and(|last| *last >= number) {
            item.error("is not greater than the one before", "write them in growing order, each once");
        }
        numbers.push(number);
    }
    if numbers.is_empty() {
        field.error("is empty", remedy);
    }
    Some(numbers)
}

fn kind(block: &Block<'_>) -> Option<MetricKind> {
    let words = list_of(KINDS);
    let Some(field) = block.get("type") else {
        block.missing("type", "is needed", format!("write {words}"));
        return None;
    };
    let buckets = block.get("buckets").map(|field| growing(&field, f64::is_finite, "write upper bounds: [0.1, 1, 10]"));
    let between = |number| number > 0.0 && number < 1.0;
    let quantiles =
        block.get("quantiles").map(|field| growing(&field, between, "write numbers between 0 and 1: [0.5, 0.95]"));
    // Unlike everywhere else letter case matters.
    let word = match &field.value.kind {
        Kind::Text(text) => text.as_str(),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::List(_) | Kind::Object(_) => "",
    };
    for (key, owner) in [("buckets", "histogram"), ("quantiles", "summary")] {
        if let Some(field) = block.get(key).filter(|_| word != owner) {
            field.warn(format!("has no effect: only a {owner} has them"), "remove it, or change the type");
        }
    }
    match word {
        "counter" => Some(MetricKind::Counter),
        "gauge" => Some(MetricKind::Gauge),
        "histogram" => Some(MetricKind::Histogram { buckets: buckets.unwrap_or(Some(MetricKind::BUCKETS.into()))? }),
        "summary" => Some(MetricKind::Summary { quantiles: quantiles.unwrap_or(Some(MetricKind::QUANTILES.into()))? }),
        _ => {
            field.error(format!("does not know {}", field.value.shape()), format!("write {words}"));
            None
        }
    }
}

fn is_metric_name(name: &str) -> bool {
    let starts = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
    name.starts_with(starts) && name.chars().all(|c| starts(c) || c.is_ascii_digit())
}

fn is_label_name(name: &str) -> bool {
    is_metric_name(name) && !name.contains(':') && !name.starts_with("__") && !["le", "quantile"].contains(&name)
}
