//! The rules, row by row of the v3 specification, and what must hold under any sequence of events.

mod draining;
mod ending;
mod graph;
mod health;
mod history;
mod impossible;
mod plans;
mod random;
mod readiness;
mod reloading;
mod requests;
mod starting;
mod stop_plan;
mod world;

/// The room's promise: nothing in it reaches outside.
#[test]
fn the_core_names_no_runtime_no_network_and_no_clock() {
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/core")];
    let forbidden = ["tokio", "reqwest", "nix::", "Instant::now", "SystemTime", "std::env", "std::fs", "std::net::Tcp"];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("tests") {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                files += 1;
                let text = std::fs::read_to_string(&path).unwrap();
                for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
                    for word in forbidden {
                        assert!(!line.contains(word), "{}: {word}", path.display());
                    }
                }
            }
        }
    }
    assert!(files >= 20, "{files}");
}
