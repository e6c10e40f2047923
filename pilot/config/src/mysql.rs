//! The `mysql` probe: a URL or an object. An addition to v3. No message repeats the URL, which may hold a password.

use std::path::PathBuf;

use pilot_core::plan::{MysqlProbe, MysqlRole, MysqlTls, Password, Secret};

use super::block::Block;
use super::keys;
use super::loose::Field;
use super::probe::host_and_port;
use super::value::Kind;

const TLS: [(&str, MysqlTls); 5] = [
    ("disabled", MysqlTls::Disabled),
    ("preferred", MysqlTls::Preferred),
    ("required", MysqlTls::Required),
    ("verify-ca", MysqlTls::VerifyCa),
    ("verify-identity", MysqlTls::VerifyIdentity),
];
const ROLES: [(&str, MysqlRole); 3] =
    [("any", MysqlRole::Any), ("writer", MysqlRole::Writer), ("replica", MysqlRole::Replica)];

/// Reads the probe.
pub(super) fn read(field: &Field<'_>) -> Option<MysqlProbe> {
    let probe = if matches!(field.value.kind, Kind::Object(_)) {
        from_object(&field.block(&keys::MYSQL)?)
    } else {
        let probe = from_url(&field.text()?);
        if probe.is_none() {
            field.error(
                "is not a MySQL URL",
                "write \"mysql://user@host:3306/database\", or an object { host, user, passwordFile, tls, role }",
            );
        }
        probe
    }?;
    warn_if_unverified(field, &probe);
    Some(probe)
}

fn warn_if_unverified(field: &Field<'_>, probe: &MysqlProbe) {
    let unverified = matches!(probe.tls, MysqlTls::Preferred | MysqlTls::Required);
    let far = probe.socket.is_none() && !is_this_machine(&probe.host);
    if unverified && far && probe.password != Password::None {
        field.warn(
            "does not verify the server: anybody on the way can pose as it",
            "write `tls: \"verify-identity\"` and `caFile`, the authority that its certificate is from",
        );
    }
}

/// Whether nobody is on the way to this host.
pub(super) fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// `mysql://user:password@host:port/database?tls=verify-ca&caFile=/path`; all from the port on may be left out.
pub(super) fn from_url(text: &str) -> Option<MysqlProbe> {
    let rest = text.strip_prefix("mysql://")?;
    if rest.contains('#') {
        return None;
    }
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (tls, ca_file) = from_query(query)?;
    let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
    let (login, host) = authority.rsplit_once('@')?;
    let (user, password) = match login.split_once(':') {
        Some((user, password)) => (user, Password::Literal(Secret::new(decoded(password)?))),
        None => (login, Password::None),
    };
    let (host, port) = host_and_port(host)?;
    let user = decoded(user).filter(|user| !user.is_empty())?;
    let database = Some(decoded(database)?).filter(|database| !database.is_empty());
    let (host, port) = (host.to_owned(), port.unwrap_or(3306));
    Some(MysqlProbe { host, port, user, password, database, tls, ca_file, ..unset() })
}

/// `tls=MODE&caFile=PATH`, either or none of them.
fn from_query(query: &str) -> Option<(MysqlTls, Option<PathBuf>)> {
    let (mut tls, mut ca_file) = (MysqlTls::Preferred, None);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=')? {
            ("tls", mode) => tls = TLS.iter().find(|(known, _)| *known == mode)?.1,
            ("caFile", path) => ca_file = Some(decoded(path)?.into()),
            _ => return None,
        }
    }
    Some((tls, ca_file))
}

fn from_object(block: &Block<'_>) -> Option<MysqlProbe> {
    let text = |key| block.filled(key).and_then(|field| field.text());
    let (host, socket, user) = (text("host"), text("socket"), text("user"));
    match (&host, &socket) {
        (Some(_), Some(_)) => {
            block.missing("socket", "stands beside host, and only one of them can be used", "keep one of them")
        }
        (None, None) => match block.get("host").or_else(|| block.get("socket")) {
            Some(field) => {
                field.error("is empty, and nothing else says where the server is", "write its name, or its `socket`")
            }
            None => block.missing("host", "is needed", "write the name of the database server"),
        },
        (Some(_), None) | (None, Some(_)) => {}
    }
    if let Some(field) = block.get("host").filter(|_| host.as_deref().is_some_and(|host| !is_host(host))) {
        field.error("is not a host name or address", "write the host alone, and the port as `port`");
    }
    if block.filled("user").is_none() {
        block.missing("user", "is needed", "write the user that the probe logs in as");
    }
    Some(MysqlProbe {
        host: host.unwrap_or_default(),
        port: block.get("port").and_then(|field| field.port()).unwrap_or(3306),
        socket: socket.map(PathBuf::from),
        user: user.unwrap_or_default(),
        password: password(block),
        database: text("database"),
        tls: block.filled("tls").and_then(|field| field.choice(&TLS)).unwrap_or(MysqlTls::Preferred),
        ca_file: text("caFile").map(PathBuf::from),
        role: block.filled("role").and_then(|field| field.choice(&ROLES)).unwrap_or(MysqlRole::Any),
    })
}

fn is_host(host: &str) -> bool {
    host.parse::<std::net::IpAddr>().is_ok() || matches!(host_and_port(host), Some((_, None)))
}

fn password(block: &Block<'_>) -> Password {
    let keys = ["password", "passwordFile", "passwordEnv"];
    let given: Vec<Field<'_>> = keys.iter().filter_map(|key| block.filled(key)).collect();
    if let [_, second, ..] = given.as_slice() {
        second.error("is a second source of the password", "keep one of password, passwordFile, passwordEnv");
    }
    let text = |key| block.filled(key).and_then(|field| field.text());
    if let Some(path) = text("passwordFile") {
        Password::File(path.into())
    } else if let Some(name) = text("passwordEnv") {
        Password::Env(name)
    } else {
        text("password").map_or(Password::None, |password| Password::Literal(Secret::new(password)))
    }
}

fn unset() -> MysqlProbe {
    MysqlProbe {
        host: String::new(),
        port: 3306,
        socket: None,
        user: String::new(),
        password: Password::None,
        database: None,
        tls: MysqlTls::Preferred,
        ca_file: None,
        role: MysqlRole::Any,
    }
}

/// Undoes percent-encoding; `None` if it is broken.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let byte = if byte == b'%' {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
            u8::try_from(high * 16 + low).ok()?
        } else {
            byte
        };
        bytes.push(byte);
    }
    String::from_utf8(bytes).ok()
}
