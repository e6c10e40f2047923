//! The control socket from outside: pilot's own binary as a client, and requests by hand.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::http::{Answer, parse};
use crate::pilot::Pilot;
use crate::tools;

/// What a client said and how it ended.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Exit code.
    pub code: i32,
    /// Its stdout.
    pub out: String,
    /// Its stderr.
    pub err: String,
}

/// Runs pilot as a client with these words.
pub fn client(words: &[&str]) -> Asked {
    run(Command::new(tools::pilot()).args(words).env_remove("CONTAINERPILOT").env_remove("PILOT_SOCKET"))
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Asked {
    let done = command.stdin(Stdio::null()).output().expect("the program can be started");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Asked { code: done.status.code().unwrap_or(-1), out: text(&done.stdout), err: text(&done.stderr) }
}

impl Pilot {
    /// Its control socket, as the harness configures it.
    pub fn socket(&self) -> PathBuf {
        self.scratch.path().join("control.socket")
    }

    /// Runs pilot as a client of this one, with `--socket`.
    pub fn ask(&self, words: &[&str]) -> Asked {
        let socket = self.socket().display().to_string();
        client(&[words, &["--socket", &socket]].concat())
    }

    /// The same, which must succeed; its stdout.
    #[track_caller]
    pub fn asked(&self, words: &[&str]) -> String {
        let asked = self.ask(words);
        assert_eq!((asked.code, asked.err.as_str()), (0, ""), "{words:?}\n--- pilot said:\n{}", self.log());
        asked.out
    }

    /// What `pilot jobs JOB --json` says.
    #[track_caller]
    pub fn job(&self, name: &str) -> Value {
        serde_json::from_str(&self.asked(&["jobs", name, "--json"])).unwrap_or(Value::Null)
    }

    /// An open connection to its socket.
    pub fn connection(&self) -> UnixStream {
        let stream = UnixStream::connect(self.socket()).expect("the control socket is served");
        stream.set_read_timeout(Some(Duration::from_secs(15))).expect("a time-out can be set");
        stream
    }

    /// A request by hand.
    ///
    /// # Errors
    /// When nobody answers, or not in HTTP.
    pub fn control(&self, method: &str, path: &str, body: &str) -> io::Result<Answer> {
        let mut stream = self.connection();
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: control\r\nContent-Length: {}\r\n\r\n{body}", body.len())?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes)?;
        parse(&bytes)
    }
}
