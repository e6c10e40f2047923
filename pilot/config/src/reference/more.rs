//! Objects that the manual describes in sentences and examples, without a table of their own.

use super::Since::Pilot;
use super::{Form, Table, key};

/// In no order.
pub const MORE: [Table; 4] = [WAIT, LIMITS, LIMIT, VARIABLE];

/// An entry of `all` or `any`.
const WAIT: Table = Table {
    object: "#wait",
    keys: &[
        key("source", Pilot, Form::Text, "text", "needed", "Whose event, or a signal."),
        key("once", Pilot, Form::Event, "event", "none", "The first time it is seen."),
        key("each", Pilot, Form::Event, "event", "none", "Every time it is seen; only in `any`."),
    ],
};

const fn limit(name: &'static str, says: &'static str) -> super::Key {
    key(name, Pilot, Form::Limit, "number, `\"unlimited\"` or object", "pilot's", says)
}

/// Resource limits, by their names in setrlimit(2).
const LIMITS: Table = Table {
    object: "jobs[].limits",
    keys: &[
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
    ],
};

/// A limit with its two parts.
const LIMIT: Table = Table {
    object: "#limit",
    keys: &[
        key("soft", Pilot, Form::Count, "number, `\"unlimited\"`", "pilot's", "What holds."),
        key("hard", Pilot, Form::Count, "number, `\"unlimited\"`", "pilot's", "How far the process may raise it."),
    ],
};

/// The value of a variable that stands in a file.
const VARIABLE: Table = Table {
    object: "#variable",
    keys: &[key("file", Pilot, Form::Text, "path", "needed", "The file whose content is the value.")],
};
