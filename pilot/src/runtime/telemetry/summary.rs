//! Summaries, which the `prometheus` crate does not have: count, sum, and quantiles of the last ten minutes.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use prometheus::core::{Collector, Desc};
use prometheus::proto;

use super::quantiles::Window;

/// A family of summaries, one for each combination of label values.
pub(super) struct Summaries {
    desc: Desc,
    quantiles: Vec<f64>,
    series: Mutex<BTreeMap<Vec<String>, Series>>,
}

struct Series {
    window: Window,
    count: u64,
    sum: f64,
}

impl Summaries {
    /// A family without any series; the quantiles are between 0 and 1.
    pub fn new(name: &str, help: &str, labels: &[String], quantiles: &[f64]) -> prometheus::Result<Self> {
        let desc = Desc::new(name.to_owned(), help.to_owned(), labels.to_vec(), HashMap::new())?;
        Ok(Summaries { desc, quantiles: quantiles.to_vec(), series: Mutex::default() })
    }

    /// Makes the series of these label values exist.
    pub fn touch(&self, values: &[&str]) {
        self.with(values, |_, _| {});
    }

    /// Takes a value for these label values.
    pub fn observe(&self, values: &[&str], value: f64) {
        self.with(values, |series, now| {
            series.window.observe(value, now);
            series.count += 1;
            series.sum += value;
        });
    }

    fn with(&self, values: &[&str], change: impl FnOnce(&mut Series, Instant)) {
        let now = Instant::now();
        let mut all = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        let new = || Series { window: Window::new(&self.quantiles, now), count: 0, sum: 0.0 };
        change(all.entry(values).or_insert_with(new), now);
    }
}

impl Collector for Summaries {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<proto::MetricFamily> {
        let now = Instant::now();
        let mut all = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        let metrics = all.iter_mut().map(|(values, series)| {
            let quantiles = series.window.quantiles(now).into_iter().map(|(quantile, value)| {
                let mut shown = proto::Quantile::default();
                shown.set_quantile(quantile);
                shown.set_value(value);
                shown
            });
            let mut summary = proto::Summary::default();
            summary.set_sample_count(series.count);
            summary.set_sample_sum(series.sum);
            summary.set_quantile(quantiles.collect());
            let labels = self.desc.variable_labels.iter().zip(values).map(|(label, value)| {
                let mut pair = proto::LabelPair::default();
                pair.set_name(label.clone());
                pair.set_value(value.clone());
                pair
            });
            let mut metric = proto::Metric::from_label(labels.collect());
            metric.set_summary(summary);
            metric
        });
        let mut family = proto::MetricFamily::default();
        family.set_name(self.desc.fq_name.clone());
        family.set_help(self.desc.help.clone());
        family.set_field_type(proto::MetricType::SUMMARY);
        family.set_metric(metrics.collect());
        vec![family]
    }
}
