//! pilot's own word to whoever started the container (podman, systemd): sd_notify(3) with the socket of its own environment.
//!
//! The jobs never see that socket: any client library would call the container ready by it.

use std::ffi::OsString;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use super::client::{ClientError, socket_address};
use crate::runtime::control::report::HealthReport;
use pilot_core::engine::Engine;

/// The variables of the protocol, which are for pilot alone.
pub const VARIABLES: [&str; 3] = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"];

/// What the host is told; nothing if it has not asked.
#[derive(Debug, Default)]
pub struct Host {
    socket: Option<OsString>,
    said: Option<&'static str>,
}

const READY: &str = "READY=1";
const STOPPING: &str = "STOPPING=1";

impl Host {
    /// The host of this process.
    pub fn of_this_process() -> Self {
        let socket = std::env::var_os("NOTIFY_SOCKET").filter(|socket| !socket.is_empty());
        Host { socket, said: None }
    }

    /// Tells once that every job is ready (what `pilot health --ready` asks), and once that pilot stops.
    pub fn tell(&mut self, engine: &Engine, now: Duration) {
        let Some(socket) = &self.socket else { return };
        let word = if engine.is_stopping() {
            STOPPING
        } else if self.said.is_none() && HealthReport::new(engine, now).ready {
            READY
        } else {
            return;
        };
        if self.said == Some(word) {
            return;
        }
        self.said = Some(word);
        let sent = send(socket, word);
        if let Err(error) = sent {
            tracing::warn!("the host that waits for this container's readiness cannot be told {word}: {error}");
            self.socket = None;
        }
    }
}

/// Never waits.
fn send(socket: &OsString, word: &str) -> Result<(), ClientError> {
    let to = socket_address(socket)?;
    let from = UnixDatagram::unbound().map_err(ClientError::NotSent)?;
    from.set_nonblocking(true).and_then(|()| from.send_to_addr(word.as_bytes(), &to)).map_err(ClientError::NotSent)?;
    Ok(())
}
