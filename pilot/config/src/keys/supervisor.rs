//! What concerns pilot as a whole: the file's own keys, Consul, logging, control and telemetry.

use super::Since::{Pilot, V3};
use super::{Form, Key, Least, Object, key, part};

use super::job::JOB;
use super::patterns::CONSUL_ADDRESS;
use super::watch::WATCH;
use crate::durations::LONGEST_SECONDS;

/// The file itself.
pub(super) static TOP_KEYS: [Key; 8] = [
    key(
        "consul",
        V3,
        Form::Consul(&CONSUL),
        "text, object or `false`",
        "none",
        "Where services are registered and looked up. Needed as soon as a job has a port or a watch looks for a service. **+** `false` runs without a catalog; it may be left out when nobody needs it.",
    ),
    key(
        "jobs",
        V3,
        Form::Parts(&JOB),
        "list of objects",
        "none",
        "What is run. Anything else than a list is ignored with a warning.",
    ),
    key("watches", V3, Form::Parts(&WATCH), "list of objects", "none", "Dependencies outside of this container."),
    key("logging", V3, Form::Object(&LOGGING), "object", "see below", "How lines are written."),
    key(
        "stopTimeout",
        V3,
        Form::Integer(i64::MIN, LONGEST_SECONDS),
        "integer, in seconds",
        "5",
        "From the stop signal of a job to the kill of its processes. `0` means 5; negative means not to wait.",
    ),
    key(
        "stopBudget",
        Pilot,
        Form::Time(Least::Millisecond),
        "duration",
        "none",
        "What the scheduler grants between its request to stop and SIGKILL (ECS' `stopTimeout`, Docker's `-t`). Drains are cut short to stay within it, then hooks, and pilot warns at the start when a stop can take longer.",
    ),
    key("control", V3, Form::Object(&CONTROL), "object", "see below", "The control socket."),
    key("telemetry", V3, Form::Object(&TELEMETRY), "object", "off", "Metrics and status over HTTP; `{}` turns it on."),
];

pub(crate) static TOP: Object = Object { home: "the file itself", shared: "", groups: &[&TOP_KEYS], ignored: &[] };

/// `consul`
pub(super) static CONSUL_KEYS: [Key; 6] = [
    key(
        "address",
        V3,
        Form::Language(CONSUL_ADDRESS),
        "text",
        "`$CONSUL_HTTP_ADDR`, or `127.0.0.1:8500`",
        "As above; a scheme in front of it goes before `scheme`.",
    ),
    key(
        "scheme",
        V3,
        Form::Word(&["http", "https"]),
        "`http`, `https`",
        "`http`; `https` if `$CONSUL_HTTP_SSL` is true",
        "How the agent is spoken to.",
    ),
    key("token", V3, Form::Text, "text", "none", "ACL token."),
    key(
        "tokenFile",
        Pilot,
        Form::Text,
        "path",
        "none",
        "File with the token, read again when it changes; goes before `token`.",
    ),
    key(
        "register",
        Pilot,
        Form::Flag,
        "bool",
        "`true`",
        "`false`: jobs and services that say nothing else are [not registered](services.md). Watches go on.",
    ),
    part("tls", V3, &CONSUL_TLS),
];

pub(crate) static CONSUL: Object = Object { home: "`consul`", shared: "", groups: &[&CONSUL_KEYS], ignored: &[] };

/// `consul.tls`
pub(super) static CONSUL_TLS_KEYS: [Key; 6] = [
    key("cafile", V3, Form::Text, "path", "the system's", "PEM file of trusted authorities."),
    key("capath", V3, Form::Text, "path", "none", "Folder of such files; `cafile` goes before it."),
    key("clientcert", V3, Form::Text, "path", "none", "Client certificate and key; only used together."),
    key("clientkey", V3, Form::Text, "path", "none", "Client certificate and key; only used together."),
    key(
        "servername",
        V3,
        Form::Text,
        "text",
        "the host",
        "Name that the certificate must have. A port behind it is cut off.",
    ),
    key(
        "verify",
        V3,
        Form::Flag,
        "bool",
        "`false`",
        "Verify the agent's certificate. pilot warns about https without it, since anybody on the way can then read the token.",
    ),
];

pub(crate) static CONSUL_TLS: Object =
    Object { home: "`consul.tls`", shared: "", groups: &[&CONSUL_TLS_KEYS], ignored: &[] };

/// `logging`
pub(super) static LOGGING_KEYS: [Key; 3] = [
    key(
        "level",
        V3,
        Form::Word(&["debug", "info", "warn", "warning", "error", "fatal", "panic"]),
        "`debug`, `info`, `warn` (`warning`), `error`, `fatal`, `panic`",
        "`info`",
        "Lines below this level are not written. Lines of jobs have level `info`.",
    ),
    key(
        "format",
        V3,
        Form::Word(&["default", "text", "json"]),
        "`default`, `text`, `json`",
        "`default`",
        "`time job pid message`, `key=value` pairs, or one JSON object a line.",
    ),
    key(
        "output",
        V3,
        Form::Text,
        "`stdout`, `stderr` or a path",
        "`stdout`",
        "A file is opened for append, and reopened on SIGUSR1.",
    ),
];

pub(crate) static LOGGING: Object = Object { home: "`logging`", shared: "", groups: &[&LOGGING_KEYS], ignored: &[] };

/// `control`
pub(super) static CONTROL_KEYS: [Key; 2] = [
    key(
        "socket",
        V3,
        Form::Filled,
        "path",
        "`/var/run/containerpilot.socket`",
        "The unix socket of the [control interface](../control-api.md). Written here, pilot does not start without it; at its default place pilot only warns when it cannot be made.",
    ),
    key(
        "putenv",
        Pilot,
        Form::Flag,
        "bool",
        "`true`",
        "Whether `pilot putenv` may change the environment of processes that are started later.",
    ),
];

pub(crate) static CONTROL: Object = Object { home: "`control`", shared: "", groups: &[&CONTROL_KEYS], ignored: &[] };

/// `telemetry`
pub(super) static TELEMETRY_KEYS: [Key; 5] = [
    key(
        "port",
        V3,
        Form::Integer(0, 65535),
        "integer, 0 to 65535",
        "9090",
        "Port of `/metrics`, `/status` and the status page; 0 is any free port, without registration.",
    ),
    key(
        "interfaces",
        V3,
        Form::Interfaces,
        "list; **+** text",
        r#"`["eth0:inet", "inet"]`"#,
        "[Which address](services.md#interfaces) is listened on and advertised.",
    ),
    key(
        "tags",
        V3,
        Form::Texts,
        "list of text",
        "none",
        "Tags of the service `containerpilot`; pilot's version is added to them.",
    ),
    key(
        "hosts",
        Pilot,
        Form::Texts,
        "list of text",
        "none",
        "Names that a request's `Host` may have; [addresses, the own host name and private names](../metrics.md#who-may-ask) always may.",
    ),
    key("metrics", V3, Form::Objects(&METRIC), "list of objects", "none", "Your own metrics."),
];

pub(crate) static TELEMETRY: Object = Object {
    home: "`telemetry`",
    shared: "",
    groups: &[&TELEMETRY_KEYS],
    ignored: &["addr", "MetricConfigs", "JobConfig"],
};

/// `telemetry.metrics[]`
pub(super) static METRIC_KEYS: [Key; 8] = [
    key("namespace", V3, Form::Language(""), "text", "none", "First parts of the metric's name, joined by `_`."),
    key("subsystem", V3, Form::Language(""), "text", "none", "First parts of the metric's name, joined by `_`."),
    key("name", V3, Form::Language(""), "text", "needed", "Its last part."),
    key("help", V3, Form::Text, "text", "needed", "What it counts."),
    key(
        "type",
        V3,
        Form::ExactWord(&["counter", "gauge", "histogram", "summary"]),
        "`counter`, `gauge`, `histogram`, `summary`",
        "needed",
        "In small letters.",
    ),
    key(
        "labels",
        Pilot,
        Form::List(&Form::Match("^(?!__)(?!(le|quantile)$)[A-Za-z_][A-Za-z0-9_]*$")),
        "list of text",
        "none",
        "Names of labels that [a recording](../metrics.md#your-own-metrics) gives values to.",
    ),
    key(
        "buckets",
        Pilot,
        Form::Growing(f64::MIN, f64::MAX),
        "list of numbers",
        "0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10",
        "A histogram's upper bounds, growing.",
    ),
    key(
        "quantiles",
        Pilot,
        Form::Growing(0.0, 1.0),
        "list of numbers",
        "0.5 0.9 0.99",
        "A summary's quantiles, between 0 and 1, growing.",
    ),
];

pub(crate) static METRIC: Object = Object {
    home: "`telemetry.metrics[]`",
    shared: "",
    groups: &[&METRIC_KEYS],
    ignored: &["fullName", "metricType", "collector"],
};
