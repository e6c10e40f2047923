//! Dependencies outside of the container.

use super::Since::{Pilot, V3};
use super::health::{HTTP, MYSQL};
use super::patterns::{HTTP_URL, MYSQL_URL, SERVICE_NAME};
use super::{Form, Key, Least, Object, key};

/// `watches[]`
pub(super) static WATCH_KEYS: [Key; 11] = [
    key(
        "name",
        V3,
        Form::Match(SERVICE_NAME),
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
        Form::Probe(HTTP_URL, &HTTP),
        "see [probes](health.md#probes)",
        "none",
        "Look at something that is not in Consul. Then `service`, `tag` and `dc` have no meaning.",
    ),
    key(
        "tcp",
        Pilot,
        Form::Tcp,
        "see [probes](health.md#probes)",
        "none",
        "Look at something that is not in Consul. Then `service`, `tag` and `dc` have no meaning.",
    ),
    key(
        "mysql",
        Pilot,
        Form::Probe(MYSQL_URL, &MYSQL),
        "see [probes](health.md#probes)",
        "none",
        "Look at something that is not in Consul. Then `service`, `tag` and `dc` have no meaning.",
    ),
    key(
        "timeout",
        Pilot,
        Form::Time(Least::Millisecond),
        "duration",
        "the interval",
        "A probe that takes longer has failed.",
    ),
    key(
        "initial",
        Pilot,
        Form::Word(&["now", "interval"]),
        "`now`, `interval`",
        "`interval` in a file that ContainerPilot 3 could read, otherwise `now`",
        "When a service in Consul is looked at first. ContainerPilot waits for one interval.",
    ),
    key(
        "minInterval",
        Pilot,
        Form::Time(Least::Zero),
        "duration",
        "the interval",
        "From one `changed` of a service in Consul to the next at least. The first change is told at once, then the last state counts.",
    ),
];

pub(crate) static WATCH: Object =
    Object { home: "`watches[]`", shared: "", groups: &[&WATCH_KEYS], ignored: &["serviceName", "discoveryService"] };
