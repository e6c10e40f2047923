//! A job's place in its target group.

/// What is known of a job's place in its target group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// The load balancer has called it healthy once.
    pub was_healthy: bool,
    /// The load balancer's last word; `None`: it could not be asked.
    pub state: Option<String>,
}
