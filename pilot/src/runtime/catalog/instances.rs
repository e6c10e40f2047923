//! The instances in an answer of the catalog. Whoever may register a service chose their addresses, and Consul takes any
//! text for one: only what can be an address is believed.

use std::net::IpAddr;

use pilot_core::effect::Instance;

use super::body::HealthEntry;
use crate::runtime::net::one_line;

/// The longest name that DNS has (RFC 1035 section 2.3.4).
const LONGEST_NAME: usize = 253;
/// Longest id in a log line, in characters.
const LONGEST_ID: usize = 60;

/// The usable instances of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instances {
    /// Sorted by id, then address and port.
    pub usable: Vec<Instance>,
    /// How many were left out because their address is none, and the first one's id.
    pub left_out: Option<(usize, String)>,
}

impl Instances {
    /// Parses the body of `GET /v1/health/service/<name>`.
    pub(super) fn parse(body: &[u8]) -> Result<Self, serde_json::Error> {
        let entries: Vec<HealthEntry> = serde_json::from_slice(body)?;
        let instances = entries.into_iter().map(Instance::from);
        let (mut usable, odd): (Vec<_>, Vec<_>) = instances.partition(|instance| is_address(&instance.address));
        usable.sort();
        let left_out = odd.first().map(|first| {
            let id: String = one_line(&first.id).chars().take(LONGEST_ID).collect();
            (odd.len(), id)
        });
        Ok(Instances { usable, left_out })
    }
}

/// An IP address or a host name. It ends up in variables, templates and other programs' arguments.
fn is_address(text: &str) -> bool {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-' | b'_');
    let is_name =
        (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(allowed) && !text.starts_with(['-', '.']);
    is_name || text.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(addresses: &[&str]) -> Instances {
        let entry = |(at, address): (usize, &&str)| serde_json::json!({ "Service": { "ID": format!("i{at}"), "Address": address, "Port": 80 } });
        let entries: Vec<_> = addresses.iter().enumerate().map(entry).collect();
        Instances::parse(serde_json::to_string(&entries).unwrap().as_bytes()).unwrap()
    }

    #[test]
    fn addresses_and_names_are_believed() {
        let good = ["10.0.0.1", "fd00::1", "db.example.com", "db_1", "ip-10-0-0-1.ec2.internal", "x"];
        let found = answer(&good);
        assert_eq!(found.usable.iter().map(|instance| instance.address.as_str()).collect::<Vec<_>>(), good);
        assert_eq!(found.left_out, None);
    }

    #[test]
    fn nothing_else_is() {
        let long = "a".repeat(131_072);
        let just_too_long = "a".repeat(LONGEST_NAME + 1);
        let bad = [
            "a\0b",
            "a\nb",
            "a\rb",
            "\"",
            "'",
            "a\" user: \"root",
            "$(id)",
            "`id`",
            "a;b",
            "a b",
            "a,b",
            "{{ .X }}",
            "-oProxy",
            "..",
            "[::1]",
            "fe80::1%eth0",
            "a/b",
            "a\\b",
            "\u{202e}a",
            "é",
            "\u{7f}",
            &long,
            &just_too_long,
        ];
        let found = answer(&bad);
        assert_eq!(found.usable, []);
        assert_eq!(found.left_out, Some((bad.len(), "i0".to_owned())));
        assert_eq!(answer(&["10.0.0.1", "a\nb"]).usable.len(), 1);
    }

    #[test]
    fn an_id_that_is_said_is_short_and_printable() {
        let body =
            serde_json::json!([{ "Service": { "ID": format!("\u{1b}[31m{}", "x".repeat(1000)), "Address": "\n" } }]);
        let found = Instances::parse(body.to_string().as_bytes()).unwrap();
        let (_, id) = found.left_out.unwrap();
        assert!(id.len() <= LONGEST_ID && id.chars().all(|c| !c.is_control()), "{id:?}");
    }
}
