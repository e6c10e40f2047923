//! pilot, the supervisor of a container: jobs ordered by events, health, Consul, an orderly stop.
//!
//! Arrows point down only: `cli → runtime → pilot_core ← pilot_config`. The rules are in `pilot_core`; here they are run.

pub mod cli;
#[cfg(test)]
mod committed;
#[cfg(fuzzing)]
pub mod fuzz;
pub mod graph;
pub mod runtime;
mod span;
mod table;
