//! The system calls that no crate in the tree offers safely. The only file of this room with `unsafe`.
//!
//! `nix::sys::wait` cannot be used: it fails with EINVAL on a child killed by a real-time signal (`SIGRTMIN+3` is what
//! systemd images are stopped with), so a peek would never get past it and a `waitpid` would lose its status.
//! Setting a flag on a descriptor that nobody owns, or owning one that came as a number, has no safe form either.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::Signal;
use nix::unistd::{Pid, write};

use pilot_core::exit::Exit;

/// A child that has ended and is not reaped yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dead {
    pub(super) pid: Pid,
    pub(super) exit: Exit,
}

/// One ended child, left as it is: the next call may return the same one. `None`: there is none.
pub(super) fn peek() -> Option<Dead> {
    wait(libc::P_ALL, 0, libc::WEXITED | libc::WNOHANG | libc::WNOWAIT)
}

/// Reaps this ended child; its number is free for others from now on.
pub(super) fn reap(pid: Pid) {
    let Ok(id) = libc::id_t::try_from(pid.as_raw()) else { return };
    wait(libc::P_PID, id, libc::WEXITED | libc::WNOHANG);
}

/// waitid(2). The errors it can have with these arguments (ECHILD) mean "none".
fn wait(kind: libc::idtype_t, id: libc::id_t, options: libc::c_int) -> Option<Dead> {
    // SAFETY: a siginfo_t is plain memory for which all zeroes is a valid value.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to that writable siginfo_t, which outlives the call.
    let result = unsafe { libc::waitid(kind, id, &raw mut info, options) };
    if result != 0 {
        return None;
    }
    // SAFETY: waitid succeeded, so the fields of SIGCHLD are set, or all is zero when no child was ready.
    let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
    if pid == 0 {
        return None;
    }
    let exit = if info.si_code == libc::CLD_EXITED {
        Exit::Code(u8::try_from(status & 0xff).unwrap_or(u8::MAX))
    } else {
        Exit::Signal(status)
    };
    Some(Dead { pid: Pid::from_raw(pid), exit })
}

/// Whether this process has a child that is alive and in this group. A dead one does not count, reaped or not.
pub(super) fn has_live_child_in(group: Pid) -> bool {
    let Ok(id) = libc::id_t::try_from(group.as_raw()) else { return false };
    // SAFETY: a siginfo_t is plain memory for which all zeroes is a valid value.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // Nothing but a stop is asked for, which no dead child can make any more: ECHILD if there is no other.
    let options = libc::WSTOPPED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: the pointer is to that writable siginfo_t, which outlives the call.
    unsafe { libc::waitid(libc::P_PGID, id, &raw mut info, options) == 0 }
}

/// A descriptor of a process, for as long as its number is its own: one of ours that is not reaped, or one whose identity is
/// verified afterwards. Close-on-exec. pidfd_open(2), Linux 5.3.
pub(super) fn pidfd_open(pid: Pid) -> Result<OwnedFd, Errno> {
    // SAFETY: numbers only.
    let fd = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) })?;
    let fd = RawFd::try_from(fd).map_err(|_| Errno::EBADF)?;
    // SAFETY: the kernel has just made it for this call alone.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Sends a signal to the process, or only asks whether it is there: ESRCH if it has been reaped. pidfd_send_signal(2).
pub(super) fn pidfd_signal(process: &OwnedFd, signal: Option<Signal>) -> Result<(), Errno> {
    pidfd_send_signal(process, signal, 0)
}

/// The same for the whole group that the process leads, or led. EINVAL before Linux 6.9.
pub(super) fn pidfd_signal_group(leader: &OwnedFd, signal: Option<Signal>) -> Result<(), Errno> {
    const PIDFD_SIGNAL_PROCESS_GROUP: libc::c_uint = 1 << 2;
    pidfd_send_signal(leader, signal, PIDFD_SIGNAL_PROCESS_GROUP)
}

fn pidfd_send_signal(process: &OwnedFd, signal: Option<Signal>, flags: libc::c_uint) -> Result<(), Errno> {
    let signal = signal.map_or(0, |signal| signal as libc::c_int);
    let no_info = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: the descriptor is open, and without a siginfo_t the kernel makes its own.
    let sent = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, process.as_raw_fd(), signal, no_info, flags) };
    Errno::result(sent).map(drop)
}

/// Gives up for good what capabilities would survive the change to another user and an exec: the ambient and inheritable
/// sets (capabilities(7)). Takes no right, and the kernels that do not know the first (before 4.3) have none.
pub(super) fn drop_inherited_capabilities() -> Result<(), Errno> {
    #[repr(C)]
    struct Header {
        version: u32,
        pid: libc::c_int,
    }
    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Sets {
        effective: u32,
        permitted: u32,
        inheritable: u32,
    }
    /// `_LINUX_CAPABILITY_VERSION_3`: 64 capabilities, in two halves.
    const VERSION: u32 = 0x2008_0522;
    let zero: libc::c_ulong = 0;
    // SAFETY: numbers only.
    unsafe { libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, zero, zero, zero) };
    let mut header = Header { version: VERSION, pid: 0 };
    let mut sets = [Sets { effective: 0, permitted: 0, inheritable: 0 }; 2];
    // SAFETY: both point to what version 3 of the call reads and writes: a header and two sets, which outlive it.
    Errno::result(unsafe { libc::syscall(libc::SYS_capget, &raw mut header, sets.as_mut_ptr()) })?;
    for half in &mut sets {
        half.inheritable = 0;
    }
    // SAFETY: as above; the call only reads.
    Errno::result(unsafe { libc::syscall(libc::SYS_capset, &raw mut header, sets.as_ptr()) }).map(drop)
}

/// Sets close-on-exec on all descriptors from `first` up. ENOSYS or EINVAL on kernels before 5.11.
pub(super) fn close_range_on_exec(first: RawFd) -> Result<(), Errno> {
    const CLOSE_RANGE_CLOEXEC: libc::c_uint = 4;
    let first = libc::c_uint::try_from(first).map_err(|_| Errno::EBADF)?;
    // SAFETY: numbers only; changes no memory, and no descriptor is closed.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, CLOSE_RANGE_CLOEXEC) };
    Errno::result(result).map(drop)
}

/// Sets close-on-exec on one descriptor; a number that is not open is left alone.
pub(super) fn close_on_exec(fd: RawFd) {
    // SAFETY: numbers only; fcntl rejects a descriptor that is not open.
    unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
}

/// Takes over a descriptor that this process was started with and that nothing else in it uses. `None`: there is none.
pub(super) fn adopt(fd: RawFd) -> Option<File> {
    // SAFETY: numbers only; fcntl rejects a descriptor that is not open.
    if fd <= libc::STDERR_FILENO || unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0 {
        return None;
    }
    // SAFETY: it is open, and it is the caller's promise that it has no other owner.
    Some(unsafe { File::from_raw_fd(fd) })
}

/// From now on every delivery of `signal` adds one to `count`; the one that finds it zero then puts a byte into `wake`, a
/// non-blocking pipe. Whoever reads that must empty it first and set the count to zero then.
pub(super) fn count_signal(signal: libc::c_int, count: Arc<AtomicUsize>, wake: Arc<OwnedFd>) -> io::Result<()> {
    let deliver = move || {
        if count.fetch_add(1, Ordering::AcqRel) == 0 {
            let _ = write(&*wake, &[0]);
        }
    };
    // SAFETY: an atomic addition and write(2) are all that runs in the handler, and both may; signal-hook keeps errno.
    unsafe { signal_hook::low_level::register(signal, deliver) }.map(drop)
}
