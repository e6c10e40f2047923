//! The reference as the tables of the manual.

use super::{Since, TABLES, Table};
use crate::committed;

/// The manual, in its order.
pub(crate) const PAGES: [&str; 13] = [
    "docs/reference/configuration.md",
    "docs/reference/configuration/consul.md",
    "docs/reference/configuration/logging.md",
    "docs/reference/configuration/control.md",
    "docs/reference/configuration/jobs.md",
    "docs/reference/configuration/when.md",
    "docs/reference/configuration/restarts.md",
    "docs/reference/configuration/process.md",
    "docs/reference/configuration/health.md",
    "docs/reference/configuration/load-balancer.md",
    "docs/reference/configuration/services.md",
    "docs/reference/configuration/watches.md",
    "docs/reference/configuration/telemetry.md",
];
const HEAD: &str = "| key | | type | default | |\n|---|---|---|---|---|\n";

fn written(table: &Table) -> String {
    let mut out = HEAD.to_owned();
    for key in table.keys {
        let since = match key.since {
            Since::V3 => "v3",
            Since::Pilot => "+",
        };
        out.push_str(&format!("| `{}` | {since} | {} | {} | {} |\n", key.name, key.words, key.default, key.says));
    }
    out
}

#[test]
fn the_tables_of_the_manual_are_up_to_date() {
    let mut tables = TABLES.iter();
    for page in PAGES {
        let text = committed::text(page);
        let mut parts = text.split(HEAD);
        let mut made = parts.next().unwrap().to_owned();
        for part in parts {
            let rows = part.lines().take_while(|line| line.starts_with('|')).map(|line| line.len() + 1).sum::<usize>();
            made.push_str(&written(tables.next().expect("the manual has more tables of keys than there are")));
            made.push_str(part.get(rows..).unwrap_or_default());
        }
        committed::must_be(page, &made);
    }
    assert!(tables.next().is_none(), "the manual lacks a table of keys");
}

#[test]
fn every_key_says_something_and_is_there_once() {
    let mut paths: Vec<String> = super::keys().map(|(path, _)| path).collect();
    let all = paths.len();
    paths.sort();
    paths.dedup();
    assert_eq!(paths.len(), all);
    assert!(all > 130, "{all}");
    for (path, key) in super::keys() {
        assert!(!key.says.is_empty() && !key.words.is_empty() && !key.default.is_empty(), "{path}");
    }
}
