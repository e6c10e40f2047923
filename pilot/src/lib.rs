//! pilot, the supervisor of a container: jobs ordered by events, health, Consul, an orderly stop.
//!
//! Arrows point down only: `cli → runtime → core ← config`. See `docs/` for people, `core` for the rules.

pub mod cli;
#[cfg(test)]
mod committed;
pub mod config;
pub mod core;
#[cfg(fuzzing)]
pub mod fuzz;
pub mod picture;
pub mod runtime;
mod signal_name;
