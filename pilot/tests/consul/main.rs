//! The catalog against a real Consul agent; scripted peers only for faults that a real one cannot be made to show.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod agent;
mod connection;
mod registration;
#[path = "../support/mod.rs"]
mod support;
mod watch;

use std::collections::BTreeMap;
use std::time::Duration;

use pilot::runtime::catalog::{Client, Registrar, ServiceQuery, Withdrawn};
use pilot_core::effect::Announcement;
use pilot_core::plan::{Consul, ConsulAddress, ConsulTls, Service};
use tokio::sync::mpsc;

const SOON: Duration = Duration::from_secs(5);

fn consul_at(url: &str) -> Consul {
    Consul { address: ConsulAddress::Url(url.to_owned()), token: None, token_file: None, tls: ConsulTls::default() }
}

fn service(name: &str) -> Service {
    Service {
        id: format!("{name}-host1"),
        name: name.to_owned(),
        port: 8000,
        registered: true,
        address: [10, 0, 0, 7].into(),
        tagged_addresses: BTreeMap::new(),
        tags: vec!["blue".into()],
        meta: BTreeMap::from([("version".into(), "7".into())]),
        weights: None,
        enable_tag_override: false,
        deregister_critical_after: Some("10m".into()),
        initial_status: None,
        ttl: Duration::from_secs(10),
    }
}

fn passing() -> Announcement {
    Announcement::Passing { output: "ok".into() }
}

fn registrar(consul: Consul) -> (Registrar, mpsc::UnboundedReceiver<Withdrawn>) {
    let (sender, withdrawn) = mpsc::unbounded_channel();
    (Registrar::new(Client::new(consul), sender), withdrawn)
}

fn query(service: &str) -> ServiceQuery {
    ServiceQuery { service: service.into(), tag: None, datacenter: None }
}
