//! The rules, row by row of the v3 specification, and what must hold under any sequence of events.

mod draining;
mod ending;
mod graph;
mod health;
mod history;
mod impossible;
mod periodic;
mod plans;
mod random;
mod readiness;
mod reloading;
mod requests;
mod schedule;
mod starting;
mod stop_plan;
pub(crate) mod world;

/// The room's promise: nothing in it reaches outside.
#[test]
fn the_core_names_no_runtime_no_network_and_no_clock() {
    let forbidden = ["tokio", "reqwest", "nix::", "Instant::now", "SystemTime", "std::env", "std::fs", "std::net::Tcp"];
    let files = sources(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/core"));
    assert!(files.len() >= 20, "{files:?}");
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            let named = forbidden.iter().find(|word| line.contains(**word));
            assert_eq!(named, None, "{}: {line}", path.display());
        }
    }
}

/// The room's files, those of its folders too; tests may reach outside.
fn sources(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let inner = folders.iter().filter(|folder| !folder.ends_with("tests")).flat_map(|folder| sources(folder));
    files.into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "rs")).chain(inner).collect()
}
