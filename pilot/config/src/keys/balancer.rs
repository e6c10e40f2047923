//! In and out of a load balancer.

use super::Since::Pilot;
use super::patterns::IN_FLIGHT;
use super::{Form, Key, Least, Object, key, part};

/// The two blocks in a job.
pub(super) static BALANCER_KEYS: [Key; 1] = [part("loadBalancer", Pilot, &BALANCER)];

/// `loadBalancer`
pub(super) static BALANCER_PARTS: [Key; 5] = [
    key(
        "targetGroup",
        Pilot,
        Form::Language("^(arn:|$)"),
        "text",
        "needed, but see `mode`",
        "The ARN of the target group. Empty text (a template variable that is not set) switches the block off.",
    ),
    key(
        "mode",
        Pilot,
        Form::Word(&["drain", "self", "off"]),
        "`drain`, `self`, `off`",
        "`drain`",
        "`drain`: somebody else (an ECS service) registers the target, pilot takes it out when it stops. `self`: pilot does both. `off`: nobody does.",
    ),
    key(
        "port",
        Pilot,
        Form::OptionalInteger(1, 65535),
        "port",
        "the job's `port`",
        "The port that the application listens on in the container. In ECS' bridge mode the host's port is found by it.",
    ),
    key(
        "target",
        Pilot,
        Form::Text,
        "text",
        "found",
        "Address or instance id, where ECS' task metadata does not tell it.",
    ),
    key(
        "availabilityZone",
        Pilot,
        Form::Text,
        "text",
        "none",
        "Only for addresses outside of the load balancer's VPC: `all`.",
    ),
];

pub(crate) static BALANCER: Object =
    Object { home: "`loadBalancer`", shared: "", groups: &[&BALANCER_PARTS], ignored: &[] };

/// And how it leaves.
pub(super) static DRAIN_KEYS: [Key; 1] = [part("drain", Pilot, &DRAIN)];

/// `drain`
pub(super) static DRAIN_PARTS: [Key; 4] = [
    key(
        "min",
        Pilot,
        Form::Time(Least::Zero),
        "duration",
        "0; 15 s with a `loadBalancer`",
        "At least so long: an ALB sends new requests for some seconds more.",
    ),
    key(
        "max",
        Pilot,
        Form::Time(Least::Zero),
        "duration",
        "`min`; with `inFlight` 10 s more",
        "At most so long, while something is in flight.",
    ),
    key(
        "inFlight",
        Pilot,
        Form::Match(IN_FLIGHT),
        "`connections`, a path, or a URL",
        "unknown",
        "What says how many requests are in flight: the kernel's count of connections to the job's port (idle ones count too), or the number that this `http://` address answers with.",
    ),
    key(
        "signal",
        Pilot,
        Form::Signal,
        "name or number",
        "none",
        "Sent to the job's processes when the drain begins, so that they report themselves not ready and serve on.",
    ),
];

pub(crate) static DRAIN: Object = Object { home: "`drain`", shared: "", groups: &[&DRAIN_PARTS], ignored: &[] };
