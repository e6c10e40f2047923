//! pilot's own metrics: one method for each thing that happens, called where it happens.
//!
//! The values of every label come from the configuration or from a list in the code, so that nobody outside can make them
//! grow; names of jobs and watches, which reloads can change, are bounded by number.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use nix::sys::signal::Signal;
use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use super::process;
use super::reading::Reading;
use crate::runtime::task;
use pilot_core::event::{Code, Event};
use pilot_core::exit::Exit;
use pilot_core::step::Step;

/// Names of jobs and watches that are told apart in the life of a pilot; whatever comes later is counted as [`OTHER`].
const MOST_NAMES: usize = 1000;
const OTHER: &str = "other";

const RUN_SECONDS: [f64; 8] = [0.1, 1.0, 10.0, 60.0, 600.0, 3600.0, 21600.0, 86400.0];
const STOP_SECONDS: [f64; 8] = [0.01, 0.1, 1.0, 5.0, 15.0, 30.0, 60.0, 120.0];
const LAG_SECONDS: [f64; 8] = [0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 1.0, 10.0];

/// A handle that everybody who counts has. Nothing is counted before [`Meters::begin`].
#[derive(Clone, Default)]
pub struct Meters(Arc<OnceLock<Families>>);

/// What a probe found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looked {
    /// It passed.
    Pass,
    /// It failed.
    Fail,
}

impl From<bool> for Looked {
    fn from(pass: bool) -> Self {
        if pass { Looked::Pass } else { Looked::Fail }
    }
}

struct Families {
    registry: Registry,
    events: IntCounterVec,
    control_requests: IntCounterVec,
    watch_instances: IntGaugeVec,
    job_starts: IntCounterVec,
    job_restarts: IntCounterVec,
    job_exits: IntCounterVec,
    job_run_seconds: HistogramVec,
    stop_seconds: HistogramVec,
    probes: IntCounterVec,
    probe_seconds: HistogramVec,
    consul_requests: IntCounterVec,
    consul_seconds: HistogramVec,
    loop_lag: Histogram,
    checks_unended: IntGauge,
    names: Mutex<Names>,
}

/// What has to be remembered between two events.
#[derive(Default)]
struct Names {
    known: HashSet<String>,
    /// Whose run failed last.
    failed: String,
}

impl Meters {
    /// From now on everything is counted. `lost_lines` says how many log lines were lost so far.
    pub fn begin(&self, lost_lines: impl Fn() -> u64 + Send + Sync + 'static) {
        self.0.get_or_init(|| Families::new(lost_lines));
    }

    /// Whether anything is counted: for those who would have to look at a clock for it.
    pub fn is_on(&self) -> bool {
        self.0.get().is_some()
    }

    /// An event was on the bus.
    pub fn event(&self, event: &Event) {
        let Some(families) = self.0.get() else { return };
        let mut names = families.names();
        // The source of an error is its text, which knows no bounds (row 26 of v3's defects). It comes directly after the
        // failure that it explains.
        let source = match event.code {
            Code::Error => names.failed.clone(),
            _ => names.bounded(&event.source).to_owned(),
        };
        if event.code == Code::ExitFailed {
            names.failed.clone_from(&source);
        }
        families.events.with_label_values(&[event.code.label(), source.as_str()]).inc();
    }

    /// A request to the control socket was answered. `path` is one of those that are served; all jobs are one.
    pub fn control_request(&self, code: u16, path: &'static str) {
        let Some(families) = self.0.get() else { return };
        families.control_requests.with_label_values(&[code.to_string().as_str(), path]).inc();
    }

    /// How many instances of a watch's service pass.
    pub fn instances(&self, watch: &str, count: usize) {
        let Some(families) = self.0.get() else { return };
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        families.watch_instances.with_label_values(&[families.names().bounded(watch)]).set(count);
    }

    /// Forgets the watches that are not among these.
    pub fn keep_watches<'a>(&self, watches: impl Iterator<Item = &'a str>) {
        let Some(families) = self.0.get() else { return };
        let kept: HashSet<&str> = watches.collect();
        for family in families.watch_instances.collect() {
            let shown = family.get_metric().iter().flat_map(|metric| metric.get_label()).map(|label| label.value());
            for gone in shown.filter(|watch| !kept.contains(watch)) {
                let _ = families.watch_instances.remove_label_values(&[gone]);
            }
        }
    }

    /// A job's process is being started.
    pub fn job_started(&self, job: &str) {
        let Some(families) = self.0.get() else { return };
        families.job_starts.with_label_values(&[families.names().bounded(job)]).inc();
    }

    /// That start is a restart.
    pub fn job_restarted(&self, job: &str) {
        let Some(families) = self.0.get() else { return };
        families.job_restarts.with_label_values(&[families.names().bounded(job)]).inc();
    }

    /// A job's process has ended after this time, or could not be started (then the code is a shell's).
    pub fn job_ended(&self, job: &str, exit: Exit, after: Duration) {
        let Some(families) = self.0.get() else { return };
        let mut names = families.names();
        let job = names.bounded(job);
        let (code, signal) = match exit {
            Exit::Code(code) => (code.to_string(), String::new()),
            Exit::Signal(number) => (String::new(), signal_name(number)),
        };
        families.job_exits.with_label_values(&[job, code.as_str(), signal.as_str()]).inc();
        families.job_run_seconds.with_label_values(&[job]).observe(after.as_secs_f64());
    }

    /// A step of a job's way out has taken so long.
    pub fn step_over(&self, job: &str, step: Step, took: Duration) {
        let Some(families) = self.0.get() else { return };
        families
            .stop_seconds
            .with_label_values(&[families.names().bounded(job), step.as_str()])
            .observe(took.as_secs_f64());
    }

    /// A probe is over. `source` is `check.<job>` or `watch.<name>`, as in events.
    pub fn probed(&self, source: &str, looked: Looked, took: Duration) {
        let Some(families) = self.0.get() else { return };
        let mut names = families.names();
        let source = names.bounded(source);
        let result = match looked {
            Looked::Pass => "pass",
            Looked::Fail => "fail",
        };
        families.probes.with_label_values(&[source, result]).inc();
        families.probe_seconds.with_label_values(&[source]).observe(took.as_secs_f64());
    }

    /// A call to the Consul agent is over; `result` is the answer's status, or a word for why there is none. `took` is
    /// `None` for a call that waits on purpose.
    pub fn consul_called(&self, operation: &'static str, result: &str, took: Option<Duration>) {
        let Some(families) = self.0.get() else { return };
        families.consul_requests.with_label_values(&[operation, result]).inc();
        if let Some(took) = took {
            families.consul_seconds.with_label_values(&[operation]).observe(took.as_secs_f64());
        }
    }

    /// So many processes of checks have not ended although they were killed.
    pub fn checks_unended(&self, count: usize) {
        let Some(families) = self.0.get() else { return };
        families.checks_unended.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// The event loop woke up so much later than it wanted to.
    pub fn woke_late(&self, lag: Duration) {
        let Some(families) = self.0.get() else { return };
        families.loop_lag.observe(lag.as_secs_f64());
    }

    /// All families that have a value.
    pub(in crate::runtime) fn gather(&self) -> Vec<MetricFamily> {
        self.0.get().map(|families| families.registry.gather()).unwrap_or_default()
    }
}

impl Names {
    /// The name itself, or [`OTHER`] if there are too many already.
    fn bounded<'a>(&mut self, name: &'a str) -> &'a str {
        if self.known.contains(name) {
            return name;
        }
        if self.known.len() >= MOST_NAMES {
            return OTHER;
        }
        self.known.insert(name.to_owned());
        name
    }
}

impl Families {
    fn names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // The help texts are those of docs/reference/metrics.md; a test compares them.
    fn new(lost_lines: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        let registry = Registry::new();
        let counters =
            |name, help, labels: &[&str]| registered(&registry, IntCounterVec::new(Opts::new(name, help), labels));
        let gauges =
            |name, help, labels: &[&str]| registered(&registry, IntGaugeVec::new(Opts::new(name, help), labels));
        let histograms = |name, help, labels: &[&str], buckets: &[f64]| {
            let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
            registered(&registry, HistogramVec::new(options, labels))
        };
        let seconds = prometheus::DEFAULT_BUCKETS;

        gauges("pilot_build_info", "Always 1; the labels say which pilot this is.", &["version", "revision"])
            .with_label_values(&[env!("CARGO_PKG_VERSION"), env!("PILOT_GIT_HASH")])
            .set(1);
        let lost = move || Some(lost_lines() as f64);
        let help = "Log lines lost because nobody read pilot's output or because writing them failed.";
        read(&registry, Reading::counter("pilot_log_lines_lost_total", help, lost));
        let help = "Panics in pilot that were caught: each is a defect, and cost the task it happened in one result.";
        read(&registry, Reading::counter("pilot_task_panics_total", help, || Some(task::panics() as f64)));
        let help = "User and system time of pilot itself, without its jobs.";
        read(&registry, Reading::counter("process_cpu_seconds_total", help, process::cpu_seconds));
        let help = "Open file descriptors of pilot itself.";
        read(&registry, Reading::gauge("process_open_fds", help, process::open_fds));
        let help = "How many file descriptors pilot may have open.";
        read(&registry, Reading::gauge("process_max_fds", help, process::max_fds));
        let help = "Resident memory of pilot itself.";
        read(&registry, Reading::gauge("process_resident_memory_bytes", help, process::resident_bytes));
        let help = "Address space of pilot itself.";
        read(&registry, Reading::gauge("process_virtual_memory_bytes", help, process::virtual_bytes));
        let help = "When pilot was started, in seconds since 1970.";
        read(&registry, Reading::gauge("process_start_time_seconds", help, process::start_time));

        Families {
            events: counters("containerpilot_events", "Events on the bus, by code and source.", &["code", "source"]),
            control_requests: counters(
                "containerpilot_control_http_requests",
                "Requests to the control socket, by status and path.",
                &["code", "path"],
            ),
            watch_instances: gauges(
                "containerpilot_watch_instances",
                "Passing instances of a watched service, by watch.",
                &["service"],
            ),
            job_starts: counters("pilot_job_starts_total", "Starts of a job's process, restarts included.", &["job"]),
            job_restarts: counters(
                "pilot_job_restarts_total",
                "Starts of a job's process because the one before had ended.",
                &["job"],
            ),
            job_exits: counters(
                "pilot_job_exits_total",
                "Ends of a job's process, by exit code or by the signal that ended it.",
                &["job", "code", "signal"],
            ),
            job_run_seconds: histograms(
                "pilot_job_run_duration_seconds",
                "How long a job's process ran.",
                &["job"],
                &RUN_SECONDS,
            ),
            stop_seconds: histograms(
                "pilot_stop_step_duration_seconds",
                "How long a step of a job's stop took.",
                &["job", "step"],
                &STOP_SECONDS,
            ),
            probes: counters(
                "pilot_probes_total",
                "Probes of a job's health check or of a watch, by result.",
                &["source", "result"],
            ),
            probe_seconds: histograms("pilot_probe_duration_seconds", "How long a probe took.", &["source"], seconds),
            consul_requests: counters(
                "pilot_consul_requests_total",
                "Requests to the Consul agent, by operation and result.",
                &["operation", "result"],
            ),
            consul_seconds: histograms(
                "pilot_consul_request_duration_seconds",
                "How long a request to the Consul agent took, without those that wait for a change.",
                &["operation"],
                seconds,
            ),
            loop_lag: {
                let help = "How much later than wanted pilot's event loop woke up.";
                let options = HistogramOpts::new("pilot_event_loop_lag_seconds", help).buckets(LAG_SECONDS.to_vec());
                registered(&registry, Histogram::with_opts(options))
            },
            checks_unended: {
                let help = "Processes of health checks that have not ended although they were killed.";
                registered(&registry, IntGauge::new("pilot_checks_unended", help))
            },
            names: Mutex::default(),
            registry,
        }
    }
}

fn read<F>(registry: &Registry, reading: prometheus::Result<Reading<F>>)
where
    F: Fn() -> Option<f64> + Send + Sync + 'static,
{
    valid(registry.register(Box::new(valid(reading))));
}

fn registered<C: Collector + Clone + 'static>(registry: &Registry, collector: prometheus::Result<C>) -> C {
    let collector = valid(collector);
    valid(registry.register(Box::new(collector.clone())));
    collector
}

/// The names above are constants: that they are valid and differ is proved by every test.
#[allow(clippy::expect_used)]
fn valid<T>(made: prometheus::Result<T>) -> T {
    made.expect("the names of the metrics are valid and differ")
}

/// `SIGKILL`, or the number of a signal without a name.
fn signal_name(number: i32) -> String {
    Signal::try_from(number).map_or_else(|_| number.to_string(), |signal| signal.as_str().to_owned())
}
