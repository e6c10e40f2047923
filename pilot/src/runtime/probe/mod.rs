//! Probes that need no process: HTTP, TCP, MySQL. Each is one future with a deadline and a one-line finding.
//!
//! A probe never blocks the loop (names and files are read on tokio's blocking threads), never outlives its deadline and
//! never puts a secret into its note. Nothing is built before the first probe that needs it.

mod attempts;
mod connect;
mod finding;
mod guard;
mod http;
mod mysql;
mod tcp;

use std::time::Duration;

use tokio::time::timeout;

use super::net::on_client_thread;

use pilot_core::plan::Probe;

pub use finding::{Cause, Finding};
use guard::guarded;

use crate::runtime::net::http_client;
use crate::runtime::net::resolve::Resolver;

/// A native probe without a limit of its own ends after this time; nothing in pilot waits for ever.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(10);

/// A TCP probe of this address panics: a defect that tests can meet.
#[cfg(test)]
pub(crate) const PANICKING: &str = "panicking.invalid:1";

/// Makes probes. One is enough for a whole pilot; a clone shares the same clients. Making one does nothing yet.
#[derive(Clone, Default)]
pub struct Prober {
    resolver: Resolver,
    http: http::Clients,
    mysql: mysql::Client,
}

impl Prober {
    /// A prober that has built nothing yet.
    pub fn new() -> Self {
        Prober::default()
    }

    /// A client for plain http to neighbours, a connection a request; `None` if none can be built.
    pub(crate) fn plain_http(&self) -> Option<reqwest::Client> {
        let builder =
            http_client::builder(&http_client::Trust::Nothing, self.resolver.clone(), DEFAULT_DEADLINE).ok()?;
        builder.no_proxy().pool_max_idle_per_host(0).build().ok()
    }

    /// Looks once and says what was found; comes back within `deadline` ([`DEFAULT_DEADLINE`] if there is none). It never
    /// panics: a probe that does has failed.
    ///
    /// An `exec` probe is a process and belongs to `runtime::process`, `notify` to `runtime::notify`; here they are found [`Cause::Misconfigured`].
    pub async fn run(&self, probe: &Probe, deadline: Option<Duration>) -> Finding {
        guarded(self.look(probe, deadline.unwrap_or(DEFAULT_DEADLINE))).await
    }

    async fn look(&self, probe: &Probe, deadline: Duration) -> Finding {
        #[cfg(test)]
        assert!(!matches!(probe, Probe::Tcp(address) if address == PANICKING), "a defect of a probe");
        match probe {
            Probe::Exec(_) => Finding::fail(Cause::Misconfigured, "an exec probe is run as a process"),
            Probe::Notify(_) => Finding::fail(Cause::Misconfigured, "a process is heard through `runtime::notify`"),
            Probe::Http(probe) => {
                let late = || Finding::late(deadline, &format!("waiting for {}", http::shown(&probe.url)));
                let (probe, clients, resolver) = (probe.clone(), self.http.clone(), self.resolver.clone());
                let look = on_client_thread(async move { http::look(&probe, &clients, &resolver).await });
                let found = timeout(deadline, look).await.unwrap_or_else(|_| Ok(late()));
                found.unwrap_or_else(|panic| Finding::fail(Cause::Misconfigured, &panic.to_string()))
            }
            Probe::Tcp(address) => {
                let late = || Finding::late(deadline, &format!("connecting to {address}"));
                timeout(deadline, tcp::look(address, &self.resolver)).await.unwrap_or_else(|_| late())
            }
            Probe::Mysql(probe) => self.mysql.look(probe, &self.resolver, deadline).await,
        }
    }
}

/// For fuzzers: what a MySQL server says.
#[cfg(fuzzing)]
pub(crate) fn fuzz(data: &[u8]) {
    mysql::fuzz(data);
}
