//! Whose process a sender is: the first process of a run, a member of its group, or a descendant of it.

use nix::unistd::{Pid, getpgid};

/// How many generations are followed; deeper trees are nobody's.
const GENERATIONS: usize = 64;

/// The leader to whose run this process belongs. A process that is gone belongs to nobody.
pub(super) fn leader_of(pid: Pid, is_leader: impl Fn(Pid) -> bool) -> Option<Pid> {
    // 0 is somebody outside of this PID namespace; getpgid would take it for pilot itself.
    if pid.as_raw() <= 0 {
        return None;
    }
    if is_leader(pid) {
        return Some(pid);
    }
    let group = getpgid(Some(pid)).ok()?;
    if is_leader(group) {
        return Some(group);
    }
    // A child that made itself a session of its own.
    let ancestors = std::iter::successors(Some(pid), |pid| parent(*pid)).skip(1).take(GENERATIONS);
    ancestors.into_iter().find(|ancestor| is_leader(*ancestor))
}

/// As the kernel tells it; nothing without `/proc`.
fn parent(pid: Pid) -> Option<Pid> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may hold anything, brackets too.
    let (_, after) = stat.rsplit_once(") ")?;
    let parent: i32 = after.split(' ').nth(1)?.parse().ok()?;
    (parent > 1).then(|| Pid::from_raw(parent))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::unistd::{getpgrp, getpid, getppid};

    #[test]
    fn a_process_belongs_to_itself_its_group_and_its_ancestors() {
        let me = getpid();
        assert_eq!(leader_of(me, |pid| pid == me), Some(me));
        assert_eq!(leader_of(me, |pid| pid == getpgrp()), Some(getpgrp()));
        assert_eq!(leader_of(me, |pid| pid == getppid()), Some(getppid()));
        assert_eq!(leader_of(me, |_| false), None);
    }

    #[test]
    fn a_number_that_is_no_process_belongs_to_nobody() {
        for number in [i32::MIN, -1, 0, i32::MAX] {
            assert_eq!(leader_of(Pid::from_raw(number), |pid| pid.as_raw() != i32::MAX), None, "{number}");
        }
    }
}
