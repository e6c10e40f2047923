//! How often the kernel has killed a process of this container because its memory was used up.
//!
//! The kernel counts it for the cgroup: `memory.events` in version 2, `memory.oom_control` in version 1. Who was killed
//! it does not say; what ended by SIGKILL right then was.

use std::fs;
use std::path::{Path, PathBuf};

/// Where cgroups are mounted.
const MOUNTED: &str = "/sys/fs/cgroup";

/// The count of pilot's own cgroup, in which its jobs are too.
#[derive(Debug)]
pub(super) struct Kills {
    /// None: there is nothing that counts.
    file: Option<PathBuf>,
    seen: u64,
}

impl Kills {
    /// From now on.
    pub(super) fn of_this_container() -> Self {
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        Kills::of(&own, Path::new(MOUNTED))
    }

    fn of(own: &str, mounted: &Path) -> Self {
        let file = files(own, mounted).find(|file| count(file).is_some());
        let seen = file.as_deref().and_then(count).unwrap_or(0);
        Kills { file, seen }
    }

    /// Those since the last time.
    pub(super) fn new_ones(&mut self) -> u64 {
        let Some(now) = self.file.as_deref().and_then(count) else { return 0 };
        now.saturating_sub(std::mem::replace(&mut self.seen, now))
    }
}

/// Where it may be, by `/proc/self/cgroup`: at its path, or at the top where only this container's cgroup is mounted.
fn files(own: &str, mounted: &Path) -> impl Iterator<Item = PathBuf> {
    own.lines().flat_map(move |line| {
        let (mounted, file, path) = match line.splitn(3, ':').collect::<Vec<_>>()[..] {
            ["0", "", path] => (mounted.to_owned(), "memory.events", path),
            [_, controllers, path] if controllers.split(',').any(|name| name == "memory") => {
                (mounted.join("memory"), "memory.oom_control", path)
            }
            _ => return Vec::new(),
        };
        vec![mounted.join(path.trim_start_matches('/')).join(file), mounted.join(file)]
    })
}

/// The line `oom_kill 3`.
fn count(file: &Path) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")).and_then(|number| number.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kills_are_counted_from_the_beginning_on_in_either_version() {
        let folder = std::env::temp_dir().join(format!("pilot-oom-{}", std::process::id()));
        let rows = [
            ("0::/docker/abc\n", "docker/abc/memory.events", "low 0\noom 2\noom_kill {}\noom_group_kill 0\n"),
            ("0::/\n", "memory.events", "oom 2\noom_kill {}\n"),
            ("0::/../outside\n", "memory.events", "oom 2\noom_kill {}\n"),
            (
                "9:cpu:/a\n4:memory:/docker/abc\n0::/\n",
                "memory/docker/abc/memory.oom_control",
                "under_oom 0\noom_kill {}\n",
            ),
            ("4:hugetlb,memory:/docker/abc\n", "memory/memory.oom_control", "under_oom 0\noom_kill {}\n"),
        ];
        for (own, path, text) in rows {
            let _ = fs::remove_dir_all(&folder);
            let root = folder.join("mounted");
            let file = root.join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            let write = |count: u64| fs::write(&file, text.replace("{}", &count.to_string())).unwrap();
            write(3);
            let mut kills = Kills::of(own, &root);
            assert_eq!(kills.new_ones(), 0, "{own}");
            write(5);
            assert_eq!((kills.new_ones(), kills.new_ones()), (2, 0), "{own}");
            fs::remove_file(&file).unwrap();
            assert_eq!(kills.new_ones(), 0, "{own}");
        }
        let _ = fs::remove_dir_all(&folder);
        for own in ["", "nonsense", "0::/nowhere", "4:memory"] {
            assert_eq!(Kills::of(own, &folder).file, None, "{own}");
        }
    }
}
