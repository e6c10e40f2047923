//! What a job's processes are given.

use super::Since::Pilot;
use super::{Form, Key, Object, key};

/// How its process is set up.
pub(crate) static PROCESS_KEYS: [Key; 12] = [
    key(
        "user",
        Pilot,
        Form::Account,
        "name or number",
        "pilot's",
        "Who it runs as. A name must be in `/etc/passwd`; a number need not be. The job also gets that user's `HOME`, `USER` and `LOGNAME` (a number without an entry: `HOME=/`) and the supplementary groups that `/etc/group` gives it.",
    ),
    key(
        "group",
        Pilot,
        Form::Account,
        "name or number",
        "the user's own",
        "Its group. A number without an entry in `/etc/passwd` has the group of the same number. Without `user` only the group changes.",
    ),
    key(
        "uid",
        Pilot,
        Form::Integer(0, u32::MAX as i64 - 1),
        "integer",
        "pilot's",
        "The names of the community patches to ContainerPilot 3, and the same as `user` and `group`, but: 0 is as if left out, and when pilot is not root they are ignored.",
    ),
    key(
        "gid",
        Pilot,
        Form::Integer(0, u32::MAX as i64 - 1),
        "integer",
        "pilot's",
        "The names of the community patches to ContainerPilot 3, and the same as `user` and `group`, but: 0 is as if left out, and when pilot is not root they are ignored.",
    ),
    key(
        "cwd",
        Pilot,
        Form::Path,
        "path",
        "pilot's",
        r#"Its working directory, entered as the job's user. A program such as `"./serve"` is looked for there."#,
    ),
    key(
        "env",
        Pilot,
        Form::Variables(&VARIABLE),
        "object",
        "none",
        r#"Its own variables. A value is text (a number or a boolean becomes text), `null` to take a variable away, or `{ file: "/run/secrets/db" }`: the whole file without the line ends at its end."#,
    ),
    key(
        "envFile",
        Pilot,
        Form::Paths,
        "path or list of paths",
        "none",
        "Files of `NAME=value` lines. A later file goes before an earlier one, `env` before all of them.",
    ),
    key(
        "inheritEnv",
        Pilot,
        Form::FlagOrNames,
        "bool or list of names",
        "`true`",
        "Whether the job gets pilot's own environment, and what `putenv` adds to it. `false`: only `PATH`, and what pilot itself tells its jobs (`CONTAINERPILOT_*`, `PILOT_*`); a list adds these names.",
    ),
    key(
        "limits",
        Pilot,
        Form::Object(&LIMITS),
        "object",
        "pilot's",
        r#"Resource limits by their names in setrlimit(2): `as`, `core`, `cpu`, `data`, `fsize`, `locks`, `memlock`, `msgqueue`, `nice`, `nofile`, `nproc`, `rss`, `rtprio`, `rttime`, `sigpending`, `stack`. A number (in the units there: bytes, seconds, or how many), `"unlimited"`, or `{ soft, hard }`, where a missing one stays."#,
    ),
    key("umask", Pilot, Form::Umask, "octal digits", "pilot's", r#"`"027"`; `27` is the same."#),
    key(
        "noNewPrivileges",
        Pilot,
        Form::Flag,
        "bool",
        "`false`",
        "No program it executes gains rights, whatever its set-user-ID bit says.",
    ),
    key(
        "stopSignal",
        Pilot,
        Form::Signal,
        "name or number",
        "`SIGTERM`",
        "What asks its process group to end, with or without `SIG`. After `stopTimeout` follows SIGKILL.",
    ),
];

const fn limit(name: &'static str, says: &'static str) -> Key {
    key(name, Pilot, Form::Limit(&LIMIT), "number, `\"unlimited\"` or object", "pilot's", says)
}

/// Resource limits, by their names in setrlimit(2).
static LIMIT_NAMES: [Key; 16] = [
    limit("as", "Address space, in bytes."),
    limit("core", "Size of a core file, in bytes."),
    limit("cpu", "CPU time, in seconds."),
    limit("data", "Data segment, in bytes."),
    limit("fsize", "Size of a file that is written, in bytes."),
    limit("locks", "Locks on files."),
    limit("memlock", "Memory that is locked, in bytes."),
    limit("msgqueue", "POSIX message queues, in bytes."),
    limit("nice", "20 minus the lowest nice value."),
    limit("nofile", "Open files, one more than the highest descriptor."),
    limit("nproc", "Processes and threads of the user."),
    limit("rss", "Resident memory, in bytes; Linux ignores it."),
    limit("rtprio", "Real-time priority."),
    limit("rttime", "CPU time of a real-time process without a pause, in microseconds."),
    limit("sigpending", "Queued signals."),
    limit("stack", "Stack, in bytes."),
];

pub(crate) static LIMITS: Object = Object { home: "`limits`", shared: "", groups: &[&LIMIT_NAMES], ignored: &[] };

/// A limit with its two parts.
static LIMIT_KEYS: [Key; 2] = [
    key("soft", Pilot, Form::Bound, "number, `\"unlimited\"`", "pilot's", "What holds."),
    key("hard", Pilot, Form::Bound, "number, `\"unlimited\"`", "pilot's", "How far the process may raise it."),
];

pub(crate) static LIMIT: Object = Object { home: "", shared: "limit", groups: &[&LIMIT_KEYS], ignored: &[] };

/// The value of a variable that stands in a file.
static VARIABLE_KEYS: [Key; 1] =
    [key("file", Pilot, Form::Path, "path", "needed", "The file whose content is the value.")];

pub(crate) static VARIABLE: Object = Object { home: "", shared: "variable", groups: &[&VARIABLE_KEYS], ignored: &[] };
