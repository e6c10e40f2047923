//! A certificate that stands itself in `caFile`: it is this one or none, so its form proves nothing more.
//!
//! rustls reads certificates of version 3 alone. The key of one of version 1 is found here, to check with it that the server
//! has the other half.

use std::io;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer};
use rustls::{CertificateError, DigitallySignedStruct, Error, PeerMisbehaved};
use webpki::RawPublicKeyEntity;

/// Whether a certificate that is refused for this is accepted all the same if it is pinned: all but its time.
pub(super) fn makes_up_for(error: &Error) -> bool {
    use CertificateError::{Expired, ExpiredContext, NotValidYet, NotValidYetContext};
    !matches!(
        error,
        Error::InvalidCertificate(Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. })
    )
}

/// What to do about a certificate that is refused for its form.
pub(super) fn remedy(error: &io::Error) -> Option<&'static str> {
    match error.get_ref()?.downcast_ref()? {
        Error::InvalidCertificate(CertificateError::Other(other)) => match other.0.downcast_ref()? {
            webpki::Error::CaUsedAsEndEntity => {
                Some("its certificate is an authority's own; name this very certificate by caFile")
            }
            webpki::Error::UnsupportedCertVersion => {
                Some("its certificate is of version 1; name this very certificate by caFile, or make one of version 3")
            }
            _ => None,
        },
        _ => None,
    }
}

/// Whether a handshake of TLS 1.3 is signed by the certificate's key.
pub(super) fn tls13_signature(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, Error> {
    let key = SubjectPublicKeyInfoDer::from(key_of(certificate).ok_or(CertificateError::BadEncoding)?);
    verify_tls13_signature_with_raw_key(message, &key, signed, algorithms)
}

/// The same of TLS 1.2, for which rustls has no such function.
pub(super) fn tls12_signature(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, Error> {
    let key = SubjectPublicKeyInfoDer::from(key_of(certificate).ok_or(CertificateError::BadEncoding)?);
    let key = RawPublicKeyEntity::try_from(&key).map_err(|_| CertificateError::BadEncoding)?;
    let of_scheme = algorithms.mapping.iter().find(|(scheme, _)| *scheme == signed.scheme);
    let (_, candidates) = of_scheme.ok_or(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)?;
    match candidates.iter().any(|algorithm| key.verify_signature(*algorithm, message, signed.signature()).is_ok()) {
        true => Ok(HandshakeSignatureValid::assertion()),
        false => Err(CertificateError::BadSignature.into()),
    }
}

/// The key's part of a certificate, whatever its version.
fn key_of(certificate: &[u8]) -> Option<&[u8]> {
    const SEQUENCE: u8 = 0x30;
    const VERSION: u8 = 0xa0;
    let (certificate, _) = Element::first(certificate)?;
    let (signed, _) = Element::first(certificate.inside(SEQUENCE)?)?;
    let mut rest = signed.inside(SEQUENCE)?;
    if rest.first() == Some(&VERSION) {
        rest = Element::first(rest)?.1;
    }
    // Serial number, signature's algorithm, issuer, validity, subject.
    for _ in 0..5 {
        rest = Element::first(rest)?.1;
    }
    let (key, _) = Element::first(rest)?;
    key.inside(SEQUENCE).map(|_| key.whole)
}

/// One element of DER.
struct Element<'a> {
    tag: u8,
    whole: &'a [u8],
    content: &'a [u8],
}

impl<'a> Element<'a> {
    /// The first one, and what follows it.
    fn first(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (&tag, after_tag) = bytes.split_first()?;
        let (&short, after_length) = after_tag.split_first()?;
        let (length, start) = match short {
            0..0x80 => (usize::from(short), 2),
            0x81..=0x83 => {
                let width = usize::from(short & 0x7f);
                let length = after_length.get(..width)?.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
                (length, 2 + width)
            }
            0x80 | 0x84.. => return None,
        };
        let (whole, rest) = bytes.split_at_checked(start + length)?;
        Some((Element { tag, whole, content: whole.get(start..)? }, rest))
    }

    fn inside(&self, tag: u8) -> Option<&'a [u8]> {
        (self.tag == tag).then_some(self.content)
    }
}
