//! Socket activation, passed on: `LISTEN_PID` must name the process that finally has the sockets (sd_listen_fds(3)).
//!
//! A child's number is not known before it is there, so the child is pilot itself for a moment: it sets the variable to
//! its own number and becomes the job's program. Only done when pilot was handed sockets.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::ExitCode;

use crate::core::plan::Command;

/// The first argument by which pilot knows that it is such a child.
pub const FLAG: &str = "--with-listen-pid";

/// The command that ends up as `command`, with `LISTEN_PID` right.
pub(crate) fn wrapped(command: &Command) -> Command {
    let mut args = vec![FLAG.to_owned(), command.program.clone()];
    args.extend(command.args.iter().cloned());
    Command { program: "/proc/self/exe".to_owned(), args }
}

/// In the child: becomes the program. Returns only if that fails, with what a shell would exit with.
pub fn become_program(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let Some(program) = arguments.next() else { return ExitCode::from(127) };
    let pid = std::process::id().to_string();
    let error = std::process::Command::new(&program).args(arguments).env("LISTEN_PID", pid).exec();
    eprintln!("unable to start {}: {error}", program.display());
    ExitCode::from(if error.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 })
}
