//! What a job inherited, as one line of JSON.

use std::fs;

use serde_json::{Map, Value, json};

/// pid, parent, group, session, user and groups, working directory, descriptors, limits and signal state.
pub fn report() -> Value {
    let status = fs::read_to_string("/proc/self/status").expect("own status");
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.unwrap_or_default().trim().to_owned()
    };
    // Reading the folder opens one more descriptor: it is gone when it is looked up again.
    let numbers: Vec<String> = fs::read_dir("/proc/self/fd")
        .expect("own descriptors")
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    let links = numbers.into_iter().filter_map(|number| {
        let target = fs::read_link(format!("/proc/self/fd/{number}")).ok()?;
        Some((number, Value::from(target.display().to_string())))
    });
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let number = |index: usize| after.split(' ').nth(index).and_then(|n| n.parse::<i64>().ok());
    json!({
        "pid": std::process::id(),
        "parent": number(1),
        "group": number(2),
        "session": number(3),
        "uid": field("Uid").split_whitespace().next(),
        "gid": field("Gid").split_whitespace().next(),
        "groups": field("Groups").split_whitespace().collect::<Vec<_>>(),
        "umask": field("Umask"),
        "no_new_privileges": field("NoNewPrivs") == "1",
        "limits": limits(),
        "blocked": field("SigBlk"),
        "ignored": field("SigIgn"),
        "descriptors": links.collect::<Map<_, _>>(),
        "directory": std::env::current_dir().ok(),
    })
}

/// Soft and hard, by the kernel's own names: `Max open files`.
fn limits() -> Map<String, Value> {
    let text = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let row = |line: &str| {
        let (name, rest) = line.split_at_checked(26)?;
        let mut bounds = rest.split_whitespace();
        Some((name.trim().to_owned(), json!([bounds.next()?, bounds.next()?])))
    };
    text.lines().skip(1).filter_map(row).collect()
}
