//! The plan: a configuration after rendering, parsing and validation.
//!
//! Complete and typed: every default is filled in, every address resolved, every name checked. `config` makes it,
//! the engine and the runtime read it; nobody changes it. It holds no secret in a printable form ([`Secret`]).

use std::time::Duration;

mod balancer;
mod consul;
mod control;
mod health;
mod job;
mod logging;
mod probe;
mod process;
mod schedule;
mod secret;
mod service;
mod telemetry;
mod watch;

pub use balancer::{BalancerMode, Drain, InFlight, LoadBalancer, TargetGroupArn};
pub use consul::{Consul, ConsulAddress, ConsulTls};
pub use control::{Control, DEFAULT_SOCKET};
pub use health::{HealthCheck, OnFailure, check_variable};
pub use job::{Backoff, Command, Condition, Count, Job, OnImpossible, OutputMode, Overlap, Start, TELEMETRY_JOB};
pub use logging::{Level, LogFormat, LogOutput, Logging};
pub use probe::{HttpProbe, MysqlProbe, MysqlRole, MysqlTls, NotifyProbe, Password, Probe};
pub use process::{
    Account, Identity, Inherit, Limit, ProcessSettings, Resource, SignalNumber, UNLIMITED, Variable, WithoutRights,
};
pub use schedule::{BadSchedule, CRON_FIELDS, Schedule, Zone};
pub use secret::Secret;
pub use service::{CheckStatus, Service, Weights};
pub use telemetry::{BUILT_IN_METRICS, Metric, MetricKind, Telemetry};
pub use watch::{Watch, WatchTarget};

/// Everything one pilot does, from one configuration file.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Where services are registered and watched; `None` runs without a catalog.
    pub consul: Option<Consul>,
    /// How pilot's own lines and its children's lines are written.
    pub logging: Logging,
    /// From a job's stop signal to SIGKILL of its group, for jobs without their own (v3 `stopTimeout`, default 5 s).
    pub stop_timeout: Duration,
    /// What the scheduler grants from its stop request to its SIGKILL. Drains are cut short to stay within it, then hooks.
    pub stop_budget: Option<Duration>,
    /// In the order of the file, which is the order of event delivery.
    pub jobs: Vec<Job>,
    /// In the order of the file.
    pub watches: Vec<Watch>,
    /// Metrics and status over HTTP, if wanted. What stands for them in the catalog is the last of [`Plan::jobs`].
    pub telemetry: Option<Telemetry>,
    /// The control socket.
    pub control: Control,
}

impl Plan {
    /// Whether anything of this job is for Consul.
    pub fn registers(&self, job: &Job) -> bool {
        self.consul.is_some() && job.registered_services().next().is_some()
    }
}

/// A job's place in [`Plan::jobs`]; the engine's `job_ids` have its number at the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobAt(pub usize);

/// A job's number for life. No index: ask the engine for the definition; a job that a reload brings has a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub(crate) usize);

/// A watch's number for life. No index either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WatchId(pub(crate) usize);

/// Index of a service in [`Job::services`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceId(pub usize);
