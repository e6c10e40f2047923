//! What a job with a port advertises: names, address, tags, metadata (v3 spec 5.1, 5.7, 5.8).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::core::number::go_printed;
use crate::core::plan::{CheckStatus, Service};

use super::Surroundings;
use super::block::Block;
use super::durations::{DurationError, parse_go};
use super::interfaces;
use super::value::Kind;
use super::weak::{Field, duration_remedy};

const STATES: [(&str, CheckStatus); 3] =
    [("passing", CheckStatus::Passing), ("warning", CheckStatus::Warning), ("critical", CheckStatus::Critical)];

/// Consul's limits for service metadata.
const META_PAIRS: usize = 64;
const META_KEY: usize = 128;
const META_VALUE: usize = 512;

/// Reads the service of a job that has a port.
pub(super) fn read(block: &Block<'_>, job: &str, port: u16, ttl: Duration, around: &Surroundings) -> Service {
    if let Some(field) = block.get("name").filter(|_| !job.is_empty()) {
        check_name(&field, job, "a job with a port is a service, and its name");
    }
    let other_name = block.get("service").and_then(|field| {
        let name = field.text()?;
        check_name(&field, &name, "a service's name");
        Some(name)
    });
    let catalog = catalog_options(block);
    Service {
        id: format!("{job}-{}", around.hostname),
        name: other_name.unwrap_or_else(|| job.to_owned()),
        port,
        // Without an address there is no plan: the mistake was reported.
        address: address(block, around).unwrap_or(IpAddr::from([0, 0, 0, 0])),
        tags: block.get("tags").and_then(|field| field.texts()).unwrap_or_default(),
        meta: block.get("meta").map(|field| meta(&field)).unwrap_or_default(),
        enable_tag_override: catalog.enable_tag_override,
        deregister_critical_after: catalog.deregister_critical_after,
        initial_status: block.filled("initial_status").and_then(|field| field.choice(&STATES)),
        ttl,
    }
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

/// The address that `interfaces` chooses among the machine's.
pub(super) fn address(block: &Block<'_>, around: &Surroundings) -> Option<IpAddr> {
    let field = block.get("interfaces");
    let texts = match &field {
        None => Vec::new(),
        Some(field) => match &field.value.kind {
            Kind::Text(text) => vec![(field.clone(), text.clone())],
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::List(_) | Kind::Object(_) => {
                field.items()?.into_iter().map(|item| (item.clone(), printed(&item))).collect()
            }
        },
    };
    let mut specs = Vec::new();
    let mut failed = false;
    for (place, text) in &texts {
        match interfaces::parse(text) {
            Ok(spec) => specs.push(spec),
            Err(bad) => {
                place.error(bad.to_string(), bad.remedy);
                failed = true;
            }
        }
    }
    if failed {
        return None;
    }
    let mut names: Vec<&str> = texts.iter().map(|(_, text)| text.as_str()).collect();
    if specs.is_empty() {
        names = interfaces::DEFAULT.to_vec();
        specs = names.iter().filter_map(|spec| interfaces::parse(spec).ok()).collect();
    }
    let found = interfaces::choose(&specs, &around.interfaces);
    if found.is_none() {
        not_found(field.as_ref(), block, &names, around);
    }
    found
}

fn not_found(field: Option<&Field<'_>>, block: &Block<'_>, names: &[&str], around: &Surroundings) {
    let here: Vec<String> = around.interfaces.iter().map(|(name, address)| format!("{name} {address}")).collect();
    let here = if here.is_empty() { "none".into() } else { here.join(", ") };
    let complaint = format!("finds no address for {}; this machine has {here}", names.join(", "));
    let remedy = "write `interfaces: [...]` with one of these interfaces, or \"static:ADDRESS\"";
    match field {
        Some(field) => field.error(complaint, remedy),
        None => block.missing("interfaces", &complaint, remedy),
    }
}

fn printed(item: &Field<'_>) -> String {
    match &item.value.kind {
        Kind::Number(number) => go_printed(*number),
        Kind::Text(text) => text.clone(),
        Kind::Null | Kind::Bool(_) | Kind::List(_) | Kind::Object(_) => item.value.shape(),
    }
}

struct CatalogOptions {
    enable_tag_override: bool,
    deregister_critical_after: Option<String>,
}

fn catalog_options(block: &Block<'_>) -> CatalogOptions {
    let none = CatalogOptions { enable_tag_override: false, deregister_critical_after: None };
    let Some(inner) = consul_block(block) else { return none };
    CatalogOptions {
        enable_tag_override: inner.get("enableTagOverride").and_then(|field| field.flag()).unwrap_or(false),
        deregister_critical_after: inner.filled("deregisterCriticalServiceAfter").and_then(|field| {
            let text = field.text()?;
            if let Err(failure) = parse_go(&text) {
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

/// The job's `consul` block. Opened also without a port, for its unknown keys.
pub(super) fn consul_block<'a>(block: &Block<'a>) -> Option<Block<'a>> {
    block.get("consul")?.block(&["enableTagOverride", "deregisterCriticalServiceAfter"], &[])
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
        }
        let Some(text) = value.text() else { continue };
        if text.len() > META_VALUE {
            value.error(format!("is {} bytes long; Consul takes {META_VALUE}", text.len()), "write a shorter text");
        }
        meta.insert(key, text);
    }
    meta
}
