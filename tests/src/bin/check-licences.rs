//! Reads `cargo metadata --offline` and names every package whose licence is not on the list.
//!
//! An expression is accepted when it can be satisfied from the list: one side of an OR, both sides of an AND.

use std::process::{Command, ExitCode};

use serde_json::Value;

/// Licences that permit a closed or open binary with notices, and MPL-2.0, our own.
const ACCEPTED: [&str; 15] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

fn main() -> ExitCode {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let arguments =
        ["metadata", "--offline", "--locked", "--format-version=1", "--filter-platform=x86_64-unknown-linux-gnu"];
    let output = match Command::new(cargo).args(arguments).output() {
        Ok(output) if output.status.success() => output.stdout,
        Ok(output) => return refuse(&String::from_utf8_lossy(&output.stderr)),
        Err(error) => return refuse(&error.to_string()),
    };
    let Ok(metadata) = serde_json::from_slice::<Value>(&output) else { return refuse("cargo metadata is not JSON") };
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let list = |value: &Value, path: &str| value.pointer(path).and_then(Value::as_array).cloned().unwrap_or_default();
    // `packages` also lists what other platforms would use; the graph has what this one does.
    let used: Vec<String> = list(&metadata, "/resolve/nodes").iter().map(|node| text(node, "id")).collect();
    let mut refused = 0;
    let mut looked_at = 0;
    for package in list(&metadata, "/packages").iter().filter(|package| used.contains(&text(package, "id"))) {
        looked_at += 1;
        let licence = text(package, "license");
        if !accepted(&licence) {
            refused += 1;
            let shown = if licence.is_empty() { "no licence named" } else { &licence };
            println!("{} {}: {shown}", text(package, "name"), text(package, "version"));
        }
    }
    if refused > 0 || looked_at == 0 {
        return refuse(&format!("{refused} of {looked_at} packages have a licence that is not on the list"));
    }
    println!("licences: all {looked_at} packages are on the list");
    ExitCode::SUCCESS
}

fn refuse(reason: &str) -> ExitCode {
    eprintln!("licences: {reason}");
    ExitCode::FAILURE
}

/// Splits at the outermost operator, OR binding weaker than AND; the old form `MIT/Apache-2.0` is an OR.
fn accepted(expression: &str) -> bool {
    let expression = expression.trim();
    for (operator, any) in [(" OR ", true), ("/", true), (" AND ", false)] {
        let parts = split(expression, operator);
        if parts.len() > 1 {
            let mut answers = parts.iter().map(|part| accepted(part));
            return if any { answers.any(|yes| yes) } else { answers.all(|yes| yes) };
        }
    }
    match expression.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(inner) => accepted(inner),
        None => ACCEPTED.contains(&expression),
    }
}

/// Splits at an operator that stands outside of parentheses.
fn split<'a>(expression: &'a str, operator: &str) -> Vec<&'a str> {
    let (mut parts, mut depth, mut begin, mut at) = (Vec::new(), 0i32, 0, 0);
    while let Some(rest) = expression.get(at..).filter(|rest| !rest.is_empty()) {
        if depth == 0 && rest.starts_with(operator) {
            parts.push(&expression[begin..at]);
            at += operator.len();
            begin = at;
            continue;
        }
        depth += i32::from(rest.starts_with('(')) - i32::from(rest.starts_with(')'));
        at += rest.chars().next().map_or(1, char::len_utf8);
    }
    parts.push(&expression[begin..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::accepted;

    #[test]
    fn one_side_of_an_or_is_enough_and_both_sides_of_an_and_are_needed() {
        for good in ["MIT", "GPL-3.0 OR MIT", "MIT/Apache-2.0", "(GPL-2.0 OR ISC) AND MIT", "Apache-2.0 AND (MIT OR X)"]
        {
            assert!(accepted(good), "{good}");
        }
        for bad in ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT OR ISC) AND OpenSSL"] {
            assert!(!accepted(bad), "{bad}");
        }
    }
}
