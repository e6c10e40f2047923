//! Whose process a sender is: the first process of a run, a member of its group, or a descendant of it.
//!
//! The first two are one system call each. The last one is a walk through `/proc`, so who was found to be a stranger once is
//! remembered: that of a living process does not change.

use std::collections::{HashMap, VecDeque};

use nix::unistd::{Pid, getpgid};

use crate::runtime::process::stat::{self, Stat};
use pilot_core::effect::RunId;

/// How many generations are followed; deeper trees are nobody's.
const GENERATIONS: usize = 64;
/// Strangers that are remembered.
const STRANGERS: usize = 64;

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sender {
    /// A process of this run.
    Run(RunId),
    /// Anybody else, and whoever is gone.
    Stranger,
}

/// Tells senders apart.
#[derive(Debug, Default)]
pub(super) struct Senders {
    /// Those that were found last. The start tells a process from a later one with its number.
    strangers: VecDeque<(Pid, u64)>,
}

impl Senders {
    /// Whose process this is, given the first process of each run.
    pub(super) fn of(&mut self, pid: Pid, leaders: &HashMap<Pid, RunId>) -> Sender {
        if let Some(run) = run_of_group(pid, leaders) {
            return Sender::Run(run);
        }
        let Some(stat) = stat::read(pid) else { return Sender::Stranger };
        let known = (pid, stat.started);
        if self.strangers.contains(&known) {
            return Sender::Stranger;
        }
        if let Some(run) = run_of_ancestor(stat, leaders) {
            return Sender::Run(run);
        }
        if self.strangers.len() == STRANGERS {
            self.strangers.pop_front();
        }
        self.strangers.push_back(known);
        Sender::Stranger
    }
}

/// The run whose first process it is, or to whose group it belongs.
pub(super) fn run_of_group(pid: Pid, leaders: &HashMap<Pid, RunId>) -> Option<RunId> {
    // 0 is somebody outside of this PID namespace; getpgid would take it for pilot itself.
    if pid.as_raw() <= 0 {
        return None;
    }
    if let Some(run) = leaders.get(&pid) {
        return Some(*run);
    }
    leaders.get(&getpgid(Some(pid)).ok()?).copied()
}

/// A child that made itself a session of its own.
fn run_of_ancestor(stat: Stat, leaders: &HashMap<Pid, RunId>) -> Option<RunId> {
    let mut parent = stat.parent;
    for _ in 0..GENERATIONS {
        if let Some(run) = leaders.get(&parent) {
            return Some(*run);
        }
        if parent.as_raw() <= 1 {
            return None;
        }
        parent = stat::read(parent)?.parent;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::unistd::{getpgrp, getpid, getppid};

    fn whose(pid: Pid, leader: Pid) -> Sender {
        Senders::default().of(pid, &HashMap::from([(leader, RunId(7))]))
    }

    #[test]
    fn a_process_belongs_to_itself_its_group_and_its_ancestors() {
        let me = getpid();
        for leader in [me, getpgrp(), getppid()] {
            assert_eq!(whose(me, leader), Sender::Run(RunId(7)), "{leader}");
        }
        assert_eq!(whose(me, Pid::from_raw(i32::MAX)), Sender::Stranger);
    }

    #[test]
    fn a_number_that_is_no_process_belongs_to_nobody() {
        for number in [i32::MIN, -1, 0, i32::MAX - 1] {
            assert_eq!(whose(Pid::from_raw(number), Pid::from_raw(i32::MAX)), Sender::Stranger, "{number}");
        }
    }

    #[test]
    fn a_stranger_is_remembered_and_as_many_as_there_is_room_for() {
        let (mut senders, nobody) = (Senders::default(), HashMap::new());
        let me = getpid();
        for _ in 0..3 {
            assert_eq!(senders.of(me, &nobody), Sender::Stranger);
            assert_eq!(senders.strangers.len(), 1);
        }
        senders.strangers.extend((0..STRANGERS as u64).map(|start| (Pid::from_raw(2), start)));
        senders.strangers.truncate(STRANGERS);
        senders.strangers.retain(|(pid, _)| *pid != me);
        assert_eq!(senders.of(me, &nobody), Sender::Stranger);
        assert_eq!(senders.strangers.len(), STRANGERS);
    }
}
