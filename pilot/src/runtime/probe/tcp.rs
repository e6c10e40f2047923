//! The TCP probe: resolve, connect, close. Never sends a byte.

use super::connect::connect;
use super::finding::{Cause, Finding};
use crate::runtime::net::host_and_port;
use crate::runtime::net::resolve::Resolver;

/// Connects to the first address that accepts.
pub(super) async fn look(address: &str, resolver: &Resolver) -> Finding {
    let Some((host, port)) = host_and_port(address) else {
        return Finding::fail(Cause::Misconfigured, &format!("{address:?} is not host:port"));
    };
    let addresses = match resolver.look_up(host, port).await {
        Ok(addresses) => addresses,
        Err(error) => return Finding::fail(Cause::Dns, &format!("{host} has no address: {error}")),
    };
    match connect(&addresses).await {
        Ok(_) => Finding::pass(&format!("{address} accepts connections")),
        Err(error) => Finding::io(&error, address),
    }
}
