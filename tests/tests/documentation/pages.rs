//! The pages as a whole: their names, and that they stand on their own.

use std::collections::BTreeMap;

use regex_lite::Regex;

use crate::files;

#[test]
fn page_names_do_not_collide() {
    let mut by_name: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in files::markdown() {
        let name = file.path.rsplit('/').next().unwrap().to_owned();
        if file.path.starts_with("docs/") {
            by_name.entry(name).or_default().push(file.path);
        }
    }
    let collisions: Vec<_> = by_name.values().filter(|paths| paths.len() > 1).collect();
    assert!(collisions.is_empty(), "a citation by name alone would be ambiguous: {collisions:?}");
}

#[test]
fn nothing_points_outside_the_repository() {
    // Folders of the machine that this was written on, and numbers of an issue tracker that no clone has.
    let outside = Regex::new(r"(\.\./shared|(?:^|[^\w.])/work/)|\b[Ii]ssues? [0-9]{1,2}\b").unwrap();
    let mut found = Vec::new();
    for file in files::all().iter().filter(|file| !file.path.ends_with("documentation/pages.rs")) {
        for (number, line) in file.text.lines().enumerate() {
            let may_be = ["shared", "/work/", "ssue"].iter().any(|word| line.contains(word));
            if may_be && outside.is_match(line) {
                found.push(format!("{}:{}: {}", file.path, number + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "a stranger's clone does not have this:\n{}", found.join("\n"));
}

#[test]
fn every_page_is_in_the_table_of_contents() {
    let contents = files::page("docs/SUMMARY.md") + &files::page("docs/development/decisions.md");
    let pages = files::markdown().into_iter().map(|page| page.path).filter(|path| path.starts_with("docs/"));
    let missing: Vec<String> = pages
        .filter(|path| {
            let name = path.rsplit('/').next().unwrap();
            name != "SUMMARY.md" && !contents.contains(&format!("/{name})"))
        })
        .collect();
    assert!(missing.is_empty(), "docs/SUMMARY.md or docs/development/decisions.md has to name {missing:?}");
}
