//! The metrics of the configuration, and the values that jobs record for them. v3 spec 9.3.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{CounterVec, GaugeVec, HistogramOpts, HistogramVec, Opts, Registry};

use super::key::Key;
use super::number::go_float;
use super::summary::Summaries;
use pilot_core::plan::{Metric, MetricKind};

/// Combinations of label values that one metric takes. They come from jobs, and each is memory for ever.
const MOST_SERIES: usize = 200;

/// Why a value was not recorded.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(super) enum RecordError {
    #[error("metric {name}: {value:?} is not a number and is not recorded")]
    NotANumber { name: String, value: String },
    #[error("metric {name}: {value} is not recorded, because a counter only grows; a gauge can go down")]
    NotGrowing { name: String, value: f64 },
    #[error("metric {name}: {key:?} is not recorded; labels are written {name}{{label:value,label:value}}")]
    NotLabels { name: String, key: String },
    #[error("metric {name}: there is no label {label:?}; add it to the metric's `labels`")]
    UnknownLabel { name: String, label: String },
    #[error("metric {name}: it has values for {MOST_SERIES} combinations of labels, and no more are taken")]
    TooManySeries { name: String },
}

/// All user metrics of one configuration.
#[derive(Default)]
pub(super) struct UserMetrics {
    definitions: Vec<Metric>,
    registry: Registry,
    metrics: Vec<UserMetric>,
    /// v3's keys, and exposed names where they are no v3 key of another metric.
    by_key: HashMap<String, usize>,
}

struct UserMetric {
    name: String,
    labels: Vec<String>,
    recorder: Recorder,
    series: HashSet<Vec<String>>,
}

enum Recorder {
    Counter(CounterVec),
    Gauge(GaugeVec),
    Histogram(HistogramVec),
    Summary(Arc<Summaries>),
}

impl UserMetrics {
    /// All of them at zero. One that cannot be registered is left out with an ERROR line.
    pub fn new(metrics: &[Metric]) -> Self {
        let mut all = UserMetrics { definitions: metrics.to_vec(), ..UserMetrics::default() };
        for metric in metrics {
            match Recorder::new(metric, &all.registry) {
                Ok(recorder) => all.add(metric, recorder),
                Err(error) => tracing::error!("metric {} is left out: {error}", metric.exposed_name()),
            }
        }
        // After all of them, so that a v3 key always wins.
        for (index, metric) in all.metrics.iter().enumerate() {
            all.by_key.entry(metric.name.clone()).or_insert(index);
        }
        all
    }

    /// Whether they are defined so.
    pub fn are(&self, metrics: &[Metric]) -> bool {
        self.definitions == metrics
    }

    fn add(&mut self, metric: &Metric, recorder: Recorder) {
        if metric.labels.is_empty() {
            recorder.touch();
        }
        self.by_key.insert(metric.v3_key(), self.metrics.len());
        let (name, labels) = (metric.exposed_name(), metric.labels.clone());
        self.metrics.push(UserMetric { name, labels, recorder, series: HashSet::new() });
    }

    /// Records a value. What v3 sent over its bus was `key|value`, and it looked at the first two parts of that.
    pub fn record(&mut self, key: &str, value: &str) -> Result<(), RecordError> {
        let mut parts = key.split('|').chain(value.split('|'));
        let (key, value) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let name = key.split('{').next().unwrap_or_default();
        let Some(metric) = self.by_key.get(name).and_then(|index| self.metrics.get_mut(*index)) else {
            tracing::debug!("no metric has the key {name:?}");
            return Ok(());
        };
        metric.record(key, value)
    }

    /// All of them as they are now.
    pub fn gather(&self) -> Vec<MetricFamily> {
        self.registry.gather()
    }
}

impl UserMetric {
    fn record(&mut self, key: &str, text: &str) -> Result<(), RecordError> {
        let name = || self.name.clone();
        let Some(value) = go_float(text) else {
            return Err(RecordError::NotANumber { name: name(), value: text.to_owned() });
        };
        let Some(key) = Key::parse(key) else {
            return Err(RecordError::NotLabels { name: name(), key: key.to_owned() });
        };
        if let Some((label, _)) = key.labels.iter().find(|(label, _)| !self.labels.iter().any(|known| known == label)) {
            return Err(RecordError::UnknownLabel { name: name(), label: (*label).to_owned() });
        }
        if matches!(self.recorder, Recorder::Counter(_)) && (value < 0.0 || value.is_nan()) {
            return Err(RecordError::NotGrowing { name: name(), value });
        }
        let given = |label: &String| key.labels.iter().rev().find(|(other, _)| other == label).map_or("", |(_, v)| *v);
        let values: Vec<&str> = self.labels.iter().map(given).collect();
        if !self.labels.is_empty() && !self.series.iter().any(|known| *known == values) {
            if self.series.len() >= MOST_SERIES {
                return Err(RecordError::TooManySeries { name: name() });
            }
            self.series.insert(values.iter().map(|value| (*value).to_owned()).collect());
        }
        self.recorder.record(&values, value);
        Ok(())
    }
}

impl Recorder {
    fn new(metric: &Metric, registry: &Registry) -> prometheus::Result<Self> {
        let (name, help) = (metric.exposed_name(), metric.help.clone());
        let labels: Vec<&str> = metric.labels.iter().map(String::as_str).collect();
        let collector: Box<dyn Collector>;
        let recorder = match &metric.kind {
            MetricKind::Counter => {
                let counter = CounterVec::new(Opts::new(name, help), &labels)?;
                collector = Box::new(counter.clone());
                Recorder::Counter(counter)
            }
            MetricKind::Gauge => {
                let gauge = GaugeVec::new(Opts::new(name, help), &labels)?;
                collector = Box::new(gauge.clone());
                Recorder::Gauge(gauge)
            }
            MetricKind::Histogram { buckets } => {
                let options = HistogramOpts::new(name, help).buckets(buckets.clone());
                let histogram = HistogramVec::new(options, &labels)?;
                collector = Box::new(histogram.clone());
                Recorder::Histogram(histogram)
            }
            MetricKind::Summary { quantiles } => {
                let summary = Arc::new(Summaries::new(&name, &help, &metric.labels, quantiles)?);
                collector = Box::new(Shared(Arc::clone(&summary)));
                Recorder::Summary(summary)
            }
        };
        registry.register(collector)?;
        Ok(recorder)
    }

    /// Makes a metric without labels visible before its first value.
    fn touch(&self) {
        const NONE: &[&str] = &[];
        match self {
            Recorder::Counter(counter) => drop(counter.with_label_values(NONE)),
            Recorder::Gauge(gauge) => drop(gauge.with_label_values(NONE)),
            Recorder::Histogram(histogram) => drop(histogram.with_label_values(NONE)),
            Recorder::Summary(summary) => summary.touch(NONE),
        }
    }

    fn record(&self, labels: &[&str], value: f64) {
        match self {
            Recorder::Counter(counter) => counter.with_label_values(labels).inc_by(value),
            Recorder::Gauge(gauge) => gauge.with_label_values(labels).set(value),
            Recorder::Histogram(histogram) => histogram.with_label_values(labels).observe(value),
            Recorder::Summary(summary) => summary.observe(labels, value),
        }
    }
}

/// A registry wants to own its collectors.
struct Shared(Arc<Summaries>);

impl Collector for Shared {
    fn desc(&self) -> Vec<&prometheus::core::Desc> {
        self.0.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.0.collect()
    }
}
