//! One process (or placeholder): what is run, when, how often, and what hangs on it.

use std::time::Duration;

use super::{Drain, HealthCheck, LoadBalancer, ProcessSettings, Schedule, Service, ServiceId};
use crate::event::{Class, Code, Event};
use crate::exit::Exit;

/// The job that stands for pilot itself where it serves metrics; v3's name for it.
pub const TELEMETRY_JOB: &str = "containerpilot";

/// One process (or placeholder), its start condition, its health and its service. v3 spec section 5.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// The job's name; the source of its events.
    pub name: String,
    /// What is run; `None` is a placeholder that only registers a service or relays events.
    pub exec: Option<Command>,
    /// How its process is set up, and that of its exec health check.
    pub process: ProcessSettings,
    /// When it is started.
    pub start: Start,
    /// How often it is run again after an end.
    pub restarts: Count,
    /// How long pilot waits before it runs it again.
    pub backoff: Backoff,
    /// What happens when a periodic job's time comes and the run before is still going.
    pub overlap: Overlap,
    /// One run may take this long; then its group is killed.
    pub timeout: Option<Duration>,
    /// Bounds the wait for pre-stop jobs and the time from the stop signal to SIGKILL, instead of [`super::Plan::stop_timeout`].
    pub stop_timeout: Option<Duration>,
    /// What happens to its output.
    pub output: OutputMode,
    /// Its place in a target group.
    pub balancer: Option<LoadBalancer>,
    /// How long it serves on before its stop signal.
    pub drain: Option<Drain>,
    /// What is advertised of it in the catalog: the job's own service first. All of them share the job's health.
    pub services: Vec<Service>,
    /// How its health is found out.
    pub health: Option<HealthCheck>,
    /// Its final end is the container's end, with its exit code.
    pub critical: bool,
    /// What happens when it can no longer start.
    pub on_impossible: OnImpossible,
    /// Exit codes besides 0 that count as success.
    pub success_codes: Vec<u8>,
    /// It is the foreground job of pilot's controlling terminal and inherits stdin.
    pub tty: bool,
}

/// What happens when the event that a job waits for can no longer come, because the job that would make it is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnImpossible {
    /// It is said, and the container is unhealthy; a person may start the job, or a reload may bring another plan.
    #[default]
    Wait,
    /// It is said, everything stops, and pilot exits with 1.
    Exit,
}

impl Job {
    /// The services that go into the catalog.
    pub fn registered_services(&self) -> impl Iterator<Item = (ServiceId, &Service)> {
        let numbered = self.services.iter().enumerate().map(|(index, service)| (ServiceId(index), service));
        numbered.filter(|(_, service)| service.registered)
    }

    /// Whether one of its start events is this one.
    pub fn waits_for(&self, code: Code, source: &str) -> bool {
        self.start.events().iter().any(|event| event.code == code && event.source == source)
    }

    /// Whether it is a hook: it reacts to another job's stop, by doing something.
    pub(crate) fn is_hook(&self) -> bool {
        self.exec.is_some() && self.start.events().iter().any(|event| event.code.class() == Class::Stop)
    }

    /// Whether it is a hook on the stop of this job.
    pub(crate) fn is_hook_on(&self, source: &str) -> bool {
        let of_it = |event: &Event| event.code.class() == Class::Stop && event.source == source;
        self.exec.is_some() && self.start.events().iter().any(of_it)
    }

    /// Whether this is how its stop signal ends its run: killed by it, or with the code that a shell gives then.
    pub(crate) fn is_stopped_by(&self, exit: Exit) -> bool {
        let signal = Exit::Signal(self.process.stop_signal.0);
        exit == signal || exit == Exit::Code(signal.code())
    }

    /// Whether such an end of its run is a success.
    pub(crate) fn is_success(&self, exit: Exit) -> bool {
        match exit {
            Exit::Code(0) => true,
            Exit::Code(code) => self.success_codes.contains(&code),
            Exit::Signal(_) => self.success_codes.contains(&exit.code()),
        }
    }

    /// Whether it counts as healthy from the beginning and for ever, whatever happens: v3's rule for [`TELEMETRY_JOB`],
    /// by name (spec 5.9).
    pub fn is_always_healthy(&self) -> bool {
        self.name == TELEMETRY_JOB
    }
}

/// A program and its arguments. A program without `/` is looked up in PATH at each start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Path or name of the program.
    pub program: String,
    /// Arguments after the program's name.
    pub args: Vec<String>,
}

/// What makes a job run. v3 spec section 5.4.
#[derive(Clone, Debug, PartialEq)]
pub enum Start {
    /// The first time the condition is met; given up after `timeout`, measured from pilot's start.
    Once {
        /// What is waited for.
        when: Condition,
        /// How long.
        timeout: Option<Duration>,
    },
    /// Every time one of the events is seen.
    Each {
        /// Any of these starts a run.
        events: Vec<Event>,
        /// Given up if none was seen for this long after pilot's start.
        timeout: Option<Duration>,
    },
    /// At startup and then at every tick.
    Interval(Duration),
    /// Whenever the wall clock says so.
    Cron(Schedule),
    /// Never (v3's `when: {}`); it gives up after `timeout`.
    Never {
        /// How long it idles.
        timeout: Option<Duration>,
    },
}

impl Start {
    /// The events that can start the job.
    pub fn events(&self) -> &[Event] {
        match self {
            Start::Once { when: Condition::All(events) | Condition::Any(events), .. } | Start::Each { events, .. } => {
                events
            }
            Start::Interval(_) | Start::Cron(_) | Start::Never { .. } => &[],
        }
    }

    /// Whether a start without a cause is a restart, and not the tick of a periodic job.
    pub fn is_restart(&self, cause: Option<&Event>) -> bool {
        cause.is_none() && !self.is_periodic()
    }

    /// Whether the job is started again and again by time alone.
    pub fn is_periodic(&self) -> bool {
        match self {
            Start::Interval(_) | Start::Cron(_) => true,
            Start::Once { .. } | Start::Each { .. } | Start::Never { .. } => false,
        }
    }
}

/// What a periodic job does when its time comes and the run before is still going.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overlap {
    /// Nothing: it waits for its next time.
    Skip,
    /// One run follows as soon as the one before has ended, however often its time has come meanwhile.
    #[default]
    Queue,
    /// The one before is stopped, and one follows when it has ended.
    Kill,
}

/// The condition of [`Start::Once`].
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// Each of the events has been seen at least once.
    All(Vec<Event>),
    /// One of the events has been seen.
    Any(Vec<Event>),
}

/// A number of starts or restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// Exactly this many.
    Finite(u64),
    /// No limit.
    Unlimited,
}

impl Count {
    /// Takes one, if any is left.
    pub(crate) fn take(&mut self) -> bool {
        match self {
            Count::Unlimited => true,
            Count::Finite(0) => false,
            Count::Finite(left) => {
                *left -= 1;
                true
            }
        }
    }
}

/// The delay before a restart: none before the first, then `initial`, growing by `factor` up to `max`, each spread by
/// `jitter`; back to none after a run of `reset_after`, or a successful run of a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// Delay before the second restart in a row.
    pub initial: Duration,
    /// Growth from one delay to the next, at least 1.
    pub factor: f64,
    /// No delay is longer.
    pub max: Duration,
    /// Share of a delay by which it may be longer or shorter, 0 to 1.
    pub jitter: f64,
    /// A run (or healthy time) of this length forgets all earlier failures.
    pub reset_after: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Backoff {
            initial: Duration::from_millis(100),
            factor: 2.0,
            max: Duration::from_secs(30),
            jitter: 0.1,
            reset_after: Duration::from_secs(10),
        }
    }
}

/// What happens to a child's stdout and stderr. v3 spec section 4.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputMode {
    /// Each line becomes one log line in pilot's format.
    Wrapped,
    /// The child inherits pilot's own descriptors; pilot never sees a byte.
    Raw,
}
