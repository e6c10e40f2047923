//! Dependencies outside of the container.

use crate::reference::Since::{Pilot, V3};
use crate::reference::{Form, Table, key};

/// `watches[]`
pub(super) const WATCHES: Table = Table {
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
            Form::Ref("mysql"),
            "see [probes](health.md#probes)",
            "none",
            "Look at something that is not in Consul. Then `service`, `tag` and `dc` have no meaning.",
        ),
        key("timeout", Pilot, Form::Duration, "duration", "the interval", "A probe that takes longer has failed."),
    ],
};
