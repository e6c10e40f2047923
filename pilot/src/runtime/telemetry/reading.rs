//! A metric whose value is read when somebody asks for it, because it is known elsewhere.

use std::collections::HashMap;

use prometheus::core::{Collector, Desc};
use prometheus::proto::{Counter, Gauge, Metric, MetricFamily, MetricType};

/// A gauge or a counter without labels. Absent while there is nothing to read.
pub(super) struct Reading<F> {
    desc: Desc,
    kind: MetricType,
    read: F,
}

impl<F: Fn() -> Option<f64>> Reading<F> {
    pub fn counter(name: &str, help: &str, read: F) -> prometheus::Result<Self> {
        Reading::new(name, help, MetricType::COUNTER, read)
    }

    pub fn gauge(name: &str, help: &str, read: F) -> prometheus::Result<Self> {
        Reading::new(name, help, MetricType::GAUGE, read)
    }

    fn new(name: &str, help: &str, kind: MetricType, read: F) -> prometheus::Result<Self> {
        let desc = Desc::new(name.to_owned(), help.to_owned(), Vec::new(), HashMap::new())?;
        Ok(Reading { desc, kind, read })
    }
}

impl<F: Fn() -> Option<f64> + Send + Sync> Collector for Reading<F> {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let metric = (self.read)().map(|value| {
            let (mut counter, mut gauge, mut metric) = (Counter::default(), Gauge::default(), Metric::default());
            counter.set_value(value);
            gauge.set_value(value);
            metric.set_counter(counter);
            metric.set_gauge(gauge);
            metric
        });
        let mut family = MetricFamily::default();
        family.set_name(self.desc.fq_name.clone());
        family.set_help(self.desc.help.clone());
        family.set_field_type(self.kind);
        family.set_metric(metric.into_iter().collect());
        vec![family]
    }
}
