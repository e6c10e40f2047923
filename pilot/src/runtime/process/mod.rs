//! Children: start them, signal their groups, reap every one, tell how each ended.
//!
//! [`spawn`](spawn::spawn) and [`reap`](reap::reap) belong on one and the same thread: a failed start is reaped inside
//! `posix_spawn`, and nothing but [`reap`](reap::reap) may wait for children (no `tokio::process`, no `std::process`).
//! Nothing here decides or waits.

pub mod child_spec;
mod environment_files;
pub mod exec_shim;
pub mod identity;
pub mod init;
pub mod left_group;
pub mod limits;
mod lookup;
pub mod orphans;
pub mod reap;
pub mod signals;
pub mod spawn;
pub mod stat;
mod sys;
pub mod terminal;

#[cfg(test)]
mod tests;
