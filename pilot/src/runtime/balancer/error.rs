//! What can go wrong between pilot and the load balancer's API, in sentences with the remedy. No credential gets in here.

use std::time::Duration;

/// A failed call, or a target that cannot be named.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// AWS asks for patience.
    #[error("AWS is throttling this account's calls ({0}); pilot retries more slowly")]
    Throttled(String),
    /// The role may not do this.
    #[error("AWS denies elasticloadbalancing:{action} ({code}): allow it in the task role's policy")]
    Denied {
        /// `RegisterTargets`, `DeregisterTargets` or `DescribeTargetHealth`.
        action: &'static str,
        /// AWS' code for it.
        code: String,
    },
    /// The ARN leads nowhere.
    #[error("the target group {0} does not exist: check the ARN")]
    NoGroup(String),
    /// AWS does not take this target in this group.
    #[error("AWS does not accept the target: {0}")]
    Refused(String),
    /// No credentials were found, or those found cannot be used.
    #[error(
        "no usable AWS credentials ({0}): give the task a role, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    )]
    Credentials(String),
    /// No complete answer in time.
    #[error("no answer from AWS within {0:?}")]
    Timeout(Duration),
    /// No connection.
    #[error("AWS cannot be reached ({0}): is there a route or a VPC endpoint to the API?")]
    Unreachable(String),
    /// Any other answer.
    #[error("AWS answered {code}: {message}")]
    Answer {
        /// AWS' error code, or the HTTP status.
        code: String,
        /// What it said, on one line.
        message: String,
    },
    /// Nobody knows what this container is called in the group.
    #[error("cannot find out this container's own target: {0}")]
    NoTarget(String),
}

impl Error {
    /// Whether this is another trouble than `before` and worth another line in the log.
    pub(super) fn is_news_after(&self, before: Option<&Error>) -> bool {
        before.is_none_or(|before| std::mem::discriminant(self) != std::mem::discriminant(before))
    }
}
