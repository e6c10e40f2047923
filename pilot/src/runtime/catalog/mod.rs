//! Consul: keeps what the agent knows equal to what is wanted, and follows other services by blocking queries.
//!
//! Nothing here decides what is healthy. No call is without a deadline, none waits for another service's, and an agent that
//! is absent, hanging or wrong is a WARN line and a retry, never a reason to stop anything.

mod backoff;
mod body;
mod client;
mod error;
mod registration;
mod watch;

pub use client::{Client, Health, ServiceQuery};
pub use error::Error;
pub use registration::{Desired, Registrar, Withdrawn};
pub use watch::{follow, follow_probe};
