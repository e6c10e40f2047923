//! Certificate authorities: those of a file, or the system's.
//!
//! Reading the system's takes 5 ms, some 150 files. They are kept for [`FRESH`], so that many checks share one reading and a
//! changed system is noticed all the same.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::runtime::net::small_file;
use crate::runtime::task;

/// After so long they are read again.
const FRESH: Duration = Duration::from_secs(60);

/// Whose certificates are accepted.
#[derive(Debug)]
pub(super) struct Authorities {
    /// The authorities.
    pub(super) roots: RootCertStore,
    /// The certificates of a file, each of which may also be a server's own.
    pinned: Vec<CertificateDer<'static>>,
}

impl Authorities {
    /// Those of PEM text; what is no certificate in it is passed over. `None` if there is none at all.
    fn of_pem(pem: &[u8]) -> Option<Self> {
        let pinned: Vec<_> = CertificateDer::pem_slice_iter(pem).filter_map(Result::ok).collect();
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(pinned.iter().cloned());
        (!pinned.is_empty()).then_some(Authorities { roots, pinned })
    }

    /// Those of a file, and its bytes; the error names it.
    pub(super) async fn of_file(path: &Path) -> Result<(Arc<Self>, Vec<u8>), String> {
        let path = path.to_owned();
        let read = task::blocking("reading certificates", move || {
            let pem = small_file::read_now(&path).map_err(|error| error.to_string())?;
            let authorities = Authorities::of_pem(&pem);
            let authorities = authorities.ok_or_else(|| format!("{} holds no usable certificate", path.display()))?;
            Ok((Arc::new(authorities), pem))
        });
        read.await.unwrap_or_else(|panic| Err(panic.to_string()))
    }

    /// Whether this very certificate stands in the file.
    pub(super) fn holds(&self, certificate: &CertificateDer<'_>) -> bool {
        self.pinned.iter().any(|pinned| pinned == certificate)
    }
}

/// The system's; clones share what was read.
#[derive(Clone, Default)]
pub(super) struct SystemAuthorities(Arc<Mutex<Option<Reading>>>);

struct Reading {
    at: Instant,
    authorities: Arc<Authorities>,
}

impl SystemAuthorities {
    /// All of them; `None` where the system has none. `SSL_CERT_FILE` and `SSL_CERT_DIR` count, as for HTTPS.
    pub(super) async fn get(&self) -> Option<Arc<Authorities>> {
        let kept = self.clone();
        let authorities = task::blocking("reading the system's certificates", move || kept.read()).await.ok()?;
        (!authorities.roots.is_empty()).then_some(authorities)
    }

    /// Locked while it reads: who comes meanwhile gets the same reading.
    fn read(&self) -> Arc<Authorities> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reading) = kept.as_ref().filter(|reading| reading.at.elapsed() < FRESH) {
            return Arc::clone(&reading.authorities);
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let authorities = Arc::new(Authorities { roots, pinned: Vec::new() });
        *kept = Some(Reading { at: Instant::now(), authorities: Arc::clone(&authorities) });
        authorities
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_passed_over() {
        let junk = "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\nand words\n";
        assert!(Authorities::of_pem(junk.as_bytes()).is_none());
        assert!(Authorities::of_pem(b"").is_none());
        let bundle = format!("{junk}-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n");
        assert_eq!(Authorities::of_pem(bundle.as_bytes()).unwrap().pinned, [CertificateDer::from(vec![0x30, 0])]);
    }
}
