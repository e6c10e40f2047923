//! What a job advertises: its own service if it has a port, and those of `services` (v3 spec 5.1, 5.7). Names, ports,
//! tags, metadata; where they are reached is in `address`.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use pilot_core::plan::{CheckStatus, Job, Service, Weights};

use super::Surroundings;
use super::address::{self, Location};
use super::block::Block;
use super::durations::{DurationError, parse_go};
use super::keys::{self, Object};
use super::loose::{Field, duration_remedy};
use super::sources::Placed;
use super::value::Kind;

const STATES: [(&str, CheckStatus); 3] =
    [("passing", CheckStatus::Passing), ("warning", CheckStatus::Warning), ("critical", CheckStatus::Critical)];

/// The blocks inside of a service: a job's own one and the further ones have the same keys, told of in different words.
struct Inner {
    consul: &'static Object,
    weights: &'static Object,
}
const OWN: Inner = Inner { consul: &keys::JOB_CONSUL, weights: &keys::JOB_WEIGHTS };
const FURTHER: Inner = Inner { consul: &keys::SERVICE_CONSUL, weights: &keys::SERVICE_WEIGHTS };

/// Consul's limits for service metadata.
const META_PAIRS: usize = 64;
const META_KEY: usize = 128;
const META_VALUE: usize = 512;

/// What a job's services have in common.
pub(super) struct Shared<'a> {
    /// The job's name.
    pub job: &'a str,
    /// Whether services are registered that do not say so themselves.
    pub registered: bool,
    /// Host name and addresses of this machine.
    pub around: &'a Surroundings,
}

/// Reads the services of a job: its own one first, then those of its `services`. Their TTL is that of the job's health
/// check, which is read later.
pub(super) fn read(block: &Block<'_>, port: Option<u16>, shared: &Shared<'_>) -> Vec<Service> {
    let shared = Shared { registered: flag(block, "register").unwrap_or(shared.registered), ..*shared };
    let items = block.get("services").and_then(|field| field.items()).unwrap_or_default();
    let entries: Vec<Block<'_>> = items.iter().filter_map(|item| named(item).block(&keys::SERVICE)).collect();
    let (own, further): (_, Vec<_>) = (
        Location::of(block, &keys::JOB_ADVERTISE),
        entries.iter().map(|entry| Location::of(entry, &keys::SERVICE_ADVERTISE)).collect(),
    );
    let is_needed = port.is_some() || further.iter().any(|location| !location.has_address());
    // Without an address there is no plan: the mistake was reported.
    let address = is_needed.then(|| own.address(shared.around)).flatten().unwrap_or(IpAddr::from([0, 0, 0, 0]));
    let own = port.map(|port| {
        let name = own_name(block, shared.job);
        let id = format!("{}-{}", shared.job, shared.around.hostname);
        Service { id, ..common(block, name, (address, own.port(port)), shared.registered, &OWN) }
    });
    let further = further.iter().map(|location| {
        let own = location.has_address().then(|| location.address(shared.around)).flatten();
        further_service(location, own.unwrap_or(address), &shared)
    });
    own.into_iter().chain(further).collect()
}

/// The service under its own name, in messages.
fn named<'a>(item: &Field<'a>) -> Field<'a> {
    match item.value.shown_name() {
        Some(name) => {
            let job = item.who.clone();
            let mut field = item.clone().called(format!("service {name:?}"));
            field.who.insert_str(0, &job);
            field
        }
        None => item.clone(),
    }
}

/// The name of a job's own service: the job's, or `service`.
fn own_name(block: &Block<'_>, job: &str) -> String {
    if let Some(field) = block.get("name").filter(|_| !job.is_empty()) {
        check_name(&field, job, "a job with a port is a service, and its name");
    }
    let other = block.get("service").and_then(|field| {
        let name = field.text()?;
        check_name(&field, &name, "a service's name");
        Some(name)
    });
    other.unwrap_or_else(|| job.to_owned())
}

/// One of the `services`.
fn further_service(location: &Location<'_, '_>, address: IpAddr, shared: &Shared<'_>) -> Service {
    let block = location.block;
    let name = block.filled("name").and_then(|field| {
        let name = field.text()?;
        check_name(&field, &name, "a service's name");
        Some(name)
    });
    if block.filled("name").is_none() {
        block.missing("name", "is needed", "write the name that others look the service up by: `name: \"metrics\"`");
    }
    let local = block.get("port").and_then(|field| field.port());
    if block.get("port").is_none() {
        block.missing("port", "is needed", "write the port that the service listens on: `port: 9100`");
    }
    let port = location.port(local.unwrap_or(1));
    let name = name.unwrap_or_default();
    let registered = flag(block, "register").unwrap_or(shared.registered);
    let id = format!("{name}-{port}-{}", shared.around.hostname);
    Service { id, ..common(block, name, (address, port), registered, &FURTHER) }
}

/// What a job's own service and a further one write alike.
fn common(block: &Block<'_>, name: String, (address, port): (IpAddr, u16), registered: bool, keys: &Inner) -> Service {
    let catalog = catalog_options(block, keys.consul);
    Service {
        id: String::new(),
        name,
        registered,
        port,
        address,
        tagged_addresses: block.get("taggedAddresses").map(|field| address::tagged(&field, port)).unwrap_or_default(),
        tags: block.get("tags").and_then(|field| field.texts()).unwrap_or_default(),
        meta: block.get("meta").map(|field| meta(&field)).unwrap_or_default(),
        weights: block.get("weights").and_then(|field| weights(&field, keys.weights)),
        enable_tag_override: catalog.enable_tag_override,
        deregister_critical_after: catalog.deregister_critical_after,
        initial_status: block.filled("initial_status").and_then(|field| field.choice(&STATES)),
        ttl: Duration::ZERO,
    }
}

/// Consul keeps one service an id. (Two jobs of one name share theirs, as in v3; they are warned about elsewhere.)
pub(super) fn check_ids(jobs: &[Placed<'_, Job>]) {
    let mut seen: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    for (index, (place, job)) in jobs.iter().enumerate() {
        for (_, service) in job.registered_services() {
            let Some((other, owner)) = seen.insert(&service.id, (index, &job.name)) else { continue };
            if other == index || owner != job.name {
                let whose = if other == index { "twice".to_owned() } else { format!("as job {owner:?} does") };
                let complaint =
                    format!("registers the service {:?} {whose}, and Consul would keep one of them", service.id);
                place.error(complaint, "give one of the services another name or port");
            }
        }
    }
}

fn flag(block: &Block<'_>, key: &str) -> Option<bool> {
    block.filled(key).and_then(|field| field.flag())
}

/// A name that DNS can carry: `^[a-z][a-zA-Z0-9\-]+$`.
pub(super) fn is_service_name(name: &str) -> bool {
    let mut rest = name.chars();
    rest.next().is_some_and(|c| c.is_ascii_lowercase())
        && name.len() >= 2
        && rest.all(|c| c.is_ascii_alphanumeric() || c == '-')
}

fn check_name(field: &Field<'_>, name: &str, what: &str) {
    if !is_service_name(name) {
        field.error(
            format!("{} cannot be used: {what} goes into DNS", field.value.shape()),
            "begin with a small letter and use letters, digits and `-` only, at least two",
        );
    }
}

struct CatalogOptions {
    enable_tag_override: bool,
    deregister_critical_after: Option<String>,
}

fn catalog_options(block: &Block<'_>, keys: &'static Object) -> CatalogOptions {
    let none = CatalogOptions { enable_tag_override: false, deregister_critical_after: None };
    let Some(inner) = consul_block(block, keys) else { return none };
    CatalogOptions {
        enable_tag_override: inner.get("enableTagOverride").and_then(|field| field.flag()).unwrap_or(false),
        deregister_critical_after: inner.filled("deregisterCriticalServiceAfter").and_then(|field| {
            let text = field.text()?;
            if let Err(failure) = parse_go(&text) {
                let failure = if field.value.rendered { DurationError::NotADuration } else { failure };
                field.error(format!("{failure}: {}", field.value.shape()), unit_remedy(&failure));
            }
            Some(text)
        }),
    }
}

fn unit_remedy(failure: &DurationError) -> &'static str {
    match failure {
        DurationError::NoUnit => "Consul needs a unit: \"90m\", \"24h\"",
        DurationError::NotADuration | DurationError::UnknownUnit(_) | DurationError::TooLong => {
            duration_remedy(failure)
        }
    }
}

/// The `consul` block of a job or service. Opened also for a job without a port, for its unknown keys.
pub(super) fn consul_block<'a>(block: &Block<'a>, keys: &'static Object) -> Option<Block<'a>> {
    block.get("consul")?.block(keys)
}

/// Both weights are 1 where nothing is written, as in Consul.
fn weights(field: &Field<'_>, keys: &'static Object) -> Option<Weights> {
    let block = field.block(keys)?;
    let read = |field: Field<'_>| field.integer("", "write { passing: 10, warning: 1 }");
    let weight = |key: &str| block.get(key).and_then(read).unwrap_or(1);
    Some(Weights { passing: weight("passing"), warning: weight("warning") })
}

fn meta(field: &Field<'_>) -> BTreeMap<String, String> {
    let Kind::Object(members) = &field.value.kind else {
        field.error(format!("must be an object of texts, not {}", field.value.shape()), "write { key: \"value\" }");
        return BTreeMap::new();
    };
    if members.len() > META_PAIRS {
        field.error(format!("has {} pairs; Consul takes {META_PAIRS}", members.len()), "remove some");
    }
    let mut meta = BTreeMap::new();
    for (key, value) in field.pairs() {
        let letters = key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if key.is_empty() || key.len() > META_KEY || !letters {
            value.error("has a key that Consul refuses", "use letters, digits, `-` and `_`, at most 128 of them");
        } else if key.starts_with("consul-") {
            value.error("has a key that Consul keeps for itself", "begin it with something else than `consul-`");
        }
        let Some(text) = value.text() else { continue };
        if text.len() > META_VALUE {
            value.error(format!("is {} bytes long; Consul takes {META_VALUE}", text.len()), "write a shorter text");
        }
        meta.insert(key, text);
    }
    meta
}
