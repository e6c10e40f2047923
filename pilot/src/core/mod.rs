//! The rules: a pure function from state, input and time to state and effects.
//!
//! Deterministic: no I/O, no clock, no environment, no task, no randomness but a seed that is handed in. Nothing here may
//! name tokio, reqwest, nix or a clock of `std`; a test keeps it so. Time is an argument, timers are
//! asked for with [`engine::Engine::next_timeout`].

pub mod event;
pub mod exit;
pub mod plan;
