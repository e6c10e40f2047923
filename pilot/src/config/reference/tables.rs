//! Every key of the configuration: what it takes, what it is without, what it means, since when.
//!
//! The tables of `docs/configuration.md` are these; `make docs` writes them there.

use super::Since::{Pilot, V3};
use super::{Form, Table, key};

/// As they follow each other in the manual.
pub const TABLES: [Table; 18] = [
    TOP, CONSUL, LOGGING, CONTROL, JOBS, WHEN, RESTARTS, PROCESS, HEALTH, HTTP, MYSQL, NOTIFY, BALANCER, DRAIN,
    SERVICES, REACHED, WATCHES, TELEMETRY,
];

/// ``
const TOP: Table = Table {
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
const CONSUL: Table = Table {
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
            "`false`: jobs and services that say nothing else are [not registered](#services). Watches go on.",
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
const LOGGING: Table = Table {
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
const CONTROL: Table = Table {
    object: "control",
    keys: &[
        key(
            "socket",
            V3,
            Form::Text,
            "path",
            "`/var/run/containerpilot.socket`",
            "The unix socket of the [control interface](control.md). Written here, pilot does not start without it; at its default place pilot only warns when it cannot be made.",
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

/// `jobs[]`
const JOBS: Table = Table {
    object: "jobs[]",
    keys: &[
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
            Form::TextOrTexts,
            "text or list",
            "none",
            "Program and arguments. Text is cut at every space, there are no quotes and no shell; a list is taken as it is. Without it the job only registers a service, or relays events.",
        ),
        key("when", V3, Form::Object, "object", "once, at startup", "[When it is started](#when)."),
        key(
            "timeout",
            V3,
            Form::Duration,
            r#"duration, at least 1 ms; **+** `"never"`"#,
            "none; for interval jobs the interval",
            r#"A run that takes longer is killed. `"never"` lets an interval job take its time."#,
        ),
        key(
            "stopTimeout",
            V3,
            Form::Duration,
            "duration",
            "the global one",
            "The same for this job, and how long it waits for jobs that run on its `stopping`. `0` is the global one, negative is no wait. (ContainerPilot 3 read it and did nothing.)",
        ),
        key(
            "restarts",
            V3,
            Form::Restarts,
            r#"integer, `"unlimited"`, `"never"`; **+** object"#,
            r#"`"never"`; for interval and cron jobs `"unlimited"`"#,
            "[How often it is run again](#restarts).",
        ),
        key(
            "health",
            V3,
            Form::Object,
            "object",
            "needed with a `port` (**+** not with `register: false`)",
            "[How pilot finds out that it is well](#health).",
        ),
        key(
            "logging.raw",
            V3,
            Form::Bool,
            "bool",
            "`false`",
            "The process writes directly to pilot's stdout and stderr; otherwise each line becomes a log line.",
        ),
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
            Form::TextOrTexts,
            "text or list",
            r#"`["eth0:inet", "inet"]`"#,
            "[Which address is advertised](#interfaces).",
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
        key(
            "consul.enableTagOverride",
            V3,
            Form::Bool,
            "bool",
            "`false`",
            "Let others change the service's tags in the catalog.",
        ),
        key(
            "consul.deregisterCriticalServiceAfter",
            V3,
            Form::Text,
            "duration with a unit",
            "never",
            "Consul forgets a service that is critical for so long.",
        ),
        key(
            "service",
            Pilot,
            Form::Text,
            "text",
            "the job's name",
            "Another name of the service. The ID stays `<job>-<hostname>`.",
        ),
        key(
            "meta",
            Pilot,
            Form::Map,
            "object of texts",
            "none",
            "The service's metadata, up to 64 pairs; keys of letters, digits, `-` and `_`.",
        ),
        key(
            "critical",
            Pilot,
            Form::Bool,
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
            Form::Bool,
            "bool",
            "`false`",
            "The job gets pilot's terminal: stdin and Ctrl-C. One job may have it.",
        ),
    ],
};

/// `jobs[].when`
const WHEN: Table = Table {
    object: "jobs[].when",
    keys: &[
        key(
            "source",
            V3,
            Form::TextOrTexts,
            "text; **+** list",
            "none",
            r#"Whose event: a job, `watch.NAME`, `check.JOB`, `"global"`, or a signal. A list with `once` waits for all of them, with `each` for any."#,
        ),
        key("once", V3, Form::Event, "event", "none", "Start the first time it is seen."),
        key("each", V3, Form::Event, "event", "none", "Start every time it is seen, one run after the other."),
        key(
            "interval",
            V3,
            Form::Duration,
            "duration, at least 1 ms",
            "none",
            "Start at startup and then at every tick.",
        ),
        key("cron", Pilot, Form::Text, "text", "none", "Start [when the clock says so](#cron)."),
        key(
            "timezone",
            Pilot,
            Form::Text,
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
            Form::Duration,
            "duration",
            "none",
            "Give up if the job has not started so long after pilot's start.",
        ),
        key("all", Pilot, Form::Waits, "list of `{ source, once }`", "none", "Start when each of these has been seen."),
        key(
            "any",
            Pilot,
            Form::Waits,
            "list of `{ source, once }` or of `{ source, each }`",
            "none",
            "Start when one of these is seen, the first time or every time.",
        ),
    ],
};

/// `jobs[].restarts`
const RESTARTS: Table = Table {
    object: "jobs[].restarts",
    keys: &[
        key("max", Pilot, Form::Count, r#"integer, `"unlimited"`, `"never"`"#, r#"`"unlimited"`"#, "How often."),
        key(
            "delay",
            Pilot,
            Form::Duration,
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
            "Each pause is so many times the one before.",
        ),
        key(
            "maxDelay",
            Pilot,
            Form::Duration,
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
            Form::Duration,
            "duration",
            r#"`"10s"`"#,
            "A run of this length forgets the failures before it.",
        ),
    ],
};

/// `jobs[]`
const PROCESS: Table = Table {
    object: "jobs[]",
    keys: &[
        key(
            "user",
            Pilot,
            Form::TextOrNumber,
            "name or number",
            "pilot's",
            "Who it runs as. A name must be in `/etc/passwd`; a number need not be. The job also gets that user's `HOME`, `USER` and `LOGNAME` (a number without an entry: `HOME=/`) and the supplementary groups that `/etc/group` gives it.",
        ),
        key(
            "group",
            Pilot,
            Form::TextOrNumber,
            "name or number",
            "the user's own",
            "Its group. A number without an entry in `/etc/passwd` has the group of the same number. Without `user` only the group changes.",
        ),
        key(
            "uid",
            Pilot,
            Form::Integer(0, i64::MAX),
            "integer",
            "pilot's",
            "The names of the community patches to ContainerPilot 3, and the same as `user` and `group`, but: 0 is as if left out, and when pilot is not root they are ignored.",
        ),
        key(
            "gid",
            Pilot,
            Form::Integer(0, i64::MAX),
            "integer",
            "pilot's",
            "The names of the community patches to ContainerPilot 3, and the same as `user` and `group`, but: 0 is as if left out, and when pilot is not root they are ignored.",
        ),
        key(
            "cwd",
            Pilot,
            Form::Text,
            "path",
            "pilot's",
            r#"Its working directory, entered as the job's user. A program such as `"./serve"` is looked for there."#,
        ),
        key(
            "env",
            Pilot,
            Form::Variables,
            "object",
            "none",
            r#"Its own variables. A value is text (a number or a boolean becomes text), `null` to take a variable away, or `{ file: "/run/secrets/db" }`: the whole file without the line ends at its end."#,
        ),
        key(
            "envFile",
            Pilot,
            Form::TextOrTexts,
            "path or list of paths",
            "none",
            "Files of `NAME=value` lines. A later file goes before an earlier one, `env` before all of them.",
        ),
        key(
            "inheritEnv",
            Pilot,
            Form::BoolOrTexts,
            "bool or list of names",
            "`true`",
            "Whether the job gets pilot's own environment, and what `putenv` adds to it. `false`: only `PATH`, and what pilot itself tells its jobs (`CONTAINERPILOT_*`, `PILOT_*`); a list adds these names.",
        ),
        key(
            "limits",
            Pilot,
            Form::Object,
            "object",
            "pilot's",
            r#"Resource limits by their names in setrlimit(2): `as`, `core`, `cpu`, `data`, `fsize`, `locks`, `memlock`, `msgqueue`, `nice`, `nofile`, `nproc`, `rss`, `rtprio`, `rttime`, `sigpending`, `stack`. A number (in the units there: bytes, seconds, or how many), `"unlimited"`, or `{ soft, hard }`, where a missing one stays."#,
        ),
        key("umask", Pilot, Form::TextOrNumber, "octal digits", "pilot's", r#"`"027"`; `27` is the same."#),
        key(
            "noNewPrivileges",
            Pilot,
            Form::Bool,
            "bool",
            "`false`",
            "No program it executes gains rights, whatever its set-user-ID bit says.",
        ),
        key(
            "stopSignal",
            Pilot,
            Form::TextOrNumber,
            "name or number",
            "`SIGTERM`",
            "What asks its process group to end, with or without `SIG`. After `stopTimeout` follows SIGKILL.",
        ),
    ],
};

/// `jobs[].health`
const HEALTH: Table = Table {
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
const HTTP: Table = Table {
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
const MYSQL: Table = Table {
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
            "MySQL's own `ssl-mode`.",
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
const NOTIFY: Table = Table {
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

/// `jobs[]`
const BALANCER: Table = Table {
    object: "jobs[]",
    keys: &[
        key(
            "loadBalancer.targetGroup",
            Pilot,
            Form::Text,
            "text",
            "needed",
            "The ARN of the target group. Empty text (a template variable that is not set) switches the block off.",
        ),
        key(
            "loadBalancer.mode",
            Pilot,
            Form::Word(&["drain", "self", "off"]),
            "`drain`, `self`, `off`",
            "`drain`",
            "`drain`: somebody else (an ECS service) registers the target, pilot takes it out when it stops. `self`: pilot does both.",
        ),
        key(
            "loadBalancer.port",
            Pilot,
            Form::Integer(1, 65535),
            "port",
            "the job's `port`",
            "The port that the application listens on in the container. In ECS' bridge mode the host's port is found by it.",
        ),
        key(
            "loadBalancer.target",
            Pilot,
            Form::Text,
            "text",
            "found",
            "Address or instance id, where ECS' task metadata does not tell it.",
        ),
        key(
            "loadBalancer.availabilityZone",
            Pilot,
            Form::Text,
            "text",
            "none",
            "Only for addresses outside of the load balancer's VPC: `all`.",
        ),
    ],
};

/// `jobs[]`
const DRAIN: Table = Table {
    object: "jobs[]",
    keys: &[
        key(
            "drain.min",
            Pilot,
            Form::Duration,
            "duration",
            "0; 15 s with a `loadBalancer`",
            "At least so long: an ALB sends new requests for some seconds more.",
        ),
        key(
            "drain.max",
            Pilot,
            Form::Duration,
            "duration",
            "`min`; with `inFlight` 10 s more",
            "At most so long, while something is in flight.",
        ),
        key(
            "drain.inFlight",
            Pilot,
            Form::Text,
            "`connections`, a path, or a URL",
            "unknown",
            "What says how many requests are in flight: the kernel's count of connections to the job's port (idle ones count too), or the number that this `http://` address answers with.",
        ),
        key(
            "drain.signal",
            Pilot,
            Form::TextOrNumber,
            "name or number",
            "none",
            "Sent to the job's processes when the drain begins, so that they report themselves not ready and serve on.",
        ),
    ],
};

/// `jobs[].services[]`
const SERVICES: Table = Table {
    object: "jobs[].services[]",
    keys: &[
        key(
            "name",
            Pilot,
            Form::Text,
            "text",
            "needed",
            "The service's name: a small letter, then letters, digits and `-`.",
        ),
        key("port", Pilot, Form::Integer(1, 65535), "integer, 1 to 65535", "needed", "The port that it listens on."),
        key("interfaces", Pilot, Form::TextOrTexts, "text or list", "the job's address", "As in a job."),
        key("register", Pilot, Form::Bool, "bool", "as the job", "As in a job."),
        key("tags", Pilot, Form::Texts, "list of text", "none", "As in a job; nothing is taken over from it."),
        key("meta", Pilot, Form::Map, "object of texts", "none", "As in a job; nothing is taken over from it."),
        key(
            "initial_status",
            Pilot,
            Form::Word(&["passing", "warning", "critical"]),
            "`passing`, `warning`, `critical`",
            "none",
            "As in a job; nothing is taken over from it.",
        ),
        key("consul.enableTagOverride", Pilot, Form::Bool, "bool", "`false`", "As in a job."),
        key(
            "consul.deregisterCriticalServiceAfter",
            Pilot,
            Form::Text,
            "duration with a unit",
            "never",
            "As in a job.",
        ),
        key(
            "advertise.address",
            Pilot,
            Form::Text,
            "IP address",
            "found by `interfaces`",
            "As in a job; nothing is taken over from it.",
        ),
        key(
            "advertise.port",
            Pilot,
            Form::TextOrNumber,
            "integer, 1 to 65535",
            "`port`",
            "As in a job; nothing is taken over from it.",
        ),
        key("taggedAddresses", Pilot, Form::Addresses, "object", "none", "As in a job; nothing is taken over from it."),
        key(
            "weights.passing",
            Pilot,
            Form::Integer(1, 65535),
            "integer to 65535",
            "1",
            "As in a job; nothing is taken over from it.",
        ),
        key(
            "weights.warning",
            Pilot,
            Form::Integer(0, 65535),
            "integer to 65535",
            "1",
            "As in a job; nothing is taken over from it.",
        ),
    ],
};

/// `jobs[]`
const REACHED: Table = Table {
    object: "jobs[]",
    keys: &[
        key(
            "services",
            Pilot,
            Form::Objects,
            "list of objects",
            "none",
            "Further services of the same process; see above.",
        ),
        key(
            "register",
            Pilot,
            Form::Bool,
            "bool",
            "`consul.register`",
            "`false`: the job's service is checked and known here, but not registered in Consul.",
        ),
        key(
            "advertise.address",
            Pilot,
            Form::Text,
            "IP address",
            "found by `interfaces`",
            "Others reach the service here.",
        ),
        key(
            "advertise.port",
            Pilot,
            Form::TextOrNumber,
            "integer, 1 to 65535",
            "`port`",
            "And at this port. Probes (`http: \"/health\"`) stay with `port`.",
        ),
        key(
            "taggedAddresses",
            Pilot,
            Form::Addresses,
            "object",
            "none",
            "Consul's addresses by name, such as `wan` or `lan`: each an object of `address` and, if it is another than the advertised one, `port`.",
        ),
        key(
            "weights.passing",
            Pilot,
            Form::Integer(1, 65535),
            "integer to 65535",
            "1",
            "The share of requests that Consul's DNS gives this instance, at least 1.",
        ),
        key(
            "weights.warning",
            Pilot,
            Form::Integer(0, 65535),
            "integer to 65535",
            "1",
            "The same while its check warns.",
        ),
    ],
};

/// `watches[]`
const WATCHES: Table = Table {
    object: "watches[]",
    keys: &[
        key(
            "name",
            V3,
            Form::Text,
            "text",
            "needed",
            "A small letter, then letters, digits and `-`. Its events have the source `watch.NAME`.",
        ),
        key("interval", V3, Form::Seconds, "seconds", "needed", "From one look to the next."),
        key("tag", V3, Form::Text, "text", "none", "Only instances with this tag."),
        key("dc", V3, Form::Text, "text", "the agent's", "Datacenter."),
        key("service", Pilot, Form::Text, "text", "the watch's name", "Name of the service in Consul."),
        key(
            "http",
            Pilot,
            Form::Ref("http"),
            "see [probes](#probes)",
            "none",
            "Look at something that is not in Consul. Then `service`, `tag` and `dc` have no meaning.",
        ),
        key(
            "tcp",
            Pilot,
            Form::Tcp,
            "see [probes](#probes)",
            "none",
            "Look at something that is not in Consul. Then `service`, `tag` and `dc` have no meaning.",
        ),
        key(
            "mysql",
            Pilot,
            Form::Ref("mysql"),
            "see [probes](#probes)",
            "none",
            "Look at something that is not in Consul. Then `service`, `tag` and `dc` have no meaning.",
        ),
        key("timeout", Pilot, Form::Duration, "duration", "the interval", "A probe that takes longer has failed."),
    ],
};

/// `telemetry`
const TELEMETRY: Table = Table {
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
            "[Which address](#interfaces) is listened on and advertised.",
        ),
        key(
            "tags",
            V3,
            Form::Texts,
            "list of text",
            "none",
            "Tags of the service `containerpilot`; pilot's version is added to them.",
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
            "Names of labels that [a recording](telemetry.md#your-own-metrics) gives values to.",
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
