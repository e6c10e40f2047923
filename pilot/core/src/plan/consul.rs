//! Where and how the Consul agent is reached.

use std::path::PathBuf;

use super::Secret;

/// Where and how the Consul agent is reached. v3 spec section 3.
#[derive(Clone, Debug, PartialEq)]
pub struct Consul {
    /// TCP or unix socket.
    pub address: ConsulAddress,
    /// Fixed token, if any.
    pub token: Option<Secret>,
    /// File with the token, read again when it changes; goes before `token`.
    pub token_file: Option<PathBuf>,
    /// Used when the address is https.
    pub tls: ConsulTls,
}

/// Address of a Consul agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsulAddress {
    /// `http://host:port` or `https://host:port`, no path.
    Url(String),
    /// Path of a unix socket, plain HTTP inside.
    Unix(PathBuf),
}

/// TLS towards the agent. v3 spec 3.2 and 3.3.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsulTls {
    /// PEM file of trust roots; goes before `ca_path`.
    pub ca_file: Option<PathBuf>,
    /// Folder of PEM files.
    pub ca_path: Option<PathBuf>,
    /// PEM client certificate and key, only ever both.
    pub client: Option<(PathBuf, PathBuf)>,
    /// Name to verify and to send as SNI instead of the host.
    pub server_name: Option<String>,
    /// Verify the certificate; v3's default is false.
    pub verify: bool,
}
