//! The `consul` key and the environment variables that override it (v3 spec 1.4 and 3).
//!
//! Records where certificates and tokens are; reads no file and connects to nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;

use pilot_core::plan::{Consul, ConsulAddress, ConsulTls, Secret};

use super::block::Block;
use super::keys;
use super::loose::Field;
use super::numbers::go_bool;
use super::probe::host_and_port;
use super::value::Kind;

type Env = BTreeMap<String, String>;

/// What the file says about a catalog.
pub(super) enum Catalog {
    /// Nothing: fine as long as nobody needs one.
    NotGiven,
    /// `consul: false`: run without.
    Off,
    /// An address, or a mistake that was reported.
    Given(Option<Box<Consul>>),
}

const REMEDY: &str =
    "write \"localhost:8500\", \"https://consul:8501\", \"unix:///path\", an object, or false to run without Consul";

/// Reads the value of `consul`.
pub(super) fn read(field: Option<&Field<'_>>, env: &Env) -> Catalog {
    let Some(field) = field else { return Catalog::NotGiven };
    match &field.value.kind {
        Kind::Null => Catalog::NotGiven,
        Kind::Bool(false) => Catalog::Off,
        Kind::Text(text) => Catalog::Given(from_text(field, text, env).map(Box::new)),
        Kind::Object(_) => Catalog::Given(from_object(field, env).map(Box::new)),
        Kind::Bool(true) | Kind::Number(_) | Kind::List(_) => {
            field.error(format!("must be an address or an object, not {}", field.value.shape()), REMEDY);
            Catalog::Given(None)
        }
    }
}

/// `consul.register`: whether services go into the catalog that do not say so themselves. Read apart from the rest,
/// because it is about the jobs and not about the agent.
pub(super) fn registers(field: Option<&Field<'_>>) -> bool {
    let register = field.and_then(|field| Some(field.member("register", field.value.member("register")?)));
    register.filter(|field| !field.is_null() && !field.is_empty_text()).and_then(|field| field.flag()).unwrap_or(true)
}

/// The agent at `host:port` as the environment alone describes it.
pub(super) fn from_address(address: &str, env: &Env) -> Option<Consul> {
    host_and_port(address)?;
    let ssl = set(env, "CONSUL_HTTP_SSL").and_then(go_bool).unwrap_or(false);
    let scheme = if ssl { "https" } else { "http" };
    Some(at(ConsulAddress::Url(format!("{scheme}://{address}")), env))
}

/// With token and TLS of the environment.
fn at(address: ConsulAddress, env: &Env) -> Consul {
    Consul {
        address,
        token: token(None, env),
        token_file: set(env, "CONSUL_HTTP_TOKEN_FILE").map(PathBuf::from),
        tls: from_environment(ConsulTls::default(), env),
    }
}

fn from_text(field: &Field<'_>, text: &str, env: &Env) -> Option<Consul> {
    let (scheme, address) = match text.strip_prefix("https://") {
        Some(address) => ("https", address),
        None => ("http", text.strip_prefix("http://").unwrap_or(text)),
    };
    let consul = at(resolve(field, scheme, address, env)?, env);
    warn_if_unverified(field, &consul.address, &consul.tls);
    Some(consul)
}

fn from_object(field: &Field<'_>, env: &Env) -> Option<Consul> {
    let block = field.block(&keys::CONSUL)?;
    let ssl = set(env, "CONSUL_HTTP_SSL").and_then(go_bool).unwrap_or(false);
    let scheme = block.filled("scheme").and_then(|field| field.choice(&[("http", "http"), ("https", "https")]));
    let scheme = scheme.unwrap_or(if ssl { "https" } else { "http" });
    let address_field = block.get("address");
    let text = address_field.as_ref().and_then(Field::text).unwrap_or_default();
    let address = resolve(address_field.as_ref().unwrap_or(field), scheme, &text, env);
    let tls = from_environment(block.get("tls").map(|field| tls(&field)).unwrap_or_default(), env);
    let in_file = block.filled("token").and_then(|field| field.text());
    let token_file = block.filled("tokenFile").and_then(|field| field.text());
    // The environment goes before the file: a token from there is not to be hidden by a token file from here.
    let token_file = match (set(env, "CONSUL_HTTP_TOKEN_FILE"), set(env, "CONSUL_HTTP_TOKEN")) {
        (Some(path), _) => Some(path.to_owned()),
        (None, Some(_)) => None,
        (None, None) => token_file,
    };
    let address = address?;
    warn_if_unverified(field, &address, &tls);
    Some(Consul { address, token: token(in_file, env), token_file: token_file.map(PathBuf::from), tls })
}

/// The address as v3's client library sees it: another scheme in front of it wins.
fn resolve(field: &Field<'_>, scheme: &str, address: &str, env: &Env) -> Option<ConsulAddress> {
    let address = match address {
        "" => set(env, "CONSUL_HTTP_ADDR").unwrap_or("127.0.0.1:8500"),
        given => given,
    };
    let (scheme, host) = address.split_once("://").unwrap_or((scheme, address));
    let host = host.strip_suffix('/').filter(|_| scheme != "unix").unwrap_or(host);
    if !["http", "https", "unix"].contains(&scheme) {
        field.error(format!("does not know the scheme {}", field.quoted(scheme)), "write http://, https:// or unix://");
        return None;
    }
    if scheme == "unix" && !host.is_empty() {
        return Some(ConsulAddress::Unix(PathBuf::from(host)));
    }
    // Go's library connects to this machine.
    let local = format!("localhost{host}");
    let host = if host.starts_with(':') {
        field.warn(
            format!("names no host, only {}: this machine is asked", field.quoted(host)),
            "write \"localhost:8500\"",
        );
        &local
    } else {
        host
    };
    if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c.is_control() || "/?#@".contains(c)) {
        // A user and a password before an `@` are not to be repeated.
        let shown = if host.contains('@') { String::new() } else { format!(", not {}", field.quoted(host)) };
        field.error(
            format!("must be host:port{shown}"),
            "write the address of the Consul agent, and the token as `token` or `tokenFile`: \"localhost:8500\"",
        );
        return None;
    }
    Some(ConsulAddress::Url(format!("{scheme}://{host}")))
}

fn tls(field: &Field<'_>) -> ConsulTls {
    let Some(block) = field.block(&keys::CONSUL_TLS) else { return ConsulTls::default() };
    let path = |key| block.filled(key).and_then(|field| field.text()).map(PathBuf::from);
    ConsulTls {
        ca_file: path("cafile"),
        ca_path: path("capath"),
        client: client(&block),
        server_name: block.filled("servername").and_then(|field| field.text()).map(|name| without_port(&name)),
        verify: block.get("verify").and_then(|field| field.flag()).unwrap_or(false),
    }
}

fn client(block: &Block<'_>) -> Option<(PathBuf, PathBuf)> {
    let (certificate, key) = (block.filled("clientcert"), block.filled("clientkey"));
    if let (Some(lonely), None) | (None, Some(lonely)) = (&certificate, &key) {
        lonely.warn("is not used: certificate and key only work together", "give both clientcert and clientkey");
    }
    // Each is read for its mistakes, whether the other is there or not.
    let (certificate, key) = (certificate.and_then(|field| field.text()), key.and_then(|field| field.text()));
    Some((certificate?.into(), key?.into()))
}

/// v3 spec 1.4: what is set and not empty goes before the file.
fn from_environment(mut tls: ConsulTls, env: &Env) -> ConsulTls {
    if let Some(path) = set(env, "CONSUL_CACERT") {
        tls.ca_file = Some(path.into());
    }
    if let Some(path) = set(env, "CONSUL_CAPATH") {
        tls.ca_path = Some(path.into());
    }
    let (certificate, key) = (set(env, "CONSUL_CLIENT_CERT"), set(env, "CONSUL_CLIENT_KEY"));
    tls.client = match (certificate, key, tls.client) {
        (Some(certificate), Some(key), _) => Some((certificate.into(), key.into())),
        (Some(certificate), None, Some((_, key))) => Some((certificate.into(), key)),
        (None, Some(key), Some((certificate, _))) => Some((certificate, key.into())),
        (Some(_), None, None) | (None, Some(_), None) => None,
        (None, None, client) => client,
    };
    if let Some(name) = set(env, "CONSUL_TLS_SERVER_NAME") {
        tls.server_name = Some(without_port(name));
    }
    if let Some(verify) = set(env, "CONSUL_HTTP_SSL_VERIFY") {
        match verify.to_ascii_lowercase().as_str() {
            "1" | "true" => tls.verify = true,
            _ if go_bool(verify) == Some(false) || verify.eq_ignore_ascii_case("false") => tls.verify = false,
            _ => {}
        }
    }
    tls
}

fn warn_if_unverified(field: &Field<'_>, address: &ConsulAddress, tls: &ConsulTls) {
    let https = matches!(address, ConsulAddress::Url(url) if url.starts_with("https://"));
    if https && !tls.verify {
        field.warn(
            "uses https without verifying the certificate: anybody on the way can read the token",
            "write `tls: { verify: true }` in the consul object, or set CONSUL_HTTP_SSL_VERIFY=1",
        );
    }
}

fn token(in_file: Option<String>, env: &Env) -> Option<Secret> {
    set(env, "CONSUL_HTTP_TOKEN").map(str::to_owned).or(in_file).map(Secret::new)
}

fn set<'a>(env: &'a Env, name: &str) -> Option<&'a str> {
    env.get(name).map(String::as_str).filter(|value| !value.is_empty())
}

fn without_port(name: &str) -> String {
    match name.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host.to_owned(),
        _ => name.to_owned(),
    }
}
