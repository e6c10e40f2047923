//! What can go wrong in a conversation with a MySQL server.

use std::borrow::Cow;
use std::io;

/// Why a conversation ended early. No variant holds a secret; text of the server's is made printable by the finding.
#[derive(Debug)]
pub(super) enum Fault {
    /// The connection, or TLS on it: `rustls::Error` is then inside.
    Io(io::Error),
    /// TLS is demanded by the configuration and not offered by the server.
    NoTls,
    /// What came is not the protocol, or more of it than is ever asked for.
    Strange(Cow<'static, str>),
    /// The server's own error packet.
    Server {
        /// MySQL's error number.
        number: u16,
        /// Its text, without the SQL state.
        message: String,
    },
    /// The server wants a log-in that pilot does not speak, by this plugin.
    Plugin(String),
    /// The server wants the password itself, over a connection that proves nobody's identity.
    Unverified,
}

impl Fault {
    /// The peer does not speak the protocol; `what` says where.
    pub(super) fn strange(what: impl Into<Cow<'static, str>>) -> Self {
        Fault::Strange(what.into())
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Fault::Io(error)
    }
}
