//! Free TCP ports, distinct between tests that run at the same time.
//!
//! nextest gives every running test a slot number; each slot has its own hundred ports below the ephemeral range, so that
//! two tests never race for one port and no outgoing connection takes one.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

/// A port on 127.0.0.1 that nobody listens on.
#[allow(clippy::panic)]
pub fn free() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let slot = std::env::var("NEXTEST_TEST_GLOBAL_SLOT").ok().and_then(|s| s.parse::<u32>().ok());
    let slot = slot.unwrap_or_else(|| 40 + std::process::id() % 60);
    for _ in 0..100 {
        let offset = u32::from(NEXT.fetch_add(1, Ordering::Relaxed) % 100);
        let port = u16::try_from(20_000 + (slot % 100) * 100 + offset).unwrap_or(20_000);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port in this test's hundred");
}
