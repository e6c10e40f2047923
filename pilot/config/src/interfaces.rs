//! Which address a service advertises: the `interfaces` of a job (v3 spec 5.8).
//!
//! Pure: the addresses of this machine are an argument. As additions to v3, names may contain `-` and `.`, and an address
//! may come from an environment variable.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// What v3 looks for when nothing is written.
pub(super) const DEFAULT: [&str; 2] = ["eth0:inet", "inet"];

/// One element of `interfaces`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Spec {
    /// `NAME`, `NAME:inet`, `NAME:inet6`: its first address of a family, loopback included.
    Named(String, Family),
    /// `NAME[i]`: its i-th address of both families.
    Indexed(String, usize),
    /// `inet`, `inet6`: the first address of any interface that is not loopback.
    Any(Family),
    /// `10.0.0.0/8`: the first address of any interface in a network.
    Network(IpAddr, u8),
    /// `static:IP`: this address.
    Static(IpAddr),
    /// `env:NAME`: the address in an environment variable.
    Variable(String),
    /// `metadata`: the address of this ECS task.
    Metadata,
}

/// IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Inet,
    Inet6,
}

/// A text that is not a [`Spec`]; its display goes on after the field's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BadSpec {
    pub complaint: String,
    pub remedy: String,
}

impl fmt::Display for BadSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.complaint)
    }
}

/// Parses one spec.
pub(super) fn parse(text: &str) -> Result<Spec, BadSpec> {
    let bad = |complaint: &str, remedy: String| BadSpec { complaint: format!("{complaint}: {text:?}"), remedy };
    if let Some(address) = text.strip_prefix("static:") {
        let wrong = |_| bad("does not name an address", "write \"static:10.0.0.1\"".into());
        return address.parse().map(Spec::Static).map_err(wrong);
    }
    // v3 knows `env:inet` as an interface called env.
    if let Some(name) = text.strip_prefix("env:").filter(|name| !["inet", "inet6"].contains(name)) {
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(bad("does not name an environment variable", "write \"env:HOST_IP\"".into()));
        }
        return Ok(Spec::Variable(name.to_owned()));
    }
    if text == "metadata" {
        return Ok(Spec::Metadata);
    }
    if text.parse::<IpAddr>().is_ok() {
        let remedy = format!("write \"static:{text}\" for exactly this address, or a network such as \"{text}/16\"");
        return Err(bad("is an address without a mask", remedy));
    }
    if let Some((address, bits)) = text.split_once('/') {
        let network = address.parse::<IpAddr>().ok().zip(bits.parse::<u8>().ok());
        let longest = |address: &IpAddr| if address.is_ipv4() { 32 } else { 128 };
        return match network.filter(|(address, bits)| *bits <= longest(address)) {
            Some((address, bits)) => Ok(Spec::Network(address, bits)),
            None => Err(bad("is not a network", "write \"10.0.0.0/16\" or \"fdc6::/48\"".into())),
        };
    }
    named(text).ok_or_else(|| {
        let remedy =
            "write NAME, NAME:inet, NAME:inet6, NAME[0], inet, inet6, a network, static:ADDRESS, env:VARIABLE, or metadata";
        bad("is not an interface", remedy.into())
    })
}

fn named(text: &str) -> Option<Spec> {
    let end = text.find(['[', ':']).unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end)?;
    if !is_name(name) {
        return None;
    }
    let family = match rest {
        "" => match name {
            "inet" => return Some(Spec::Any(Family::Inet)),
            "inet6" => return Some(Spec::Any(Family::Inet6)),
            _ => Family::Inet,
        },
        ":inet" => Family::Inet,
        ":inet6" => Family::Inet6,
        _ => {
            let index = rest.strip_prefix('[')?.strip_suffix(']')?;
            let digits = !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit());
            return digits.then(|| index.parse().ok())?.map(|index| Spec::Indexed(name.to_owned(), index));
        }
    };
    Some(Spec::Named(name.to_owned(), family))
}

/// v3 takes `\w+`. With `-` and `.` a letter is needed, so that half an address is not taken for a name.
fn is_name(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let plain = !name.is_empty() && name.chars().all(word);
    plain || name.chars().all(|c| word(c) || c == '-' || c == '.') && name.chars().any(|c| c.is_ascii_alphabetic())
}

/// The first address that a spec matches, specs in their order, interfaces by name, addresses by their 16 bytes.
pub(super) fn choose(specs: &[Spec], interfaces: &[(String, IpAddr)]) -> Option<IpAddr> {
    let mut sorted: Vec<(&str, IpAddr)> = interfaces.iter().map(|(name, address)| (name.as_str(), *address)).collect();
    sorted.sort_by_key(|(name, address)| (*name, as_16_bytes(*address)));
    specs.iter().find_map(|spec| first(spec, &sorted))
}

fn first(spec: &Spec, sorted: &[(&str, IpAddr)]) -> Option<IpAddr> {
    let addresses = || sorted.iter().copied();
    let reachable = || addresses().filter(|(_, address)| !is_link_local(*address));
    let found = match spec {
        Spec::Static(address) => return Some(*address),
        // Looked up before: one that was found has become `Static`.
        Spec::Variable(_) | Spec::Metadata => None,
        Spec::Named(wanted, family) => reachable().find(|(name, address)| *name == wanted && is_of(*family, *address)),
        Spec::Indexed(wanted, index) => addresses().filter(|(name, _)| *name == wanted).nth(*index),
        Spec::Any(family) => reachable().find(|(_, address)| is_of(*family, *address) && !address.is_loopback()),
        // A link-local network is asked for by name.
        Spec::Network(network, bits) if is_link_local(*network) => {
            addresses().find(|(_, address)| is_in(*address, *network, *bits))
        }
        Spec::Network(network, bits) => reachable().find(|(_, address)| is_in(*address, *network, *bits)),
    };
    found.map(|(_, address)| address)
}

/// Nobody beyond this link reaches it, and every task on Fargate has the same one (RFC 3927, RFC 4291).
fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

fn is_of(family: Family, address: IpAddr) -> bool {
    match family {
        Family::Inet => address.is_ipv4(),
        Family::Inet6 => address.is_ipv6(),
    }
}

fn is_in(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let shift = |width: u8| u32::from(width.saturating_sub(bits));
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            (address.to_bits() ^ network.to_bits()).checked_shr(shift(32)).unwrap_or(0) == 0
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            (address.to_bits() ^ network.to_bits()).checked_shr(shift(128)).unwrap_or(0) == 0
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
    }
}

/// IPv4 addresses sort where their mapped form does: after `::1`, before global IPv6.
fn as_16_bytes(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> Vec<(String, IpAddr)> {
        let addresses = [
            ("lo", "127.0.0.1"),
            ("lo", "::1"),
            ("eth2", "fdc6:238c:c4bc::1"),
            ("eth2", "10.1.0.200"),
            ("eth1", "10.0.0.200"),
            ("eth1", "10.0.0.100"),
            ("eth0", "192.168.1.100"),
            ("eth0", "10.2.0.1"),
            ("br-lan.7", "172.16.0.1"),
        ];
        addresses.map(|(name, address)| (name.to_owned(), address.parse().unwrap())).to_vec()
    }

    #[test]
    fn v3s_vectors_hold() {
        let machine: Vec<_> = machine().into_iter().filter(|(name, _)| name != "br-lan.7").collect();
        for (spec, address) in [
            ("eth0", Some("10.2.0.1")),
            ("eth0:inet", Some("10.2.0.1")),
            ("eth0[0]", Some("10.2.0.1")),
            ("eth0[1]", Some("192.168.1.100")),
            ("eth0[2]", None),
            ("eth0:inet6", None),
            ("eth2:inet6", Some("fdc6:238c:c4bc::1")),
            ("eth2[1]", Some("fdc6:238c:c4bc::1")),
            ("10.0.0.0/16", Some("10.0.0.100")),
            ("10.0.0.0/8", Some("10.2.0.1")),
            ("fdc6:238c:c4bc::/48", Some("fdc6:238c:c4bc::1")),
            ("127.0.0.0/8", Some("127.0.0.1")),
            ("0.0.0.0/0", Some("10.2.0.1")),
            ("inet", Some("10.2.0.1")),
            ("inet6", Some("fdc6:238c:c4bc::1")),
            ("lo", Some("127.0.0.1")),
            ("lo:inet6", Some("::1")),
            ("lo[0]", Some("::1")),
            ("static:192.0.2.9", Some("192.0.2.9")),
            ("eth9", None),
        ] {
            let found = choose(&[parse(spec).unwrap()], &machine);
            assert_eq!(found, address.map(|address| address.parse().unwrap()), "{spec}");
        }
    }

    /// On Fargate `eth0` is the link to the metadata, with one address for all.
    #[test]
    fn a_link_local_address_is_only_chosen_where_it_is_asked_for() {
        let addresses = [
            ("eth0", "169.254.172.2"),
            ("eth0", "fe80::1"),
            ("eth1", "10.0.1.7"),
            ("eth1", "fe80::2"),
            ("lo", "127.0.0.1"),
        ];
        let fargate = addresses.map(|(name, address)| (name.to_owned(), address.parse().unwrap())).to_vec();
        for (spec, address) in [
            ("eth0", None),
            ("eth0:inet6", None),
            ("inet", Some("10.0.1.7")),
            ("inet6", None),
            ("0.0.0.0/0", Some("10.0.1.7")),
            ("169.254.0.0/16", Some("169.254.172.2")),
            ("fe80::/10", Some("fe80::1")),
            ("eth0[0]", Some("169.254.172.2")),
            ("static:169.254.172.2", Some("169.254.172.2")),
        ] {
            let found = choose(&[parse(spec).unwrap()], &fargate);
            assert_eq!(found, address.map(|address| address.parse().unwrap()), "{spec}");
        }
    }

    #[test]
    fn what_v3_refuses_is_refused() {
        for spec in [
            "",
            "!",
            "127.0.0.1",
            "eth0:inet5",
            "eth0[-1]",
            "static:abcdef",
            "eth0[]",
            "eth0[1",
            "10.0.0",
            "10.0.0.0/33",
            "::1",
            "a b",
        ] {
            assert!(parse(spec).is_err(), "{spec}");
        }
    }

    #[test]
    fn names_with_dots_and_hyphens_are_an_addition() {
        let found = choose(&[parse("br-lan.7").unwrap()], &machine());
        assert_eq!(found, Some("172.16.0.1".parse().unwrap()));
    }

    #[test]
    fn the_first_spec_that_matches_decides() {
        let specs: Vec<Spec> = ["eth9", "eth1", "eth0"].map(|spec| parse(spec).unwrap()).to_vec();
        assert_eq!(choose(&specs, &machine()), Some("10.0.0.100".parse().unwrap()));
    }
}
