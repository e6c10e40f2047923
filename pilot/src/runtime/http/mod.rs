//! A small HTTP/1.1 server for the control socket and for telemetry: hyper, with every wait and every size bounded.
//!
//! It knows no route and decides nothing: a handler is an async function from a complete request to a response. What a
//! client does or leaves undone (silence, half a header, a body without end, reading nothing) costs one of a fixed
//! number of places for a fixed time, keeps out nobody who asks, and never delays a stop.

mod connections;
mod listener;
mod response;
mod server;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use listener::Listener;
pub use response::{Body, Gone, Lines, Response, json, stream, text};
pub use server::Server;

/// A request with its whole body, which is at most [`Limits::body`] long.
pub type Request = hyper::Request<hyper::body::Bytes>;

/// What one server allows.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a request's body; a longer one is answered with 413.
    pub body: usize,
    /// Connections at one time. One more takes the place of the one that has been idle for the longest time; while all of
    /// them are being answered it waits in the kernel's queue.
    pub connections: usize,
    /// Requests that are answered at one time; more wait on their connections.
    pub requests: usize,
    /// Connections a second, after a first burst of as many; more wait.
    pub connections_per_second: u32,
    /// Requests a second on all connections together, after a first burst of as many; more wait.
    pub requests_per_second: u32,
    /// For a request's header; also how long a kept connection may idle.
    pub header: Duration,
    /// From a request's header to the last byte of the answer. A streamed answer has no end and is exempt.
    pub request: Duration,
    /// Whether a connection is used for more than one request.
    pub keep_alive: KeepAlive,
}

/// Whether a connection is used for more than one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepAlive {
    /// As long as the client wants, but at most [`Limits::request`] from its last request.
    On,
    /// One request, then it is closed.
    Off,
}
