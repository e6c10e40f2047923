//! Tables of template and text, one file a subject. Expected texts are what Go 1.9 and v3's functions give.

use super::{TemplateError, render};
use std::collections::BTreeMap;

mod bounds;
mod errors;
mod functions;
mod language;
mod places;
mod printing;

/// The environment most tables use.
const ENV: [(&str, &str); 12] = [
    ("COUNT", "3"),
    ("EMPTY", ""),
    ("EQUALS", "abc=def=ghi"),
    ("FOO", "bar"),
    ("LIST", "a,b,c"),
    ("NAME_0", "zero"),
    ("NAME_1", "one"),
    ("PORT", "9090"),
    ("SECRET", "hunter2 swordfish"),
    ("SPACED", "  x:y  "),
    ("TESTRUN", "Template"),
    ("weird.name", "odd"),
];

fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn rendered(text: &str) -> Result<String, TemplateError> {
    render(text, &environment(&ENV))
}

fn refused(text: &str) -> TemplateError {
    match rendered(text) {
        Ok(output) => panic!("{text} renders as {output:?}"),
        Err(error) => error,
    }
}

/// Renders every template of a table and shows all that differ.
fn assert_renders(table: &[(&str, &str)]) {
    let wrong: Vec<String> = table
        .iter()
        .filter_map(|(text, expected)| match rendered(text) {
            Ok(output) if output == *expected => None,
            Ok(output) => Some(format!("{text}\n  gives    {output:?}\n  expected {expected:?}")),
            Err(error) => Some(format!("{text}\n  fails    {error}\n  expected {expected:?}")),
        })
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
