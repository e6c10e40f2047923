//! TLS towards a MySQL server, and what its certificate has to be.
//!
//! MySQL's `ssl-mode` has two answers that rustls' own verifier does not know: any certificate, and one of a trusted authority
//! for whatever name. And a certificate that stands itself in `caFile` is accepted as it is, as by other clients: one made
//! by the short recipes is of version 1 or its own authority, and nothing else would do.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::authorities::Authorities;
use super::fault::Fault;
use super::packet::Stream;
use super::pinned;

/// The longest chain that is looked at; each certificate may cost a signature's check.
const MOST_INTERMEDIATES: usize = 10;

/// What a server's certificate has to be.
#[derive(Clone, Debug)]
pub(super) enum Check {
    /// Anything.
    Nothing,
    /// By one of these authorities.
    Authority(Arc<Authorities>),
    /// By one of these authorities, and for the name that was connected to.
    Identity(Arc<Authorities>),
}

impl Check {
    /// Whether a server that passes is known to be the one that is meant.
    pub(super) fn proves(&self) -> bool {
        !matches!(self, Check::Nothing)
    }
}

/// TLS on top of a stream.
pub(super) async fn over(
    stream: Box<dyn Stream>,
    check: &Check,
    name: ServerName<'static>,
) -> Result<TlsStream<Box<dyn Stream>>, Fault> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Verifier { check: check.clone(), provider: Arc::clone(&provider) };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Fault::strange(format!("TLS cannot be set up: {error}")))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(TlsConnector::from(Arc::new(config)).connect(name, stream).await?)
}

#[derive(Debug)]
struct Verifier {
    check: Check,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    fn authorities(&self) -> Option<&Authorities> {
        match &self.check {
            Check::Nothing => None,
            Check::Authority(authorities) | Check::Identity(authorities) => Some(authorities),
        }
    }

    fn chain(
        &self,
        authorities: &Authorities,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        let parsed = ParsedCertificate::try_from(certificate)?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&parsed, &authorities.roots, intermediates, now, algorithms)?;
        match self.check {
            Check::Identity(_) => verify_server_name(&parsed, name),
            Check::Nothing | Check::Authority(_) => Ok(()),
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(authorities) = self.authorities() else { return Ok(ServerCertVerified::assertion()) };
        if intermediates.len() > MOST_INTERMEDIATES {
            return Err(Error::General(format!("a chain of {} certificates", intermediates.len())));
        }
        let verdict = self.chain(authorities, certificate, intermediates, name, now);
        match verdict {
            Err(error) if authorities.holds(certificate) && pinned::makes_up_for(&error) => Ok(()),
            verdict => verdict,
        }
        .map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        match self.authorities() {
            // Whoever it is may say that it is somebody else.
            None => Ok(HandshakeSignatureValid::assertion()),
            Some(authorities) if authorities.holds(certificate) => {
                pinned::tls12_signature(message, certificate, signature, algorithms)
            }
            Some(_) => verify_tls12_signature(message, certificate, signature, algorithms),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        match self.authorities() {
            None => Ok(HandshakeSignatureValid::assertion()),
            Some(authorities) if authorities.holds(certificate) => {
                pinned::tls13_signature(message, certificate, signature, algorithms)
            }
            Some(_) => verify_tls13_signature(message, certificate, signature, algorithms),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
