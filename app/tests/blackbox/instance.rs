//! One running application: a process with an environment of its own, ended with the test.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sys::signal::Signal;
use pilot_test_support::Running;

use crate::eventually;
use crate::http::{self, Answer, FORM, Request};

/// The program, without any environment but the given.
pub fn program(directory: &Path, environment: &[(&str, &str)]) -> Command {
    in_directory(Command::new(env!("CARGO_BIN_EXE_app")), directory, environment)
}

fn in_directory(mut command: Command, directory: &Path, environment: &[(&str, &str)]) -> Command {
    command.current_dir(directory).env_clear().envs([("BIND", "127.0.0.1"), ("PORT", "0")]);
    command.envs(environment.iter().copied()).stdin(Stdio::null());
    command
}

/// A started application.
pub struct Instance {
    process: Running,
    log: PathBuf,
    pub address: SocketAddr,
}

impl Instance {
    /// Starts it and waits until it listens, not until it is ready.
    pub fn start(directory: &Path, environment: &[(&str, &str)]) -> Self {
        Self::run(program(directory, environment), directory)
    }

    fn run(mut program: Command, directory: &Path) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let log = directory.join(format!("app-{}.log", COUNT.fetch_add(1, Ordering::Relaxed)));
        let file = File::create(&log).unwrap();
        let error = file.try_clone().unwrap();
        let child = program.stdout(file).stderr(error).spawn().unwrap();
        let mut instance = Self { process: Running(child), log, address: ([127, 0, 0, 1], 0).into() };
        instance.address = eventually("the application listens", || {
            let log = instance.log();
            log.lines().find_map(|line| line.split_once("listening on ")?.1.parse().ok())
        });
        instance
    }

    /// The same in a process that may not open more files than this, ready.
    pub fn start_with_files(directory: &Path, files: u32) -> Self {
        let mut shell = Command::new("sh");
        let script = format!("ulimit -n {files}; exec \"$0\"");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_app")]);
        let instance = Self::run(in_directory(shell, directory, &[]), directory);
        instance.wait_ready();
        instance
    }

    /// Starts it and waits until it is ready.
    pub fn start_ready(directory: &Path, environment: &[(&str, &str)]) -> Self {
        let instance = Self::start(directory, environment);
        instance.wait_ready();
        instance
    }

    pub fn wait_ready(&self) {
        eventually("the application is ready", || (self.get("/ready").status == 200).then_some(()));
    }

    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    pub fn send(&self, bytes: &[u8]) -> Answer {
        Request::begin(self.address, bytes).unwrap().answer().unwrap()
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send(&http::request("GET", path, "", b""))
    }

    pub fn post(&self, body: impl AsRef<[u8]>) -> Answer {
        self.send(&http::request("POST", "/create", FORM, body.as_ref()))
    }

    /// Creates a user; where the answer leads is the outcome.
    pub fn create(&self, username: &str) -> String {
        let answer = self.post(format!("username={username}"));
        assert_eq!(answer.status, 302);
        answer.header("location").unwrap().to_owned()
    }

    /// The names of all users, page by page.
    pub fn usernames(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut after = 0;
        loop {
            let page = self.get(&format!("/users?limit=100&after={after}")).json();
            let users = page["users"].as_array().unwrap();
            names.extend(users.iter().map(|user| user["username"].as_str().unwrap().to_owned()));
            match page["next"].as_i64() {
                Some(next) => after = next,
                None => return names,
            }
        }
    }

    /// The value of a metric, by the beginning of its line.
    pub fn metric(&self, name: &str) -> Option<f64> {
        let text = self.get("/metrics").body;
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
    }

    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        self.process.0.try_wait().unwrap()
    }

    pub fn wait_exit_code(&mut self) -> Option<i32> {
        eventually("the application ends", || self.has_ended()).code()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the application's log:\n{}", self.log());
        }
    }
}
