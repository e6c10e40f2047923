//! What goes over the wire, in Consul's names. v3 spec section 5.7: fields are absent when empty, `Checks` is a literal null.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use pilot_core::effect::Instance;
use pilot_core::plan::{self, CheckStatus, Service};

/// Body of `PUT /v1/agent/service/register`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Registration<'a> {
    #[serde(rename = "ID")]
    id: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tags: &'a [String],
    port: u16,
    address: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tagged_addresses: BTreeMap<&'a str, TaggedAddress>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    enable_tag_override: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    meta: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weights: Option<Weights>,
    check: Check<'a>,
    checks: (),
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TaggedAddress {
    address: String,
    port: u16,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Weights {
    passing: u16,
    warning: u16,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Check<'a> {
    #[serde(rename = "TTL")]
    ttl: String,
    status: &'static str,
    notes: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    deregister_critical_service_after: Option<&'a str>,
}

impl<'a> Registration<'a> {
    pub(super) fn new(service: &'a Service, status: CheckStatus) -> Self {
        Registration {
            id: &service.id,
            name: &service.name,
            tags: &service.tags,
            port: service.port,
            address: service.address.to_string(),
            tagged_addresses: service
                .tagged_addresses
                .iter()
                .map(|(name, at)| (name.as_str(), TaggedAddress { address: at.ip().to_string(), port: at.port() }))
                .collect(),
            enable_tag_override: service.enable_tag_override,
            meta: &service.meta,
            weights: service.weights.map(|plan::Weights { passing, warning }| Weights { passing, warning }),
            check: Check {
                ttl: go_duration(service.ttl),
                status: status.as_str(),
                notes: format!("TTL for {} set by containerpilot", service.name),
                deregister_critical_service_after: service.deregister_critical_after.as_deref(),
            },
            checks: (),
        }
    }
}

/// Whole seconds as v3 writes them, `10s`; anything finer in milliseconds.
fn go_duration(duration: Duration) -> String {
    if duration.subsec_millis() == 0 {
        format!("{}s", duration.as_secs())
    } else {
        format!("{}ms", duration.as_millis())
    }
}

/// Body of `PUT /v1/agent/check/update/<check>`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CheckUpdate<'a> {
    pub(super) status: &'static str,
    pub(super) output: &'a str,
}

/// One question of `POST /v1/internal/acl/authorize`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Access<'a> {
    pub(super) resource: &'static str,
    pub(super) access: &'static str,
    pub(super) segment: &'a str,
}

/// Its answer.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Authorization {
    pub(super) allow: bool,
}

/// One entry of `GET /v1/health/service/<name>`. Everything but the id may be missing or null.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct HealthEntry {
    #[serde(default)]
    node: Option<Node>,
    service: AgentService,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Node {
    #[serde(default)]
    address: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AgentService {
    #[serde(rename = "ID")]
    id: String,
    #[serde(default)]
    address: String,
    #[serde(default)]
    port: u16,
}

impl From<HealthEntry> for Instance {
    fn from(entry: HealthEntry) -> Self {
        let AgentService { id, mut address, port } = entry.service;
        if address.is_empty() {
            address = entry.node.map(|node| node.address).unwrap_or_default();
        }
        Instance { id, address, port }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service() -> Service {
        Service {
            id: "app-host1".into(),
            name: "app".into(),
            port: 8000,
            registered: true,
            address: [10, 0, 0, 7].into(),
            tagged_addresses: BTreeMap::new(),
            tags: vec![],
            meta: BTreeMap::new(),
            weights: None,
            enable_tag_override: false,
            deregister_critical_after: None,
            initial_status: None,
            ttl: Duration::from_secs(10),
        }
    }

    #[test]
    fn a_plain_registration_is_byte_for_byte_v3s() {
        let body = serde_json::to_string(&Registration::new(&service(), CheckStatus::Passing)).unwrap();
        assert_eq!(
            body,
            r#"{"ID":"app-host1","Name":"app","Port":8000,"Address":"10.0.0.7","Check":{"TTL":"10s","Status":"passing","Notes":"TTL for app set by containerpilot"},"Checks":null}"#
        );
    }

    #[test]
    fn a_full_registration_has_every_field() {
        let mut service = service();
        service.tags = vec!["b".into(), "a".into()];
        service.meta = BTreeMap::from([("version".into(), "7".into())]);
        service.tagged_addresses = BTreeMap::from([("wan".into(), "[2001:db8::7]:80".parse().unwrap())]);
        service.weights = Some(plan::Weights { passing: 10, warning: 1 });
        service.enable_tag_override = true;
        service.deregister_critical_after = Some("10m".into());
        service.ttl = Duration::from_millis(1500);
        let body = serde_json::to_string(&Registration::new(&service, CheckStatus::Warning)).unwrap();
        assert_eq!(
            body,
            r#"{"ID":"app-host1","Name":"app","Tags":["b","a"],"Port":8000,"Address":"10.0.0.7","TaggedAddresses":{"wan":{"Address":"2001:db8::7","Port":80}},"EnableTagOverride":true,"Meta":{"version":"7"},"Weights":{"Passing":10,"Warning":1},"Check":{"TTL":"1500ms","Status":"warning","Notes":"TTL for app set by containerpilot","DeregisterCriticalServiceAfter":"10m"},"Checks":null}"#
        );
    }

    #[test]
    fn an_instance_without_an_address_has_its_nodes() {
        let entry = r#"{"Node":{"Address":"10.0.0.1"},"Service":{"ID":"a","Service":"x","Address":"","Port":80,"Tags":null},"Checks":null}"#;
        let entry: HealthEntry = serde_json::from_str(entry).unwrap();
        assert_eq!(Instance::from(entry), Instance { id: "a".into(), address: "10.0.0.1".into(), port: 80 });
    }
}
