//! The MySQL probe: resolve, connect, TLS, log in, `SELECT 1`, check the role, quit.
//!
//! A new connection each time, to the addresses the name has now: a failover by DNS is followed. The password is read each
//! time. An attempt that the server has seen is never repeated on another address (the server counts broken log-ins).

use std::net::SocketAddr;
use std::time::Duration;

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlDatabaseError, MySqlSslMode};
use sqlx::{ConnectOptions, Connection, Row};
use tokio::time::{Instant, timeout, timeout_at};

use super::authorities::SystemAuthorities;
use super::finding::{Cause, Finding};
use super::resolve::Resolver;
use super::{small_file, web};
use pilot_core::plan::{MysqlProbe, MysqlRole, MysqlTls, Password};

/// A clean good-bye may take this long, within the deadline.
const QUIT: Duration = Duration::from_millis(500);

const NO_AUTHORITIES: &str =
    "this system has no certificate authorities to check the server by; name a file with `caFile`, or install some";

/// Where the probe is, for the note of a time-out.
#[derive(Clone, Copy)]
enum Stage {
    ReadingPassword,
    Resolving,
    LoggingIn,
    Asking,
}

/// Looks once, within `deadline`.
pub(super) async fn look(
    probe: &MysqlProbe,
    authorities: &SystemAuthorities,
    resolver: &Resolver,
    deadline: Duration,
) -> Finding {
    let until = Instant::now() + deadline;
    let mut stage = Stage::ReadingPassword;
    match timeout_at(until, attempt(probe, authorities, resolver, until, &mut stage)).await {
        Ok(Ok(finding) | Err(finding)) => finding,
        Err(_) => {
            let server = server(probe);
            Finding::late(
                deadline,
                &match stage {
                    Stage::ReadingPassword => "reading the password file".to_owned(),
                    Stage::Resolving => format!("resolving {}", probe.host),
                    Stage::LoggingIn => format!("connecting to {server}, no handshake or login so far"),
                    Stage::Asking => format!("waiting for an answer of {server} to a query"),
                },
            )
        }
    }
}

async fn attempt(
    probe: &MysqlProbe,
    authorities: &SystemAuthorities,
    resolver: &Resolver,
    until: Instant,
    stage: &mut Stage,
) -> Result<Finding, Finding> {
    let options = options(probe, authorities).await?;
    let mut connection = match &probe.socket {
        Some(path) => {
            *stage = Stage::LoggingIn;
            options.socket(path).connect().await.map_err(|error| explain(&error, probe))?
        }
        None => {
            *stage = Stage::Resolving;
            let addresses = resolver
                .look_up(&probe.host, probe.port)
                .await
                .map_err(|error| Finding::fail(Cause::Dns, &format!("{} has no address: {error}", probe.host)))?;
            *stage = Stage::LoggingIn;
            log_in(probe, options, &addresses).await?
        }
    };
    *stage = Stage::Asking;
    let finding = ask(&mut connection, probe).await;
    let _ = timeout(QUIT.min(until.saturating_duration_since(Instant::now())), connection.close()).await;
    finding
}

/// The options that are the same for every address.
async fn options(probe: &MysqlProbe, authorities: &SystemAuthorities) -> Result<MySqlConnectOptions, Finding> {
    web::use_ring();
    let missing = |what: String| Finding::fail(Cause::Misconfigured, &what);
    let mut options = MySqlConnectOptions::new()
        .username(&probe.user)
        .statement_cache_capacity(0)
        // Nothing is set on the session: a probe asks two questions and leaves.
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .timezone(None)
        .set_names(false)
        .disable_statement_logging()
        .ssl_mode(match probe.tls {
            MysqlTls::Disabled => MySqlSslMode::Disabled,
            MysqlTls::Preferred => MySqlSslMode::Preferred,
            MysqlTls::Required => MySqlSslMode::Required,
            MysqlTls::VerifyCa => MySqlSslMode::VerifyCa,
            MysqlTls::VerifyIdentity => MySqlSslMode::VerifyIdentity,
        });
    options = match &probe.password {
        Password::None => options,
        Password::Literal(secret) => options.password(secret.expose()),
        Password::File(path) => {
            options.password(&small_file::first_line(path).await.map_err(|error| missing(error.to_string()))?)
        }
        Password::Env(name) => options
            .password(&std::env::var(name).map_err(|_| missing(format!("the password variable {name} is not set")))?),
    };
    if let Some(database) = &probe.database {
        options = options.database(database);
    }
    let verified = matches!(probe.tls, MysqlTls::VerifyCa | MysqlTls::VerifyIdentity);
    match &probe.ca_file {
        Some(path) => {
            let pem = small_file::read(path).await.map_err(|error| missing(error.to_string()))?;
            Ok(options.ssl_ca_from_pem(pem))
        }
        None if verified => match authorities.pem().await {
            none if none.is_empty() => Err(missing(NO_AUTHORITIES.to_owned())),
            pem => Ok(options.ssl_ca_from_pem(pem.to_vec())),
        },
        None => Ok(options),
    }
}

/// Tries the addresses in turn until one accepts the connection.
async fn log_in(
    probe: &MysqlProbe,
    options: MySqlConnectOptions,
    addresses: &[SocketAddr],
) -> Result<MySqlConnection, Finding> {
    let mut last = Finding::fail(Cause::Dns, &format!("{} has no address", probe.host));
    for address in addresses {
        // The name is needed where the certificate must carry it; there the libc tries the addresses in turn.
        let host = match probe.tls {
            MysqlTls::VerifyIdentity => probe.host.clone(),
            MysqlTls::Disabled | MysqlTls::Preferred | MysqlTls::Required | MysqlTls::VerifyCa => {
                address.ip().to_string()
            }
        };
        match options.clone().host(&host).port(probe.port).connect().await {
            Ok(connection) => return Ok(connection),
            Err(error) => last = explain(&error, probe),
        }
        if !matches!(last.cause, Cause::Refused | Cause::Unreachable) || probe.tls == MysqlTls::VerifyIdentity {
            break;
        }
    }
    Err(last)
}

async fn ask(connection: &mut MySqlConnection, probe: &MysqlProbe) -> Result<Finding, Finding> {
    let server = server(probe);
    // The role's question proves as much as `SELECT 1`; both are asked so that a failing one is told apart.
    sqlx::raw_sql("SELECT 1").fetch_one(&mut *connection).await.map_err(|error| explain(&error, probe))?;
    if probe.role == MysqlRole::Any {
        return Ok(Finding::pass(&format!("{server} answers")));
    }
    let row = sqlx::raw_sql("SELECT @@global.read_only, @@global.innodb_read_only")
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| explain(&error, probe))?;
    let read_only = is_on(&row, 0) || is_on(&row, 1);
    Ok(match (probe.role, read_only) {
        (MysqlRole::Writer, true) => Finding::fail(Cause::WrongRole, &format!("{server} is read-only, not a writer")),
        (MysqlRole::Replica, false) => Finding::fail(Cause::WrongRole, &format!("{server} is writable, not a replica")),
        (MysqlRole::Any | MysqlRole::Writer, _) => Finding::pass(&format!("{server} answers and is writable")),
        (MysqlRole::Replica, true) => Finding::pass(&format!("{server} answers and is read-only")),
    })
}

/// A server variable as text: `0` and `OFF` are off. MariaDB 12 has words for `read_only`, all others numbers.
fn is_on(row: &sqlx::mysql::MySqlRow, column: usize) -> bool {
    let text: String = row.try_get_unchecked(column).unwrap_or_default();
    !matches!(text.as_str(), "" | "0" | "OFF")
}

fn explain(error: &sqlx::Error, probe: &MysqlProbe) -> Finding {
    let server = server(probe);
    match error {
        sqlx::Error::Io(io) => Finding::io(io, &server),
        sqlx::Error::Tls(tls) => Finding::fail(Cause::TlsFailed, &format!("TLS with {server} failed: {tls}")),
        sqlx::Error::Database(database) => {
            let number = database.try_downcast_ref::<MySqlDatabaseError>().map_or(0, MySqlDatabaseError::number);
            let message = database.message();
            let (cause, what) = match number {
                // Access to the database or the server, the plugin, the host, the account.
                1044 | 1045 | 1130 | 1227 | 1251 | 1275 | 1698 | 1862 | 3118 | 3955 => {
                    (Cause::AuthFailed, "login refused by")
                }
                // The server insists on TLS.
                3159 => (Cause::TlsFailed, "TLS demanded by"),
                _ => (Cause::ServerError, "error from"),
            };
            Finding::fail(cause, &format!("{what} {server}: {number} {message}"))
        }
        sqlx::Error::Protocol(message) => {
            Finding::fail(Cause::NoHandshake, &format!("{server} does not speak MySQL: {message}"))
        }
        // The only one that a finished configuration can get: caching_sha2_password without TLS.
        sqlx::Error::Configuration(_) => {
            Finding::fail(Cause::AuthFailed, &format!("{server} wants the password over TLS: set tls to required"))
        }
        other => Finding::fail(Cause::ServerError, &format!("{server}: {other}")),
    }
}

/// The server in words, never with user or password.
fn server(probe: &MysqlProbe) -> String {
    match &probe.socket {
        Some(path) => format!("MySQL at {}", path.display()),
        None => format!("MySQL at {}:{}", probe.host, probe.port),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_with_another_address_after_a_failover_is_followed_by_the_next_probe() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let probe = MysqlProbe {
            host: "db.example".into(),
            port: listener.local_addr().unwrap().port(),
            socket: None,
            user: "probe".into(),
            password: Password::None,
            database: None,
            tls: MysqlTls::Preferred,
            ca_file: None,
            role: MysqlRole::Any,
        };
        let limit = Duration::from_millis(200);
        let nobody = SystemAuthorities::default();
        // The old primary accepts and is silent; the name then moves to an address where nobody listens.
        let (old, new) = (Resolver::of_one_host("127.0.0.1"), Resolver::of_one_host("127.0.0.2"));
        assert_eq!(look(&probe, &nobody, &old, limit).await.cause, Cause::Timeout);
        assert_eq!(look(&probe, &nobody, &new, limit).await.cause, Cause::Refused);
        assert_eq!(look(&probe, &nobody, &old, limit).await.cause, Cause::Timeout);
    }
}
