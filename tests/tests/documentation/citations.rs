//! Comments and pages cite pages, sections, cases and defects by number. Each of them is in this repository.
//!
//! `v3 spec 5.6` is `docs/development/containerpilot-v3.md`, "case 27" is one of `reliability.md`, "defect 19" a row of the
//! specification's section 12.1; the name of a page is enough, since no two pages have the same.

use std::collections::BTreeSet;
use std::path::Path;

use pilot_tests::tools::repository;
use regex_lite::Regex;

use crate::files::{self, page};

const SPEC: &str = "docs/development/containerpilot-v3.md";
const NUMBER: &str = r"[0-9]+(?:\.[0-9]+)?";
const BETWEEN: &str = r"(?:, and | and | to |, |-)";

fn regex(pattern: &str) -> Regex {
    let list = format!("{NUMBER}(?:{BETWEEN}{NUMBER})*");
    Regex::new(&pattern.replace("LIST", &list)).unwrap()
}

/// What the first group of `pattern` finds in a text.
fn found(pattern: &str, text: &str) -> BTreeSet<String> {
    regex(pattern).captures_iter(text).map(|found| found[1].to_owned()).collect()
}

/// The numbers and letters of a list: `16 to 20, 22` names 16, 20 and 22.
fn items(list: &str) -> Vec<String> {
    regex(&format!("({NUMBER}|\\b[a-z]\\b)")).captures_iter(list).map(|found| found[1].to_owned()).collect()
}

/// The text of a file as one line, without the signs of its comments: a citation may go over the end of a line.
fn running(text: &str) -> String {
    text.lines().map(|line| line.trim_start_matches([' ', '/', '!', '#'])).collect::<Vec<_>>().join(" ")
}

/// What `rest` finds directly behind each `word`.
fn lists<'a>(text: &'a str, word: &str, rest: &'a Regex) -> impl Iterator<Item = String> + 'a {
    let behind: Vec<&str> = text.match_indices(word).map(|(at, _)| &text[at + word.len()..]).collect();
    behind.into_iter().filter_map(|behind| Some(rest.captures(behind)?[1].to_owned()))
}

struct Kind {
    what: &'static str,
    /// How it is cited: a word, and what follows directly behind it. The first group is a list of what is cited.
    cited: &'static [(&'static str, &'static str)],
    there: BTreeSet<String>,
    /// At least this many are cited: this test reads citations in the form in which they are written.
    least: usize,
}

fn kinds() -> Vec<Kind> {
    let (spec, reliability) = (page(SPEC), page("docs/development/reliability.md"));
    let section = |from: &str, to: &str| spec.split(from).nth(1).unwrap().split(to).next().unwrap().to_owned();
    let cases = page("docs/development/test-cases.md");
    vec![
        Kind {
            what: "section of the v3 specification",
            cited: &[("spec", r",? (?:sections? )?(LIST)"), ("section", r"s? (LIST)"), ("Section", r"s? (LIST)")],
            there: found(r"(?m)^#+ (LIST)\.? ", &spec),
            least: 100,
        },
        Kind {
            what: "appendix of the v3 specification",
            cited: &[("ppendix ", r"([A-Z])\b")],
            there: found(r"(?m)^## Appendix ([A-Z])\.", &spec),
            least: 10,
        },
        Kind {
            what: "defect of ContainerPilot v3 (section 12.1 of the specification)",
            cited: &[
                ("efect", r"s? (LIST)"),
                ("12.1", r",? rows? (LIST)"),
                ("row", r"s? (LIST) of (?:its|v3's) defects"),
            ],
            there: found(r"(?m)^\| ([0-9]+) \|", &section("### 12.1", "### 12.2")),
            least: 30,
        },
        Kind {
            what: "trace of the v3 specification (section 10.7)",
            cited: &[("Trace ", r"([A-Z])\b")],
            there: found(r"(?m)^([A-Z])\. ", &section("### 10.7", "## 11.")),
            least: 5,
        },
        Kind {
            what: "case of reliability.md",
            cited: &[("case", r"s? (LIST)"), ("Case", r"s? (LIST)")],
            there: found(r"(?m)^([0-9]+)\. ", &reliability),
            least: 50,
        },
        Kind {
            what: "section of baselines.md",
            cited: &[("baselines.md", r",? (?:section )?([a-z])\b")],
            there: found(r"(?m)^## ([a-z])\. ", &page("docs/development/baselines.md")),
            least: 5,
        },
        Kind {
            what: "wish of containerpilot-wishes.md",
            cited: &[("wishes ", r"([A-Z][0-9]+)\b")],
            there: wishes(&page("docs/development/containerpilot-wishes.md")),
            least: 2,
        },
        Kind {
            what: "row of test-cases.md",
            cited: &[("test-cases.md", r", rows? ([a-z](?: (?:to|and) [a-z])?)\b")],
            there: found(r"(?m)^\| ([a-z]) \|", &cases),
            least: 3,
        },
    ]
}

/// `A1`, `B3`: the letter of a section and a number in its list or table.
fn wishes(page: &str) -> BTreeSet<String> {
    let mut letter = String::new();
    let mut all = BTreeSet::new();
    for line in page.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            letter = title.chars().take(1).collect();
        }
        let number = line.trim_start_matches("| ").split([' ', '.']).next().unwrap_or_default();
        if number.parse::<u8>().is_ok() {
            all.insert(format!("{letter}{number}"));
        }
    }
    all
}

#[test]
fn every_number_that_is_cited_exists() {
    let others = files::all().into_iter().filter(|file| !file.path.starts_with("tests/tests/documentation/"));
    let files: Vec<(String, String)> = others.map(|file| (file.path, running(&file.text))).collect();
    let mut wrong = Vec::new();
    for kind in kinds() {
        let mut seen = 0;
        for (word, rest) in kind.cited {
            let rest = regex(&format!("^{rest}"));
            for (path, list) in
                files.iter().flat_map(|(path, text)| lists(text, word, &rest).map(move |list| (path, list)))
            {
                let cited = if list.chars().any(char::is_uppercase) { vec![list] } else { items(&list) };
                seen += cited.len();
                let missing = cited.into_iter().filter(|one| !kind.there.contains(one));
                wrong.extend(missing.map(|one| format!("{path}: there is no {} {one}", kind.what)));
            }
        }
        assert!(seen >= kind.least, "{seen} of {}: they are written in another way than this test reads", kind.what);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What looks like a page in this line: with a variable before it, it is a name that a script makes.
fn cited_pages<'a>(line: &'a str, name: &Regex) -> Vec<&'a str> {
    let found = name.find_iter(line).filter(|found| !line[..found.start()].ends_with('$'));
    found.map(|found| found.as_str()).filter(|cited| !cited.starts_with("//")).collect()
}

#[test]
fn every_page_that_is_cited_exists() {
    // A file of the image tests that must not reach a builder.
    const NOT_THERE: &str = "docs/x.md";
    let pages: BTreeSet<String> = files::markdown().into_iter().map(|page| page.path).collect();
    let names: BTreeSet<&str> = pages.iter().filter_map(|path| path.rsplit('/').next()).collect();
    let name = Regex::new(r"[\w./-]*\w\.md\b").unwrap();
    let (mut seen, mut wrong) = (0, Vec::new());
    for file in files::all() {
        let folder = repository().join(Path::new(&file.path).parent().unwrap());
        let lines = file.text.lines().filter(|line| line.contains(".md"));
        for cited in lines.flat_map(|line| cited_pages(line, &name)) {
            // The tables in the code have links as seen from the page that is made of them.
            let is_a_name = names.contains(cited.trim_start_matches("../"));
            let exists = is_a_name || repository().join(cited).is_file() || folder.join(cited).is_file();
            if !exists && cited != NOT_THERE {
                wrong.push(format!("{}: {cited}", file.path));
            }
            seen += 1;
        }
    }
    assert!(wrong.is_empty(), "there are no such pages:\n{}", wrong.join("\n"));
    assert!(seen > 300, "{seen}");
}

#[test]
fn every_source_file_that_a_page_names_exists() {
    const FOLDERS: &str = "app|cloudformation|consul|demo|docs|fuzz|image|jenkins|pilot|scripts|tests";
    let name =
        Regex::new(&format!(r"\b((?:{FOLDERS})/[\w./-]*\w\.(?:conf|hcl|json5|ld|py|rs|sh|svg|toml|yaml))\b")).unwrap();
    let (mut seen, mut wrong) = (0, Vec::new());
    for page in files::markdown() {
        let folder = repository().join(Path::new(&page.path).parent().unwrap());
        for cited in name.captures_iter(&page.text).map(|found| found[1].to_owned()) {
            if !repository().join(&cited).is_file() && !folder.join(&cited).is_file() {
                wrong.push(format!("{}: {cited}", page.path));
            }
            seen += 1;
        }
    }
    assert!(wrong.is_empty(), "there are no such files:\n{}", wrong.join("\n"));
    assert!(seen > 50, "{seen}");
}
