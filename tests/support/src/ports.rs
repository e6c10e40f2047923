//! Free TCP ports, distinct between tests that run at the same time, also those of another checkout.
//!
//! Each test's process has a hundred ports of its own below the ephemeral range, so that two tests never race for one port
//! and no outgoing connection takes one. A lock on a file says whose a hundred is; it ends with the process.

use std::fs::File;
use std::net::TcpListener;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};

/// The first port of this process' hundred, and what holds it.
static OURS: LazyLock<(u16, File)> = LazyLock::new(take);

/// A port on 127.0.0.1 that nobody listens on.
pub fn free() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    for _ in 0..100 {
        let port = OURS.0 + NEXT.fetch_add(1, Ordering::Relaxed) % 100;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port in this test's hundred, from {} on", OURS.0);
}

/// A listener at such a port: nobody can come between finding it and listening at it.
pub fn listener() -> TcpListener {
    let bound = (0..100).find_map(|_| TcpListener::bind(("127.0.0.1", free())).ok());
    bound.unwrap_or_else(|| panic!("no free port in this test's hundred, from {} on", OURS.0))
}

fn take() -> (u16, File) {
    for hundred in 0..100 {
        // Another user's file cannot be opened: that is somebody else's hundred as well.
        let file = File::create(format!("/tmp/pilot-test-ports-{hundred}")).ok();
        if let Some(file) = file.filter(|file| file.try_lock().is_ok()) {
            return (20_000 + hundred * 100, file);
        }
    }
    panic!("a hundred tests run at once on this machine, and have all its test ports: /tmp/pilot-test-ports-*");
}
