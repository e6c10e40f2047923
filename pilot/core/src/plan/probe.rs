//! How a check is made, and with what.

use std::path::PathBuf;
use std::time::Duration;

use super::{Command, Secret};

/// How a health check or a probing watch looks at something.
#[derive(Clone, Debug, PartialEq)]
pub enum Probe {
    /// A process; exit status 0 passes.
    Exec(Command),
    /// An HTTP request.
    Http(HttpProbe),
    /// A TCP connection, `host:port`.
    Tcp(String),
    /// A MySQL login and query.
    Mysql(MysqlProbe),
    /// What the job's process itself has said: the sd_notify(3) protocol. Only in a job's health check.
    Notify(NotifyProbe),
}

/// Readiness told by the process: passes from `READY=1` on, until `STOPPING=1` or a missed keep-alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotifyProbe {
    /// The longest time between two `WATCHDOG=1`; `None`: none are expected.
    pub watchdog: Option<Duration>,
}

/// An HTTP probe: passes when the answer's status is expected.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpProbe {
    /// Absolute `http://` or `https://` URL.
    pub url: String,
    /// `GET` or `HEAD` or any other method.
    pub method: String,
    /// Extra request headers; values may be secret.
    pub headers: Vec<(String, Secret)>,
    /// Inclusive ranges of accepted status codes (default 200 to 399).
    pub status: Vec<(u16, u16)>,
    /// Accept any certificate (default false).
    pub insecure: bool,
    /// PEM file of trust roots instead of the system's.
    pub ca_file: Option<PathBuf>,
}

/// A MySQL probe: resolve, connect, TLS, log in, `SELECT 1`, check the role.
#[derive(Clone, Debug, PartialEq)]
pub struct MysqlProbe {
    /// Name or address; resolved again at every connect.
    pub host: String,
    /// TCP port (default 3306).
    pub port: u16,
    /// Path of a unix socket instead of host and port.
    pub socket: Option<PathBuf>,
    /// User name.
    pub user: String,
    /// Where the password comes from; read at every connect, so that a rotated one is used.
    pub password: Password,
    /// Database to select, if any.
    pub database: Option<String>,
    /// How TLS is used.
    pub tls: MysqlTls,
    /// PEM file of trust roots (RDS: the region's bundle).
    pub ca_file: Option<PathBuf>,
    /// What the server must be.
    pub role: MysqlRole,
}

/// Where a password comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Password {
    /// No password.
    None,
    /// Written in the configuration.
    Literal(Secret),
    /// First line of a file.
    File(PathBuf),
    /// An environment variable of pilot.
    Env(String),
}

/// TLS towards MySQL, in the words of MySQL's own `ssl-mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MysqlTls {
    /// Never.
    Disabled,
    /// If the server offers it.
    Preferred,
    /// Always, any certificate.
    Required,
    /// Always, certificate from a trusted root.
    VerifyCa,
    /// Always, certificate from a trusted root and for this host.
    VerifyIdentity,
}

/// What a MySQL server must be for the probe to pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MysqlRole {
    /// Anything that answers.
    Any,
    /// Writable: neither `read_only` nor `innodb_read_only`.
    Writer,
    /// Read-only.
    Replica,
}
