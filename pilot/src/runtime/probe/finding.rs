//! What a probe found: pass or fail, why, and one line for people.
//!
//! The line goes into Consul's check output and into the log: short, without control characters, without secrets, and the
//! same every time for the same state (a changing line would be a catalog write at every heartbeat).

use std::error::Error;
use std::io;
use std::time::Duration;

use crate::runtime::net::one_line;
use crate::runtime::task::Panic;

/// The outcome of one probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The probe passes.
    pub pass: bool,
    /// One line, under 200 bytes, no control characters, no secret.
    pub note: String,
    /// Why.
    pub cause: Cause,
}

/// Why a probe ended as it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Everything is as it should be.
    Fine,
    /// An HTTP redirect that is not followed (another host, or from https to http); passes if its status is accepted.
    Redirected,
    /// Nobody listens there.
    Refused,
    /// There is no way to the address.
    Unreachable,
    /// The deadline passed.
    Timeout,
    /// The name has no address.
    Dns,
    /// No TLS, or not the one that was asked for.
    TlsFailed,
    /// A connection, but not the expected protocol on it.
    NoHandshake,
    /// The server does not let this user (or this client) in.
    AuthFailed,
    /// The server is read-only and should not be, or the other way round.
    WrongRole,
    /// An HTTP status outside the accepted ranges.
    BadStatus,
    /// The server answered with an error of its own.
    ServerError,
    /// The probe itself cannot be made: a file or a variable is missing, a URL is not one.
    Misconfigured,
    /// The probe has panicked.
    Broken,
}

impl Finding {
    /// A pass.
    pub(super) fn pass(note: &str) -> Self {
        Finding { pass: true, note: one_line(note), cause: Cause::Fine }
    }

    /// A failure.
    pub(super) fn fail(cause: Cause, note: &str) -> Self {
        Finding { pass: false, note: one_line(note), cause }
    }

    /// The deadline passed while `doing`.
    pub(super) fn late(deadline: Duration, doing: &str) -> Self {
        Finding::fail(Cause::Timeout, &format!("timed out after {deadline:?} {doing}"))
    }

    /// The probe itself broke: a defect of pilot or of a library, which fails the probe and nothing else.
    pub(crate) fn panicked(panic: &Panic) -> Self {
        Finding::fail(
            Cause::Broken,
            &format!("the probe itself has panicked (a defect of pilot, please report it): {panic}"),
        )
    }

    /// The operating system's answer to a connection attempt or to I/O on it.
    pub(super) fn io(error: &io::Error, to: &str) -> Self {
        let cause = cause_of_io(error);
        let what = match cause {
            Cause::Refused => "connection refused by".to_owned(),
            Cause::Unreachable => format!("cannot reach ({error})"),
            Cause::NoHandshake => format!("connection closed ({error}) by"),
            Cause::TlsFailed => format!("TLS failed ({error}) with"),
            Cause::Fine
            | Cause::Redirected
            | Cause::Timeout
            | Cause::Dns
            | Cause::AuthFailed
            | Cause::WrongRole
            | Cause::BadStatus
            | Cause::ServerError
            | Cause::Misconfigured
            | Cause::Broken => format!("{error} at"),
        };
        Finding::fail(cause, &format!("{what} {to}"))
    }
}

/// What an I/O error means for a probe.
pub(super) fn cause_of_io(error: &io::Error) -> Cause {
    if error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) {
        return Cause::TlsFailed;
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => Cause::Refused,
        io::ErrorKind::TimedOut => Cause::Timeout,
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof
        | io::ErrorKind::InvalidData => Cause::NoHandshake,
        _ => Cause::Unreachable,
    }
}

/// The innermost I/O error of a chain, where the operating system's word is.
pub(crate) fn io_error_in<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a io::Error> {
    let mut found = None;
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            found = Some(io);
            next = io.get_ref().map(|inner| inner as &(dyn Error + 'static));
        } else {
            next = error.source();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_one_short_line_whatever_the_server_said() {
        let note = Finding::fail(Cause::ServerError, &format!("\u{1b}[31mred\r\nline two\0 {}", "ü".repeat(300))).note;
        assert!(note.len() < 200, "{}", note.len());
        assert!(!note.chars().any(char::is_control), "{note:?}");
        assert!(note.starts_with("[31mred  line two"), "{note:?}");
    }

    #[test]
    fn the_innermost_io_error_is_found_behind_wrappers() {
        let inner = io::Error::from(io::ErrorKind::ConnectionRefused);
        let outer = io::Error::other(inner);
        assert_eq!(io_error_in(&outer).map(io::Error::kind), Some(io::ErrorKind::ConnectionRefused));
    }
}
