//! Checks: a job's health, and the probes that watches use too.

use crate::reference::Since::{Pilot, V3};
use crate::reference::{Form, Table, key};

/// `jobs[].health`
pub(super) const HEALTH: Table = Table {
    object: "jobs[].health",
    keys: &[
        key("exec", V3, Form::TextOrTexts, "text or list", "none", "A program that ends with 0 when all is well."),
        key("http", Pilot, Form::Ref("http"), "see [probes](#probes)", "none", "Checks without a program."),
        key("tcp", Pilot, Form::Tcp, "see [probes](#probes)", "none", "Checks without a program."),
        key("mysql", Pilot, Form::Ref("mysql"), "see [probes](#probes)", "none", "Checks without a program."),
        key(
            "notify",
            Pilot,
            Form::Notify,
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
            "needed",
            "Without a passing check for so long the service is critical in Consul. Two intervals or more. **+** Not needed for `http`, `tcp`, `mysql` and `notify` of a job without a port.",
        ),
        key(
            "timeout",
            V3,
            Form::Duration,
            "duration",
            "the interval",
            "A check that takes longer has failed. Zero or negative: no limit.",
        ),
        key("logging.raw", V3, Form::Bool, "bool", "`false`", "As in a job, for the program of `exec`."),
        key(
            "successThreshold",
            Pilot,
            Form::Integer(0, i64::MAX),
            "integer",
            "1",
            "So many passing checks in a row turn the job healthy.",
        ),
        key(
            "failureThreshold",
            Pilot,
            Form::Integer(0, i64::MAX),
            "integer",
            "1",
            "So many failing checks in a row turn it unhealthy.",
        ),
        key(
            "startGrace",
            Pilot,
            Form::Duration,
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
            Form::Bool,
            "bool",
            "`false`",
            "Tell Consul about a failing check at once, instead of letting the TTL pass as ContainerPilot 3 did.",
        ),
    ],
};

/// `#http`
pub(super) const HTTP: Table = Table {
    object: "#http",
    keys: &[
        key("url", Pilot, Form::Text, "URL or path", "needed", "What is asked."),
        key("method", Pilot, Form::Text, "text", "`GET`", "How."),
        key("headers", Pilot, Form::Map, "object of texts", "none", "Extra headers; never shown by pilot."),
        key(
            "status",
            Pilot,
            Form::Status,
            r#"`200`, `[200, 204]`, `"200-299"`, or a list of both"#,
            r#"`"200-399"`"#,
            "Which answers pass.",
        ),
        key("insecure", Pilot, Form::Bool, "bool", "`false`", "Accept any certificate."),
        key("caFile", Pilot, Form::Text, "path", "the system's", "PEM file of trusted authorities."),
    ],
};

/// `#mysql`
pub(super) const MYSQL: Table = Table {
    object: "#mysql",
    keys: &[
        key("host", Pilot, Form::Text, "name or address", "needed, or `socket`", "Looked up anew for every check."),
        key("port", Pilot, Form::Integer(0, i64::MAX), "integer", "3306", "Its port."),
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
    ],
};

/// `jobs[].health.notify`
pub(super) const NOTIFY: Table = Table {
    object: "jobs[].health.notify",
    keys: &[key(
        "watchdog",
        Pilot,
        Form::Duration,
        "duration, at least 1 ms",
        "none",
        "The process must send `WATCHDOG=1` at least so often once it is ready.",
    )],
};
