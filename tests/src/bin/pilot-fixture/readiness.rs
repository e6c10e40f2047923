//! Tells of readiness, well and badly.

use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use pilot_tests::notify;

fn address() -> String {
    std::env::var("NOTIFY_SOCKET").expect("NOTIFY_SOCKET is set")
}

/// One message.
pub fn tell(text: &str) {
    notify::send(&address(), text.replace("\\n", "\n").as_bytes());
}

/// One message with so many descriptors.
pub fn tell_with_descriptors(count: usize, text: &str) {
    let null = std::fs::File::open("/dev/null").expect("there is /dev/null");
    let descriptors: Vec<RawFd> = vec![null.as_raw_fd(); count];
    notify::send_with(&address(), text.as_bytes(), &descriptors);
}

/// Keep-alives by a thread of its own.
pub fn pulse(every: Duration, until: String) {
    let address = address();
    std::thread::spawn(move || {
        while !std::path::Path::new(&until).exists() {
            notify::send(&address, b"WATCHDOG=1");
            std::thread::sleep(every);
        }
    });
}

/// As many messages as the other side takes, until it is gone.
pub fn flood() {
    let socket = notify::connected(&address());
    while socket.send(b"STATUS=x").is_ok() {}
}
