//! The application as its users meet it: the real program, started with an environment, asked over HTTP, told by
//! signals, on SQLite and on a real MariaDB. Nothing here looks inside, and nothing waits without a deadline.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod half_requests;
mod http;
mod instance;
mod mariadb;

mod bad_input;
mod bad_settings;
mod logins;
mod migrate;
mod on_mariadb;
mod on_sqlite;
mod routes;
mod stopping;
mod tls;

use std::time::Duration;

use pilot_test_support::until;

/// Waits until `probe` gives something; a test that waits half a minute has failed.
#[track_caller]
fn eventually<T>(what: &str, probe: impl FnMut() -> Option<T>) -> T {
    until(what, Duration::from_secs(30), probe)
}
