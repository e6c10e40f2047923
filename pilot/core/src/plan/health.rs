//! How a job's health is judged.

use std::time::Duration;

use super::{OutputMode, Probe};

/// How a job's health is found out. v3 spec section 5.6.
#[derive(Clone, Debug, PartialEq)]
pub struct HealthCheck {
    /// `None`: the job counts as passing as long as it is started (an unconditional heartbeat).
    pub probe: Option<Probe>,
    /// From one probe to the next.
    pub interval: Duration,
    /// A probe is ended and counts as failed after this time; `None`: no limit.
    pub timeout: Option<Duration>,
    /// What happens to the output of an `exec` probe.
    pub output: OutputMode,
    /// So many passes in a row turn the job healthy (default 1).
    pub success_threshold: u32,
    /// So many failures in a row turn it unhealthy (default 1).
    pub failure_threshold: u32,
    /// After a start, failures do not count for this long, or until the first pass.
    pub start_grace: Duration,
    /// What an unhealthy job causes.
    pub on_failure: OnFailure,
    /// A failing check is reported to the catalog at once; v3 (and the default) lets the TTL lapse.
    pub fail_fast: bool,
}

/// The variable with the process number of a job's running check. v3 has one for all checks (spec 12.1, row 25).
pub fn check_variable(job: &str) -> String {
    let letters = job.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' });
    format!("PILOT_CHECK_{}_PID", letters.collect::<String>())
}

/// What pilot does when a job turns unhealthy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// Say so: event, status, catalog.
    Report,
    /// Also stop the run; its restart budget decides what follows.
    Restart,
}
