//! No certificate authority at all, in place of the crate `webpki-roots` (`[patch.crates-io]` in the workspace).
//!
//! sqlx adds the authorities it is given to those of one of two crates; there is no third choice. One reads the system's,
//! some 150 files, at every connection; with both, `verify-ca` and a company's own authority would accept any certificate
//! that is valid in public. With this one sqlx trusts whom it is told to, and who tells it nothing is refused everything.

use rustls_pki_types::TrustAnchor;

/// Nobody.
pub const TLS_SERVER_ROOTS: &[TrustAnchor<'static>] = &[];
