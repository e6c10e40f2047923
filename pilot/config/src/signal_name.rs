//! A signal as a person writes it: the same in a configuration and in a request on the control socket.

use std::str::FromStr;

use nix::sys::signal::Signal;

/// The signal that is meant by `SIGTERM`, `term` or `15`.
pub fn signal(text: &str) -> Option<Signal> {
    let name = text.trim().to_ascii_uppercase();
    let by_name = || Signal::from_str(&name).or_else(|_| Signal::from_str(&format!("SIG{name}"))).ok();
    let by_number = || name.parse().ok().and_then(|number: i32| Signal::try_from(number).ok());
    by_number().or_else(by_name)
}
