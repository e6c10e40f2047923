//! Native probes of health checks and watches: `http`, `tcp` and `notify` (`mysql` has its own file). Additions to v3.

use std::path::PathBuf;

use pilot_core::plan::{HttpProbe, NotifyProbe, Probe, Secret};

use super::block::Block;
use super::loose::Field;
use super::value::Kind;
use super::{command, keys, mysql};

/// The port that a shorthand without host means, or why there is none.
pub(super) type LocalPort = Result<u16, &'static str>;

/// Where MySQL and MariaDB listen.
const MYSQL: u16 = 3306;

/// Reads the one probe of a block; two are a mistake.
pub(super) fn read(block: &Block<'_>, keys: &[&str], local: LocalPort) -> Option<Probe> {
    let given: Vec<(&str, Field<'_>)> = keys.iter().filter_map(|key| Some((*key, block.get(key)?))).collect();
    if let [(first, _), (_, second), ..] = given.as_slice() {
        second.error(format!("stands beside `{first}`, and a check has one probe"), "keep one of them");
    }
    let (key, field) = given.into_iter().next()?;
    match key {
        "http" => http(&field, local).map(Probe::Http),
        "tcp" => tcp(&field).map(Probe::Tcp),
        "mysql" => mysql::read(&field).map(Probe::Mysql),
        "notify" => notify(&field).map(Probe::Notify),
        _ => command::read(&field).map(Probe::Exec),
    }
}

/// `true`, or an object with what is expected beside readiness.
fn notify(field: &Field<'_>) -> Option<NotifyProbe> {
    if !matches!(field.value.kind, Kind::Object(_)) {
        let wanted = field.flag()?;
        return wanted.then_some(NotifyProbe { watchdog: None });
    }
    let block = field.block(&keys::NOTIFY)?;
    Some(NotifyProbe { watchdog: block.filled("watchdog").and_then(|field| field.length()) })
}

fn http(field: &Field<'_>, local: LocalPort) -> Option<HttpProbe> {
    let mut probe = HttpProbe {
        url: String::new(),
        method: "GET".into(),
        headers: Vec::new(),
        status: vec![(200, 399)],
        insecure: false,
        ca_file: None,
    };
    if !matches!(field.value.kind, Kind::Object(_)) {
        probe.url = url(field, local)?;
        return Some(probe);
    }
    let block = field.block(&keys::HTTP)?;
    match block.get("url") {
        Some(field) => probe.url = url(&field, local).unwrap_or_default(),
        None => block.missing("url", "is needed", "write `url: \"http://127.0.0.1:8080/health\"`"),
    }
    if let Some(method) = block.get("method").and_then(|field| method(&field)) {
        probe.method = method;
    }
    probe.headers = block.get("headers").map(|field| headers(&field)).unwrap_or_default();
    if let Some(status) = block.get("status").and_then(|field| status(&field)) {
        probe.status = status;
    }
    probe.insecure = block.get("insecure").and_then(|field| field.flag()).unwrap_or(false);
    probe.ca_file = block.filled("caFile").and_then(|field| field.text()).map(PathBuf::from);
    Some(probe)
}

fn url(field: &Field<'_>, local: LocalPort) -> Option<String> {
    let text = field.text()?;
    let clean = !text.contains(|c: char| c.is_whitespace() || c.is_control());
    if clean && text.starts_with('/') {
        return match local {
            Ok(port) => Some(format!("http://127.0.0.1:{port}{text}")),
            Err(why) => {
                field.error(format!("needs a whole URL: {why}"), "write \"http://127.0.0.1:8080/health\"");
                None
            }
        };
    }
    let after_scheme = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let authority = after_scheme.and_then(|rest| rest.split(['/', '?', '#']).next());
    let host = authority.map(|authority| authority.rsplit_once('@').map_or(authority, |(_, host)| host));
    if !clean || host.and_then(host_and_port).is_none() {
        // The text itself may hold a password and is not repeated.
        field.error("is not a URL", "write \"http://host:port/path\", or \"/path\" for this job's own port");
        return None;
    }
    Some(text)
}

fn method(field: &Field<'_>) -> Option<String> {
    let text = field.text()?;
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_alphabetic()) {
        field.error(format!("cannot be {}", field.quoted(&text)), "write \"GET\" or \"HEAD\"");
        return None;
    }
    Some(text.to_ascii_uppercase())
}

fn headers(field: &Field<'_>) -> Vec<(String, Secret)> {
    if !matches!(field.value.kind, Kind::Object(_)) {
        field.error("must be an object of texts", "write { \"X-Name\": \"value\" }");
    }
    let mut headers = Vec::new();
    for (name, field) in field.pairs() {
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if name.is_empty() || !name.bytes().all(token) {
            field.error("is not the name of a header", "use letters, digits and `-`");
        }
        let Some(value) = field.text() else { continue };
        if value.chars().any(|c| c.is_control() && c != '\t') {
            field.error("has a value with a line end or another control character", "write it on one line");
        }
        headers.push((name, Secret::new(value)));
    }
    headers
}

/// `200`, `[200, 204]`, `"200-299"`, or a list of both kinds.
fn status(field: &Field<'_>) -> Option<Vec<(u16, u16)>> {
    let ranges: Option<Vec<_>> = match &field.value.kind {
        Kind::List(items) if !items.is_empty() => field.items()?.iter().map(status_range).collect(),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::List(_) | Kind::Object(_) => {
            status_range(field).map(|range| vec![range])
        }
    };
    ranges
}

fn status_range(field: &Field<'_>) -> Option<(u16, u16)> {
    let text = field.value.weak_text().unwrap_or_default();
    let (first, last) = text.split_once('-').unwrap_or((&text, &text));
    let code = |text: &str| text.trim().parse::<u16>().ok().filter(|code| (100..=599).contains(code));
    let range = code(first).zip(code(last)).filter(|(first, last)| first <= last);
    if range.is_none() {
        field.error(format!("cannot be {}", field.value.shape()), "write 200, [200, 204] or \"200-299\"");
    }
    range
}

fn tcp(field: &Field<'_>) -> Option<String> {
    if let Ok(port) = field.value.weak_text().unwrap_or_default().parse::<i64>() {
        let port = u16::try_from(port).ok().filter(|port| *port > 0);
        if port.is_none() {
            field.error(
                format!("must be a port from 1 to 65535, not {}", field.value.shape()),
                "write the port it listens on",
            );
        }
        return port.map(|port| format!("127.0.0.1:{port}"));
    }
    let text = field.text()?;
    let Some((host, Some(port))) = host_and_port(&text) else {
        field
            .error(format!("is not host:port: {}", field.quoted(&text)), "write \"127.0.0.1:8080\", or the port alone");
        return None;
    };
    if port == MYSQL && !mysql::is_this_machine(host) {
        field.warn(
            "connects to MySQL's port and breaks off: the server counts that, and blocks this host after a hundred times",
            format!("write `mysql: {{ host: \"{host}\", user: \"USER\", passwordFile: \"FILE\" }}`, which logs in and out"),
        );
    }
    Some(text)
}

/// Splits `host`, `host:port`, `[::1]` and `[::1]:port`. `None` if it is none of these.
pub(super) fn host_and_port(text: &str) -> Option<(&str, Option<u16>)> {
    let (host, rest) = if let Some(inside) = text.strip_prefix('[') {
        let (host, rest) = inside.split_once(']')?;
        host.parse::<std::net::Ipv6Addr>().ok()?;
        (host, rest)
    } else {
        text.split_at_checked(text.find(':').unwrap_or(text.len()))?
    };
    if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c.is_control() || "/@?#\\\"'".contains(c)) {
        return None;
    }
    match rest.strip_prefix(':') {
        None if rest.is_empty() => Some((host, None)),
        None => None,
        Some(port) => {
            let digits = port.bytes().all(|b| b.is_ascii_digit());
            let port = port.parse::<u16>().ok().filter(|port| digits && *port > 0)?;
            Some((host, Some(port)))
        }
    }
}
