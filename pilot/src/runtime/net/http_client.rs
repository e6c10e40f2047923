//! How every HTTP client of pilot is built: ring, HTTP/1.1, no trust roots unless asked for, no cookies, no redirects.
//!
//! reqwest's default client cannot be built without CA files even for plain http; here the roots are always chosen.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Certificate, ClientBuilder, redirect};

use super::resolve::Resolver;
use super::small_file::read_now;

/// What a client trusts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Trust {
    /// Nobody: the client is for plain http only.
    Nothing,
    /// The system's certificate authorities; building fails when there are none.
    System,
    /// The authorities of a PEM file.
    File(PathBuf),
    /// The authorities of the PEM files in a folder.
    Folder(PathBuf),
    /// Anybody, unverified.
    Anybody,
}

/// A client that cannot be built.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BuildError {
    /// A file is missing or unreadable.
    #[error("{0}")]
    File(#[from] std::io::Error),
    /// A file is readable and wrong.
    #[error("{} holds no usable certificate", .0.display())]
    Certificate(PathBuf),
    /// rustls does not like it.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

/// A builder with pilot's ways. Reads files and parses certificates: call it on a blocking thread, but for
/// [`Trust::Nothing`], which does neither.
pub(crate) fn builder(trust: &Trust, resolver: Resolver, connect: Duration) -> Result<ClientBuilder, BuildError> {
    use_ring();
    let builder = reqwest::Client::builder()
        .redirect(redirect::Policy::none())
        .referer(false)
        .http1_only()
        .connect_timeout(connect)
        .dns_resolver(resolver)
        .user_agent(concat!("pilot/", env!("CARGO_PKG_VERSION")));
    Ok(match trust {
        Trust::Nothing => builder.tls_certs_only([]),
        Trust::System => builder,
        Trust::File(path) => builder.tls_certs_only(certificates(path)?),
        Trust::Folder(path) => builder.tls_certs_only(folder(path)?),
        Trust::Anybody => builder.tls_certs_only([]).tls_danger_accept_invalid_certs(true),
    })
}

/// Makes ring the process's TLS provider; the first call counts.
pub(crate) fn use_ring() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Losing the race against another thread is as good: everybody here installs ring.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

/// What an error comes down to: the innermost message, without the address (it may carry a password or a query).
pub(crate) fn innermost_message(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut innermost: &dyn std::error::Error = &error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

fn certificates(path: &Path) -> Result<Vec<Certificate>, BuildError> {
    let found = Certificate::from_pem_bundle(&read_now(path)?);
    found.ok().filter(|found| !found.is_empty()).ok_or_else(|| BuildError::Certificate(path.to_owned()))
}

/// Files that hold no certificate are passed over, an empty folder is an error.
fn folder(path: &Path) -> Result<Vec<Certificate>, BuildError> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let file = entry?.path();
        if file.is_file() {
            all.extend(certificates(&file).unwrap_or_default());
        }
    }
    if all.is_empty() { Err(BuildError::Certificate(path.to_owned())) } else { Ok(all) }
}
