//! How pilot is spoken to while it runs.

use std::path::PathBuf;

/// Where the control socket is when nobody says otherwise; v3's own place.
pub const DEFAULT_SOCKET: &str = "/var/run/containerpilot.socket";

/// The `control` block. v3 spec section 8.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// Path of the unix socket.
    pub socket: PathBuf,
    /// The path was written in the file. Then pilot does not run without it.
    pub configured: bool,
    /// Whether `putenv` may change the environment of later children.
    pub putenv: bool,
}
