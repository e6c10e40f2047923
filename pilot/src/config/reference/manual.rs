//! The reference as the tables of the manual.

use super::{Since, TABLES, Table};
use crate::committed;

const PAGE: &str = "docs/configuration.md";
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
    let page = committed::text(PAGE);
    let mut parts = page.split(HEAD);
    let mut made = parts.next().unwrap().to_owned();
    let parts: Vec<&str> = parts.collect();
    assert_eq!(parts.len(), TABLES.len(), "the manual has another number of tables of keys");
    for (part, table) in parts.iter().zip(&TABLES) {
        let rows = part.lines().take_while(|line| line.starts_with('|')).map(|line| line.len() + 1).sum::<usize>();
        made.push_str(&written(table));
        made.push_str(part.get(rows..).unwrap_or_default());
    }
    committed::must_be(PAGE, &made);
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
