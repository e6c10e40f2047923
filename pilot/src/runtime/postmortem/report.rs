//! The model: written as JSON, into the log and over the control socket, and read by the client for its text.

use serde::{Deserialize, Serialize};

/// What has ended, and what was known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Postmortem {
    /// For how long pilot has supervised, in seconds.
    pub up_for: f64,
    /// pilot's own exit code, at its end.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub exit_code: Option<u8>,
    /// The last ends, the newest first.
    pub ends: Vec<EndReport>,
    /// The jobs that have ended; those that failed first.
    pub jobs: Vec<JobPostmortem>,
}

/// The end of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndReport {
    /// The job's name.
    pub job: String,
    /// When, in seconds before now.
    pub ago: f64,
    /// How long it had run, in seconds.
    pub lasted: f64,
    /// In words: `exit status 3`, `signal: killed`, why it could not be started.
    pub text: String,
    /// Exit code; none if a signal has ended it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub code: Option<u8>,
    /// The signal that has ended it, such as SIGKILL.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub signal: Option<String>,
    /// Processes of this container that the kernel has killed because the memory was used up since the failure before it.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub oom_kills: u64,
    /// Whether pilot was stopping it.
    pub stopped: bool,
}

/// What else is known of a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobPostmortem {
    /// Its name.
    pub name: String,
    /// The last results of its check, the newest first.
    pub probes: Vec<ProbeReport>,
    /// The last lines of its output; none if it is raw and goes past pilot.
    pub lines: Vec<String>,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProbeReport {
    /// When, in seconds before now.
    pub ago: f64,
    /// Whether it passed.
    pub passed: bool,
    /// What it said.
    pub note: String,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // As serde wants it.
fn is_zero(number: &u64) -> bool {
    *number == 0
}
