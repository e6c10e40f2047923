//! Starts one child by `posix_spawn`: own group, clean signals, three descriptors, the environment it is given.
//!
//! No fork of pilot's memory, no code of ours between fork and exec. Returns when the exec has worked or failed.

use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn};
use nix::sys::signal::SigSet;
use nix::unistd::{Pid, pipe2};

use super::{lookup, terminal};
use pilot_core::plan::Command;

/// `POSIX_SPAWN_SETSID`, the same in glibc and musl; nix has no name for it.
const SETSID: i32 = 0x80;

/// One start.
#[derive(Debug)]
pub struct Launch<'a> {
    /// What is run. Its working directory, user and limits are pilot's; `child_spec` is for others.
    pub command: &'a Command,
    /// The complete environment; PATH in it is where a program without `/` is looked for.
    pub env: &'a [(OsString, OsString)],
    /// Where stdout and stderr go.
    pub stdio: Stdio,
    /// It inherits stdin and becomes the foreground group of the terminal there; else stdin is `/dev/null`.
    pub tty: bool,
}

/// Where a child's stdout and stderr go.
#[derive(Debug)]
pub enum Stdio {
    /// To these (descriptors above 2), which are closed in pilot when [`spawn`] returns.
    Wrapped {
        /// The child's descriptor 1.
        stdout: OwnedFd,
        /// The child's descriptor 2.
        stderr: OwnedFd,
    },
    /// To pilot's own.
    Inherit,
}

/// Why a child could not be started. Never shows arguments or environment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the messages say it all
pub enum SpawnError {
    #[error("no program {program:?} in PATH ({path}); install it in the image or give its full path")]
    NotInPath { program: String, path: String },
    #[error("{program}: no such file; check the path and that the image contains it")]
    NoSuchFile { program: String },
    #[error("{program} exists, but its interpreter {interpreter:?} does not; install it or correct the #! line")]
    InterpreterMissing { program: String, interpreter: String },
    #[error("{program} exists, but the loader it needs does not; it was built for another libc, use a static build")]
    LoaderMissing { program: String },
    #[error("{program} is not executable for this user; chmod +x it, and check the mount for noexec")]
    NotExecutable { program: String },
    #[error("{program} is a directory; name the program inside it")]
    Directory { program: String },
    #[error("{program} has no #! line and is no binary; begin it with one, such as #!/bin/sh")]
    NoInterpreterLine { program: String },
    #[error("{program} is a binary for another kind of machine; build it for this one")]
    WrongMachine { program: String },
    #[error("{program}: arguments and environment are too big for the kernel (one text at most 128 KiB)")]
    TooBig { program: String },
    #[error("{program}: {place} contains a NUL byte, which no process can be given")]
    Nul { program: String, place: String },
    #[error("{program} could not be started just now: {reason}; pilot may try again")]
    Exhausted { program: String, reason: &'static str },
    #[error("{program} could not be started: {reason}")]
    Refused { program: String, reason: &'static str },
}

impl SpawnError {
    /// What a shell would report: 127 not found, 126 found but not runnable.
    pub fn exit_code(&self) -> u8 {
        match self {
            SpawnError::NotInPath { .. } | SpawnError::NoSuchFile { .. } => 127,
            SpawnError::InterpreterMissing { .. } | SpawnError::LoaderMissing { .. } => 127,
            SpawnError::NotExecutable { .. } | SpawnError::Directory { .. } => 126,
            SpawnError::NoInterpreterLine { .. } | SpawnError::WrongMachine { .. } => 126,
            SpawnError::TooBig { .. } | SpawnError::Nul { .. } => 126,
            SpawnError::Exhausted { .. } | SpawnError::Refused { .. } => 126,
        }
    }

    /// Processes, memory or descriptors were short (or the program was being written): later it may work.
    pub fn is_retryable(&self) -> bool {
        matches!(self, SpawnError::Exhausted { .. })
    }
}

/// Starts it as the leader of a new process group whose number is the returned one.
pub fn spawn(launch: Launch<'_>) -> Result<Pid, SpawnError> {
    launched(launch, None)
}

/// The same, and the child keeps this descriptor under its number.
pub(super) fn spawn_keeping(launch: Launch<'_>, kept: BorrowedFd<'_>) -> Result<Pid, SpawnError> {
    launched(launch, Some(kept))
}

fn launched(launch: Launch<'_>, kept: Option<BorrowedFd<'_>>) -> Result<Pid, SpawnError> {
    let Launch { command, env, stdio, tty } = launch;
    let args = arguments(command)?;
    let env_block = environment(command, env)?;
    let file = lookup::find(&command.program, env)?;
    let pid = start(&file, &args, &env_block, &stdio, tty, kept).map_err(|errno| lookup::explain(&file, errno))?;
    if tty {
        terminal::hand_to(pid);
    }
    Ok(pid)
}

fn start(
    file: &std::path::Path,
    args: &[CString],
    env: &[CString],
    stdio: &Stdio,
    tty: bool,
    kept: Option<BorrowedFd<'_>>,
) -> Result<Pid, Errno> {
    let mut attributes = PosixSpawnAttr::init()?;
    // A session has no terminal, so that `/dev/tty` is no such device for the job; as one of pilot's it would be stopped for
    // reading from it. The number of its group is the process's either way.
    let group = if tty { PosixSpawnFlags::POSIX_SPAWN_SETPGROUP } else { PosixSpawnFlags::from_bits_retain(SETSID) };
    attributes.set_flags(group | PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF | PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK)?;
    attributes.set_pgroup(Pid::from_raw(0))?;
    attributes.set_sigdefault(&SigSet::all())?;
    attributes.set_sigmask(&SigSet::empty())?;
    let mut actions = PosixSpawnFileActions::init()?;
    // Lives until after the spawn.
    let nothing = if tty { None } else { Some(empty_input()?) };
    if let Some(nothing) = &nothing {
        actions.add_dup2(nothing.as_raw_fd(), 0)?;
    }
    match stdio {
        Stdio::Wrapped { stdout, stderr } => {
            actions.add_dup2(stdout.as_raw_fd(), 1)?;
            actions.add_dup2(stderr.as_raw_fd(), 2)?;
        }
        Stdio::Inherit => {}
    }
    if let Some(kept) = kept {
        // Onto itself: that only takes close-on-exec away, in the child.
        actions.add_dup2(kept.as_raw_fd(), kept.as_raw_fd())?;
    }
    posix_spawn(file, &actions, &attributes, args, env)
}

/// `/dev/null`; in a root without it a pipe that nobody writes to, which reads the same.
fn empty_input() -> Result<OwnedFd, Errno> {
    match File::open("/dev/null") {
        Ok(null) => Ok(null.into()),
        Err(_) => pipe2(OFlag::O_CLOEXEC).map(|(read, _write)| read),
    }
}

fn arguments(command: &Command) -> Result<Vec<CString>, SpawnError> {
    let all = std::iter::once(&command.program).chain(&command.args).enumerate();
    all.map(|(index, text)| {
        let place = || if index == 0 { "its name".to_owned() } else { format!("argument {index}") };
        text_for_kernel(command, text.as_bytes().to_vec(), place)
    })
    .collect()
}

fn environment(command: &Command, env: &[(OsString, OsString)]) -> Result<Vec<CString>, SpawnError> {
    let entry = |(key, value): &(OsString, OsString)| {
        let bytes = [key.as_os_str(), OsStr::new("="), value].map(OsStr::as_bytes).concat();
        text_for_kernel(command, bytes, || format!("environment variable {}", printable(&key.to_string_lossy())))
    };
    env.iter().map(entry).collect()
}

fn text_for_kernel(command: &Command, bytes: Vec<u8>, place: impl FnOnce() -> String) -> Result<CString, SpawnError> {
    CString::new(bytes).map_err(|_| SpawnError::Nul { program: printable(&command.program), place: place() })
}

fn printable(text: &str) -> String {
    text.replace('\0', "\\0")
}
