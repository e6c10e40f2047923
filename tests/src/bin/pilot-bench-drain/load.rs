//! wrk at a steady pace, and what it counted. A request fails by its status, or by a connection that is refused or breaks.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use pilot_tests::{Scratch, tools};

/// A pause before each request of each connection: some 1,500 requests a second.
const PAUSE_MS: u32 = 10;
const CONNECTIONS: u32 = 16;

/// What was counted.
#[derive(Debug)]
pub struct Figures {
    pub requests: u64,
    connect: u64,
    read: u64,
    write: u64,
    status: u64,
    timeout: u64,
    pub longest: Duration,
}

impl Figures {
    /// Everything that a client would call an error.
    pub fn failed(&self) -> u64 {
        self.connect + self.read + self.write + self.status + self.timeout
    }
}

/// wrk at work.
pub struct Load {
    child: Child,
    _scratch: Scratch,
}

/// Starts it for this many seconds: a page and, by turns, one from the database.
pub fn start(front: u16, seconds: u64, kept: bool) -> Load {
    let scratch = Scratch::new();
    let header = if kept { "" } else { "wrk.headers['Connection'] = 'close'\n" };
    let script = scratch.write(
        "load.lua",
        &format!(
            "{header}local turn = 0\nfunction delay() return {PAUSE_MS} end\n\
             function request()\n turn = turn + 1\n return wrk.format('GET', turn % 2 == 0 and '/' or '/users')\nend\n\
             function done(sum, latency)\n local e = sum.errors\n\
             io.write(string.format('FIGURES %d %d %d %d %d %d %d\\n', sum.requests, e.connect, e.read, e.write, e.status, \
             e.timeout, latency.max))\nend\n"
        ),
    );
    let child = Command::new(tools::find(&["wrk"]))
        .args(["-t1", "--timeout", "10s", "-s", &script, &format!("-c{CONNECTIONS}"), &format!("-d{seconds}s")])
        .arg(format!("http://127.0.0.1:{front}/"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("wrk can be started");
    Load { child, _scratch: scratch }
}

impl Load {
    /// Waits for its end.
    pub fn figures(self) -> Figures {
        let output = self.child.wait_with_output().expect("wrk's output can be read");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = text.lines().find_map(|line| line.strip_prefix("FIGURES "));
        let numbers: Vec<u64> = line.unwrap_or_default().split(' ').filter_map(|number| number.parse().ok()).collect();
        let [requests, connect, read, write, status, timeout, longest] = numbers[..] else {
            panic!("wrk's figures are missing:\n{text}")
        };
        assert!(requests > 0, "wrk got no answer:\n{text}");
        Figures { requests, connect, read, write, status, timeout, longest: Duration::from_micros(longest) }
    }
}
