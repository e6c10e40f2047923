//! Every configuration that the guide, the operating pages and the README show is one that pilot takes without a warning.
//! (Those of the reference are loaded by the configuration's own tests.)

use std::process::Command;

use pilot_tests::scratch::Scratch;
use pilot_tests::tools;

use crate::files;

/// Part of a configuration; the page says so by leaving something out.
const FRAGMENT: &str = "/* ... */";
/// Their examples have a job that never starts, because that is what they show.
const WITH_AN_IMPOSSIBLE_EVENT: [&str; 2] = ["docs/guide/explain.md", "docs/guide/graph.md"];

#[test]
fn every_example_of_a_whole_configuration_passes_pilot_check() {
    let scratch = Scratch::new();
    let (mut seen, mut refused) = (0, Vec::new());
    for page in files::markdown() {
        let is_read =
            page.path == "README.md" || page.path.starts_with("docs/guide/") || page.path.starts_with("docs/operate/");
        let examples = page.text.split("```json5\n").skip(1).filter_map(|rest| rest.split("```").next());
        for example in examples.filter(|example| is_read && !example.contains(FRAGMENT)) {
            scratch.write("example.json5", example);
            let mut check = Command::new(tools::pilot());
            check
                .args(["check", "--json", "example.json5"])
                .current_dir(scratch.path())
                .env_clear()
                .envs([("DB_HOST", "db"), ("PORT", "5000")]);
            let output = check.output().unwrap();
            let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            let doubts = report["findings"].as_array().unwrap().iter().filter(|finding| {
                let is_meant = finding["rule"] == "impossible-event" && WITH_AN_IMPOSSIBLE_EVENT.contains(&&*page.path);
                finding["severity"] != "note" && !is_meant
            });
            refused.extend(doubts.map(|finding| format!("{}: {}\n{example}", page.path, finding["message"])));
            seen += 1;
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    assert!(seen >= 20, "{seen} examples");
}

/// The manual page is made from the command line's definition; the page for people has all of it.
#[test]
fn the_command_line_page_has_every_command_and_option() {
    let page = files::page("docs/reference/command-line.md");
    let manual = files::page("docs/reference/pilot.1").replace("\\-", "-");
    let commands = manual.lines().filter_map(|line| line.strip_prefix(".SS "));
    let options = manual.lines().filter_map(|line| line.strip_prefix("\\fB--")?.split("\\f").next());
    let (mut seen, mut missing) = (0, Vec::new());
    let wanted = commands.map(|name| format!("`pilot {name}")).chain(options.map(|name| name.to_owned()));
    for word in wanted {
        seen += 1;
        if !page.contains(&word) && word != "help" {
            missing.push(word);
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
    assert!(seen > 30, "{seen}");
}
