//! The one reaper: every ended child, ours or an orphan that was handed to us, is seen here and nowhere else.
//!
//! Never blocks, never starts anything. SIGCHLDs coalesce, so one call goes on until nothing is left.
//!
//! Why group numbers are safe to signal: a leader is first only looked at (`WNOWAIT`). As long as it is a zombie its
//! number, and so its group's, cannot be given away, and that is when the rest of its group gets SIGTERM. After the
//! leader is reaped the kernel keeps the number allocated as long as one member of the group lives. The last member is
//! nearly always an orphan, which is reaped here too: so ask [`group_alive`] for every leftover group after each
//! [`reap`] and forget those that are gone; a group that was once seen gone must not be signalled again.

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::sys;
use pilot_core::exit::Exit;

/// The end of one of our own children.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its process number, which was also its group's.
    pub pid: Pid,
    /// How it ended.
    pub exit: Exit,
    /// Others of its group are left. They have been sent SIGTERM (v3 spec 5.3 point 3).
    pub group_left: bool,
}

/// Reaps everything that has ended and returns how many strangers (orphans) were among it.
///
/// `is_leader` says whether a process is one that [`super::spawn::spawn`] returned; only for those `on_exit` is called. It
/// is asked while the dead process still holds its number: the time to hear what it said last.
pub fn reap(mut is_leader: impl FnMut(Pid) -> bool, mut on_exit: impl FnMut(Ended)) -> usize {
    let mut orphans = 0;
    while let Some(dead) = sys::peek() {
        if is_leader(dead.pid) {
            signal_group(dead.pid, Signal::SIGTERM);
            sys::bury(dead.pid);
            on_exit(Ended { pid: dead.pid, exit: dead.exit, group_left: group_alive(dead.pid) });
        } else {
            sys::bury(dead.pid);
            orphans += 1;
        }
    }
    orphans
}

/// Whether the group has a member, a zombie included. Also true when there are members we may not signal.
pub fn group_alive(group: Pid) -> bool {
    to_group(group, None)
}

/// Sends a signal to every member. False: there is no such group (any more).
pub fn signal_group(group: Pid, signal: Signal) -> bool {
    to_group(group, Some(signal))
}

fn to_group(group: Pid, signal: Option<Signal>) -> bool {
    // 0 is our own group, 1 would make it kill(-1): everyone. Neither is ever a child's.
    if group.as_raw() <= 1 {
        return false;
    }
    match killpg(group, signal) {
        Ok(()) | Err(Errno::EPERM) => true,
        Err(_) => false,
    }
}
