//! For tests: files of the repository that are made from the code. A test compares them; `make docs` writes them.

use std::path::{Path, PathBuf};

/// The text of a file that a person wrote, or that was made before. `path` is seen from the repository.
pub(crate) fn text(path: &str) -> String {
    std::fs::read_to_string(place(path)).unwrap_or_default()
}

/// The file must be exactly this. With `PILOT_WRITE=1` it is made so instead.
pub(crate) fn must_be(path: &str, wanted: &str) {
    if std::env::var_os("PILOT_WRITE").is_some() {
        if let Some(folder) = place(path).parent() {
            std::fs::create_dir_all(folder).unwrap();
        }
        std::fs::write(place(path), wanted).unwrap();
        return;
    }
    let found = text(path);
    let differs = found.lines().zip(wanted.lines()).position(|(a, b)| a != b);
    let line = differs.unwrap_or(found.lines().count().min(wanted.lines().count()));
    assert!(
        found == wanted,
        "{path} is not what the code makes of it, from line {} on; `make docs` updates it\n found: {:?}\nwanted: {:?}",
        line + 1,
        found.lines().nth(line),
        wanted.lines().nth(line),
    );
}

fn place(path: &str) -> PathBuf {
    let mut above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    above.find(|folder| folder.join("Cargo.lock").exists()).expect("the repository's folder").join(path)
}
