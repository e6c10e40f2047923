//! What `docs/development/test-cases.md` says of tests: each one that it names exists.

use std::collections::BTreeSet;
use std::path::Path;

use pilot_tests::tools::repository;

/// The names of all tests, and of the files in which they are.
fn known(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            known(&path, names);
            continue;
        }
        let Some(stem) = path.to_str().and_then(|path| path.strip_suffix(".rs")) else { continue };
        names.insert(stem.rsplit('/').next().unwrap().to_owned());
        let text = std::fs::read_to_string(&path).unwrap();
        let mut lines = text.lines().map(str::trim);
        while let Some(line) = lines.next() {
            if line == "#[test]" || line.starts_with("#[tokio::test") {
                let named = lines.find_map(|line| line.trim_start_matches("async ").strip_prefix("fn ")).unwrap();
                names.insert(named.split('(').next().unwrap().to_owned());
            }
        }
    }
}

#[test]
fn every_test_that_the_page_names_exists() {
    let mut names = BTreeSet::new();
    for folder in ["tests/tests", "pilot"] {
        known(&repository().join(folder), &mut names);
    }
    let page = std::fs::read_to_string(repository().join("docs/development/test-cases.md")).unwrap();
    let mut told = 0;
    for word in page.split('`').skip(1).step_by(2) {
        let is_name = word.contains('_') && word.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_' | '…'));
        if is_name {
            let exists = match word.strip_suffix('…') {
                Some(beginning) => names.iter().any(|name| name.starts_with(beginning)),
                None => names.contains(word),
            };
            assert!(exists, "docs/development/test-cases.md names {word}, and there is no such test");
            told += 1;
        }
    }
    assert!(told > 160, "{told} names: the page is written in another way than this test reads");
}
