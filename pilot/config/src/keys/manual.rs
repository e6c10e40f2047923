//! The table as the tables of the manual.

use super::*;
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

/// Its tables, page by page.
fn tables() -> [&'static [Key]; 18] {
    let [job, process, balancer, drain, reached] = JOB.groups else { panic!("a job has five tables") };
    let one = |object: &'static Object| object.groups[0];
    [
        one(&TOP),
        one(&CONSUL),
        one(&LOGGING),
        one(&CONTROL),
        job,
        one(&WHEN),
        one(&RESTARTS),
        process,
        one(&HEALTH),
        one(&HTTP),
        one(&MYSQL),
        one(&NOTIFY),
        balancer,
        drain,
        one(&SERVICE),
        reached,
        one(&WATCH),
        one(&TELEMETRY),
    ]
}

fn written(keys: &[Key], before: &str, out: &mut String) {
    for key in keys {
        let since = match key.since {
            Since::V3 => "v3",
            Since::Pilot => "+",
        };
        if !key.says.is_empty() {
            let row =
                format!("| `{before}{}` | {since} | {} | {} | {} |\n", key.name, key.words, key.default, key.says);
            out.push_str(&row);
        }
        // Frames, and one list, are told of key by key.
        if let Some(inner) = key.form.object().filter(|_| key.says.is_empty() || key.name == "metrics") {
            let list = if matches!(key.form, Form::Objects(_)) { "[]" } else { "" };
            written(inner.groups[0], &format!("{before}{}{list}.", key.name), out);
        }
    }
}

#[test]
fn the_tables_of_the_manual_are_up_to_date() {
    let mut tables = tables().into_iter();
    for page in PAGES {
        let text = committed::text(page);
        let mut parts = text.split(HEAD);
        let mut made = parts.next().unwrap().to_owned();
        for part in parts {
            let rows = part.lines().take_while(|line| line.starts_with('|')).map(|line| line.len() + 1).sum::<usize>();
            made.push_str(HEAD);
            written(tables.next().expect("the manual has more tables of keys than there are"), "", &mut made);
            made.push_str(part.get(rows..).unwrap_or_default());
        }
        committed::must_be(page, &made);
    }
    assert!(tables.next().is_none(), "the manual lacks a table of keys");
}
