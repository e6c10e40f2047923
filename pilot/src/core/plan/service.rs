//! What a job advertises in the catalog.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// A service in the catalog. v3 spec section 5.7.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// `<job>-<hostname>`, unique in the agent.
    pub id: String,
    /// What others look it up by; the job's name unless the job says otherwise.
    pub name: String,
    /// Advertised port, never 0.
    pub port: u16,
    /// Advertised address.
    pub address: IpAddr,
    /// Tags, in the order of the file.
    pub tags: Vec<String>,
    /// Consul service `Meta`.
    pub meta: BTreeMap<String, String>,
    /// Consul `EnableTagOverride`.
    pub enable_tag_override: bool,
    /// Consul `DeregisterCriticalServiceAfter`, Go duration text.
    pub deregister_critical_after: Option<String>,
    /// Register with this status before the first check.
    pub initial_status: Option<CheckStatus>,
    /// Without a heartbeat for this long the catalog turns the check critical.
    pub ttl: Duration,
}

/// State of a Consul check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckStatus {
    /// `passing`
    Passing,
    /// `warning`
    Warning,
    /// `critical`
    Critical,
}

impl CheckStatus {
    /// Consul's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            CheckStatus::Passing => "passing",
            CheckStatus::Warning => "warning",
            CheckStatus::Critical => "critical",
        }
    }
}
