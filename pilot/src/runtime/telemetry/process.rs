//! pilot's own process, as the kernel sees it: `/proc`, read when somebody asks. Not its children.
//!
//! The crate's own collector would bring `procfs`, `rustix` and more for these six numbers.

use std::fs;

use nix::sys::resource::{Resource, getrlimit};
use nix::unistd::{SysconfVar, sysconf};

/// Fields of `/proc/self/stat`, counted as proc(5) does.
const USER_TICKS: usize = 14;
const SYSTEM_TICKS: usize = 15;
const START_TICKS: usize = 22;
const VIRTUAL_BYTES: usize = 23;
const RESIDENT_PAGES: usize = 24;

/// User and system time, in seconds.
pub(super) fn cpu_seconds() -> Option<f64> {
    Some((field(USER_TICKS)? + field(SYSTEM_TICKS)?) / constant(SysconfVar::CLK_TCK)?)
}

/// When it started, in seconds since 1970.
pub(super) fn start_time() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let boot: f64 = stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    Some(boot + field(START_TICKS)? / constant(SysconfVar::CLK_TCK)?)
}

/// Resident memory.
pub(super) fn resident_bytes() -> Option<f64> {
    Some(field(RESIDENT_PAGES)? * constant(SysconfVar::PAGE_SIZE)?)
}

/// Address space.
pub(super) fn virtual_bytes() -> Option<f64> {
    field(VIRTUAL_BYTES)
}

/// Open descriptors, without the one that looks.
pub(super) fn open_fds() -> Option<f64> {
    let open = fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1);
    Some(open as f64)
}

/// How many there may be.
pub(super) fn max_fds() -> Option<f64> {
    getrlimit(Resource::RLIMIT_NOFILE).ok().map(|(soft, _)| soft as f64)
}

fn field(number: usize) -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is the name in parentheses, which may hold anything.
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split_ascii_whitespace().nth(number - 3)?.parse().ok()
}

fn constant(name: SysconfVar) -> Option<f64> {
    sysconf(name).ok().flatten().map(|value| value as f64)
}
