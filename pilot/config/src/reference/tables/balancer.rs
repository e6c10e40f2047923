//! In and out of a load balancer.

use crate::reference::Since::Pilot;
use crate::reference::{Form, Table, key};

/// `jobs[]`
pub(super) const BALANCER: Table = Table {
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
pub(super) const DRAIN: Table = Table {
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
