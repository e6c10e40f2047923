//! When a job runs, and how often.

use super::Since::{Pilot, V3};
use super::balancer::{BALANCER_KEYS, DRAIN_KEYS};
use super::health::HEALTH;
use super::patterns::SERVICE_NAME;
use super::process::PROCESS_KEYS;
use super::service::REACHED_KEYS;
use super::{Form, Key, Least, Object, key, part};

/// What it runs, and when.
pub(super) static JOB_KEYS: [Key; 18] = [
    key(
        "name",
        V3,
        Form::Text,
        "text",
        "needed",
        "The source of the job's events. With a `port` it is also the name of a service: a small letter, then letters, digits and `-`.",
    ),
    key(
        "exec",
        V3,
        Form::Command,
        "text or list",
        "none",
        "Program and arguments. Text is cut at every space, there are no quotes and no shell; a list is taken as it is. Without it the job only registers a service, or relays events.",
    ),
    key("when", V3, Form::Object(&WHEN), "object", "once, at startup", "[When it is started](when.md)."),
    key(
        "timeout",
        V3,
        Form::TimeOr(Least::Millisecond, "never"),
        r#"duration, at least 1 ms; **+** `"never"`"#,
        "none; for interval jobs the interval",
        r#"A run that takes longer is killed. `"never"` lets an interval job take its time."#,
    ),
    key(
        "stopTimeout",
        V3,
        Form::Time(Least::Negative),
        "duration",
        "the global one",
        "The same for this job, and how long it waits for jobs that run on its `stopping`. `0` is the global one, negative is no wait. (ContainerPilot 3 read it and did nothing.)",
    ),
    key(
        "restarts",
        V3,
        Form::Restarts(&RESTARTS),
        r#"integer, `"unlimited"`, `"never"`; **+** object"#,
        r#"`"never"`; for interval and cron jobs `"unlimited"`"#,
        "[How often it is run again](restarts.md).",
    ),
    key(
        "health",
        V3,
        Form::Object(&HEALTH),
        "object",
        "needed with a `port` (**+** not with `register: false`)",
        "[How pilot finds out that it is well](health.md).",
    ),
    part("logging", V3, &JOB_LOGGING),
    key(
        "port",
        V3,
        Form::Integer(0, 65535),
        "integer, 0 to 65535",
        "0: no service",
        "The port that the process listens on; it is advertised in Consul (**+** or `advertise.port` is).",
    ),
    key(
        "interfaces",
        V3,
        Form::Interfaces,
        "text or list",
        r#"`["eth0:inet", "inet"]`"#,
        "[Which address is advertised](services.md#interfaces).",
    ),
    key("tags", V3, Form::Texts, "list of text", "none", "Tags of the service."),
    key(
        "initial_status",
        V3,
        Form::Word(&["passing", "warning", "critical"]),
        "`passing`, `warning`, `critical`",
        "none",
        "Register with this status before the first check. Without it the service appears with the first passing check.",
    ),
    part("consul", V3, &JOB_CONSUL),
    key(
        "service",
        Pilot,
        Form::Match(SERVICE_NAME),
        "text",
        "the job's name",
        "Another name of the service. The ID stays `<job>-<hostname>`.",
    ),
    key(
        "meta",
        Pilot,
        Form::Meta,
        "object of texts",
        "none",
        "The service's metadata, up to 64 pairs; keys of letters, digits, `-` and `_`.",
    ),
    key(
        "critical",
        Pilot,
        Form::Flag,
        "bool",
        "`false`",
        "When this job is over, the container is over, with its exit code.",
    ),
    key(
        "successCodes",
        Pilot,
        Form::List(&Form::Integer(0, 255)),
        "list of integers",
        "none",
        "Exit codes beside 0 that count as success, such as `[143]` for a program that ends with it on SIGTERM.",
    ),
    key(
        "tty",
        Pilot,
        Form::Flag,
        "bool",
        "`false`",
        "The job gets pilot's terminal: stdin and Ctrl-C. One job may have it.",
    ),
];

/// Names of private fields that v3's decoder takes by accident (v3 spec 2.3).
const IGNORED: &[&str] = &[
    "serviceDefinition",
    "healthCheckExec",
    "heartbeatInterval",
    "ttl",
    "execTimeout",
    "stoppingTimeout",
    "restartLimit",
    "freqInterval",
    "whenEvent",
    "whenTimeout",
    "whenStartsLimit",
    "stoppingWaitEvent",
];

/// `jobs[]`
pub(crate) static JOB: Object = Object {
    home: "`jobs[]`",
    shared: "",
    groups: &[&JOB_KEYS, &PROCESS_KEYS, &BALANCER_KEYS, &DRAIN_KEYS, &REACHED_KEYS],
    ignored: IGNORED,
};

/// `logging` of a job
pub(super) static RAW_KEYS: [Key; 1] = [key(
    "raw",
    V3,
    Form::Flag,
    "bool",
    "`false`",
    "The process writes directly to pilot's stdout and stderr; otherwise each line becomes a log line.",
)];

pub(crate) static JOB_LOGGING: Object =
    Object { home: "`logging` of a job", shared: "", groups: &[&RAW_KEYS], ignored: &[] };

/// `consul` of a job
pub(super) static JOB_CONSUL_KEYS: [Key; 2] = [
    key("enableTagOverride", V3, Form::Flag, "bool", "`false`", "Let others change the service's tags in the catalog."),
    key(
        "deregisterCriticalServiceAfter",
        V3,
        Form::TimeWithUnit,
        "duration with a unit",
        "never",
        "Consul forgets a service that is critical for so long.",
    ),
];

pub(crate) static JOB_CONSUL: Object =
    Object { home: "`consul` of a job", shared: "", groups: &[&JOB_CONSUL_KEYS], ignored: &[] };

/// `when`
pub(super) static WHEN_KEYS: [Key; 11] = [
    key(
        "source",
        V3,
        Form::FilledTexts,
        "text; **+** list",
        "none",
        r#"Whose event: a job, `watch.NAME`, `check.JOB`, `"global"`, or a signal. A list with `once` waits for all of them, with `each` for any."#,
    ),
    key("once", V3, Form::Event, "event", "none", "Start the first time it is seen."),
    key("each", V3, Form::Event, "event", "none", "Start every time it is seen, one run after the other."),
    key(
        "interval",
        V3,
        Form::Time(Least::Millisecond),
        "duration, at least 1 ms",
        "none",
        "Start at startup and then at every tick.",
    ),
    key("cron", Pilot, Form::Language(""), "text", "none", "Start [when the clock says so](#cron)."),
    key(
        "timezone",
        Pilot,
        Form::Language(""),
        "text",
        "the container's: `TZ`, `/etc/localtime`, UTC",
        "Whose clock `cron` means.",
    ),
    key(
        "overlap",
        Pilot,
        Form::Word(&["skip", "queue", "kill"]),
        "`skip`, `queue`, `kill`",
        "`queue`",
        "For `interval` and `cron`: what happens when it is time and [the run before is still going](#cron).",
    ),
    key(
        "timeout",
        V3,
        Form::Time(Least::Negative),
        "duration",
        "none",
        "Give up if the job has not started so long after pilot's start.",
    ),
    key(
        "all",
        Pilot,
        Form::Waits(&WAIT),
        "list of `{ source, once }`",
        "none",
        "Start when each of these has been seen.",
    ),
    key(
        "any",
        Pilot,
        Form::Waits(&WAIT),
        "list of `{ source, once }` or of `{ source, each }`",
        "none",
        "Start when one of these is seen, the first time or every time.",
    ),
    key(
        "onImpossible",
        Pilot,
        Form::Word(&["exit", "wait"]),
        "`exit`, `wait`",
        "`exit` for a `critical` job, otherwise `wait`",
        "What happens when its event [can no longer come](#dead-ends).",
    ),
];

pub(crate) static WHEN: Object = Object { home: "`when`", shared: "", groups: &[&WHEN_KEYS], ignored: &[] };

/// An entry of `all` or `any`.
static WAIT_KEYS: [Key; 3] = [
    key("source", Pilot, Form::Text, "text", "needed", "Whose event, or a signal."),
    key("once", Pilot, Form::Event, "event", "none", "The first time it is seen."),
    key("each", Pilot, Form::Event, "event", "none", "Every time it is seen; only in `any`."),
];

pub(crate) static WAIT: Object = Object { home: "`when.all[]`", shared: "wait", groups: &[&WAIT_KEYS], ignored: &[] };

/// `restarts`
pub(super) static RESTARTS_KEYS: [Key; 6] = [
    key("max", Pilot, Form::Count, r#"integer, `"unlimited"`, `"never"`"#, r#"`"unlimited"`"#, "How often."),
    key(
        "delay",
        Pilot,
        Form::Time(Least::Zero),
        "duration",
        r#"`"100ms"`"#,
        "Pause before the second restart in a row; the first is immediate.",
    ),
    key(
        "growth",
        Pilot,
        Form::Number(1.0, 1000.0),
        "number, 1 to 1000",
        "`2`",
        "Each pause is the one before times this.",
    ),
    key(
        "maxDelay",
        Pilot,
        Form::Time(Least::Zero),
        "duration",
        r#"`"30s"`, or `delay` if that is longer"#,
        "No pause is longer.",
    ),
    key(
        "jitter",
        Pilot,
        Form::Number(0.0, 1.0),
        "number, 0 to 1",
        "`0.1`",
        "Share by which a pause is made longer or shorter at random.",
    ),
    key(
        "resetAfter",
        Pilot,
        Form::Time(Least::Zero),
        "duration",
        r#"`"10s"`"#,
        "A run of this length forgets the failures before it.",
    ),
];

pub(crate) static RESTARTS: Object = Object { home: "`restarts`", shared: "", groups: &[&RESTARTS_KEYS], ignored: &[] };
