//! The system's certificate authorities as PEM text: sqlx takes no other form, and trusts nobody but whom it is given.
//!
//! Reading them takes 5 ms, some 150 files. They are kept for [`FRESH`], so that many checks share one reading and a
//! changed system is noticed all the same.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tokio::task::spawn_blocking;

/// After so long they are read again.
const FRESH: Duration = Duration::from_secs(60);

/// Clones share what was read.
#[derive(Clone, Default)]
pub(super) struct SystemAuthorities(Arc<Mutex<Option<Reading>>>);

struct Reading {
    at: Instant,
    pem: Arc<[u8]>,
}

impl SystemAuthorities {
    /// All of them; empty where the system has none. `SSL_CERT_FILE` and `SSL_CERT_DIR` count, as for HTTPS.
    pub(super) async fn pem(&self) -> Arc<[u8]> {
        let kept = self.clone();
        spawn_blocking(move || kept.read()).await.unwrap_or_default()
    }

    /// Locked while it reads: who comes meanwhile gets the same reading.
    fn read(&self) -> Arc<[u8]> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reading) = kept.as_ref().filter(|reading| reading.at.elapsed() < FRESH) {
            return Arc::clone(&reading.pem);
        }
        let certificates = rustls_native_certs::load_native_certs().certs;
        let pem: String = certificates.iter().map(|certificate| as_pem(certificate)).collect();
        let pem: Arc<[u8]> = pem.into_bytes().into();
        *kept = Some(Reading { at: Instant::now(), pem: Arc::clone(&pem) });
        pem
    }
}

fn as_pem(certificate: &[u8]) -> String {
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", BASE64_STANDARD.encode(certificate))
}
