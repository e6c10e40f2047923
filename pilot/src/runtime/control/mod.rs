//! The control socket: v3's endpoints (spec section 8) and pilot's own, for `pilot` commands and scripts in the container.
//!
//! Nothing is decided here: a request becomes an [`Ask`], the supervisor answers it. Only root and pilot's own user are
//! heard; what they send is bounded; nobody can hold up a stop.

mod ask;
mod bodies;
pub mod explain;
mod follow;
pub mod report;
mod routes;
mod socket_file;
pub mod status;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::Duration;

use tokio::sync::mpsc;

pub use ask::{Answer, Ask, JobAsk, Refusal, Request, Sample, Summary, Why};
pub use socket_file::SocketError;

use super::http::{KeepAlive, Limits, Server};
use super::task;
use super::telemetry::Meters;
use routes::Routes;
use socket_file::SocketFile;

/// Requests that may wait for the supervisor; more wait in their connections.
pub const WAITING: usize = 32;

/// For requests that are being answered when the socket moves.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

const LIMITS: Limits = Limits {
    // More than twice what the kernel lets one variable hold.
    body: 256 * 1024,
    connections: 32,
    requests: 32,
    // v3 takes some 3,000 a second from one client after the other.
    connections_per_second: 5000,
    requests_per_second: 5000,
    header: Duration::from_secs(5),
    request: Duration::from_secs(30),
    // As v3.
    keep_alive: KeepAlive::Off,
};

/// A control socket that is served. Dropped without [`Control::close`] it leaves its file, which the next pilot replaces.
#[derive(Debug)]
pub struct Control {
    server: Server,
    file: SocketFile,
}

impl Control {
    /// Serves at `path` from now on.
    pub async fn open(path: &Path, requests: mpsc::Sender<Request>, meters: Meters) -> Result<Control, SocketError> {
        let (listener, file) = socket_file::listen(path).await?;
        let routes = Routes::new(requests, meters);
        let server = Server::start("the control socket", listener, LIMITS, move |peer, request| {
            routes.clone().answer(peer, request)
        });
        Ok(Control { server, file })
    }

    /// The path of the socket.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Another socket takes its place: nobody finds it any more, and whoever was heard on it gets an answer.
    pub fn retire(self) {
        self.file.remove();
        task::spawn("the control socket before the reload", async move {
            tokio::time::sleep(LAST_ANSWERS).await;
            self.server.stop().await;
        })
        .detach();
    }

    /// Stops at once and removes the socket, if it is still ours.
    pub async fn close(self) {
        self.file.remove();
        self.server.stop().await;
    }
}

/// For fuzzers: every reader of what a client sends.
#[cfg(fuzzing)]
pub(crate) fn fuzz(data: &[u8]) {
    let _ = (bodies::environment(data), bodies::metrics(data));
    routes::fuzz(data);
}
