//! A recording proxy between pilot and the real Consul agent. It can fail in the agent's stead and come back.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::http;
use crate::scripted::{Reply, Request, Scripted};

/// The proxy. What passes through it is recorded.
#[derive(Clone, Debug)]
pub struct Proxy {
    peer: Scripted,
    fault: Arc<Mutex<Option<Reply>>>,
}

impl Proxy {
    /// Stands before whoever listens on `127.0.0.1:port`.
    pub fn before(port: u16) -> Proxy {
        let fault: Arc<Mutex<Option<Reply>>> = Arc::default();
        let wanted = fault.clone();
        let peer = Scripted::start(move |request| {
            let fault = wanted.lock().unwrap_or_else(PoisonError::into_inner).clone();
            fault.unwrap_or_else(|| forward(port, request))
        });
        Proxy { peer, fault }
    }

    /// `127.0.0.1:port`, as a configuration names it.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.peer.port())
    }

    /// From now on nothing reaches the agent, and this is the answer.
    pub fn fail_with(&self, fault: Reply) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
    }

    /// From now on everything reaches the agent again.
    pub fn heal(&self) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Request> {
        self.peer.requests()
    }

    /// How many request lines hold `text`.
    pub fn count(&self, text: &str) -> usize {
        self.peer.count(text)
    }
}

/// Hands a request to `127.0.0.1:port` and its answer back; a peer that is not there is a closed connection.
pub fn forward(port: u16, request: &Request) -> Reply {
    let (method, path) = request.line.split_once(' ').unwrap_or(("GET", "/"));
    match http::request(port, method, path, &request.body) {
        Ok(http::Answer { status, body, .. }) => {
            Reply::Answer { status, head: String::new(), body, after: Duration::ZERO }
        }
        Err(_) => Reply::Reset,
    }
}
