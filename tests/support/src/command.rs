//! Programs that a test runs to their end, and what they said.

use std::process::{Command, Stdio};

/// What a program left behind.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Exit code; 128 + n after a signal is not made up, it is -1.
    pub code: i32,
    /// Its stdout, without the last newline.
    pub out: String,
    /// Its stderr, without the last newline.
    pub err: String,
}

impl Finished {
    /// Whether it ended with 0.
    pub fn succeeded(&self) -> bool {
        self.code == 0
    }

    /// Its stdout; the test fails when it ended with anything but 0.
    #[track_caller]
    pub fn success(self) -> String {
        assert!(self.succeeded(), "ended with {}:\n{}\n{}", self.code, self.out, self.err);
        self.out
    }

    /// Everything that it said; the test fails when it ended with 0.
    #[track_caller]
    pub fn failure(self) -> String {
        assert!(!self.succeeded(), "should have failed:\n{}\n{}", self.out, self.err);
        format!("{}\n{}", self.out, self.err)
    }
}

/// Runs a command, without stdin.
pub fn run(command: &mut Command) -> Finished {
    let output = command.stdin(Stdio::null()).output().expect("the program can be started");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end_matches('\n').to_owned();
    Finished { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
}
