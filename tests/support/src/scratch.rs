//! A directory of a test's own, removed when the test is over.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A directory that lives as long as the value.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// A new, empty directory under the system's temporary directory.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("pilot-test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a temporary directory can be made");
        Scratch { path }
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Path of a file in it, as text for a configuration.
    pub fn file(&self, name: &str) -> String {
        self.path.join(name).display().to_string()
    }

    /// Writes a file in it and gives its path.
    pub fn write(&self, name: &str, content: &str) -> String {
        let path = self.file(name);
        fs::write(&path, content).expect("a file in the scratch directory can be written");
        path
    }

    /// Writes a script in it that can be run and gives its path.
    pub fn script(&self, name: &str, lines: &str) -> String {
        let path = self.write(name, &format!("#!/bin/sh\n{lines}\n"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a script can be made executable");
        path
    }

    /// Copies a program into it, for users who may not enter the folder that it is in, and gives the copy's path.
    #[allow(clippy::expect_used)]
    pub fn program(&self, program: &str) -> String {
        let copy = self.path.join(Path::new(program).file_name().expect("a program has a name"));
        fs::copy(program, &copy).expect("a program can be copied");
        copy.display().to_string()
    }

    /// The lines of a file in it; none if it is not there.
    pub fn lines(&self, name: &str) -> Vec<String> {
        let bytes = fs::read(self.path.join(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}
