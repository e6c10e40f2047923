//! What Consul is told of a job.

use crate::reference::Since::Pilot;
use crate::reference::{Form, Table, key};

/// `jobs[].services[]`
pub(super) const SERVICES: Table = Table {
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
pub(super) const REACHED: Table = Table {
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
