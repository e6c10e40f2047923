//! What is left of a group whose leader has been reaped, named so that no stranger can be taken for it.
//!
//! The number of such a group is free for others as soon as its last member is gone, which may be at any time. From Linux
//! 6.9 on a descriptor of the leader names the group for ever (`PIDFD_SIGNAL_PROCESS_GROUP`, pidfd_send_signal(2)). Before
//! that its members are named by descriptors of their own; who joins is looked for while a known member, dead or alive, holds
//! the group's number. A kernel that has no such descriptors at all (before 5.3) leaves nothing to signal safely, and
//! nothing is signalled.

use std::os::fd::OwnedFd;
use std::sync::OnceLock;

use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getpid};

use super::reap::Delivery;
use super::{stat, sys};

/// The rest of a group.
#[derive(Debug)]
pub struct LeftGroup {
    /// Its number, which was its leader's; for logs alone.
    pub number: Pid,
    handle: Handle,
}

#[derive(Debug)]
enum Handle {
    /// The leader's descriptor stands for the group.
    Group(OwnedFd),
    Members(Vec<(Pid, OwnedFd)>),
}

impl LeftGroup {
    /// Of the group of a dead leader that is not reaped yet. Look with [`LeftGroup::is_alive`] when it is.
    pub(super) fn of_dead_leader(leader: Pid) -> Option<Self> {
        Self::of(leader, knows_groups())
    }

    pub(super) fn of(leader: Pid, by_leader: bool) -> Option<Self> {
        let handle = if by_leader {
            Handle::Group(sys::pidfd_open(leader).ok()?)
        } else if sys::has_live_child_in(leader) {
            Handle::Members(members(leader))
        } else {
            return None;
        };
        Some(LeftGroup { number: leader, handle })
    }

    /// Whether it has a member, a zombie included.
    pub fn is_alive(&mut self) -> bool {
        match &mut self.handle {
            Handle::Group(leader) => delivery(sys::pidfd_signal_group(leader, None)) != Delivery::Gone,
            Handle::Members(known) => {
                known.retain(|(_, member)| is_unreaped(member));
                !known.is_empty()
            }
        }
    }

    /// Sends a signal to every member.
    pub fn signal(&mut self, signal: Signal) -> Delivery {
        self.look_for_members();
        match &self.handle {
            Handle::Group(leader) => delivery(sys::pidfd_signal_group(leader, Some(signal))),
            Handle::Members(known) => {
                let sent = known.iter().map(|(_, member)| delivery(sys::pidfd_signal(member, Some(signal))));
                sent.reduce(best).unwrap_or(Delivery::Gone)
            }
        }
    }

    /// This process is about to be reaped: if it is the member that holds the number, others are looked for before.
    pub fn before_the_end_of(&mut self, pid: Pid) {
        if let Handle::Members(known) = &self.handle
            && known.iter().any(|(member, _)| *member == pid)
        {
            self.look_for_members();
        }
    }

    fn look_for_members(&mut self) {
        let Handle::Members(known) = &mut self.handle else { return };
        let found = members(self.number);
        // As long as one of them holds the number, whoever has it for a group is of this one.
        let holds = |(pid, member): &(Pid, OwnedFd)| is_of(*pid, self.number) && is_unreaped(member);
        if known.iter().any(holds) {
            let new = found.into_iter().filter(|(pid, _)| known.iter().all(|(member, _)| member != pid));
            known.extend(new.collect::<Vec<_>>());
        }
    }
}

/// Whether this kernel signals a group by its leader's descriptor.
fn knows_groups() -> bool {
    static KNOWS: OnceLock<bool> = OnceLock::new();
    *KNOWS.get_or_init(|| {
        let own = sys::pidfd_open(getpid()).map(|own| sys::pidfd_signal_group(&own, None));
        // No such group: pilot leads none. Whoever does not know the flag refuses it.
        matches!(own, Ok(Ok(()) | Err(Errno::ESRCH)))
    })
}

/// Everybody in the group at some moment of this look, apart from its leader.
pub(super) fn members(group: Pid) -> Vec<(Pid, OwnedFd)> {
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pids = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).map(Pid::from_raw);
    pids.filter(|pid| *pid != group && is_of(*pid, group))
        .filter_map(|pid| Some((pid, sys::pidfd_open(pid).ok()?)))
        // The number may have been given to another before the descriptor was there.
        .filter(|(pid, member)| is_of(*pid, group) && is_unreaped(member))
        .collect()
}

fn is_of(pid: Pid, group: Pid) -> bool {
    stat::read(pid).is_some_and(|stat| stat.group == group)
}

fn is_unreaped(member: &OwnedFd) -> bool {
    delivery(sys::pidfd_signal(member, None)) != Delivery::Gone
}

fn delivery(sent: Result<(), Errno>) -> Delivery {
    match sent {
        Ok(()) => Delivery::Sent,
        Err(Errno::EPERM) => Delivery::NotPermitted,
        Err(_) => Delivery::Gone,
    }
}

fn best(one: Delivery, other: Delivery) -> Delivery {
    match (one, other) {
        (Delivery::Sent, _) | (_, Delivery::Sent) => Delivery::Sent,
        (Delivery::NotPermitted, _) | (_, Delivery::NotPermitted) => Delivery::NotPermitted,
        (Delivery::Gone, Delivery::Gone) => Delivery::Gone,
    }
}
