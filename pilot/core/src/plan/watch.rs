//! Dependencies outside this container.

use std::time::Duration;

use super::Probe;

/// A dependency outside this container. v3 spec section 7.
#[derive(Clone, Debug, PartialEq)]
pub struct Watch {
    /// Its events have the source `watch.<name>`.
    pub name: String,
    /// What is looked at.
    pub target: WatchTarget,
    /// Services: fallback poll and back-off; probes: from one probe to the next.
    pub interval: Duration,
    /// Services: from pilot's start (or the reload that brought the watch) to the first look.
    pub first_look: Duration,
    /// Services: from one `changed` to the next at least; the last state counts.
    pub min_interval: Duration,
}

/// What a watch looks at.
#[derive(Clone, Debug, PartialEq)]
pub enum WatchTarget {
    /// The passing instances of a Consul service.
    Service {
        /// Service name in the catalog.
        service: String,
        /// Only instances with this tag.
        tag: Option<String>,
        /// Another datacenter than the agent's.
        datacenter: Option<String>,
    },
    /// Something that registers nowhere, asked directly (never `exec`).
    Probe {
        /// How.
        probe: Probe,
        /// A probe fails after this time.
        timeout: Duration,
    },
}
