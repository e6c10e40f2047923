//! Hands pilot's controlling terminal to a job, so that Ctrl-C reaches that job once and pilot not at all, and takes it back.
//!
//! Does nothing when stdin is no terminal of ours. Never stops pilot.

use std::io;

use nix::errno::Errno;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::unistd::{Pid, getpgrp, tcsetpgrp};

use super::reap::signal_group;

/// Makes `group` the foreground group of the terminal on stdin.
pub(super) fn hand_to(group: Pid) {
    if put_in_the_foreground(group).is_ok() {
        // It may have touched the terminal before it was in the foreground, and been stopped for it.
        signal_group(group, Signal::SIGCONT);
    }
}

/// The job that had it has ended: Ctrl-C is for pilot again.
pub fn take_back() {
    // Without a terminal there is nothing to take.
    let _ = put_in_the_foreground(getpgrp());
}

fn put_in_the_foreground(group: Pid) -> Result<(), Errno> {
    // From the second start on pilot is in the background, where tcsetpgrp stops its caller unless SIGTTOU is blocked.
    let mut stopping = SigSet::empty();
    stopping.add(Signal::SIGTTOU);
    let before = stopping.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    let put = tcsetpgrp(io::stdin(), group);
    let _ = before.thread_set_mask();
    put
}
