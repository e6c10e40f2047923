//! The MySQL probe: resolve, connect, TLS, log in, `SELECT 1`, check the role, quit.
//!
//! A new connection each time, to the addresses the name has now: a failover by DNS is followed. The password is read each
//! time. An attempt that the server has seen is never repeated on another address (the server counts broken log-ins), and
//! there is never a second one at the same time ([`super::attempts`]).
//!
//! The client is our own, for a server is a stranger: it may send anything, and a library that trusts it ends PID 1. It
//! speaks the classic protocol as far as two fixed statements need it; every length is bounded, and so is the whole
//! (`docs/development/decisions.md`).

mod auth;
mod authorities;
mod fault;
mod fields;
mod greeting;
mod metered;
mod packet;
mod pinned;
mod query;
mod session;
#[cfg(test)]
mod tests;
mod tls;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pilot_core::plan::{MysqlProbe, MysqlRole, MysqlTls, Password};
use ring::digest::{Context, SHA256};
use rustls::pki_types::ServerName;
use tokio::net::UnixStream;
use tokio::time::{Instant, timeout, timeout_at};

use super::attempts::{Attempts, Outcome, Progress, Stage, With};
use super::connect::connect;
use super::finding::{Cause, Finding, cause_of_io};
use crate::runtime::net::resolve::Resolver;
use crate::runtime::net::{http_client, small_file};
use authorities::{Authorities, SystemAuthorities};
use fault::Fault;
use packet::{Packets, Stream};
use session::{Login, log_in, quit};
use tls::Check;

/// A clean good-bye may take this long, within the deadline.
const QUIT: Duration = Duration::from_millis(500);

const NO_AUTHORITIES: &str =
    "this system has no certificate authorities to check the server by; name a file with `caFile`, or install some";

/// Makes MySQL probes; clones share what they know of servers and of the system's authorities.
#[derive(Clone, Default)]
pub(super) struct Client {
    authorities: SystemAuthorities,
    attempts: Attempts<MysqlProbe>,
}

/// What an attempt needs that is not in the configuration: read again for each.
struct Material {
    password: String,
    check: Check,
    /// Empty for a unix socket.
    addresses: Vec<SocketAddr>,
    /// Tells other passwords and certificates from these.
    credentials: [u8; 32],
}

impl Client {
    /// Looks once, within `deadline`.
    pub(super) async fn look(&self, probe: &MysqlProbe, resolver: &Resolver, deadline: Duration) -> Finding {
        let until = Instant::now() + deadline;
        let mut resolving = false;
        let material = match timeout_at(until, self.material(probe, resolver, &mut resolving)).await {
            Ok(Ok(material)) => material,
            Ok(Err(finding)) => return finding,
            Err(_) if resolving => return Finding::late(deadline, &format!("resolving {}", probe.host)),
            Err(_) => return Finding::late(deadline, "reading the password file"),
        };
        let addresses = material.addresses.clone();
        let with = With { credentials: material.credentials, addresses: &addresses };
        let begin = |progress| attempt(probe.clone(), material, until, progress);
        self.attempts.look(probe.clone(), with, until, begin).await.unwrap_or_else(|stage| {
            let server = server(probe);
            let doing = match stage {
                Stage::Connecting | Stage::LoggingIn => format!("connecting to {server}, no handshake or login so far"),
                Stage::Asking => format!("waiting for an answer of {server} to a query"),
            };
            Finding::late(deadline, &doing)
        })
    }

    async fn material(
        &self,
        probe: &MysqlProbe,
        resolver: &Resolver,
        resolving: &mut bool,
    ) -> Result<Material, Finding> {
        http_client::use_ring();
        let missing = |what: String| Finding::fail(Cause::Misconfigured, &what);
        let password = match &probe.password {
            Password::None => String::new(),
            Password::Literal(secret) => secret.expose().to_owned(),
            Password::File(path) => small_file::first_line(path).await.map_err(|error| missing(error.to_string()))?,
            Password::Env(name) => {
                std::env::var(name).map_err(|_| missing(format!("the password variable {name} is not set")))?
            }
        };
        let (authorities, pem) = match (probe.tls, &probe.ca_file) {
            (MysqlTls::Disabled, _) | (MysqlTls::Preferred | MysqlTls::Required, None) => (None, Vec::new()),
            (MysqlTls::VerifyCa | MysqlTls::VerifyIdentity, None) => {
                let system = self.authorities.get().await.ok_or_else(|| missing(NO_AUTHORITIES.to_owned()))?;
                (Some(system), Vec::new())
            }
            (_, Some(path)) => {
                let (authorities, pem) = Authorities::of_file(path).await.map_err(missing)?;
                (Some(authorities), pem)
            }
        };
        let check = match (probe.tls, authorities) {
            (MysqlTls::VerifyCa, Some(authorities)) => Check::Authority(authorities),
            (MysqlTls::VerifyIdentity, Some(authorities)) => Check::Identity(authorities),
            (MysqlTls::Disabled | MysqlTls::Preferred | MysqlTls::Required, _) | (_, None) => Check::Nothing,
        };
        let addresses = match &probe.socket {
            Some(_) => Vec::new(),
            None => {
                *resolving = true;
                let found = resolver.look_up(&probe.host, probe.port).await;
                found.map_err(|error| Finding::fail(Cause::Dns, &format!("{} has no address: {error}", probe.host)))?
            }
        };
        let credentials = digest(&[password.as_bytes(), &pem]);
        Ok(Material { password, check, addresses, credentials })
    }
}

fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&part.len().to_le_bytes());
        context.update(part);
    }
    let mut digest = [0; 32];
    digest.iter_mut().zip(context.finish().as_ref()).for_each(|(to, from)| *to = *from);
    digest
}

/// One attempt, from the connection to the good-bye. It has until `until` to connect.
async fn attempt(probe: MysqlProbe, material: Material, until: Instant, progress: Progress) -> Outcome {
    let late = || Fault::Io(io::ErrorKind::TimedOut.into());
    let connected = match &probe.socket {
        Some(path) => timeout_at(until, UnixStream::connect(path)).await.map_err(|_| late()).and_then(|stream| {
            progress.connected(None);
            Ok(Box::new(stream?) as Box<dyn Stream>)
        }),
        None => timeout_at(until, connect(&material.addresses)).await.map_err(|_| late()).and_then(|stream| {
            let stream = stream?;
            progress.connected(stream.peer_addr().ok());
            Ok(Box::new(stream) as Box<dyn Stream>)
        }),
    };
    match connected {
        Ok(stream) => converse(stream, &probe, &material, &progress).await,
        Err(fault) => explain(&fault, &probe).into(),
    }
}

/// All that is said on a connection.
async fn converse(
    stream: impl Stream + 'static,
    probe: &MysqlProbe,
    material: &Material,
    progress: &Progress,
) -> Outcome {
    let name = match name(probe, material) {
        Ok(name) => name,
        Err(finding) => return finding.into(),
    };
    let login = Login {
        user: &probe.user,
        password: &material.password,
        database: probe.database.as_deref(),
        tls: probe.tls,
        check: &material.check,
        name,
        local: probe.socket.is_some(),
    };
    let greeted = AtomicBool::new(false);
    let mut packets = match log_in(stream, &login, || greeted.store(true, Ordering::Relaxed)).await {
        Ok(packets) => packets,
        Err(fault) => {
            let held_against_us = is_held_against_us(&fault, greeted.into_inner());
            return Outcome { finding: explain(&fault, probe), held_against_us };
        }
    };
    progress.asking();
    let finding = ask(&mut packets, probe).await.unwrap_or_else(|fault| explain(&fault, probe));
    let _ = timeout(QUIT, quit(&mut packets)).await;
    finding.into()
}

/// The name that the server's certificate should be for. Where it does not matter, one that is no name is not used.
fn name(probe: &MysqlProbe, material: &Material) -> Result<ServerName<'static>, Finding> {
    let host = if probe.socket.is_some() { "localhost" } else { probe.host.trim_matches(['[', ']']) };
    ServerName::try_from(host.to_owned()).or_else(|_| match material.check {
        Check::Identity(_) => Err(Finding::fail(
            Cause::Misconfigured,
            &format!("no certificate can be for {host:?}: it is not a host name"),
        )),
        Check::Authority(_) | Check::Nothing => Ok(ServerName::IpAddress(IpAddr::from([127, 0, 0, 1]).into())),
    })
}

/// What makes a server block this host or lock the account, if it is done often enough.
fn is_held_against_us(fault: &Fault, greeted: bool) -> bool {
    /// "Host is blocked because of many connection errors": each look keeps it so.
    const HOST_IS_BLOCKED: u16 = 1129;
    match fault {
        Fault::Server { number, .. } => *number == HOST_IS_BLOCKED || is_refusal(*number),
        Fault::Io(error) => greeted && cause_of_io(error) == Cause::TlsFailed,
        Fault::NoTls | Fault::Strange(_) | Fault::Plugin(_) | Fault::Unverified => greeted,
    }
}

/// Access to the database or the server, the plugin, the host, the account.
fn is_refusal(number: u16) -> bool {
    matches!(number, 1044 | 1045 | 1130 | 1227 | 1251 | 1275 | 1698 | 1862 | 3118 | 3955)
}

async fn ask(packets: &mut Packets, probe: &MysqlProbe) -> Result<Finding, Fault> {
    let server = server(probe);
    // The role's question proves as much as `SELECT 1`; both are asked so that a failing one is told apart.
    let [_] = query::one_row(packets, "SELECT 1").await?;
    if probe.role == MysqlRole::Any {
        return Ok(Finding::pass(&format!("{server} answers")));
    }
    let flags: [_; 2] = query::one_row(packets, "SELECT @@global.read_only, @@global.innodb_read_only").await?;
    let read_only = flags.iter().any(|flag| is_on(flag.as_deref()));
    Ok(match (probe.role, read_only) {
        (MysqlRole::Writer, true) => Finding::fail(Cause::WrongRole, &format!("{server} is read-only, not a writer")),
        (MysqlRole::Replica, false) => Finding::fail(Cause::WrongRole, &format!("{server} is writable, not a replica")),
        (MysqlRole::Any | MysqlRole::Writer, _) => Finding::pass(&format!("{server} answers and is writable")),
        (MysqlRole::Replica, true) => Finding::pass(&format!("{server} answers and is read-only")),
    })
}

/// A server variable as text: `0` and `OFF` are off. MariaDB 12 has words for `read_only`, all others numbers.
fn is_on(value: Option<&str>) -> bool {
    !matches!(value, None | Some("" | "0" | "OFF"))
}

fn explain(fault: &Fault, probe: &MysqlProbe) -> Finding {
    let server = server(probe);
    match fault {
        Fault::Io(error) => match pinned::remedy(error) {
            Some(remedy) => Finding::fail(Cause::TlsFailed, &format!("TLS with {server} failed: {remedy}")),
            None => Finding::io(error, &server),
        },
        Fault::NoTls => Finding::fail(Cause::TlsFailed, &format!("TLS with {server} failed: it offers none")),
        Fault::Strange(what) => Finding::fail(Cause::NoHandshake, &format!("{server} does not speak MySQL: {what}")),
        Fault::Plugin(name) => Finding::fail(
            Cause::AuthFailed,
            &format!("{server} wants the log-in {name:?}; pilot has caching_sha2_password and mysql_native_password"),
        ),
        Fault::Unverified => Finding::fail(
            Cause::AuthFailed,
            &format!(
                "{server} wants the password itself (new there, or wrong), sent over verified TLS only: set tls to verify-ca or verify-identity, and caFile"
            ),
        ),
        Fault::Server { number, message } => {
            let (cause, what) = match number {
                number if is_refusal(*number) => (Cause::AuthFailed, "login refused by"),
                // The server insists on TLS.
                3159 => (Cause::TlsFailed, "TLS demanded by"),
                _ => (Cause::ServerError, "error from"),
            };
            Finding::fail(cause, &format!("{what} {server}: {number} {message}"))
        }
    }
}

/// The server in words, never with user or password.
fn server(probe: &MysqlProbe) -> String {
    match &probe.socket {
        Some(path) => format!("MySQL at {}", path.display()),
        None => format!("MySQL at {}:{}", probe.host, probe.port),
    }
}

/// For fuzzers: a whole conversation with whatever a server says. The first byte chooses what is configured.
#[cfg(fuzzing)]
pub(crate) fn fuzz(data: &[u8]) {
    let Some((choice, said)) = data.split_first() else { return };
    let bit = |number: u8| choice >> number & 1 == 1;
    let probe = MysqlProbe {
        host: "db.example".to_owned(),
        port: 3306,
        socket: bit(0).then(|| "/socket".into()),
        user: "probe".to_owned(),
        password: Password::None,
        database: bit(1).then(|| "shop".to_owned()),
        tls: if bit(2) { MysqlTls::Preferred } else { MysqlTls::Disabled },
        ca_file: None,
        role: if bit(3) { MysqlRole::Writer } else { MysqlRole::Any },
    };
    let password = if bit(4) { "secret".to_owned() } else { String::new() };
    let material = Material { password, check: Check::Nothing, addresses: Vec::new(), credentials: [0; 32] };
    let stream = tokio::io::join(io::Cursor::new(said.to_vec()), tokio::io::sink());
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else { return };
    let progress = Progress::default();
    let _ = runtime.block_on(converse(stream, &probe, &material, &progress));
}
