//! Links between pages lead somewhere, down to the heading.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use pilot_tests::tools::repository;
use regex_lite::Regex;

use crate::files;

/// A page without its code, in which `[a](b)` is no link.
fn prose(text: &str) -> String {
    let mut inside = false;
    let lines = text.lines().filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        inside ^= is_fence;
        !inside && !is_fence
    });
    Regex::new("`[^`]*`").unwrap().replace_all(&lines.collect::<Vec<_>>().join("\n"), "").into_owned()
}

/// The anchor of a heading, as GitHub and mdBook make it: letters, digits, `-` and `_` stay, a space becomes `-`.
fn anchor(heading: &str) -> String {
    let shown = Regex::new(r"\[([^\]]*)\]\([^)]*\)").unwrap().replace_all(heading, "$1").to_lowercase();
    let kept = shown.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn anchors(text: &str) -> BTreeSet<String> {
    let mut inside = false;
    let headings = text.lines().filter(|line| {
        inside ^= line.trim_start().starts_with("```");
        !inside && line.starts_with('#')
    });
    let mut all = BTreeSet::new();
    for heading in headings {
        let name = anchor(heading.trim_start_matches('#'));
        let mut unique = name.clone();
        for n in 1.. {
            if all.insert(unique) {
                break;
            }
            unique = format!("{name}-{n}");
        }
    }
    all
}

/// `a/../b` is `b`. `None`: it leaves the repository.
fn normal(path: &Path) -> Option<String> {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir if !out.pop() => return None,
            Component::Normal(name) => out.push(name),
            _ => {}
        }
    }
    out.to_str().map(str::to_owned)
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let pages = files::markdown();
    let headings: BTreeMap<&str, BTreeSet<String>> =
        pages.iter().map(|page| (page.path.as_str(), anchors(&page.text))).collect();
    let (mut seen, mut dead) = (0, Vec::new());
    for page in &pages {
        for link in link.captures_iter(&prose(&page.text)).map(|found| found[1].to_owned()) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((&link, ""));
            let target = match file {
                "" => Some(page.path.clone()),
                _ => normal(&Path::new(&page.path).parent().unwrap().join(file)),
            };
            let lives = target.is_some_and(|target| {
                let is_there = repository().join(&target).exists();
                is_there
                    && (heading.is_empty() || headings.get(target.as_str()).is_some_and(|all| all.contains(heading)))
            });
            if !lives {
                dead.push(format!("{}: {link}", page.path));
            }
            seen += 1;
        }
    }
    assert!(dead.is_empty(), "dead links:\n{}", dead.join("\n"));
    assert!(seen > 150, "{seen} links: the pages are written in another way than this test reads");
}
