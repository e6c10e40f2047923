//! Where the repository is, and the programs that tests start.
//!
//! A missing program fails the test with the command that installs it; nothing is skipped in silence.

use std::path::{Path, PathBuf};

/// The repository.
pub fn repository() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors().nth(2).expect("this crate is in tests/support").to_owned()
}

/// A program on PATH, or in the repository's `.tools`.
pub fn find(names: &[&str]) -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    let own = repository().join(".tools/consul/usr/bin");
    let folders = path.split(':').map(PathBuf::from).chain([own, "/usr/sbin".into(), "/usr/local/sbin".into()]);
    for folder in folders {
        for name in names {
            let candidate = folder.join(name);
            if candidate.is_file() {
                return candidate.display().to_string();
            }
        }
    }
    panic!("{} is missing: scripts/install-tools.sh test", names.join(" or "));
}
