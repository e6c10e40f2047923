//! Finds a program in the PATH its job will have, as execvp would, and says what is wrong with a file that cannot run.
//!
//! Looks at files only; runs nothing.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::{AccessFlags, access};

use super::spawn::SpawnError;

/// Searched when the environment has no PATH.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The file to run. A program with a `/` is taken as it is; v3 spec 5.2.
pub(super) fn find(program: &str, env: &[(OsString, OsString)]) -> Result<PathBuf, SpawnError> {
    if program.contains('/') {
        return Ok(PathBuf::from(program));
    }
    let path = env.iter().rev().find(|(key, _)| key == "PATH").map(|(_, value)| value.as_os_str());
    let path = path.unwrap_or(OsStr::new(DEFAULT_PATH));
    let mut refused = None;
    if !program.is_empty() {
        for folder in path.as_bytes().split(|byte| *byte == b':') {
            // An empty element is the working directory.
            let folder = if folder.is_empty() { Path::new(".") } else { Path::new(OsStr::from_bytes(folder)) };
            let file = folder.join(program);
            if !file.is_file() {
                continue;
            }
            if access(&file, AccessFlags::X_OK).is_ok() {
                return Ok(file);
            }
            refused.get_or_insert(file);
        }
    }
    Err(match refused {
        Some(file) => SpawnError::NotExecutable { program: file.display().to_string() },
        None => SpawnError::NotInPath { program: program.to_owned(), path: path.to_string_lossy().into_owned() },
    })
}

/// Turns the kernel's answer to exec into what a person needs to know.
pub(super) fn explain(file: &Path, errno: Errno) -> SpawnError {
    let program = file.display().to_string();
    match errno {
        Errno::ENOENT if file.exists() => match head(file).as_slice() {
            [b'#', b'!', line @ ..] => SpawnError::InterpreterMissing { program, interpreter: interpreter(line) },
            _ => SpawnError::LoaderMissing { program },
        },
        Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP | Errno::ENAMETOOLONG => SpawnError::NoSuchFile { program },
        Errno::EACCES if file.is_dir() => SpawnError::Directory { program },
        Errno::EACCES => SpawnError::NotExecutable { program },
        Errno::ENOEXEC if head(file).starts_with(b"\x7fELF") => SpawnError::WrongMachine { program },
        Errno::ENOEXEC => SpawnError::NoInterpreterLine { program },
        Errno::E2BIG => SpawnError::TooBig { program },
        Errno::EAGAIN | Errno::ENOMEM | Errno::EMFILE | Errno::ENFILE | Errno::ETXTBSY => {
            SpawnError::Exhausted { program, reason: errno.desc() }
        }
        _ => SpawnError::Refused { program, reason: errno.desc() },
    }
}

/// The first bytes, as many as the kernel looks at; empty if it cannot be read.
fn head(file: &Path) -> Vec<u8> {
    let mut head = Vec::new();
    if let Ok(file) = File::open(file) {
        let _ = file.take(256).read_to_end(&mut head);
    }
    head
}

/// The interpreter in the rest of a `#!` line. A carriage return stays, it is the usual reason.
fn interpreter(line: &[u8]) -> String {
    let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let word = line.trim_ascii_start().split(|byte| matches!(byte, b' ' | b'\t')).next().unwrap_or_default();
    String::from_utf8_lossy(word).into_owned()
}
