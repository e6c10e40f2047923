//! The last sweep: processes that no job accounts for (daemons that left their group, a given-up check's children).
//!
//! They have become pilot's children by being orphaned. Without this they would outlive pilot where it is not PID 1, and
//! die of SIGKILL without a word where it is.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;

use super::reap::reap;
use super::signals::Signals;

/// How often newly orphaned processes are looked for.
const LOOK: Duration = Duration::from_millis(20);
/// What SIGKILL did not end in this time is left to the kernel.
const KILL_LIMIT: Duration = Duration::from_secs(2);

/// Ends all that is left: SIGTERM, and SIGKILL after `grace`. A further stop signal skips the grace.
pub async fn end(grace: Duration, signals: &mut Signals) {
    let began = Instant::now();
    let mut kill_at = began + grace;
    let mut told = HashSet::new();
    loop {
        reap(|_| false, |_| {});
        if !any_child() {
            return;
        }
        let now = Instant::now();
        if now >= kill_at + KILL_LIMIT {
            tracing::error!("processes that survive SIGKILL are left behind");
            return;
        }
        for child in children() {
            if now >= kill_at {
                let _ = kill(child, Signal::SIGKILL);
            } else if told.insert(child) {
                tracing::info!("ending process {child}, which was left behind");
                let _ = kill(child, Signal::SIGTERM);
            }
        }
        tokio::select! {
            arrived = signals.next() => if arrived == super::signals::Arrived::Stop {
                kill_at = kill_at.min(Instant::now());
            },
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

fn any_child() -> bool {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    waitid(Id::All, flags) != Err(Errno::ECHILD)
}

/// pilot's direct children, as the kernel lists them for each thread.
fn children() -> Vec<Pid> {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return Vec::new() };
    threads
        .flatten()
        .filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<i32>>())
        .map(Pid::from_raw)
        .collect()
}
