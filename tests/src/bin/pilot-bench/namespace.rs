//! A supervisor in a PID namespace of its own, as its first process or next to one: ending it leaves nothing behind.

use std::fs;
use std::io;
use std::process::{Child, ChildStdout, Command, Stdio, exit};

use nix::sys::wait::wait;
use pilot_tests::{SOON, Scratch, processes, until};

use crate::clock;

/// Where in its namespace a supervisor runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It is PID 1.
    First,
    /// It is a child of a PID 1 that does nothing.
    Beside,
}

/// A running supervisor; dropping it kills it and all that it started.
pub struct Running {
    /// Files of its jobs; `start` holds the time of its exec.
    pub scratch: Scratch,
    unshare: Child,
    place: Place,
}

/// Starts a command line in a new PID namespace. The time right before its exec is in the file `start`.
pub fn start(place: Place, scratch: Scratch, words: &[String], stdout: Stdio) -> Running {
    let own = std::env::current_exe().expect("own path").display().to_string();
    let mut command = Command::new("unshare");
    if !nix::unistd::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["--pid", "--fork", "--mount-proc", "--kill-child", "--"]);
    if place == Place::Beside {
        command.args([&own, "host", &scratch.file("end")]);
    }
    command.args([&own, "stamp", &scratch.file("start")]).args(words);
    command.current_dir(scratch.path()).env_remove("NOTIFY_SOCKET");
    command.stdin(Stdio::null()).stdout(stdout).stderr(Stdio::null());
    let unshare = command.spawn().expect("unshare can be started");
    Running { scratch, unshare, place }
}

/// `host FILE COMMAND…` as PID 1: runs the command, notes in the file when it was over.
pub fn host(words: &[String]) -> ! {
    let [file, program, arguments @ ..] = words else { panic!("host FILE COMMAND…") };
    let child = Command::new(program).args(arguments).spawn().expect("the command can be started");
    let child = i32::try_from(child.id()).unwrap();
    while wait().expect("there is a child").pid().is_none_or(|pid| pid.as_raw() != child) {}
    fs::write(file, clock::now().to_string()).expect("the end can be written");
    exit(0);
}

impl Running {
    /// The supervisor's process id, as seen from here.
    pub fn pid(&self) -> i32 {
        let unshare = i32::try_from(self.unshare.id()).unwrap();
        let child = |of: i32| until("a child", SOON, || processes::children(of).first().map(|child| child.pid));
        match self.place {
            Place::First => child(unshare),
            Place::Beside => child(child(unshare)),
        }
    }

    /// When it was executed.
    pub fn started(&self) -> u64 {
        clock::marks(&self.scratch, "start").first().copied().expect("it was stamped")
    }

    /// Waits for its end and says when that was.
    pub fn ended(&mut self) -> io::Result<u64> {
        match self.place {
            // unshare ends right after its child.
            Place::First => self.unshare.wait().map(|_| clock::now()),
            Place::Beside => {
                let end = || clock::marks(&self.scratch, "end").first().copied();
                Ok(until("the supervisor's end", SOON * 2, end))
            }
        }
    }

    /// Waits until this many marks are in a file, and gives them.
    pub fn wait_for_marks(&self, file: &str, count: usize) -> Vec<u64> {
        until(&format!("{count} marks in {file}"), SOON * 2, || {
            let marks = clock::marks(&self.scratch, file);
            (marks.len() >= count).then_some(marks)
        })
    }

    /// Its output, if that was piped.
    pub fn stdout(&mut self) -> ChildStdout {
        self.unshare.stdout.take().expect("its output is piped")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let unshare = i32::try_from(self.unshare.id()).unwrap();
        let first = processes::children(unshare);
        let _ = self.unshare.kill();
        let _ = self.unshare.wait();
        // The kernel ends the rest; the next measurement must not share the machine with that.
        for process in first {
            until("the namespace to be gone", SOON, || (!processes::alive(process.pid)).then_some(()));
        }
    }
}
