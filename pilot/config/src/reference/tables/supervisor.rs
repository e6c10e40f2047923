//! What concerns pilot as a whole: the file's own keys, Consul, logging, control and telemetry.

use crate::reference::Since::{Pilot, V3};
use crate::reference::{Form, Table, key};

/// ``
pub(super) const TOP: Table = Table {
    object: "",
    keys: &[
        key(
            "consul",
            V3,
            Form::Consul,
            "text, object or `false`",
            "none",
            "Where services are registered and looked up. Needed as soon as a job has a port or a watch looks for a service. **+** `false` runs without a catalog; it may be left out when nobody needs it.",
        ),
        key(
            "jobs",
            V3,
            Form::Objects,
            "list of objects",
            "none",
            "What is run. Anything else than a list is ignored with a warning.",
        ),
        key("watches", V3, Form::Objects, "list of objects", "none", "Dependencies outside of this container."),
        key("logging", V3, Form::Object, "object", "see below", "How lines are written."),
        key(
            "stopTimeout",
            V3,
            Form::Integer(i64::MIN, i64::MAX),
            "integer, in seconds",
            "5",
            "From the stop signal of a job to the kill of its processes. `0` means 5; negative means not to wait.",
        ),
        key(
            "stopBudget",
            Pilot,
            Form::Duration,
            "duration",
            "none",
            "What the scheduler grants between its request to stop and SIGKILL (ECS' `stopTimeout`, Docker's `-t`). Drains are cut short to stay within it, then hooks, and pilot warns at the start when a stop can take longer.",
        ),
        key("control", V3, Form::Object, "object", "see below", "The control socket."),
        key("telemetry", V3, Form::Object, "object", "off", "Metrics and status over HTTP; `{}` turns it on."),
    ],
};

/// `consul`
pub(super) const CONSUL: Table = Table {
    object: "consul",
    keys: &[
        key(
            "address",
            V3,
            Form::Text,
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
            "File with the token, read anew when it changes; goes before `token`.",
        ),
        key(
            "register",
            Pilot,
            Form::Bool,
            "bool",
            "`true`",
            "`false`: jobs and services that say nothing else are [not registered](services.md). Watches go on.",
        ),
        key("tls.cafile", V3, Form::Text, "path", "the system's", "PEM file of trusted authorities."),
        key("tls.capath", V3, Form::Text, "path", "none", "Folder of such files; `cafile` goes before it."),
        key("tls.clientcert", V3, Form::Text, "path", "none", "Client certificate and key; only used together."),
        key("tls.clientkey", V3, Form::Text, "path", "none", "Client certificate and key; only used together."),
        key(
            "tls.servername",
            V3,
            Form::Text,
            "text",
            "the host",
            "Name that the certificate must have. A port behind it is cut off.",
        ),
        key(
            "tls.verify",
            V3,
            Form::Bool,
            "bool",
            "`false`",
            "Verify the agent's certificate. pilot warns about https without it, since anybody on the way can then read the token.",
        ),
    ],
};

/// `logging`
pub(super) const LOGGING: Table = Table {
    object: "logging",
    keys: &[
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
            Form::Word(&["stdout", "stderr"]),
            "`stdout`, `stderr` or a path",
            "`stdout`",
            "A file is opened for append, and opened anew on SIGUSR1.",
        ),
    ],
};

/// `control`
pub(super) const CONTROL: Table = Table {
    object: "control",
    keys: &[
        key(
            "socket",
            V3,
            Form::Text,
            "path",
            "`/var/run/containerpilot.socket`",
            "The unix socket of the [control interface](../control-api.md). Written here, pilot does not start without it; at its default place pilot only warns when it cannot be made.",
        ),
        key(
            "putenv",
            Pilot,
            Form::Bool,
            "bool",
            "`true`",
            "Whether `pilot putenv` may change the environment of processes that are started later.",
        ),
    ],
};

/// `telemetry`
pub(super) const TELEMETRY: Table = Table {
    object: "telemetry",
    keys: &[
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
            Form::TextOrTexts,
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
        key("metrics", V3, Form::Objects, "list of objects", "none", "Your own metrics."),
        key("metrics[].namespace", V3, Form::Text, "text", "none", "First parts of the metric's name, joined by `_`."),
        key("metrics[].subsystem", V3, Form::Text, "text", "none", "First parts of the metric's name, joined by `_`."),
        key("metrics[].name", V3, Form::Text, "text", "needed", "Its last part."),
        key("metrics[].help", V3, Form::Text, "text", "needed", "What it counts."),
        key(
            "metrics[].type",
            V3,
            Form::Word(&["counter", "gauge", "histogram", "summary"]),
            "`counter`, `gauge`, `histogram`, `summary`",
            "needed",
            "In small letters.",
        ),
        key(
            "metrics[].labels",
            Pilot,
            Form::Texts,
            "list of text",
            "none",
            "Names of labels that [a recording](../metrics.md#your-own-metrics) gives values to.",
        ),
        key(
            "metrics[].buckets",
            Pilot,
            Form::List(&Form::Number(f64::MIN, f64::MAX)),
            "list of numbers",
            "0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10",
            "A histogram's upper bounds, growing.",
        ),
        key(
            "metrics[].quantiles",
            Pilot,
            Form::List(&Form::Number(f64::MIN, f64::MAX)),
            "list of numbers",
            "0.5 0.9 0.99",
            "A summary's quantiles, between 0 and 1, growing.",
        ),
    ],
};
