//! Metrics and status over HTTP.

use std::net::IpAddr;

/// The names of pilot's own metrics, sorted; a user metric cannot have one of them. Described in `docs/reference/metrics.md`.
pub const BUILT_IN_METRICS: [&str; 23] = [
    "containerpilot_control_http_requests",
    "containerpilot_events",
    "containerpilot_watch_instances",
    "pilot_build_info",
    "pilot_checks_unended",
    "pilot_consul_request_duration_seconds",
    "pilot_consul_requests_total",
    "pilot_event_loop_lag_seconds",
    "pilot_job_exits_total",
    "pilot_job_restarts_total",
    "pilot_job_run_duration_seconds",
    "pilot_job_starts_total",
    "pilot_log_lines_lost_total",
    "pilot_probe_duration_seconds",
    "pilot_probes_total",
    "pilot_stop_step_duration_seconds",
    "pilot_task_panics_total",
    "process_cpu_seconds_total",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "process_virtual_memory_bytes",
];

/// The `telemetry` block. v3 spec section 9.1. What is advertised is a job, [`super::TELEMETRY_JOB`].
#[derive(Clone, Debug, PartialEq)]
pub struct Telemetry {
    /// Port of `/metrics` and `/status`; 0 is a random one and no registration.
    pub port: u16,
    /// The only address that is listened on.
    pub address: IpAddr,
    /// User metrics; their exposed names differ from each other.
    pub metrics: Vec<Metric>,
    /// Names that a request's `Host` may have, besides addresses and names that no public site has.
    pub hosts: Vec<String>,
}

/// A user metric. v3 spec section 9.3.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// First part of the exposed name, may be empty.
    pub namespace: String,
    /// Second part, may be empty.
    pub subsystem: String,
    /// Last part.
    pub name: String,
    /// Help text, never empty.
    pub help: String,
    /// What a value does.
    pub kind: MetricKind,
    /// Names of the labels that a recording may give values to.
    pub labels: Vec<String>,
}

impl Metric {
    /// What Prometheus sees: the parts that are not empty, joined by `_`.
    pub fn exposed_name(&self) -> String {
        let parts = [&self.namespace, &self.subsystem, &self.name];
        parts.map(String::as_str).into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_")
    }

    /// The only key that v3 records under: both underscores, whatever is empty (its issue #569).
    pub fn v3_key(&self) -> String {
        format!("{}_{}_{}", self.namespace, self.subsystem, self.name)
    }
}

/// Kind of a user metric.
#[derive(Clone, Debug, PartialEq)]
pub enum MetricKind {
    /// Adds.
    Counter,
    /// Sets.
    Gauge,
    /// Observes into buckets.
    Histogram {
        /// Upper bounds, growing, without the infinite one.
        buckets: Vec<f64>,
    },
    /// Observes into quantiles.
    Summary {
        /// Between 0 and 1, growing.
        quantiles: Vec<f64>,
    },
}

impl MetricKind {
    /// v3's buckets.
    pub const BUCKETS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
    /// v3's quantiles.
    pub const QUANTILES: [f64; 3] = [0.5, 0.9, 0.99];
}
