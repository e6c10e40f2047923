//! What a job advertises in the catalog.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// A service in the catalog. v3 spec section 5.7.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// Unique in the agent: `<job>-<hostname>` for a job's own service, `<service>-<port>-<hostname>` for further ones.
    pub id: String,
    /// What others look it up by; the job's name unless the job says otherwise.
    pub name: String,
    /// It goes into the catalog; otherwise only pilot knows of it.
    pub registered: bool,
    /// Advertised port, never 0.
    pub port: u16,
    /// Advertised address.
    pub address: IpAddr,
    /// Consul `TaggedAddresses`: further addresses by name, such as `wan`.
    pub tagged_addresses: BTreeMap<String, SocketAddr>,
    /// Tags, in the order of the file.
    pub tags: Vec<String>,
    /// Consul service `Meta`.
    pub meta: BTreeMap<String, String>,
    /// Consul `Weights`; without them Consul counts 1 and 1.
    pub weights: Option<Weights>,
    /// Consul `EnableTagOverride`.
    pub enable_tag_override: bool,
    /// Consul `DeregisterCriticalServiceAfter`, Go duration text.
    pub deregister_critical_after: Option<String>,
    /// Register with this status before the first check.
    pub initial_status: Option<CheckStatus>,
    /// Without a heartbeat for this long the catalog turns the check critical.
    pub ttl: Duration,
}

/// The share of requests that an instance gets in DNS answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weights {
    /// While its check passes, at least 1.
    pub passing: u16,
    /// While its check warns.
    pub warning: u16,
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
