//! What `/proc` says: parents, children, zombies, memory, open descriptors.

use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The fields of `/proc/<pid>/stat` that the tests ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Process id, in the reader's namespace.
    pub pid: i32,
    /// `R`, `S`, `Z`, `T`, …
    pub state: char,
    /// Parent.
    pub parent: i32,
    /// Process group.
    pub group: i32,
    /// User and system time, in clock ticks (100 a second).
    pub ticks: u64,
}

/// Reads one process; `None` when it is gone.
pub fn stat(pid: i32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    Some(Stat {
        pid,
        state: fields.first()?.chars().next()?,
        parent: fields.get(1)?.parse().ok()?,
        group: fields.get(2)?.parse().ok()?,
        ticks: fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?,
    })
}

/// Every process there is.
pub fn all() -> Vec<Stat> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| stat(entry.file_name().to_str()?.parse().ok()?)).collect()
}

/// The direct children of a process, zombies included.
pub fn children(pid: i32) -> Vec<Stat> {
    all().into_iter().filter(|stat| stat.parent == pid).collect()
}

/// A live child whose command line holds `text`.
pub fn child_running(pid: i32, text: &str) -> Option<i32> {
    children(pid).into_iter().map(|child| child.pid).find(|pid| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).replace('\0', " ").contains(text)
    })
}

/// The zombies among the direct children.
pub fn zombies(pid: i32) -> usize {
    children(pid).iter().filter(|stat| stat.state == 'Z').count()
}

/// Whether a process exists and is not a zombie.
pub fn alive(pid: i32) -> bool {
    stat(pid).is_some_and(|stat| stat.state != 'Z')
}

/// Resident memory in KiB.
pub fn resident_kib(pid: i32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}

/// The pid that a process has in its own PID namespace.
pub fn pid_inside(pid: i32) -> Option<i32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("NSpid:"))?;
    line.split_whitespace().last()?.parse().ok()
}

/// Processes other than `except` whose environment holds `marker`: what a pilot left behind.
pub fn with_environment(marker: &str, except: &[i32]) -> Vec<i32> {
    let holds = |pid: i32| {
        let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environ.split(|byte| *byte == 0).any(|entry| entry == marker.as_bytes())
    };
    all().into_iter().map(|stat| stat.pid).filter(|pid| !except.contains(pid) && holds(*pid)).collect()
}

/// Sends a signal; a process that is gone is no error.
pub fn signal(pid: i32, signal: Signal) {
    let _ = kill(Pid::from_raw(pid), signal);
}

/// Sends a signal by its number: real-time signals have no name in nix, and the shell's `kill` takes any.
#[allow(clippy::expect_used)]
pub fn signal_number(pid: i32, signal: i32) {
    let sent = std::process::Command::new("sh").args(["-c", &format!("kill -{signal} {pid}")]).status();
    assert!(sent.expect("there is a shell").success(), "signal {signal} to {pid}");
}
