//! How lines are written.

use std::path::PathBuf;

/// The `logging` block. v3 spec section 4.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logging {
    /// Lines below this level are not written.
    pub level: Level,
    /// Layout of a line.
    pub format: LogFormat,
    /// Where lines go.
    pub output: LogOutput,
}

impl Default for Logging {
    fn default() -> Self {
        Logging { level: Level::Info, format: LogFormat::Default, output: LogOutput::Stdout }
    }
}

/// Severity, in v3's names and order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// `panic`
    Panic,
    /// `fatal`
    Fatal,
    /// `error`
    Error,
    /// `warn`, `warning`
    Warn,
    /// `info`
    Info,
    /// `debug`
    Debug,
}

/// Layout of a log line. v3 spec section 4.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// `<time> [<job>] [<pid>] <message>`
    Default,
    /// `key=value` pairs.
    Text,
    /// One JSON object a line.
    Json,
}

/// Where log lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogOutput {
    /// pilot's stdout.
    Stdout,
    /// pilot's stderr.
    Stderr,
    /// A file, opened for append.
    File(PathBuf),
}
