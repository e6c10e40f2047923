//! Consul: keeps what the agent knows equal to what is wanted, and follows other services by blocking queries.
//!
//! Nothing here decides what is healthy. No call is without a deadline, none waits for another service's, and an agent that
//! is absent, hanging or wrong is a WARN line and a retry, never a reason to stop anything.

mod body;
mod client;
mod error;
mod instances;
mod registration;
mod watch;

pub use client::{Client, Health, ServiceQuery};
pub use error::Error;
pub use registration::{Registrar, Withdrawn};
pub use watch::{Pace, Sight, follow, follow_probe};

/// For fuzzers: the answer with a service's instances.
#[cfg(fuzzing)]
pub(crate) fn fuzz(data: &[u8]) {
    let _ = instances::Instances::parse(data);
}
