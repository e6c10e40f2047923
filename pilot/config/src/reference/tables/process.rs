//! What a job's processes are given.

use crate::reference::Since::Pilot;
use crate::reference::{Form, Table, key};

/// `jobs[]`
pub(super) const PROCESS: Table = Table {
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
