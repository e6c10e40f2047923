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
