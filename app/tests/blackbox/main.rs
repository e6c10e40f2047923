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
#[path = "../../../tests/src/ports.rs"]
mod ports;
mod routes;
mod stopping;
mod tls;

use std::time::{Duration, Instant};

/// Waits until `probe` gives something; a test that waits half a minute has failed.
fn eventually<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited 30 s for: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
