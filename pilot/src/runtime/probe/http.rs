//! The HTTP probe: one HTTP/1.1 request on a connection of its own, judged by the status.
//!
//! Redirects to the same host are followed (at most [`MOST_HOPS`]); one to another host, or from https to http, is not: its own status
//! counts and the note says so. The probe's own headers go to the origin that it names (scheme, host and port, RFC 6454) and nowhere
//! else: another port of the host may be another's. A new connection each time proves that the server still accepts some, and leaves none
//! behind that would hold up its graceful stop. The body is not waited for beyond [`MOST_BODY`].

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::header::{CONNECTION, HeaderName, HeaderValue, LOCATION};
use reqwest::{Client, Method, Response, Url};

use super::DEFAULT_DEADLINE;
use super::finding::{Cause, Finding, cause_of_io, io_error_in};
use crate::runtime::net::http_client::{self, Trust};
use crate::runtime::net::resolve::{Resolver, is_no_address};
use crate::runtime::task;
use pilot_core::plan::HttpProbe;

/// Redirects that are followed for one probe.
const MOST_HOPS: usize = 10;
/// Bytes of a body that are read before the connection is closed on the sender.
const MOST_BODY: usize = 4096;

/// One client for each way to trust, built when first needed and dropped when TLS fails (a CA file may have been replaced).
#[derive(Clone, Default)]
pub(super) struct Clients(Arc<Mutex<HashMap<Trust, Client>>>);

impl Clients {
    async fn get(&self, trust: Trust, resolver: &Resolver) -> Result<Client, Finding> {
        if let Some(client) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&trust) {
            return Ok(client.clone());
        }
        let resolver = resolver.clone();
        let build = {
            let trust = trust.clone();
            move || -> Result<Client, http_client::BuildError> {
                http_client::builder(&trust, resolver, DEFAULT_DEADLINE)?
                    .no_proxy()
                    .pool_max_idle_per_host(0)
                    .build()
                    .map_err(|error| http_client::BuildError::Tls(http_client::innermost_message(error)))
            }
        };
        let built = if trust == Trust::Nothing {
            build()
        } else {
            task::blocking("building an HTTP client", build)
                .await
                .unwrap_or_else(|panic| Err(http_client::BuildError::Tls(panic.to_string())))
        };
        match built {
            Ok(client) => {
                self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(trust, client.clone());
                Ok(client)
            }
            Err(error) => Err(Finding::fail(Cause::Misconfigured, &error.to_string())),
        }
    }

    fn forget(&self, trust: &Trust) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(trust);
    }
}

/// Makes the request, follows redirects, judges the last status.
pub(super) async fn look(probe: &HttpProbe, clients: &Clients, resolver: &Resolver) -> Finding {
    let Ok(mut url) = Url::parse(&probe.url) else {
        return Finding::fail(Cause::Misconfigured, "the probe's url is not a URL");
    };
    let Ok(method) = Method::from_bytes(probe.method.as_bytes()) else {
        return Finding::fail(Cause::Misconfigured, &format!("{:?} is not an HTTP method", probe.method));
    };
    for _ in 0..=MOST_HOPS {
        let response = match request(probe, &method, &url, clients, resolver).await {
            Ok(response) => response,
            Err(finding) => return finding,
        };
        let status = response.status();
        let next = next_hop(&url, &response);
        drain(response).await;
        match next {
            Hop::None => return judge(probe, status.as_u16(), Cause::Fine, &format!("from {}", shown_url(&url))),
            Hop::Elsewhere(host) => {
                let note = format!("from {}, redirects to {host}, not followed", shown_url(&url));
                return judge(probe, status.as_u16(), Cause::Redirected, &note);
            }
            Hop::Same(next) => url = next,
        }
    }
    Finding::fail(Cause::BadStatus, &format!("more than {MOST_HOPS} redirects from {}", shown(&probe.url)))
}

async fn request(
    probe: &HttpProbe,
    method: &Method,
    url: &Url,
    clients: &Clients,
    resolver: &Resolver,
) -> Result<Response, Finding> {
    let trust = match url.scheme() {
        "http" => Trust::Nothing,
        _ if probe.insecure => Trust::Anybody,
        _ => probe.ca_file.clone().map_or(Trust::System, Trust::File),
    };
    let client = clients.get(trust.clone(), resolver).await?;
    let mut request = client.request(method.clone(), url.clone()).header(CONNECTION, "close");
    let may_know = Url::parse(&probe.url).is_ok_and(|own| own.origin() == url.origin());
    for (name, value) in probe.headers.iter().filter(|_| may_know) {
        let (Ok(header), Ok(mut value)) = (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value.expose()))
        else {
            return Err(Finding::fail(Cause::Misconfigured, &format!("header {name:?} cannot be sent")));
        };
        value.set_sensitive(true);
        request = request.header(header, value);
    }
    request.send().await.map_err(|error| {
        let finding = explain(error, &shown_url(url));
        if finding.cause == Cause::TlsFailed {
            clients.forget(&trust);
        }
        finding
    })
}

enum Hop {
    None,
    Same(Url),
    Elsewhere(String),
}

fn next_hop(url: &Url, response: &Response) -> Hop {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Hop::None;
    }
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let Some(next) = location.and_then(|location| url.join(location).ok()) else {
        return Hop::None;
    };
    let downgrade = url.scheme() == "https" && next.scheme() != "https";
    if next.host_str() == url.host_str() && matches!(next.scheme(), "http" | "https") && !downgrade {
        Hop::Same(next)
    } else {
        Hop::Elsewhere(format!("{}://{}", next.scheme(), next.host_str().unwrap_or_default()))
    }
}

/// Takes a polite bit of the body. One that breaks off does not change the verdict; one that does not come is a time-out.
async fn drain(mut response: Response) {
    let mut taken = 0;
    while taken < MOST_BODY {
        match response.chunk().await {
            Ok(Some(chunk)) => taken += chunk.len(),
            Ok(None) | Err(_) => break,
        }
    }
}

fn judge(probe: &HttpProbe, status: u16, cause: Cause, note: &str) -> Finding {
    let note = format!("HTTP {status} {note}");
    if probe.status.iter().any(|(from, to)| (*from..=*to).contains(&status)) {
        Finding { cause, ..Finding::pass(&note) }
    } else {
        Finding::fail(Cause::BadStatus, &note)
    }
}

fn explain(error: reqwest::Error, to: &str) -> Finding {
    if is_no_address(&error) {
        return Finding::fail(Cause::Dns, &format!("no address for {to}: {}", http_client::innermost_message(error)));
    }
    let tls = is_tls(&error);
    let connecting = error.is_connect();
    match io_error_in(&error) {
        _ if tls => {
            Finding::fail(Cause::TlsFailed, &format!("TLS with {to} failed: {}", http_client::innermost_message(error)))
        }
        Some(io) if connecting || cause_of_io(io) == Cause::NoHandshake => Finding::io(io, to),
        _ if error.is_timeout() => Finding::late(DEFAULT_DEADLINE, &format!("connecting to {to}")),
        _ => Finding::fail(
            Cause::NoHandshake,
            &format!("no HTTP answer from {to}: {}", http_client::innermost_message(error)),
        ),
    }
}

/// Whether rustls is in the chain.
pub(crate) fn is_tls(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<rustls::Error>() {
            return true;
        }
        next = match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => error.source(),
        };
    }
    false
}

/// A URL without user, password, query and fragment.
pub(super) fn shown(url: &str) -> String {
    Url::parse(url).map(|url| shown_url(&url)).unwrap_or_else(|_| "an unreadable URL".to_owned())
}

fn shown_url(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{host}{port}{}", url.scheme(), url.path())
}
