//! The last sweep: processes that no job accounts for (daemons that left their group, a given-up check's children).
//!
//! They have become pilot's children by being orphaned. Without this they would outlive pilot where it is not PID 1, and
//! die of SIGKILL without a word where it is.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::{Pid, getpid};

use super::reap::{Delivery, reap};
use super::signals::{Arrived, Signals};

/// How often newly orphaned processes are looked for.
const SWEEP_INTERVAL: Duration = Duration::from_millis(20);
/// What SIGKILL did not end in this time is left to the kernel.
const KILL_LIMIT: Duration = Duration::from_secs(2);

/// Ends all that is left: SIGTERM, and SIGKILL after `grace`. A further stop signal skips the grace.
pub async fn end(grace: Duration, signals: &mut Signals) {
    let began = Instant::now();
    let mut kill_at = began + grace;
    let mut sweep = Sweep::default();
    loop {
        while reap(usize::MAX, |_| false, |_| {}) > 0 {}
        if !any_child() {
            return;
        }
        let now = Instant::now();
        if now >= kill_at + KILL_LIMIT {
            return sweep.give_up();
        }
        sweep.signal(now >= kill_at);
        tokio::select! {
            arrived = signals.next() => if arrived == Arrived::Stop {
                kill_at = kill_at.min(Instant::now());
            },
            () = tokio::time::sleep(SWEEP_INTERVAL) => {}
        }
    }
}

/// What the sweep has done so far.
#[derive(Default)]
struct Sweep {
    /// Have had SIGTERM.
    asked: HashSet<Pid>,
    /// Had SIGKILL at the last look.
    killed: Vec<Pid>,
    /// May not be signalled, at the last look.
    forbidden: Vec<Pid>,
    /// Nobody tells which processes there are.
    blind: bool,
}

impl Sweep {
    fn signal(&mut self, kill_them: bool) {
        (self.killed, self.forbidden) = (Vec::new(), Vec::new());
        let Some(children) = children() else { return self.signal_unseen(kill_them) };
        for child in children {
            let first = self.asked.insert(child);
            if first && !kill_them {
                tracing::info!("ending process {child}, which was left behind");
            }
            let signal = if kill_them { Signal::SIGKILL } else { Signal::SIGTERM };
            if !kill_them && !first {
                continue;
            }
            let sent = kill(child, signal);
            // What was stopped cannot act on it before it goes on.
            let _ = kill(child, Signal::SIGCONT);
            match sent {
                Err(Errno::EPERM) => self.forbidden.push(child),
                Ok(()) if kill_them => self.killed.push(child),
                Ok(()) | Err(_) => {}
            }
        }
    }

    /// Without `/proc` PID 1 can still signal everybody: the kernel leaves out only itself. Anybody else would signal what
    /// is not his.
    fn signal_unseen(&mut self, kill_them: bool) {
        let first = !std::mem::replace(&mut self.blind, true);
        if getpid().as_raw() == 1 && (first || kill_them) {
            let _ = kill(Pid::from_raw(-1), if kill_them { Signal::SIGKILL } else { Signal::SIGTERM });
        }
    }

    fn give_up(&self) {
        let list = |pids: &[Pid]| pids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        if !self.killed.is_empty() {
            tracing::error!("processes that survive SIGKILL are left behind: {}", list(&self.killed));
        }
        if !self.forbidden.is_empty() {
            let remedy = Delivery::REMEDY;
            tracing::error!("processes that pilot may not signal are left behind: {}; {remedy}", list(&self.forbidden));
        }
        if self.blind && getpid().as_raw() == 1 {
            tracing::error!(
                "processes that survive SIGKILL are left behind; which, nobody can tell: /proc is not mounted"
            );
        } else if self.blind {
            tracing::error!(
                "processes are left behind, and were sent no signal: /proc is not mounted, so pilot cannot find them"
            );
        }
    }
}

fn any_child() -> bool {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    waitid(Id::All, flags) != Err(Errno::ECHILD)
}

/// pilot's direct children, as the kernel lists them for each thread. `None`: it does not tell.
fn children() -> Option<Vec<Pid>> {
    let threads = std::fs::read_dir("/proc/self/task").ok()?;
    let lists = threads.flatten().map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    let lists = lists.collect::<Option<Vec<String>>>();
    // A kernel without CONFIG_PROC_CHILDREN: every process that names pilot as its parent.
    let Some(lists) = lists else { return children_by_parent() };
    let pids = lists.iter().flat_map(|list| list.split_whitespace());
    Some(pids.filter_map(|pid| pid.parse().ok()).map(Pid::from_raw).collect())
}

fn children_by_parent() -> Option<Vec<Pid>> {
    let processes = std::fs::read_dir("/proc").ok()?;
    let pids = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    Some(
        pids.map(Pid::from_raw)
            .filter(|pid| super::stat::read(*pid).is_some_and(|stat| stat.parent == getpid()))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_are_found_by_either_way() {
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let pid = Pid::from_raw(child.id().try_into().unwrap());
        assert!(children().unwrap().contains(&pid));
        assert!(children_by_parent().unwrap().contains(&pid));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
