//! Jobs that need more than `posix_spawn` can do (another user, limits, files to read, passed sockets): the child is pilot
//! itself for a moment, prepares itself and becomes the job's program ([`super::exec_shim`]).
//!
//! Only done for jobs that ask for it. What is read for a job is read by its own process, so nothing holds up the loop and
//! no secret from a file is ever in pilot's memory. What goes wrong is written into a pipe that a successful exec closes,
//! and read when the child has ended.

use std::collections::BTreeMap;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use nix::unistd::{Pid, pipe2};
use serde::{Deserialize, Serialize};

use super::limits;
use super::spawn::{Launch, SpawnError, Stdio, spawn, spawn_keeping};
use pilot_core::plan::{Command, Identity, Limit, ProcessSettings, Variable};

/// The first argument by which pilot knows that it is such a child. The order follows, then the program's own words.
pub const FLAG: &str = "--become";

/// Bytes of a failure at most: a write of this size into a pipe arrives whole (PIPE_BUF).
const FAILURE_SIZE: usize = 4096;

/// What a child does to itself before it becomes its program. Stands in its arguments: names and paths, never a value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChildSpec {
    pub(super) identity: Identity,
    pub(super) cwd: Option<PathBuf>,
    pub(super) umask: Option<u32>,
    pub(super) limits: Vec<Limit>,
    pub(super) no_new_privileges: bool,
    pub(super) env_files: Vec<PathBuf>,
    /// Variables whose value is a file's content.
    pub(super) variable_files: BTreeMap<String, PathBuf>,
    /// `LISTEN_PID` must name the process that finally has the sockets passed to pilot (sd_listen_fds(3)).
    pub(super) listen_pid: bool,
}

/// A spec with what only one start knows.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) spec: ChildSpec,
    /// Variables that the job itself sets or removes: no file and no account changes them.
    pub(super) settled: Vec<String>,
    /// Its stdout and stderr are pipes of its own.
    pub(super) pipes: bool,
    /// Where a failure is written.
    pub(super) report: RawFd,
}

impl ChildSpec {
    /// What these settings ask for beyond a plain start.
    pub fn of(settings: &ProcessSettings) -> Self {
        let ProcessSettings { identity, cwd, env_files, variables, limits, umask, no_new_privileges, .. } = settings;
        let variable_files = variables.iter().filter_map(|(name, variable)| match variable {
            Variable::File(path) => Some((name.clone(), path.clone())),
            Variable::Removed | Variable::Value(_) => None,
        });
        // In front: what the job asks for itself counts.
        let limits = limits::original().into_iter().chain(limits.iter().copied()).collect();
        ChildSpec {
            identity: identity.clone(),
            cwd: cwd.clone(),
            umask: *umask,
            limits,
            no_new_privileges: *no_new_privileges,
            env_files: env_files.clone(),
            variable_files: variable_files.collect(),
            listen_pid: false,
        }
    }

    /// The same for a child that inherits the sockets passed to pilot.
    pub fn with_passed_sockets(self) -> Self {
        ChildSpec { listen_pid: true, ..self }
    }
}

/// What a child that could not become its program has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What a shell would exit with: 127 not found, 126 not runnable.
    pub code: u8,
    /// A sentence: the place, the cause and the remedy.
    pub reason: String,
}

/// Where a prepared child's failure arrives.
#[derive(Debug)]
pub struct Report {
    read: OwnedFd,
}

impl Report {
    /// Asked when the child has ended: did it end before it was its program? Never waits.
    pub fn failure(self) -> Option<Failure> {
        let mut message = [0; FAILURE_SIZE];
        let count = std::fs::File::from(self.read).read(&mut message).ok()?;
        Failure::decode(message.get(..count)?)
    }
}

impl Failure {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut message = vec![self.code];
        message.extend(self.reason.bytes().take(FAILURE_SIZE - 1));
        message
    }

    fn decode(message: &[u8]) -> Option<Failure> {
        let (code, reason) = message.split_first()?;
        Some(Failure { code: *code, reason: String::from_utf8_lossy(reason).into_owned() })
    }
}

/// Starts a child with these settings. The report is there only if it had to be prepared.
pub fn spawn_with(
    spec: ChildSpec,
    settings: &ProcessSettings,
    launch: Launch<'_>,
) -> Result<(Pid, Option<Report>), SpawnError> {
    if spec == ChildSpec::default() {
        return spawn(launch).map(|pid| (pid, None));
    }
    let program = &launch.command.program;
    let exhausted = |reason| SpawnError::Exhausted { program: program.clone(), reason };
    let (read, write) =
        pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK).map_err(|_| exhausted("no descriptor is left for its report"))?;
    let settled = settings.variables.keys().cloned().collect();
    let pipes = matches!(launch.stdio, Stdio::Wrapped { .. });
    let order = Order { spec, settled, pipes, report: write.as_raw_fd() };
    let command = through_shim(launch.command, &order)?;
    let pid = spawn_keeping(Launch { command: &command, ..launch }, write.as_fd())?;
    Ok((pid, Some(Report { read })))
}

fn through_shim(command: &Command, order: &Order) -> Result<Command, SpawnError> {
    let refused =
        |_| SpawnError::Refused { program: command.program.clone(), reason: "its settings cannot be written" };
    let order = serde_json::to_string(order).map_err(refused)?;
    let mut args = vec![FLAG.to_owned(), order, command.program.clone()];
    args.extend(command.args.iter().cloned());
    Ok(Command { program: own_file(), args })
}

/// pilot's own file. In a root without `/proc` it is what pilot was called by, if that is a path.
fn own_file() -> String {
    let link = "/proc/self/exe";
    let called = || std::env::args().next().filter(|name| name.contains('/'));
    if Path::new(link).exists() { link.to_owned() } else { called().unwrap_or_else(|| link.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_without_settings_needs_no_shim() {
        assert_eq!(ChildSpec::of(&ProcessSettings::default()), ChildSpec::default());
    }

    #[test]
    fn the_arguments_of_the_child_hold_names_and_paths_and_never_a_value() {
        use pilot_core::plan::Secret;
        let variables = [
            ("LITERAL", Variable::Value(Secret::new("hunter2"))),
            ("FILE", Variable::File("/run/secrets/db".into())),
            ("GONE", Variable::Removed),
        ];
        let variables = variables.map(|(name, variable)| (name.to_owned(), variable)).into();
        let settings = ProcessSettings { variables, cwd: Some("/srv".into()), ..ProcessSettings::default() };
        let settled = settings.variables.keys().cloned().collect();
        let order = Order { spec: ChildSpec::of(&settings), settled, pipes: true, report: 7 };
        let program = Command { program: "serve".into(), args: vec!["-v".into()] };
        let command = through_shim(&program, &order).unwrap();
        assert_eq!(command.args[0], FLAG);
        assert_eq!(command.args[2..], ["serve", "-v"]);
        for word in ["LITERAL", "GONE", "/run/secrets/db", "/srv"] {
            assert!(command.args[1].contains(word), "{word}");
        }
        assert!(!command.args.concat().contains("hunter2"));
        let read: Order = serde_json::from_str(&command.args[1]).unwrap();
        assert_eq!((read.spec, read.report), (order.spec, 7));
    }

    #[test]
    fn a_failure_arrives_as_it_was_sent_and_a_success_says_nothing() {
        use std::io::Write;
        let pipe = || pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK).unwrap();
        let (read, write) = pipe();
        let failure = Failure { code: 126, reason: "cwd \"/ä\" is missing".into() };
        std::fs::File::from(write).write_all(&failure.encode()).unwrap();
        assert_eq!(Report { read }.failure(), Some(failure));
        let (read, write) = pipe();
        drop(write);
        assert_eq!(Report { read }.failure(), None);
        let (read, _still_open) = pipe();
        assert_eq!(Report { read }.failure(), None, "and does not wait");
    }
}
