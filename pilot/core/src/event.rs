//! The vocabulary of the bus: an event is a code and a source. v3 spec section 6.
//!
//! Names that a configuration may use and names that logs and metrics show are two different sets in v3; both live here.

use std::fmt;

/// The source of `startup`, `shutdown`, `enterMaintenance` and `exitMaintenance`.
pub const GLOBAL: &str = "global";

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// A run ended with success; source is the job, or `check.<job>` for an exec probe.
    ExitSuccess,
    /// A run ended otherwise, was killed, or could not be started.
    ExitFailed,
    /// Directly after [`Code::ExitFailed`]; the source says what went wrong.
    Error,
    /// The job begins to stop.
    Stopping,
    /// The job's services are being taken out of Consul.
    LeavingConsul,
    /// The job's target is being taken out of its group.
    LeavingTargetGroup,
    /// The job is out of the catalog and of its target group, and serves on until nothing is in flight.
    Draining,
    /// It has drained: its stop signal follows.
    Drained,
    /// The job has finished stopping. Its process may still be ending.
    Stopped,
    /// A passing check, or a watch with instances that changed.
    Healthy,
    /// A failing check, or a watch that changed to no instances.
    Unhealthy,
    /// The set of instances behind a watch is another one.
    Changed,
    /// The job's `when.timeout` has passed.
    TimerExpired,
    /// Maintenance was asked for.
    EnterMaintenance,
    /// Maintenance is over.
    ExitMaintenance,
    /// Everything is subscribed and listening.
    Startup,
    /// pilot was asked to stop.
    Shutdown,
    /// SIGHUP or SIGUSR2; the source is the signal's name.
    Signal,
}

/// Codes that mean the same to most rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The end of a run, or of an exec probe.
    Exit,
    /// What went wrong with a run; its source is a text.
    Error,
    /// A step of a job's way out.
    Stop,
    /// What a check or a watch has found.
    Health,
    /// A watch sees other instances.
    Change,
    /// A job gave up waiting to start.
    Timer,
    /// About the container as a whole; the source is [`GLOBAL`].
    Container,
    /// A signal; the source is its name.
    Signal,
}

impl Code {
    /// What kind of event it is.
    pub fn class(self) -> Class {
        match self {
            Code::ExitSuccess | Code::ExitFailed => Class::Exit,
            Code::Error => Class::Error,
            Code::Stopping
            | Code::LeavingConsul
            | Code::LeavingTargetGroup
            | Code::Draining
            | Code::Drained
            | Code::Stopped => Class::Stop,
            Code::Healthy | Code::Unhealthy => Class::Health,
            Code::Changed => Class::Change,
            Code::TimerExpired => Class::Timer,
            Code::EnterMaintenance | Code::ExitMaintenance | Code::Startup | Code::Shutdown => Class::Container,
            Code::Signal => Class::Signal,
        }
    }

    /// Codes that `once`, `each` and `event` accept, with the configuration's spelling.
    pub const SELECTABLE: [(&'static str, Code); 17] = [
        ("exitSuccess", Code::ExitSuccess),
        ("exitFailed", Code::ExitFailed),
        ("error", Code::Error),
        ("stopping", Code::Stopping),
        ("leavingConsul", Code::LeavingConsul),
        ("leavingTargetGroup", Code::LeavingTargetGroup),
        ("draining", Code::Draining),
        ("drained", Code::Drained),
        ("stopped", Code::Stopped),
        ("healthy", Code::Healthy),
        ("unhealthy", Code::Unhealthy),
        ("changed", Code::Changed),
        ("timerExpired", Code::TimerExpired),
        ("enterMaintenance", Code::EnterMaintenance),
        ("exitMaintenance", Code::ExitMaintenance),
        ("startup", Code::Startup),
        ("shutdown", Code::Shutdown),
    ];

    /// The configuration's spelling; a signal has none of its own there.
    pub fn word(self) -> &'static str {
        Code::SELECTABLE.iter().find(|(_, code)| *code == self).map_or("signal", |(word, _)| word)
    }

    /// The name in v3's debug log and metric labels.
    pub fn label(self) -> &'static str {
        match self {
            Code::ExitSuccess => "ExitSuccess",
            Code::ExitFailed => "ExitFailed",
            Code::Error => "Error",
            Code::Stopping => "Stopping",
            Code::LeavingConsul => "LeavingConsul",
            Code::LeavingTargetGroup => "LeavingTargetGroup",
            Code::Draining => "Draining",
            Code::Drained => "Drained",
            Code::Stopped => "Stopped",
            Code::Healthy => "StatusHealthy",
            Code::Unhealthy => "StatusUnhealthy",
            Code::Changed => "StatusChanged",
            Code::TimerExpired => "TimerExpired",
            Code::EnterMaintenance => "EnterMaintenance",
            Code::ExitMaintenance => "ExitMaintenance",
            Code::Startup => "Startup",
            Code::Shutdown => "Shutdown",
            Code::Signal => "Signal",
        }
    }
}

/// A code and where it comes from: a job, `check.<job>`, `watch.<name>`, [`GLOBAL`] or a signal's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Event {
    /// What happened.
    pub code: Code,
    /// To whom.
    pub source: String,
}

impl Event {
    /// An event.
    pub fn new(code: Code, source: impl Into<String>) -> Self {
        Event { code, source: source.into() }
    }

    /// An event of the source [`GLOBAL`].
    pub fn global(code: Code) -> Self {
        Event::new(code, GLOBAL)
    }
}

/// v3's debug form, `{ExitSuccess app}`.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{} {}}}", self.code.label(), self.source)
    }
}
