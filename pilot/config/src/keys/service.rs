//! What Consul is told of a job.

use super::Since::Pilot;
use super::patterns::SERVICE_NAME;
use super::{Form, Key, Object, key, part};

/// `services[]`
pub(super) static SERVICE_KEYS: [Key; 11] = [
    key(
        "name",
        Pilot,
        Form::Match(SERVICE_NAME),
        "text",
        "needed",
        "The service's name: a small letter, then letters, digits and `-`.",
    ),
    key("port", Pilot, Form::Integer(1, 65535), "integer, 1 to 65535", "needed", "The port that it listens on."),
    key("interfaces", Pilot, Form::Interfaces, "text or list", "the job's address", "As in a job."),
    key("register", Pilot, Form::Flag, "bool", "as the job", "As in a job."),
    key("tags", Pilot, Form::Texts, "list of text", "none", "As in a job; nothing is taken over from it."),
    key("meta", Pilot, Form::Meta, "object of texts", "none", "As in a job; nothing is taken over from it."),
    key(
        "initial_status",
        Pilot,
        Form::Word(&["passing", "warning", "critical"]),
        "`passing`, `warning`, `critical`",
        "none",
        "As in a job; nothing is taken over from it.",
    ),
    part("consul", Pilot, &SERVICE_CONSUL),
    part("advertise", Pilot, &SERVICE_ADVERTISE),
    key(
        "taggedAddresses",
        Pilot,
        Form::Addresses(&TAGGED),
        "object",
        "none",
        "As in a job; nothing is taken over from it.",
    ),
    part("weights", Pilot, &SERVICE_WEIGHTS),
];

pub(crate) static SERVICE: Object = Object { home: "`services[]`", shared: "", groups: &[&SERVICE_KEYS], ignored: &[] };

/// `services[].consul`
pub(super) static SERVICE_CONSUL_KEYS: [Key; 2] = [
    key("enableTagOverride", Pilot, Form::Flag, "bool", "`false`", "As in a job."),
    key("deregisterCriticalServiceAfter", Pilot, Form::TimeWithUnit, "duration with a unit", "never", "As in a job."),
];

pub(crate) static SERVICE_CONSUL: Object =
    Object { home: "`consul` of a job", shared: "", groups: &[&SERVICE_CONSUL_KEYS], ignored: &[] };

/// `services[].advertise`
pub(super) static SERVICE_ADVERTISE_KEYS: [Key; 2] = [
    key(
        "address",
        Pilot,
        Form::Language(""),
        "IP address",
        "found by `interfaces`",
        "As in a job; nothing is taken over from it.",
    ),
    key(
        "port",
        Pilot,
        Form::OptionalInteger(1, 65535),
        "integer, 1 to 65535",
        "`port`",
        "As in a job; nothing is taken over from it.",
    ),
];

pub(crate) static SERVICE_ADVERTISE: Object =
    Object { home: "`advertise`", shared: "", groups: &[&SERVICE_ADVERTISE_KEYS], ignored: &[] };

/// `services[].weights`
pub(super) static SERVICE_WEIGHTS_KEYS: [Key; 2] = [
    key(
        "passing",
        Pilot,
        Form::Integer(1, 65535),
        "integer to 65535",
        "1",
        "As in a job; nothing is taken over from it.",
    ),
    key(
        "warning",
        Pilot,
        Form::Integer(0, 65535),
        "integer to 65535",
        "1",
        "As in a job; nothing is taken over from it.",
    ),
];

pub(crate) static SERVICE_WEIGHTS: Object =
    Object { home: "`weights`", shared: "", groups: &[&SERVICE_WEIGHTS_KEYS], ignored: &[] };

/// Where a job is reached.
pub(super) static REACHED_KEYS: [Key; 5] = [
    key(
        "services",
        Pilot,
        Form::Objects(&SERVICE),
        "list of objects",
        "none",
        "Further services of the same process; see above.",
    ),
    key(
        "register",
        Pilot,
        Form::Flag,
        "bool",
        "`consul.register`",
        "`false`: the job's service is checked and known here, but not registered in Consul.",
    ),
    part("advertise", Pilot, &JOB_ADVERTISE),
    key(
        "taggedAddresses",
        Pilot,
        Form::Addresses(&TAGGED),
        "object",
        "none",
        "Consul's addresses by name, such as `wan` or `lan`: each an object of `address` and, if it is another than the advertised one, `port`.",
    ),
    part("weights", Pilot, &JOB_WEIGHTS),
];

/// `advertise`
pub(super) static JOB_ADVERTISE_KEYS: [Key; 2] = [
    key("address", Pilot, Form::Language(""), "IP address", "found by `interfaces`", "Others reach the service here."),
    key(
        "port",
        Pilot,
        Form::OptionalInteger(1, 65535),
        "integer, 1 to 65535",
        "`port`",
        "And at this port. Probes (`http: \"/health\"`) stay with `port`.",
    ),
];

pub(crate) static JOB_ADVERTISE: Object =
    Object { home: "`advertise`", shared: "", groups: &[&JOB_ADVERTISE_KEYS], ignored: &[] };

/// `weights`
pub(super) static JOB_WEIGHTS_KEYS: [Key; 2] = [
    key(
        "passing",
        Pilot,
        Form::Integer(1, 65535),
        "integer to 65535",
        "1",
        "The share of requests that Consul's DNS gives this instance, at least 1.",
    ),
    key("warning", Pilot, Form::Integer(0, 65535), "integer to 65535", "1", "The same while its check warns."),
];

pub(crate) static JOB_WEIGHTS: Object =
    Object { home: "`weights`", shared: "", groups: &[&JOB_WEIGHTS_KEYS], ignored: &[] };

/// One of `taggedAddresses`.
static TAGGED_KEYS: [Key; 2] = [
    key("address", Pilot, Form::Language(""), "IP address", "needed", "Others reach the service here."),
    key(
        "port",
        Pilot,
        Form::OptionalInteger(1, 65535),
        "integer, 1 to 65535",
        "the advertised one",
        "And at this port.",
    ),
];

pub(crate) static TAGGED: Object =
    Object { home: "`taggedAddresses`", shared: "address", groups: &[&TAGGED_KEYS], ignored: &[] };
