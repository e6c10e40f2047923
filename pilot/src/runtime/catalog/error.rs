//! What can go wrong between pilot and the Consul agent, in sentences with the place and the remedy.
//!
//! No token ever gets in here: nothing of a request is kept but the agent's address.

use std::time::Duration;

/// A failed call to the agent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No connection, or it broke.
    #[error("Consul agent at {address} cannot be reached ({cause}): is it running, and is the address right?")]
    Unreachable {
        /// Of the agent.
        address: String,
        /// The operating system's or TLS's word for it.
        cause: String,
    },
    /// No complete answer in time.
    #[error("Consul agent at {address} did not answer within {after:?}")]
    Timeout {
        /// Of the agent.
        address: String,
        /// The deadline of the call.
        after: Duration,
    },
    /// Status 401 or 403.
    #[error("permission denied: the token lacks {permission}")]
    Denied {
        /// ACL rule and resource, `service:write for app`.
        permission: String,
    },
    /// The answer was left without what the token may not read: `X-Consul-Results-Filtered-By-ACLs`, or an empty answer that the
    /// token's rights explain.
    #[error("permission denied: the agent shows no instance, because the token lacks {permission}")]
    Filtered {
        /// ACL rule and resource, `service:read for app`.
        permission: String,
    },
    /// The agent does not know the check (any more): restarted, or deregistered behind pilot's back.
    #[error("the agent does not know check {0}")]
    UnknownCheck(String),
    /// Any other status than 200.
    #[error("Consul agent at {address} answered {code}: {body}")]
    Status {
        /// Of the agent.
        address: String,
        /// HTTP status.
        code: u16,
        /// The beginning of what it said, on one line.
        body: String,
    },
    /// Status 200 and something else than expected.
    #[error("Consul agent at {address} sent an answer that cannot be parsed ({cause}): is this Consul's HTTP port?")]
    Decode {
        /// Of the agent.
        address: String,
        /// What is wrong with it.
        cause: String,
    },
    /// An answer that is longer than pilot reads.
    #[error(
        "Consul agent at {address} sent an answer of more than {limit} bytes, which is not read: ask for fewer instances, by a `tag`"
    )]
    TooLong {
        /// Of the agent.
        address: String,
        /// Bytes.
        limit: usize,
    },
    /// The token file or a TLS file is unusable.
    #[error("the `consul` settings cannot be used: {0}")]
    Settings(String),
}

impl Error {
    /// Its name in metrics.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Error::Unreachable { .. } => "unreachable",
            Error::Timeout { .. } => "timeout",
            Error::Denied { .. } | Error::Filtered { .. } => "denied",
            Error::UnknownCheck(_) => "unknown_check",
            Error::Status { .. } => "status",
            Error::Decode { .. } | Error::TooLong { .. } => "unreadable",
            Error::Settings(_) => "settings",
        }
    }

    /// Whether this is another trouble than `before` and worth another line in the log.
    pub(super) fn is_news_after(&self, before: Option<&Error>) -> bool {
        before.is_none_or(|before| match (self, before) {
            (Error::Status { code, .. }, Error::Status { code: old, .. }) => code != old,
            _ => std::mem::discriminant(self) != std::mem::discriminant(before),
        })
    }
}
