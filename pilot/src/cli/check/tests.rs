//! The report to the letter: `docs/reference/check.md` shows it, and the JSON form says the same.

use std::time::Duration;

use super::Strictness;
use super::report::CheckReport;
use crate::committed;
use pilot_config::{Interfaces, Loaded, Question, Rule, Surroundings, examine};

const PAGE: &str = "docs/reference/check.md";

fn examined(text: &str, stop_budget: Option<Duration>) -> Loaded {
    examined_with(text, stop_budget, "")
}

/// In the environment that the sentence before an example names.
fn examined_with(text: &str, stop_budget: Option<Duration>, before: &str) -> Loaded {
    let named = before.rsplit_once("with `").and_then(|(_, rest)| rest.strip_suffix("` in the environment:\n\n"));
    let variable = named.and_then(|named| named.split_once('='));
    let around = Surroundings {
        env: variable.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect(),
        hostname: "box".into(),
        interfaces: Interfaces::new(Vec::new),
        ..Surroundings::default()
    };
    examine("app.json5", text, &around, &Question { stop_budget })
}

fn shown(text: &str, stop_budget: Option<Duration>, before: &str) -> String {
    let loaded = examined_with(text, stop_budget, before);
    CheckReport::of(&loaded, stop_budget, Strictness::Errors).text(&loaded.report(text))
}

/// Every `json5` block of the page with the `text` block after it.
#[test]
fn the_page_is_up_to_date() {
    let page = committed::text(PAGE);
    let mut made = String::new();
    let mut rest = page.as_str();
    let mut examples = 0;
    while let Some((before, after)) = rest.split_once("```json5\n") {
        let (example, after) = after.split_once("```\n\n```text\n").unwrap();
        let (_, after) = after.split_once("```\n").unwrap();
        let budget = before.contains("--stop-timeout 30s`:\n").then(|| Duration::from_secs(30));
        made.push_str(&format!("{before}```json5\n{example}```\n\n```text\n{}```\n", shown(example, budget, before)));
        rest = after;
        examples += 1;
    }
    made.push_str(rest);
    assert_eq!(examples, Rule::ALL.len());
    committed::must_be(PAGE, &made);
}

#[test]
fn every_rule_has_a_chapter_whose_example_finds_it() {
    let page = committed::text(PAGE);
    for rule in Rule::ALL {
        let name = rule.as_str();
        assert!(page.contains(&format!("| [`{name}`](#{name}) |")), "{name} is not in the table");
        let (_, chapter) = page.split_once(&format!("\n## {name}\n")).unwrap_or_else(|| panic!("no chapter {name}"));
        let (before, example) = chapter.split_once("```json5\n").unwrap();
        let example = example.split("```").next().unwrap();
        let found = examined_with(example, Some(Duration::from_secs(30)), before).diagnostics;
        assert!(found.iter().any(|found| found.rule == rule), "{name}: {found:?}");
    }
}

#[test]
fn a_warning_is_bad_only_when_strict_and_an_error_always() {
    let warned = examined("{ jobs: [{ name: 'a', critical: true, when: { source: 'b', once: 'healthy' } }] }", None);
    let wrong = examined("{ jobs: [{ nme: 'a' }] }", None);
    let fine = examined("{ jobs: [{ name: 'a', exec: 'b' }] }", None);
    for (loaded, errors, warnings) in [(&fine, true, true), (&warned, true, false), (&wrong, false, false)] {
        assert_eq!(CheckReport::of(loaded, None, Strictness::Errors).is_good(), errors);
        assert_eq!(CheckReport::of(loaded, None, Strictness::Warnings).is_good(), warnings);
    }
}

#[test]
fn time_that_is_too_short_is_bad_when_it_was_asked_about_and_told_when_the_file_says_so() {
    let text = "{ stopBudget: '20s', jobs: [\n{ name: 'app', exec: 'a', critical: true, drain: { min: '18s' } }] }";
    let told = examined(text, None);
    let report = CheckReport::of(&told, None, Strictness::Errors);
    assert!(report.is_good());
    let shown = report.text(&told.report(text));
    assert!(shown.contains("warning: stopping can take 23s, and there are 20s\n --> app.json5:2:"), "{shown}");
    assert!(shown.contains("drains are cut short to stay within it; write a shorter `drain` for \"app\""), "{shown}");

    for (seconds, good) in [(23, true), (22, false)] {
        let budget = Some(Duration::from_secs(seconds));
        let asked = examined(text, budget);
        let report = CheckReport::of(&asked, budget, Strictness::Errors);
        assert_eq!(report.is_good(), good, "{seconds}");
        let shown = report.text(&asked.report(text));
        assert!(
            shown.contains(&format!(
                "23s in total, {} the {seconds}s allowed",
                if good { "within" } else { "which exceeds" }
            )),
            "{shown}"
        );
        assert_eq!(
            shown.contains("error: stopping can take 23s, and there are 22s\n --> app.json5:2:"),
            !good,
            "{shown}"
        );
        assert_eq!(shown.ends_with("app.json5: 1 error, 0 warnings\n"), !good, "{shown}");
    }
}

#[test]
fn the_json_says_what_the_text_says() {
    let text = "{ jobs: [{ name: 'app', exec: 'a', critical: true },\n { name: 'late', exec: 'b', when: { source: 'ap', once: 'stopped' } }] }";
    let loaded = examined(text, Some(Duration::from_secs(3)));
    let report = CheckReport::of(&loaded, Some(Duration::from_secs(3)), Strictness::Warnings);
    let json: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
    let wanted = serde_json::json!({
        "schema": 1, "file": "app.json5", "verdict": "bad", "errors": 1, "warnings": 1, "notes": 0, "jobs": 2, "watches": 0,
        "findings": [
            {
                "severity": "error", "rule": "stop-plan", "line": 2, "column": 2, "path": "jobs[1]",
                "message": "stopping can take 125s, and there are 3s",
                "remedy": "limit the run of \"late\", for which there are 120s: `timeout: \"10s\"`",
            },
            {
                "severity": "warning", "rule": "unknown-source", "line": 2, "column": 45, "path": "jobs[1].when.source",
                "message": "job \"late\": waits for \"ap\", and there is no such job or watch",
                "remedy": "did you mean \"app\"?",
            },
        ],
        "stop": {
            "worst": 125.0, "budget": 3.0, "circular": false,
            "jobs": [
                { "job": "app", "after": [], "begins": 0.0, "runs": 0.0, "hooks": 0.0, "catalog": 0.0, "balancer": 0.0, "drain": 0.0, "kill": 5.0, "gone": 5.0 },
                { "job": "late", "after": [], "begins": 120.0, "runs": 120.0, "hooks": 0.0, "catalog": 0.0, "balancer": 0.0, "drain": 0.0, "kill": 5.0, "gone": 125.0 },
            ],
        },
    });
    assert_eq!(json, wanted, "{json:#}");
}

#[test]
fn no_secret_is_repeated_in_either_form() {
    for text in [
        "{ jobs: [{ name: 'a', exec: 'b', health: { exec: ['curl', '-f', '-H', 'Authorization: hunter2', 'http://h/x'], interval: 1, ttl: 5 } }] }",
        "{ services: [{ name: 'a', health: ['x', 'http://u:hunter2@h/'] }] }",
        "{ preStart: { token: 'hunter2' } }",
        "{ consul: 'c', jobs: [{ name: 'a', exec: 'b', health: { exec: 'curl http://u:hunter2@h/', interval: 1, ttl: 5 } }] }",
        "{ jobs: [{ name: 'a', exec: 'b', health: { exec: 'mysqladmin -phunter2 ping', interval: 1, ttl: 5 } }] }",
    ] {
        let loaded = examined(text, None);
        let json = CheckReport::of(&loaded, None, Strictness::Errors).json();
        // A command line is not known to be secret, and is shown as a line of the file; what is made of it is not.
        let remedies: Vec<_> =
            loaded.report(text).lines().filter(|line| line.contains("  = ")).map(str::to_owned).collect();
        assert!(!json.contains("hunter2") && !remedies.concat().contains("hunter2"), "{json}");
    }
}
