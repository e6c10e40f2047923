//! What the environment configures. Everything is checked before anything starts: a bad setting is told by its name,
//! what is wrong with it and what to write; an empty value is a bad one, for it is a forgotten one.
//! No secret is ever shown, so nothing that holds one implements `Debug`.

use std::ffi::OsString;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use sqlx::sqlite::SqliteConnectOptions;
use tracing::warn;

/// What the application is told at its start.
pub struct Settings {
    pub listen: SocketAddr,
    /// How long to keep serving, not ready, after being told to stop.
    pub drain: Duration,
    pub database: Database,
}

/// Where the users are kept.
pub enum Database {
    MySql(MySqlConnectOptions),
    Sqlite(SqliteConnectOptions),
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MySql(options) => write!(
                f,
                "MySQL at {}, port {}, database {}, TLS {:?}",
                options.get_host(),
                options.get_port(),
                options.get_database().unwrap_or_default(),
                options.get_ssl_mode(),
            ),
            Self::Sqlite(options) => write!(f, "SQLite in {} (no DB_HOST)", options.get_filename().display()),
        }
    }
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{name} {problem}: {remedy}")]
pub struct SettingError {
    name: &'static str,
    problem: String,
    remedy: &'static str,
}

impl Settings {
    /// Reads the environment of this process.
    pub fn from_env() -> Result<Self, SettingError> {
        Self::read(&Environment(&|name| std::env::var_os(name)))
    }

    fn read(env: &Environment) -> Result<Self, SettingError> {
        let bind = env.text("BIND", "write an IP address")?.unwrap_or_else(|| "0.0.0.0".into());
        let bind = bind.parse::<IpAddr>().map_err(|_| SettingError {
            name: "BIND",
            problem: format!("is {bind:?}"),
            remedy: "write an IP address such as 0.0.0.0, 127.0.0.1 or ::, without a port",
        })?;
        let port = env.number("PORT", "write a number from 0 (any free port) to 65535")?.unwrap_or(5000);
        let drain = env.number::<u16>("DRAIN_SECONDS", "write whole seconds from 0 to 65535")?.unwrap_or(0);
        let database = match env.text("DB_HOST", "write a host name, or unset it to use SQLite")? {
            Some(host) => Database::MySql(mysql(env, host)?),
            None => Database::Sqlite(sqlite(env)?),
        };
        Ok(Self { listen: SocketAddr::new(bind, port), drain: Duration::from_secs(drain.into()), database })
    }
}

fn mysql(env: &Environment, host: String) -> Result<MySqlConnectOptions, SettingError> {
    let is_address = host.parse::<IpAddr>().is_ok();
    if !is_address && !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte)) {
        return Err(SettingError {
            name: "DB_HOST",
            problem: format!("is {host:?}"),
            remedy: "write a host name or an IP address, and the port in DB_PORT",
        });
    }
    let port = match env.number("DB_PORT", "write a number from 1 to 65535, or unset it to use 3306")? {
        Some(0) => {
            return Err(SettingError {
                name: "DB_PORT",
                problem: "is \"0\"".into(),
                remedy: "write a number from 1 to 65535, or unset it to use 3306",
            });
        }
        Some(port) => port,
        None => 3306,
    };
    let user = env.text("DB_USER", "write the name of the database's user")?.ok_or(SettingError {
        name: "DB_USER",
        problem: "is not set, but DB_HOST is".into(),
        remedy: "write the name of the database's user",
    })?;
    let name = env.text("DB_NAME", "write the name of the database, or unset it to use db")?;

    let options =
        MySqlConnectOptions::new().host(&host).port(port).username(&user).database(name.as_deref().unwrap_or("db"));
    let options = match password(env)? {
        Some(password) => options.password(&password),
        None => options,
    };
    tls(env, options)
}

fn password(env: &Environment) -> Result<Option<String>, SettingError> {
    let given = env.text("DB_PASSWD", "write the password, or unset it")?;
    let Some(path) = env.text("DB_PASSWD_FILE", "write the path of the file with the password, or unset it")? else {
        return Ok(given);
    };
    let error = |problem| SettingError {
        name: "DB_PASSWD_FILE",
        problem,
        remedy: "write the path of a readable file that holds only the password, and unset DB_PASSWD",
    };
    if given.is_some() {
        return Err(error("is set, and DB_PASSWD is too".into()));
    }
    let content =
        std::fs::read_to_string(&path).map_err(|cause| error(format!("is {path:?}, unreadable ({cause})")))?;
    // Editors end the file with a line break, which is no part of the password.
    let password = content.strip_suffix('\n').unwrap_or(&content);
    let password = password.strip_suffix('\r').unwrap_or(password);
    if password.is_empty() {
        return Err(error(format!("is {path:?}, an empty file")));
    }
    Ok(Some(password.to_owned()))
}

/// The modes and their meanings are those of MySQL's `--ssl-mode`.
fn tls(env: &Environment, options: MySqlConnectOptions) -> Result<MySqlConnectOptions, SettingError> {
    let ca = env.text("DB_CA_FILE", "write the path of a PEM file with certificates, or unset it")?;
    let ca_error = |problem| SettingError {
        name: "DB_CA_FILE",
        problem,
        remedy: "write the path of a PEM file with the certificates of the authorities to trust",
    };
    if let Some(path) = &ca {
        let pem = std::fs::read(path).map_err(|cause| ca_error(format!("is {path:?}, unreadable ({cause})")))?;
        if !String::from_utf8_lossy(&pem).contains("-----BEGIN CERTIFICATE-----") {
            return Err(ca_error(format!("is {path:?}, without a certificate")));
        }
    }
    const MODES: &str = "write one of disabled, preferred, required, verify-ca, verify-identity";
    // Who gives the authorities to trust wants them checked.
    let default = if ca.is_some() { "verify-identity" } else { "preferred" };
    let mode_name = env.text("DB_TLS", MODES)?.unwrap_or_else(|| default.into());
    let (mode, verifies) = match mode_name.as_str() {
        "disabled" => (MySqlSslMode::Disabled, false),
        "preferred" => (MySqlSslMode::Preferred, false),
        "required" => (MySqlSslMode::Required, false),
        "verify-ca" => (MySqlSslMode::VerifyCa, true),
        "verify-identity" => (MySqlSslMode::VerifyIdentity, true),
        _ => return Err(SettingError { name: "DB_TLS", problem: format!("is {mode_name:?}"), remedy: MODES }),
    };
    if !verifies {
        warn!(
            "DB_TLS is {}: nothing proves that the server is the database, and an impostor can ask for the password; \
             set DB_TLS to verify-identity and DB_CA_FILE to the authority's certificate",
            mode_name
        );
    }
    let options = options.ssl_mode(mode);
    match ca {
        Some(path) if verifies => Ok(options.ssl_ca(path)),
        Some(_) => Ok(options),
        None if verifies => Err(ca_error("is not set, but DB_TLS verifies the server".into())),
        None => Ok(options),
    }
}

fn sqlite(env: &Environment) -> Result<SqliteConnectOptions, SettingError> {
    const REMEDY: &str = "write the path of the file, in a directory that exists, or unset it to use app.sqlite";
    let file = env.text("SQLITE_FILE", REMEDY)?.unwrap_or_else(|| "app.sqlite".into());
    for name in ["DB_USER", "DB_PASSWD", "DB_PASSWD_FILE"] {
        if env.is_set(name) {
            warn!("{name} is set, but DB_HOST is not: the users are kept in the SQLite file {file}");
        }
    }
    let path = Path::new(&file);
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if path.is_dir() || !directory.is_dir() {
        return Err(SettingError { name: "SQLITE_FILE", problem: format!("is {file:?}"), remedy: REMEDY });
    }
    Ok(SqliteConnectOptions::new().filename(path).create_if_missing(true))
}

/// The environment, as something that tests can make up.
struct Environment<'a>(&'a dyn Fn(&str) -> Option<OsString>);

impl Environment<'_> {
    fn is_set(&self, name: &str) -> bool {
        (self.0)(name).is_some()
    }

    fn text(&self, name: &'static str, remedy: &'static str) -> Result<Option<String>, SettingError> {
        let Some(value) = (self.0)(name) else { return Ok(None) };
        match value.into_string() {
            Ok(value) if value.is_empty() => Err(SettingError { name, problem: "is empty".into(), remedy }),
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(SettingError { name, problem: "is not UTF-8".into(), remedy }),
        }
    }

    /// Only digits: no sign, no space, no unit.
    fn number<N: std::str::FromStr>(
        &self,
        name: &'static str,
        remedy: &'static str,
    ) -> Result<Option<N>, SettingError> {
        let Some(value) = self.text(name, remedy)? else { return Ok(None) };
        let digits = value.bytes().all(|byte| byte.is_ascii_digit());
        match value.parse() {
            Ok(number) if digits => Ok(Some(number)),
            Ok(_) | Err(_) => Err(SettingError { name, problem: format!("is {value:?}"), remedy }),
        }
    }
}

mod logins;
#[cfg(test)]
mod tests;

pub use logins::{Login, Logins};
