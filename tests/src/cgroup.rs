//! A memory limit as a container has it: a control group of a test's own, of either generation. Needs root.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::wait::{SOON, until};

/// A group whose processes together have so much memory; removed when the value is dropped and they are gone.
#[derive(Debug)]
pub struct MemoryLimit {
    folder: PathBuf,
}

impl MemoryLimit {
    /// Makes the group, empty.
    pub fn new(mebibytes: u64) -> MemoryLimit {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("pilot-test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let unified = Path::new("/sys/fs/cgroup/cgroup.controllers").exists();
        let (root, file) =
            if unified { ("/sys/fs/cgroup", "memory.max") } else { ("/sys/fs/cgroup/memory", "memory.limit_in_bytes") };
        let folder = Path::new(root).join(name);
        fs::create_dir(&folder).expect("a control group can be made: this test needs root and cgroups with memory");
        let limit = MemoryLimit { folder };
        fs::write(limit.folder.join(file), (mebibytes << 20).to_string()).expect("the group takes a limit");
        // Not everywhere, and without swap there is nothing to forbid.
        let _ = fs::write(limit.folder.join("memory.swap.max"), "0");
        limit
    }

    /// The shell words that enter the group and become the program after them.
    pub fn entering(&self) -> Vec<String> {
        let enter = format!("echo $$ > {}/cgroup.procs && exec \"$@\"", self.folder.display());
        ["sh", "-c", &enter, "sh"].map(str::to_owned).into()
    }
}

impl Drop for MemoryLimit {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            until("the control group to be empty", SOON, || fs::remove_dir(&self.folder).ok());
        }
    }
}
