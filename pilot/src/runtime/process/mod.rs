//! Children: start them, signal their groups, reap every one, tell how each ended.
//!
//! [`spawn`](spawn::spawn) and [`reap`](reap::reap) belong on one and the same thread: a failed start is reaped inside
//! `posix_spawn`, and nothing but [`reap`](reap::reap) may wait for children (no `tokio::process`, no `std::process`).
//! Nothing here decides or waits.

pub mod becoming;
mod environment_files;
pub mod guard;
pub mod identity;
pub mod leftovers;
mod limits;
mod lookup;
pub mod preparation;
pub mod reap;
pub mod signals;
pub mod spawn;
mod sys;
mod terminal;

#[cfg(test)]
mod tests;
