//! Resource limits of a child that is about to become its program.

use std::sync::OnceLock;

use nix::errno::Errno;
use nix::libc::rlim_t;
use nix::sys::resource::{Resource as Kernel, getrlimit, setrlimit};

use pilot_core::plan::{Limit, Resource, UNLIMITED};

/// Descriptors that pilot needs for a job at most: two pipes of its output, the report of its start, a probe with as many.
const DESCRIPTORS_OF_A_JOB: u64 = 8;
/// And for everything else: sockets of control, telemetry, Consul, watches.
const OTHER_DESCRIPTORS: u64 = 256;

/// The soft limit that this process was started with, if it has raised its own since.
static ORIGINAL: OnceLock<rlim_t> = OnceLock::new();

/// Raises this process's own soft limit of open files where this many jobs need more, as far as the hard limit lets it. From then
/// on children go through the exec shim, which gives them back what pilot was started with.
pub fn make_room_for(jobs: usize) {
    let needed = (jobs as u64).saturating_mul(DESCRIPTORS_OF_A_JOB).saturating_add(OTHER_DESCRIPTORS);
    let Ok((soft, hard)) = getrlimit(Kernel::RLIMIT_NOFILE) else { return };
    if soft >= needed || soft >= hard {
        return;
    }
    if setrlimit(Kernel::RLIMIT_NOFILE, needed.min(hard), hard).is_ok() {
        ORIGINAL.get_or_init(|| soft);
    }
    if hard < needed {
        tracing::warn!(
            "{jobs} jobs may need {needed} open files, and the hard limit is {hard}: raise it for the container, or some may not start"
        );
    }
}

/// What a child has to have instead of pilot's own, unless its job says something else.
pub(super) fn original() -> Option<Limit> {
    let soft = ORIGINAL.get().copied()?;
    Some(Limit { resource: Resource::Nofile, soft: Some(soft), hard: None })
}

/// Sets them for this process, in their order.
pub(super) fn apply(limits: &[Limit]) -> Result<(), String> {
    limits.iter().try_for_each(set)
}

fn set(limit: &Limit) -> Result<(), String> {
    let resource = kernels(limit.resource);
    let set = || -> Result<(), Errno> {
        let (soft, hard) = getrlimit(resource)?;
        let (soft, hard) = wanted(limit, (soft, hard));
        setrlimit(resource, soft, hard)
    };
    set().map_err(|errno| refused(limit, resource, errno))
}

/// What is not asked for stays, as far as the hard limit lets it.
fn wanted(limit: &Limit, (soft, hard): (rlim_t, rlim_t)) -> (rlim_t, rlim_t) {
    let hard = limit.hard.unwrap_or(hard);
    (limit.soft.unwrap_or(soft.min(hard)), hard)
}

fn refused(limit: &Limit, resource: Kernel, errno: Errno) -> String {
    let name = limit.resource.name();
    let here = getrlimit(resource).map_or_else(|_| "unknown".to_owned(), |(_, hard)| shown(hard));
    let wanted = match (limit.soft, limit.hard) {
        (Some(soft), Some(hard)) if soft == hard => shown(soft),
        (soft, hard) => {
            let one = |word: &str, bound: Option<u64>| bound.map(|bound| format!("{word} {}", shown(bound)));
            [one("soft", soft), one("hard", hard)].into_iter().flatten().collect::<Vec<_>>().join(", ")
        }
    };
    format!(
        "limits.{name} cannot be {wanted}: {}; pilot's own hard limit is {here}: ask for less, or raise it for the container",
        errno.desc().to_lowercase()
    )
}

fn shown(bound: u64) -> String {
    if bound == UNLIMITED { "unlimited".to_owned() } else { bound.to_string() }
}

fn kernels(resource: Resource) -> Kernel {
    match resource {
        Resource::As => Kernel::RLIMIT_AS,
        Resource::Core => Kernel::RLIMIT_CORE,
        Resource::Cpu => Kernel::RLIMIT_CPU,
        Resource::Data => Kernel::RLIMIT_DATA,
        Resource::Fsize => Kernel::RLIMIT_FSIZE,
        Resource::Locks => Kernel::RLIMIT_LOCKS,
        Resource::Memlock => Kernel::RLIMIT_MEMLOCK,
        Resource::Msgqueue => Kernel::RLIMIT_MSGQUEUE,
        Resource::Nice => Kernel::RLIMIT_NICE,
        Resource::Nofile => Kernel::RLIMIT_NOFILE,
        Resource::Nproc => Kernel::RLIMIT_NPROC,
        Resource::Rss => Kernel::RLIMIT_RSS,
        Resource::Rtprio => Kernel::RLIMIT_RTPRIO,
        Resource::Rttime => Kernel::RLIMIT_RTTIME,
        Resource::Sigpending => Kernel::RLIMIT_SIGPENDING,
        Resource::Stack => Kernel::RLIMIT_STACK,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_asked_for_stays_as_far_as_it_can() {
        let limit = |soft, hard| Limit { resource: Resource::Nofile, soft, hard };
        for (limit, want) in [
            (limit(Some(10), Some(20)), (10, 20)),
            (limit(Some(10), None), (10, 4096)),
            (limit(None, Some(8192)), (1024, 8192)),
            (limit(None, Some(100)), (100, 100)),
            (limit(Some(UNLIMITED), Some(UNLIMITED)), (rlim_t::MAX, rlim_t::MAX)),
        ] {
            assert_eq!(wanted(&limit, (1024, 4096)), want);
        }
    }

    #[test]
    fn a_refused_limit_says_what_was_asked_for_and_what_there_is() {
        let limit = Limit { resource: Resource::Nofile, soft: Some(5), hard: Some(UNLIMITED) };
        let text = refused(&limit, Kernel::RLIMIT_NOFILE, Errno::EPERM);
        let begin =
            "limits.nofile cannot be soft 5, hard unlimited: operation not permitted; pilot's own hard limit is ";
        assert!(text.starts_with(begin), "{text}");
    }
}
