//! Hands pilot's controlling terminal to a job, so that Ctrl-C reaches that job once and pilot not at all.
//!
//! Does nothing when stdin is no terminal of ours. Never stops pilot.

use std::io;

use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::unistd::{Pid, tcsetpgrp};

use super::reap::signal_group;

/// Makes `group` the foreground group of the terminal on stdin.
pub(super) fn hand_to(group: Pid) {
    // From the second start on pilot is in the background, where tcsetpgrp stops its caller unless SIGTTOU is blocked.
    let mut stopping = SigSet::empty();
    stopping.add(Signal::SIGTTOU);
    let Ok(before) = stopping.thread_swap_mask(SigmaskHow::SIG_BLOCK) else { return };
    let handed = tcsetpgrp(io::stdin(), group);
    let _ = before.thread_set_mask();
    if handed.is_ok() {
        // It may have touched the terminal before it was in the foreground, and been stopped for it.
        signal_group(group, Signal::SIGCONT);
    }
}
