//! The text files of the repository, as a clone has them.

use std::path::Path;

use pilot_tests::tools::repository;

/// A file's path, seen from the repository, and its text.
pub struct File {
    pub path: String,
    pub text: String,
}

/// What is built, downloaded or written by others: nobody reads it as documentation.
const SKIPPED: [&str; 6] = [".git", ".tools", ".demo", "target", "LICENSE", "THIRD-PARTY-NOTICES.txt"];

/// Every file that is text, but for the lock files.
pub fn all() -> Vec<File> {
    let mut files = Vec::new();
    collect(&repository(), &mut files);
    assert!(files.len() > 400, "{} files: not the repository", files.len());
    files
}

/// Every page that people read.
pub fn markdown() -> Vec<File> {
    all().into_iter().filter(|file| file.path.ends_with(".md")).collect()
}

/// A page of `docs/` by its path.
pub fn page(path: &str) -> String {
    std::fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn collect(folder: &Path, files: &mut Vec<File>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let is_skipped = SKIPPED.iter().any(|skipped| name == *skipped) || name.to_string_lossy().ends_with(".lock");
        if is_skipped || path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            collect(&path, files);
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            let path = path.strip_prefix(repository()).unwrap().to_str().unwrap().to_owned();
            files.push(File { path, text });
        }
    }
}
