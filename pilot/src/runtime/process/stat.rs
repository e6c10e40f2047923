//! What `/proc/<pid>/stat` says of a process, as far as pilot asks.

use nix::unistd::Pid;

/// One process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Its parent; 0 if that is outside of this PID namespace.
    pub parent: Pid,
    /// Its process group.
    pub group: Pid,
    /// When it was started, in clock ticks since the boot: tells apart two processes that have had one number.
    pub started: u64,
}

/// Reads it. `None`: there is no such process, or no `/proc`.
pub fn read(pid: Pid) -> Option<Stat> {
    parse(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn parse(stat: &str) -> Option<Stat> {
    // The name in brackets may hold anything, brackets too.
    let (_, after) = stat.rsplit_once(") ")?;
    let mut fields = after.split(' ');
    let parent = Pid::from_raw(fields.nth(1)?.parse().ok()?);
    let group = Pid::from_raw(fields.next()?.parse().ok()?);
    // Field 22 in proc(5); the parent is field 4, the group field 5.
    let started = fields.nth(16)?.parse().ok()?;
    Some(Stat { parent, group, started })
}

#[cfg(test)]
mod tests {
    use nix::unistd::{getpid, getppid};

    use super::*;

    #[test]
    fn a_process_has_its_parent_and_its_start() {
        let own = read(getpid()).unwrap();
        assert_eq!(own.parent, getppid());
        assert!(own.started > 0);
        assert_eq!(read(Pid::from_raw(i32::MAX)), None);
    }

    #[test]
    fn a_name_may_hold_anything() {
        let stat = "7 (a) (b) S) S 5 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4242 1000 1";
        assert_eq!(parse(stat), Some(Stat { parent: Pid::from_raw(5), group: Pid::from_raw(7), started: 4242 }));
        assert_eq!(parse("7 (a) S 5"), None);
    }
}
