//! Where the programs are that the tests run.
//!
//! A missing program fails the test with the command that installs it; nothing is skipped in silence.

use std::path::PathBuf;

pub use pilot_test_support::tools::{find, repository};

/// The folder that cargo put this test and its neighbours in (`target/debug`).
fn build_folder() -> PathBuf {
    let mut path = std::env::current_exe().expect("a program knows its own path");
    path.pop();
    if path.ends_with("deps") {
        path.pop();
    }
    path
}

fn program(variable: &str, name: &str, hint: &str) -> String {
    let path = std::env::var_os(variable).map_or_else(|| build_folder().join(name), PathBuf::from);
    assert!(path.is_file(), "{} is missing: {hint} (or set {variable})", path.display());
    path.display().to_string()
}

/// The pilot under test: `PILOT_BIN`, or the one built next to this test.
pub fn pilot() -> String {
    program("PILOT_BIN", "pilot", "cargo build -p pilot")
}

/// The pilot under test, which must be static here, because it runs where no library is.
pub fn static_pilot() -> String {
    let path = pilot();
    assert!(!has_interpreter(&path), "{path} is not static: `make test` builds the static one and sets PILOT_BIN");
    path
}

/// The folder with the static pilot and app that an image is made of, without their debug information.
pub fn for_an_image(scratch: &crate::Scratch) -> String {
    let app = program("APP_BIN", "app", "cargo build -p app --target x86_64-unknown-linux-musl");
    assert!(!has_interpreter(&app), "{app} is not static: `make test` builds the static one and sets APP_BIN");
    for (path, name) in [(static_pilot(), "pilot"), (app, "app")] {
        strip(&path, &scratch.file(name));
    }
    scratch.path().display().to_string()
}

/// Copies a program without its debug information, which an image has no use for.
pub fn strip(program: &str, to: &str) {
    let strip = std::process::Command::new(find(&["strip"])).args(["-s", "-o", to, program]).status();
    assert!(strip.is_ok_and(|status| status.success()), "strip {program}");
}

/// Whether an ELF file asks for a dynamic loader (a `PT_INTERP` program header).
fn has_interpreter(path: &str) -> bool {
    let elf = std::fs::read(path).expect("pilot can be read");
    let number = |at: usize, bytes: usize| {
        elf.get(at..at + bytes).map_or(0, |b| b.iter().rev().fold(0usize, |sum, byte| (sum << 8) | usize::from(*byte)))
    };
    let (table, size, count) = (number(32, 8), number(54, 2), number(56, 2));
    (0..count).any(|index| number(table + index * size, 4) == 3)
}

/// The little program whose verbs the tests' jobs are made of (`pilot-fixture`).
pub fn fixture() -> String {
    program("PILOT_FIXTURE", "pilot-fixture", "cargo build -p pilot-tests --bins")
}

/// The application: `APP_BIN`, or the one built next to this test.
pub fn app() -> String {
    program("APP_BIN", "app", "cargo build -p app")
}

/// A file of the MySQL 9 in the repository's `.tools`.
pub fn mysql9(file: &str) -> String {
    let path = repository().join(".tools/mysql9").join(file);
    assert!(path.exists(), "{} is missing: scripts/install-tools.sh test", path.display());
    path.display().to_string()
}
