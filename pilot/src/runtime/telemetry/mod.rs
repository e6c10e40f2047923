//! Telemetry: pilot's own metrics, the user's, and three pages over HTTP that show and never change anything.
//!
//! Who counts calls a method of [`Meters`] where the thing happens; without telemetry that is one look at a flag. Every
//! label has a bounded number of values. Nothing here decides, and no request reaches the rules: the state comes as a
//! [`Snapshot`](super::view::Snapshot). v3 spec section 9; each family is described in `docs/reference/metrics.md`.

mod host;
mod key;
mod meters;
mod number;
mod page;
mod page_cache;
mod process;
mod quantiles;
mod reading;
mod serve;
mod status;
mod summary;
#[cfg(test)]
mod tests;
mod user;

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use prometheus::TextEncoder;

pub use meters::{Looked, Meters};
pub use serve::Listening;
use user::UserMetrics;

use super::view::Viewer;
use pilot_core::plan;

/// What is counted, recorded and shown; clones are handles to the same.
#[derive(Clone)]
pub struct Telemetry(Arc<Inner>);

struct Inner {
    meters: Meters,
    user: Mutex<UserMetrics>,
    viewer: Viewer,
    pages: page_cache::Pages,
    /// pilot's own host name.
    own_name: String,
    /// Further names that `Host` may have.
    hosts: RwLock<Vec<String>>,
}

impl Telemetry {
    /// Counts with these meters, shows what this viewer sees, and has no user metrics yet.
    pub fn new(meters: Meters, viewer: Viewer) -> Self {
        let own_name = nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let (user, pages, hosts) = (Mutex::default(), page_cache::Pages::default(), RwLock::default());
        Telemetry(Arc::new(Inner { meters, user, viewer, pages, own_name, hosts }))
    }

    /// Takes the user metrics of another configuration: if one of them is different, all of them begin at zero, and those
    /// that are not in it are gone. Built-in metrics keep counting. v3 spec 9.3.
    pub fn define(&self, telemetry: Option<&plan::Telemetry>) {
        let hosts = telemetry.map(|telemetry| telemetry.hosts.clone()).unwrap_or_default();
        *self.0.hosts.write().unwrap_or_else(PoisonError::into_inner) = hosts;
        let metrics = telemetry.map(|telemetry| telemetry.metrics.as_slice()).unwrap_or_default();
        let mut user = self.0.user.lock().unwrap_or_else(PoisonError::into_inner);
        if !user.are(metrics) {
            *user = UserMetrics::new(metrics);
        }
    }

    /// Records a value for a user metric, as `-putmetric KEY=VALUE` asks for. A key that no metric has is ignored, as in
    /// v3; a value that the metric cannot take is an ERROR line.
    pub fn record(&self, key: &str, value: &str) {
        if let Err(error) = self.0.user.lock().unwrap_or_else(PoisonError::into_inner).record(key, value) {
            tracing::error!("{error}");
        }
    }

    /// All metrics in Prometheus' text format, sorted by name.
    fn text(&self) -> Result<String, prometheus::Error> {
        let mut families = self.0.meters.gather();
        families.extend(self.0.user.lock().unwrap_or_else(PoisonError::into_inner).gather());
        families.sort_by(|one, other| one.name().cmp(other.name()));
        TextEncoder::new().encode_to_string(&families)
    }
}
