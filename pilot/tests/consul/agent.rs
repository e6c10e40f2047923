//! What the tests ask a real agent for.

use pilot_core::plan::{Consul as Settings, Service};
use pilot_test_support::Consul;

use crate::consul_at;

/// How pilot would reach it.
pub fn settings(agent: &Consul) -> Settings {
    consul_at(&format!("http://{}", agent.address()))
}

/// The status of a service's own check; `None` without it.
pub fn status_of(agent: &Consul, service: &Service) -> Option<String> {
    let checks = agent.get("/v1/agent/checks");
    checks[format!("service:{}", service.id)]["Status"].as_str().map(str::to_owned)
}
