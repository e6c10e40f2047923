//! What pilot does to itself before anything else: takes in orphans, shuts its descriptors to children, unblocks signals.
//!
//! Call once, first thing in `main`, before any thread exists. It never fails: what did not work is in the answer.
//! Two things Rust's own start-up has done by then and a test keeps: descriptors 0 to 2 are open (`/dev/null` when they
//! were closed), and SIGPIPE is ignored.

use std::env;
use std::fs;
use std::os::fd::RawFd;

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::SigSet;
use nix::unistd::getpid;

use super::sys;

/// First descriptor of socket activation, `SD_LISTEN_FDS_START`.
const FIRST: RawFd = 3;

/// What [`set_up`] found and did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// So many descriptors from 3 up were passed to pilot (`LISTEN_FDS`) and are inherited by every child.
    pub listen_fds: u16,
    /// Who inherits the orphans of pilot's children.
    pub orphans: Orphans,
    /// False: neither close_range(2) nor `/proc` is there, so children may see descriptors pilot was started with.
    pub descriptors_shut: bool,
}

/// Who inherits the orphans of pilot's children.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Orphans {
    /// pilot is PID 1: all orphans of the container come to it.
    Init,
    /// pilot is a child sub-reaper: the orphans of its own descendants come to it.
    Subreaper,
    /// pilot could not become one (worth a warning): daemonised grandchildren are out of its sight.
    Elsewhere(Errno),
}

/// Makes this process fit to supervise.
pub fn set_up() -> Setup {
    let listen_fds = passed(env::var("LISTEN_PID").ok().as_deref(), env::var("LISTEN_FDS").ok().as_deref());
    // A parent's blocked signals would otherwise keep SIGTERM and SIGCHLD from ever arriving.
    let _ = SigSet::empty().thread_set_mask();
    Setup { listen_fds, orphans: take_in_orphans(), descriptors_shut: shut(FIRST + RawFd::from(listen_fds)) }
}

/// How many descriptors sd_listen_fds(3) would see: only those meant for this process.
fn passed(pid: Option<&str>, count: Option<&str>) -> u16 {
    let for_us = pid.and_then(|pid| pid.parse().ok()) == Some(getpid().as_raw());
    if for_us { count.and_then(|count| count.parse().ok()).unwrap_or(0) } else { 0 }
}

fn take_in_orphans() -> Orphans {
    if getpid().as_raw() == 1 {
        return Orphans::Init;
    }
    match prctl::set_child_subreaper(true) {
        Ok(()) => Orphans::Subreaper,
        Err(errno) => Orphans::Elsewhere(errno),
    }
}

/// Close-on-exec for all descriptors from `first` up.
fn shut(first: RawFd) -> bool {
    if sys::close_range_on_exec(first).is_ok() {
        return true;
    }
    let Ok(open) = fs::read_dir("/proc/self/fd") else { return false };
    for name in open.flatten().map(|entry| entry.file_name()) {
        if let Some(fd) = name.to_str().and_then(|name| name.parse().ok()).filter(|fd| *fd >= first) {
            sys::close_on_exec(fd);
        }
    }
    true
}
