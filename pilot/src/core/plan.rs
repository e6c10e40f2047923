//! The plan: a configuration after rendering, parsing and validation.
//!
//! Complete and typed: every default is filled in, every address resolved, every name checked. `config` makes it,
//! the engine and the runtime read it; nobody changes it. It holds no secret in a printable form ([`Secret`]).

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::event::Event;

/// Everything one pilot does, from one configuration file.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Where services are registered and watched; `None` runs without a catalog.
    pub consul: Option<Consul>,
    /// How pilot's own lines and its children's lines are written.
    pub logging: Logging,
    /// From a job's stop signal to SIGKILL of its group, for jobs without their own (v3 `stopTimeout`, default 5 s).
    pub stop_timeout: Duration,
    /// In the order of the file, which is the order of event delivery.
    pub jobs: Vec<Job>,
    /// In the order of the file.
    pub watches: Vec<Watch>,
    /// Parsed and validated; served from a later release on.
    pub telemetry: Option<Telemetry>,
    /// Parsed and validated; served from a later release on.
    pub control: Control,
}

/// Index of a job in [`Plan::jobs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub usize);

/// Index of a watch in [`Plan::watches`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WatchId(pub usize);

/// One process (or placeholder), its start condition, its health and its service. v3 spec section 5.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// The job's name; the source of its events.
    pub name: String,
    /// What is run; `None` is a placeholder that only registers a service or relays events.
    pub exec: Option<Command>,
    /// When it is started.
    pub start: Start,
    /// How often it is run again after an end.
    pub restarts: Count,
    /// How long pilot waits before it runs it again.
    pub backoff: Backoff,
    /// One run may take this long; then its group is killed.
    pub timeout: Option<Duration>,
    /// Bounds the wait for pre-stop jobs and the time from the stop signal to SIGKILL, instead of [`Plan::stop_timeout`].
    pub stop_timeout: Option<Duration>,
    /// What happens to its output.
    pub output: OutputMode,
    /// What is registered in the catalog for it.
    pub service: Option<Service>,
    /// How its health is found out.
    pub health: Option<HealthCheck>,
    /// Its final end is the container's end, with its exit code.
    pub critical: bool,
    /// Exit codes beside 0 that count as success.
    pub success_codes: Vec<u8>,
    /// It is the foreground job of pilot's controlling terminal and inherits stdin.
    pub tty: bool,
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
    /// Never (v3's `when: {}`); it gives up after `timeout`.
    Never {
        /// How long it idles.
        timeout: Option<Duration>,
    },
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
    /// Exactly so many.
    Finite(u64),
    /// No limit.
    Unlimited,
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

/// What pilot does when a job turns unhealthy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// Say so: event, status, catalog.
    Report,
    /// Also stop the run; its restart budget decides what follows.
    Restart,
}

/// How a health check or a probing watch looks at something.
#[derive(Clone, Debug, PartialEq)]
pub enum Probe {
    /// A process; exit status 0 passes.
    Exec(Command),
    /// An HTTP request.
    Http(HttpProbe),
    /// A TCP connection, `host:port`.
    Tcp(String),
    /// A MySQL login and query.
    Mysql(MysqlProbe),
}

/// An HTTP probe: passes when the answer's status is expected.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpProbe {
    /// Absolute `http://` or `https://` URL.
    pub url: String,
    /// `GET` or `HEAD` or any other method.
    pub method: String,
    /// Extra request headers; values may be secret.
    pub headers: Vec<(String, Secret)>,
    /// Inclusive ranges of accepted status codes (default 200 to 399).
    pub status: Vec<(u16, u16)>,
    /// Accept any certificate (default false).
    pub insecure: bool,
    /// PEM file of trust roots instead of the system's.
    pub ca_file: Option<PathBuf>,
}

/// A MySQL probe: resolve, connect, TLS, log in, `SELECT 1`, check the role.
#[derive(Clone, Debug, PartialEq)]
pub struct MysqlProbe {
    /// Name or address; resolved anew at every connect.
    pub host: String,
    /// TCP port (default 3306).
    pub port: u16,
    /// Path of a unix socket instead of host and port.
    pub socket: Option<PathBuf>,
    /// User name.
    pub user: String,
    /// Where the password comes from; read at every connect, so that a rotated one is used.
    pub password: Password,
    /// Database to select, if any.
    pub database: Option<String>,
    /// How TLS is used.
    pub tls: MysqlTls,
    /// PEM file of trust roots (RDS: the region's bundle).
    pub ca_file: Option<PathBuf>,
    /// What the server must be.
    pub role: MysqlRole,
}

/// Where a password comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Password {
    /// No password.
    None,
    /// Written in the configuration.
    Literal(Secret),
    /// First line of a file.
    File(PathBuf),
    /// An environment variable of pilot.
    Env(String),
}

/// TLS towards MySQL, in the words of MySQL's own `ssl-mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MysqlTls {
    /// Never.
    Disabled,
    /// If the server offers it.
    Preferred,
    /// Always, any certificate.
    Required,
    /// Always, certificate from a trusted root.
    VerifyCa,
    /// Always, certificate from a trusted root and for this host.
    VerifyIdentity,
}

/// What a MySQL server must be for the probe to pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MysqlRole {
    /// Anything that answers.
    Any,
    /// Writable: neither `read_only` nor `innodb_read_only`.
    Writer,
    /// Read-only.
    Replica,
}

/// A service in the catalog. v3 spec section 5.7.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// `<job>-<hostname>`, unique in the agent.
    pub id: String,
    /// What others look it up by; the job's name unless the job says otherwise.
    pub name: String,
    /// Advertised port, never 0.
    pub port: u16,
    /// Advertised address.
    pub address: IpAddr,
    /// Tags, in the order of the file.
    pub tags: Vec<String>,
    /// Consul service `Meta`.
    pub meta: BTreeMap<String, String>,
    /// Consul `EnableTagOverride`.
    pub enable_tag_override: bool,
    /// Consul `DeregisterCriticalServiceAfter`, Go duration text.
    pub deregister_critical_after: Option<String>,
    /// Register with this status before the first check.
    pub initial_status: Option<CheckStatus>,
    /// Without a heartbeat for this long the catalog turns the check critical.
    pub ttl: Duration,
}

/// State of a Consul check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckStatus {
    /// `passing`
    Passing,
    /// `warning`
    Warning,
    /// `critical`
    Critical,
}

impl CheckStatus {
    /// Consul's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            CheckStatus::Passing => "passing",
            CheckStatus::Warning => "warning",
            CheckStatus::Critical => "critical",
        }
    }
}

/// A dependency outside this container. v3 spec section 7.
#[derive(Clone, Debug, PartialEq)]
pub struct Watch {
    /// Its events have the source `watch.<name>`.
    pub name: String,
    /// What is looked at.
    pub target: WatchTarget,
    /// Services: fallback poll and back-off; probes: from one probe to the next.
    pub interval: Duration,
}

/// What a watch looks at.
#[derive(Clone, Debug, PartialEq)]
pub enum WatchTarget {
    /// The passing instances of a Consul service.
    Service {
        /// Service name in the catalog.
        service: String,
        /// Only instances with this tag.
        tag: Option<String>,
        /// Another datacenter than the agent's.
        datacenter: Option<String>,
    },
    /// Something that registers nowhere, asked directly (never `exec`).
    Probe {
        /// How.
        probe: Probe,
        /// A probe fails after this time.
        timeout: Duration,
    },
}

/// Where and how the Consul agent is reached. v3 spec section 3.
#[derive(Clone, Debug, PartialEq)]
pub struct Consul {
    /// TCP or unix socket.
    pub address: ConsulAddress,
    /// Fixed token, if any.
    pub token: Option<Secret>,
    /// File with the token, read anew when it changes; goes before `token`.
    pub token_file: Option<PathBuf>,
    /// Used when the address is https.
    pub tls: ConsulTls,
}

/// Address of a Consul agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsulAddress {
    /// `http://host:port` or `https://host:port`, no path.
    Url(String),
    /// Path of a unix socket, plain HTTP inside.
    Unix(PathBuf),
}

/// TLS towards the agent. v3 spec 3.2 and 3.3.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsulTls {
    /// PEM file of trust roots; goes before `ca_path`.
    pub ca_file: Option<PathBuf>,
    /// Folder of PEM files.
    pub ca_path: Option<PathBuf>,
    /// PEM client certificate and key, only ever both.
    pub client: Option<(PathBuf, PathBuf)>,
    /// Name to verify and to send as SNI instead of the host.
    pub server_name: Option<String>,
    /// Verify the certificate; v3's default is false.
    pub verify: bool,
}

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

/// The `telemetry` block. v3 spec section 9.1.
#[derive(Clone, Debug, PartialEq)]
pub struct Telemetry {
    /// Port of `/metrics` and `/status`; 0 is a random one and no registration.
    pub port: u16,
    /// The only address that is listened on.
    pub address: IpAddr,
    /// Tags of the service `containerpilot`.
    pub tags: Vec<String>,
    /// User metrics.
    pub metrics: Vec<Metric>,
}

/// A user metric. v3 spec section 9.3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metric {
    /// First part of the exposed name, may be empty.
    pub namespace: String,
    /// Second part, may be empty.
    pub subsystem: String,
    /// Last part.
    pub name: String,
    /// Help text, never empty.
    pub help: String,
    /// What a value does.
    pub kind: MetricKind,
}

/// Kind of a user metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Adds.
    Counter,
    /// Sets.
    Gauge,
    /// Observes into buckets.
    Histogram,
    /// Observes into quantiles.
    Summary,
}

/// The `control` block. v3 spec section 8.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// Path of the unix socket.
    pub socket: PathBuf,
}

/// Text that must not be shown: prints as `***` in every format. Call [`Secret::expose`] only where it is sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
