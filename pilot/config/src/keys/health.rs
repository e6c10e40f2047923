//! Checks: a job's health, and the probes that watches use too.

use super::Since::{Pilot, V3};
use super::patterns::{HTTP_URL, MYSQL_URL};
use super::{Form, Key, Least, Object, key, part};

/// `health`
pub(super) static HEALTH_KEYS: [Key; 14] = [
    key("exec", V3, Form::Command, "text or list", "none", "A program that ends with 0 when all is well."),
    key("http", Pilot, Form::Probe(HTTP_URL, &HTTP), "see [probes](#probes)", "none", "Checks without a program."),
    key("tcp", Pilot, Form::Tcp, "see [probes](#probes)", "none", "Checks without a program."),
    key("mysql", Pilot, Form::Probe(MYSQL_URL, &MYSQL), "see [probes](#probes)", "none", "Checks without a program."),
    key(
        "notify",
        Pilot,
        Form::Notify(&NOTIFY),
        "see [notify](#notify)",
        "none",
        "The process itself tells when it is ready. One of the five; with none the job counts as well while it runs.",
    ),
    key(
        "interval",
        V3,
        Form::Seconds,
        "seconds",
        "needed",
        "From one check to the next; the first is one interval after the start.",
    ),
    key(
        "ttl",
        V3,
        Form::Seconds,
        "seconds",
        "needed, but see there",
        "Without a passing check for so long the service is critical in Consul. Two intervals or more. **+** Not needed for `http`, `tcp`, `mysql` and `notify` of a job without a port.",
    ),
    key(
        "timeout",
        V3,
        Form::Time(Least::Negative),
        "duration",
        "the interval",
        "A check that takes longer has failed. Zero or negative: no limit.",
    ),
    part("logging", V3, &CHECK_LOGGING),
    key(
        "successThreshold",
        Pilot,
        Form::Integer(1, u32::MAX as i64),
        "integer",
        "1",
        "So many passing checks in a row turn the job healthy.",
    ),
    key(
        "failureThreshold",
        Pilot,
        Form::Integer(1, u32::MAX as i64),
        "integer",
        "1",
        "So many failing checks in a row turn it unhealthy.",
    ),
    key(
        "startGrace",
        Pilot,
        Form::Time(Least::Zero),
        "duration",
        "0; with `notify` 90 s",
        "After a start failures do not count for so long, or until the first passing check.",
    ),
    key(
        "onFailure",
        Pilot,
        Form::Word(&["report", "restart"]),
        "`report`, `restart`",
        "`report`",
        "`restart` also stops the run of an unhealthy job; `restarts` decides what follows.",
    ),
    key(
        "failFast",
        Pilot,
        Form::Flag,
        "bool",
        "`false`",
        "Tell Consul about a failing check at once, instead of letting the TTL pass as ContainerPilot 3 did.",
    ),
];

pub(crate) static HEALTH: Object = Object { home: "`health`", shared: "", groups: &[&HEALTH_KEYS], ignored: &[] };

/// `health.logging`
pub(super) static CHECK_LOGGING_KEYS: [Key; 1] =
    [key("raw", V3, Form::Flag, "bool", "`false`", "As in a job, for the program of `exec`.")];

pub(crate) static CHECK_LOGGING: Object =
    Object { home: "`logging` of a job", shared: "", groups: &[&CHECK_LOGGING_KEYS], ignored: &[] };

/// `http`
pub(super) static HTTP_KEYS: [Key; 6] = [
    key("url", Pilot, Form::Language(HTTP_URL), "URL or path", "needed", "What is asked."),
    key("method", Pilot, Form::Match("^[A-Za-z]+$"), "text", "`GET`", "How."),
    key("headers", Pilot, Form::Headers, "object of texts", "none", "Extra headers; never shown by pilot."),
    key(
        "status",
        Pilot,
        Form::Status,
        r#"`200`, `[200, 204]`, `"200-299"`, or a list of both"#,
        r#"`"200-399"`"#,
        "Which answers pass.",
    ),
    key("insecure", Pilot, Form::Flag, "bool", "`false`", "Accept any certificate."),
    key("caFile", Pilot, Form::Text, "path", "the system's", "PEM file of trusted authorities."),
];

pub(crate) static HTTP: Object = Object { home: "`http`", shared: "http", groups: &[&HTTP_KEYS], ignored: &[] };

/// `mysql`
pub(super) static MYSQL_KEYS: [Key; 11] = [
    key(
        "host",
        Pilot,
        Form::Language(""),
        "name or address",
        "needed, or `socket`",
        "Looked up again for every check.",
    ),
    key("port", Pilot, Form::Integer(1, 65535), "integer", "3306", "Its port."),
    key("socket", Pilot, Form::Text, "path", "none", "A unix socket instead of host and port."),
    key("user", Pilot, Form::Text, "text", "needed", "Who logs in."),
    key("password", Pilot, Form::Text, "text", "none", "The password; better in one of the next two."),
    key("passwordFile", Pilot, Form::Text, "path", "none", "Its first line is the password, read for every check."),
    key("passwordEnv", Pilot, Form::Text, "text", "none", "Name of the variable with the password."),
    key("database", Pilot, Form::Text, "text", "none", "Database to select."),
    key(
        "tls",
        Pilot,
        Form::Word(&["disabled", "preferred", "required", "verify-ca", "verify-identity"]),
        "`disabled`, `preferred`, `required`, `verify-ca`, `verify-identity`",
        "`preferred`",
        "MySQL's own `ssl-mode`; only the last two know who the server is.",
    ),
    key(
        "caFile",
        Pilot,
        Form::Text,
        "path",
        "the system's",
        "PEM file of trusted authorities; only those count then. Read for every check.",
    ),
    key(
        "role",
        Pilot,
        Form::Word(&["any", "writer", "replica"]),
        "`any`, `writer`, `replica`",
        "`any`",
        "What the server must be: a writer takes writes, a replica is read-only.",
    ),
];

pub(crate) static MYSQL: Object = Object { home: "`mysql`", shared: "mysql", groups: &[&MYSQL_KEYS], ignored: &[] };

/// `notify`
pub(super) static NOTIFY_KEYS: [Key; 1] = [key(
    "watchdog",
    Pilot,
    Form::Time(Least::Millisecond),
    "duration, at least 1 ms",
    "none",
    "The process must send `WATCHDOG=1` at least so often once it is ready.",
)];

pub(crate) static NOTIFY: Object = Object { home: "`notify`", shared: "", groups: &[&NOTIFY_KEYS], ignored: &[] };
