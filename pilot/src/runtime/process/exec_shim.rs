//! In the child: prepares itself and becomes the job's program. It has one thread and holds nothing of pilot's.
//!
//! The order matters: files are read and limits raised while it still has pilot's rights; the folder is entered and the
//! program looked for with those of the job.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::stat::{Mode, umask};
use nix::unistd::chdir;

use super::child_spec::{ChildSpec, Failure, Order};
use super::{environment_files, identity, limits, lookup, sys};

/// The environment a program is started with.
pub(super) type Environment = Vec<(OsString, OsString)>;

/// What cannot be done for a reason that concerns the job's settings: found, but not runnable.
const NOT_RUNNABLE: u8 = 126;

/// Becomes the program that the arguments behind [`super::child_spec::FLAG`] tell. Returns only if that fails.
pub fn become_program(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let order = arguments.next().and_then(|text| serde_json::from_slice::<Order>(text.as_encoded_bytes()).ok());
    let (Some(order), Some(program)) = (order, arguments.next()) else {
        eprintln!("pilot calls itself like this to start a job; it is of no use to anybody else");
        return ExitCode::from(NOT_RUNNABLE);
    };
    sys::close_on_exec(order.report);
    let failure = prepared(&order).map_or_else(|failed| failed, |env| execute(&program, arguments, env));
    match sys::adopt(order.report) {
        Some(mut report) => drop(report.write_all(&failure.encode())),
        None => eprintln!("{}", failure.reason),
    }
    ExitCode::from(failure.code)
}

/// Does to this process what is asked for; the environment that its program gets.
fn prepared(order: &Order) -> Result<Environment, Failure> {
    let Order { spec, settled, pipes, .. } = order;
    let failed = |reason| Failure { code: NOT_RUNNABLE, reason };
    let ChildSpec { identity, cwd, limits, no_new_privileges, .. } = spec;
    let mut env: Environment = std::env::vars_os().collect();
    let identity = identity::resolve(identity).map_err(failed)?;
    if let Some(identity) = &identity {
        identity.describe(&mut env, settled);
    }
    environment_files::apply(&mut env, spec, settled).map_err(failed)?;
    if spec.listen_pid {
        put(&mut env, OsStr::new("LISTEN_PID"), std::process::id().to_string().into());
    }
    if let Some(mask) = spec.umask {
        umask(Mode::from_bits_truncate(mask));
    }
    limits::apply(limits).map_err(failed)?;
    if let Some(identity) = identity {
        if *pipes {
            identity.own_output();
        }
        identity.assume().map_err(failed)?;
    }
    if let Some(cwd) = cwd {
        chdir(cwd.as_path()).map_err(|errno| failed(no_folder(cwd, errno)))?;
    }
    if *no_new_privileges {
        prctl::set_no_new_privs().map_err(|errno| failed(format!("noNewPrivileges: {}", errno.desc())))?;
    }
    Ok(env)
}

fn no_folder(cwd: &Path, errno: Errno) -> String {
    let remedy = match errno {
        Errno::ENOENT => "create it in the image, or correct the path",
        Errno::EACCES => "let the job's user enter it and all folders above it",
        _ => "name a folder that the job's user may enter",
    };
    format!("cwd {cwd:?} cannot be entered: {}; {remedy}", errno.desc().to_lowercase())
}

/// Executes the program; only a failure comes back.
fn execute(program: &OsStr, arguments: impl Iterator<Item = OsString>, env: Environment) -> Failure {
    let told = |error: super::spawn::SpawnError| Failure { code: error.exit_code(), reason: error.to_string() };
    let file = match lookup::find(&program.to_string_lossy(), &env) {
        Ok(file) => file,
        Err(error) => return told(error),
    };
    let error = Command::new(&file).arg0(program).args(arguments).env_clear().envs(env).exec();
    told(lookup::explain(&file, Errno::from_raw(error.raw_os_error().unwrap_or_default())))
}

/// Sets a variable; the last one of a name counts.
pub(super) fn put(env: &mut Environment, name: &OsStr, value: OsString) {
    env.retain(|(other, _)| other != name);
    env.push((name.to_owned(), value));
}
