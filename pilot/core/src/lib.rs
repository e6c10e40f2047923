//! The rules: a pure function from state, input and time to state and effects.
//!
//! Deterministic: no I/O, no clock, no environment, no task, no randomness but a seed that is handed in. The crate
//! depends on nothing that does I/O. Time is an argument, timers are asked for with [`engine::Engine::next_timeout`].

mod backoff;
pub mod changes;
mod dead_end;
mod debug_lines;
pub mod effect;
pub mod engine;
pub mod event;
pub mod exit;
pub mod graph;
mod health;
pub mod history;
pub mod limits;
mod maintenance;
pub mod nearest;
pub mod number;
mod periodic;
pub mod plan;
pub mod readiness;
mod reload;
mod request;
mod runs;
pub mod state;
pub mod step;
pub mod stop;
pub mod timers;
pub mod watch;
pub mod why;

#[cfg(any(test, feature = "simulation"))]
#[allow(missing_docs, clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test's tool")]
pub mod simulation;
#[cfg(test)]
mod tests;
