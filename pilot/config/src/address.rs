//! Where a service is reached: the address that `interfaces` finds or `advertise` names, the advertised port, tagged
//! addresses (v3 spec 5.8).

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use pilot_core::number::go_printed;

use super::Surroundings;
use super::block::Block;
use super::diagnostic::{Rule, Severity};
use super::interfaces::{self, BadSpec, Spec};
use super::issues::Purpose;
use super::keys::{self, Object};
use super::loose::Field;
use super::value::Kind;

const REMEDY: &str = "write \"203.0.113.7\" or \"2001:db8::7\", without brackets and without a port";

/// What a job or one of its `services` says about where it is reached.
pub(super) struct Location<'b, 'a> {
    pub block: &'b Block<'a>,
    advertise: Option<Block<'a>>,
}

impl<'b, 'a> Location<'b, 'a> {
    /// `keys` are those of its `advertise`.
    pub fn of(block: &'b Block<'a>, keys: &'static Object) -> Self {
        Location { block, advertise: block.get("advertise").and_then(|field| field.block(keys)) }
    }

    /// Whether it says which address it has.
    pub fn has_address(&self) -> bool {
        self.advertised("address").is_some() || self.block.get("interfaces").is_some()
    }

    /// The address that `advertise` names, or else the one that `interfaces` chooses. `None` was reported.
    pub fn address(&self, around: &Surroundings) -> Option<IpAddr> {
        match self.advertised("address") {
            Some(field) => ip(&field),
            None => among_interfaces(self.block, around),
        }
    }

    /// The port that `advertise` names, or else the local one.
    pub fn port(&self, local: u16) -> u16 {
        self.advertised("port").and_then(|field| field.port()).unwrap_or(local)
    }

    /// Empty text is absent: a variable that is not set where the file is used without a scheduler.
    fn advertised(&self, key: &str) -> Option<Field<'a>> {
        self.advertise.as_ref().and_then(|inner| inner.filled(key))
    }
}

/// `taggedAddresses`: addresses by name beside the advertised one; a port that is left out is the advertised one.
pub(super) fn tagged(field: &Field<'_>, port: u16) -> BTreeMap<String, SocketAddr> {
    if !matches!(field.value.kind, Kind::Object(_)) {
        field.wrong_type("an object", "write { wan: { address: \"203.0.113.7\", port: 80 } }");
    }
    let mut tagged = BTreeMap::new();
    for (name, field) in field.pairs() {
        let Some(block) = field.block(&keys::TAGGED) else { continue };
        let port = block.filled("port").and_then(|field| field.port()).unwrap_or(port);
        match block.filled("address") {
            Some(field) => tagged.extend(ip(&field).map(|ip| (name, SocketAddr::new(ip, port)))),
            None => block.missing("address", "is needed", REMEDY),
        }
    }
    tagged
}

/// The address that `interfaces` chooses among the machine's.
pub(super) fn among_interfaces(block: &Block<'_>, around: &Surroundings) -> Option<IpAddr> {
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
    let mut tried = Tried::default();
    for (place, text) in &texts {
        if let Err(bad) = tried.add(text, around) {
            place.error(bad.to_string(), bad.remedy);
            tried.failed = true;
        }
        if let (Ok(Spec::Metadata), Some(problem)) = (interfaces::parse(text), &around.task.problem) {
            let complaint = format!("asks ECS' task metadata in vain: {problem}");
            place.find(
                Severity::Warning,
                Rule::NoInterface,
                &complaint,
                "the next of `interfaces` is tried".to_owned(),
            );
        }
    }
    if tried.failed {
        return None;
    }
    if tried.names.is_empty() {
        for spec in interfaces::DEFAULT {
            tried.add(spec, around).ok()?;
        }
    }
    interfaces::choose(&tried.specs, &around.interfaces)
        .or_else(|| not_found(field.as_ref(), block, &tried.names.join(", "), around))
}

/// What is looked for, and what that is called when it is not found.
#[derive(Default)]
struct Tried {
    specs: Vec<Spec>,
    names: Vec<String>,
    failed: bool,
}

impl Tried {
    fn add(&mut self, text: &str, around: &Surroundings) -> Result<(), BadSpec> {
        let spec = interfaces::parse(text)?;
        let mut name = text.to_owned();
        if spec == Spec::Metadata {
            match around.task.found.first() {
                Some(address) => self.specs.push(Spec::Static(*address)),
                None if around.task.problem.is_some() => name.push_str(" (no answer)"),
                None => name.push_str(" (this is no ECS task)"),
            }
        } else if let Spec::Variable(variable) = &spec {
            match around.env.get(variable).filter(|value| !value.is_empty()) {
                // The value is not repeated: it may be anything.
                Some(value) => self.specs.push(Spec::Static(reachable(value).ok_or_else(|| BadSpec {
                    complaint: format!("reads the variable {variable}, which holds no IP address of a machine"),
                    remedy: format!("set {variable} to an address such as 203.0.113.7, without a port"),
                })?)),
                None => name.push_str(" (not set)"),
            }
        } else {
            self.specs.push(spec);
        }
        self.names.push(name);
        Ok(())
    }
}

/// An error where pilot is about to run. Another machine may have what this one has not, so that a check goes on without.
fn not_found(field: Option<&Field<'_>>, block: &Block<'_>, names: &str, around: &Surroundings) -> Option<IpAddr> {
    let here: Vec<String> = around.interfaces.iter().map(|(name, address)| format!("{name} {address}")).collect();
    let here = if here.is_empty() { "none".into() } else { here.join(", ") };
    let complaint = format!("finds no address for {names}; this machine has {here}");
    let checks = block.field.issues.purpose == Purpose::Check;
    let (severity, remedy) = match checks {
        true => (Severity::Note, "it is looked for again where pilot starts"),
        false => (Severity::Error, "write `interfaces: [...]` with one of these interfaces, or \"static:ADDRESS\""),
    };
    match field {
        Some(field) => field.find(severity, Rule::NoInterface, &complaint, remedy.to_owned()),
        None => block.find(severity, Rule::NoInterface, "interfaces", &complaint, remedy),
    }
    checks.then_some(IpAddr::from([0, 0, 0, 0]))
}

fn printed(item: &Field<'_>) -> String {
    match &item.value.kind {
        Kind::Number(number) => go_printed(*number),
        Kind::Text(text) => text.clone(),
        Kind::Null | Kind::Bool(_) | Kind::List(_) | Kind::Object(_) => item.value.shape(),
    }
}

fn ip(field: &Field<'_>) -> Option<IpAddr> {
    let text = field.text()?;
    let address = reachable(&text);
    if address.is_none() {
        field.error(format!("is not the IP address of a machine: {}", field.value.shape()), REMEDY);
    }
    address
}

/// An address that others can connect to; Consul refuses `0.0.0.0` and `::` as well.
fn reachable(text: &str) -> Option<IpAddr> {
    text.parse().ok().filter(|address: &IpAddr| !address.is_unspecified())
}
