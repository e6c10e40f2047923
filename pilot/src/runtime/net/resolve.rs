//! Names to addresses, by the libc's resolver, looked up every time.
//!
//! `getaddrinfo` cannot be interrupted: it runs on a blocking thread, and at most [`AT_ONCE`] of one resolver's look-ups run
//! at a time, so that a dead name server costs a few threads and not one for every probe. Addresses need no look-up.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;

use crate::runtime::task;

/// Look-ups of one resolver that may hang at the same time.
const AT_ONCE: usize = 8;

/// A bounded resolver; clones share the bound.
#[derive(Clone, Debug)]
pub(crate) struct Resolver {
    slots: Arc<Semaphore>,
    /// Look this name up, whatever is asked for (a TLS server name that is not the host's).
    instead: Option<Arc<str>>,
}

impl Default for Resolver {
    fn default() -> Self {
        Resolver { slots: Arc::new(Semaphore::new(AT_ONCE)), instead: None }
    }
}

impl Resolver {
    /// A resolver that answers every question with the addresses of `host`.
    pub(crate) fn of_one_host(host: &str) -> Self {
        Resolver { instead: Some(host.into()), ..Resolver::default() }
    }

    /// All addresses of `host`, in the resolver's order, never an empty list.
    pub(crate) async fn look_up(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let host = self.instead.as_deref().unwrap_or(host);
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let permit = Arc::clone(&self.slots).acquire_owned().await.map_err(io::Error::other)?;
        let host = host.to_owned();
        let found = task::blocking("resolving a name", move || {
            let found = (host.as_str(), port).to_socket_addrs().map(Vec::from_iter);
            drop(permit);
            found
        });
        match found.await.map_err(io::Error::other)? {
            Ok(addresses) if addresses.is_empty() => Err(io::Error::other("the name has no address")),
            other => other,
        }
    }
}

/// The same for reqwest's clients; the port is filled in by the caller.
impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            match resolver.look_up(name.as_str(), 0).await {
                Ok(addresses) => Ok(Box::new(addresses.into_iter()) as Addrs),
                Err(error) => Err(Box::new(NoAddress(error)) as Box<dyn std::error::Error + Send + Sync>),
            }
        })
    }
}

/// A failed look-up, told apart from a failed connection inside reqwest's error chain.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NoAddress(io::Error);

/// Whether a failed look-up is at the bottom of `error`.
pub(crate) fn is_no_address(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<NoAddress>() {
            return true;
        }
        next = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn addresses_need_no_look_up_and_names_are_looked_up() {
        let resolver = Resolver::default();
        let v6 = resolver.look_up("[::1]", 80).await.unwrap();
        assert_eq!(v6, ["[::1]:80".parse().unwrap()]);
        let local = resolver.look_up("localhost", 81).await.unwrap();
        assert!(local.iter().all(|a| a.ip().is_loopback() && a.port() == 81), "{local:?}");
        let other = Resolver::of_one_host("127.0.0.7").look_up("elsewhere", 82).await.unwrap();
        assert_eq!(other, ["127.0.0.7:82".parse().unwrap()]);
    }
}
