//! Metrics and status over HTTP.

use std::net::IpAddr;

/// The `telemetry` block. v3 spec section 9.1.
#[derive(Clone, Debug, PartialEq)]
pub struct Telemetry {
    /// Port of `/metrics` and `/status`; 0 is a random one and no registration.
    pub port: u16,
    /// The only address that is listened on.
    pub address: IpAddr,
    /// Tags of the service `containerpilot`.
    pub tags: Vec<String>,
    /// User metrics.
    pub metrics: Vec<Metric>,
}

/// A user metric. v3 spec section 9.3.
#[derive(Clone, Debug, PartialEq, Eq)]
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
}

/// Kind of a user metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Adds.
    Counter,
    /// Sets.
    Gauge,
    /// Observes into buckets.
    Histogram,
    /// Observes into quantiles.
    Summary,
}
