//! The one reaper: every ended child, ours or an orphan that was handed to us, is seen here and nowhere else.
//!
//! Never blocks, never starts anything. SIGCHLDs coalesce, so one call goes on until nothing is left.
//!
//! Why no stranger is signalled: a leader is first only looked at (`WNOWAIT`). As long as it is alive or a zombie its number,
//! and so its group's, cannot be given away; [`signal_group`] is for that time, and that is when the rest of its group gets
//! SIGTERM. Once it is reaped the group is reached by its [`LeftGroup`] alone.

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::left_group::LeftGroup;
use super::sys;
use pilot_core::exit::Exit;

/// The end of one of our own children.
#[derive(Debug)]
pub struct Ended {
    /// Its process number, which was also its group's.
    pub pid: Pid,
    /// How it ended.
    pub exit: Exit,
    /// What is left of its group. It has been sent SIGTERM (v3 spec 5.3 point 3).
    pub left: Option<LeftGroup>,
}

/// What became of a signal to a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Somebody in it has it.
    Sent,
    /// There is no such group (any more).
    Gone,
    /// There is, and pilot may not signal any of its members.
    NotPermitted,
}

impl Delivery {
    /// What to do about [`Delivery::NotPermitted`], for a log.
    pub const REMEDY: &str = "to signal processes of another user pilot needs CAP_KILL (`cap_add: [KILL]`)";
}

/// Reaps at most `most` of what has ended and returns how many that were.
///
/// `is_leader` says whether a process is one that [`super::spawn::spawn`] returned; only for those `on_exit` is called. It
/// is asked while the dead process still holds its number: the time to hear what it said last.
pub fn reap(most: usize, mut is_leader: impl FnMut(Pid) -> bool, mut on_exit: impl FnMut(Ended)) -> usize {
    let mut reaped = 0;
    while reaped < most
        && let Some(dead) = sys::peek()
    {
        reaped += 1;
        if is_leader(dead.pid) {
            signal_group(dead.pid, Signal::SIGTERM);
            // What was stopped cannot act on it before it goes on.
            signal_group(dead.pid, Signal::SIGCONT);
            let left = LeftGroup::of_dead_leader(dead.pid);
            sys::reap(dead.pid);
            let left = left.and_then(|mut left| left.is_alive().then_some(left));
            on_exit(Ended { pid: dead.pid, exit: dead.exit, left });
        } else {
            sys::reap(dead.pid);
        }
    }
    reaped
}

/// Sends a signal to every member of a group whose leader is a child that has not been reaped.
pub fn signal_group(group: Pid, signal: Signal) -> Delivery {
    // 0 is our own group, 1 would make it kill(-1): everyone. Neither is ever a child's.
    if group.as_raw() <= 1 {
        return Delivery::Gone;
    }
    match killpg(group, signal) {
        Ok(()) => Delivery::Sent,
        Err(Errno::EPERM) => Delivery::NotPermitted,
        Err(_) => Delivery::Gone,
    }
}
