//! A real Chromium without a window, asked over its DevTools protocol: JSON messages through two named pipes.
//!
//! What a script in a page may do is the page's policy; what is asked here goes past it, as a person's developer tools do.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use serde_json::{Value, json};

use crate::{SOON, Scratch, processes, tools};

/// Chromium is slow to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// One page in a browser of its own; dropping it ends the browser.
pub struct Browser {
    child: Child,
    to: File,
    from: Receiver<Value>,
    session: Option<String>,
    number: u64,
    events: VecDeque<Value>,
    _scratch: Scratch,
}

impl Browser {
    /// Starts Chromium with an empty page.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Browser {
        let program = tools::find(&["chromium-headless-shell", "chromium", "chromium-browser"]);
        let scratch = Scratch::new();
        let (to, from) = (pipe(scratch.path(), "to"), pipe(scratch.path(), "from"));
        // The protocol is spoken on descriptors 3 and 4, which a shell can set. Its own sandbox needs what containers forbid.
        let script = r#"exec "$1" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run \
            --disable-component-update --disable-background-networking --user-data-dir="$2/profile" \
            --remote-debugging-pipe about:blank 3<"$2/to" 4>"$2/from""#;
        let folder = scratch.path().display().to_string();
        let child = Command::new("sh")
            .args(["-c", script, "sh", &program, &folder])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("a shell can be started");
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            for message in BufReader::new(from).split(0).map_while(Result::ok) {
                let message = serde_json::from_slice(&message).unwrap_or(Value::Null);
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let events = VecDeque::new();
        let mut browser = Browser { child, to, from: receiver, session: None, number: 0, events, _scratch: scratch };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = browser.call("Target.attachToTarget", attach);
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Log", "Network", "Runtime"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser
    }

    /// Looks through a window of this size, as a phone or as a desktop.
    pub fn resize(&mut self, width: u32, height: u32, mobile: bool) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile });
        self.call("Emulation.setDeviceMetricsOverride", size);
    }

    /// Opens a page and waits until it is loaded.
    pub fn open(&mut self, url: &str) {
        self.events.clear();
        self.call("Page.navigate", json!({ "url": url }));
        let began = Instant::now();
        while !self.events.iter().any(|event| event["method"] == "Page.loadEventFired") {
            self.receive(began);
        }
    }

    /// The value of an expression in the page.
    pub fn value(&mut self, expression: &str) -> Value {
        let answer = self.call("Runtime.evaluate", json!({ "expression": expression, "returnByValue": true }));
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Everything the page has asked the network for since it was opened.
    pub fn requests(&self) -> Vec<String> {
        let of = |event: &Value| event["params"]["request"]["url"].as_str().map(str::to_owned);
        self.events.iter().filter(|event| event["method"] == "Network.requestWillBeSent").filter_map(of).collect()
    }

    /// What the browser complains about: violations of the page's policy, scripts that fail, things that do not load.
    pub fn complaints(&self) -> Vec<String> {
        let complains = |event: &&Value| {
            ["Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Network.loadingFailed"]
                .iter()
                .any(|method| event["method"] == *method)
        };
        self.events.iter().filter(complains).map(Value::to_string).collect()
    }

    /// Sends a command and waits for its result.
    fn call(&mut self, method: &str, params: Value) -> Value {
        self.number += 1;
        let mut message = json!({ "id": self.number, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        self.to.write_all(format!("{message}\0").as_bytes()).expect("Chromium listens");
        let began = Instant::now();
        loop {
            if let Some(answer) = self.receive(began).filter(|answer| answer["id"] == json!(self.number)) {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].clone();
            }
        }
    }

    /// Takes the next message: an event is kept, an answer is given.
    fn receive(&mut self, began: Instant) -> Option<Value> {
        match self.from.recv_timeout(PATIENCE.saturating_sub(began.elapsed())) {
            Ok(message) if message["id"].is_null() => {
                self.events.push_back(message);
                None
            }
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Timeout) => panic!("Chromium does not answer"),
            Err(RecvTimeoutError::Disconnected) => panic!("Chromium has ended"),
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Asked first, so that it does not write into its folder while that is being removed.
        let _ = self.to.write_all(b"{\"id\":0,\"method\":\"Browser.close\"}\0");
        let asked = Instant::now();
        while asked.elapsed() < SOON && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(5));
        }
        if let Ok(group) = i32::try_from(self.child.id()) {
            processes::signal(-group, Signal::SIGKILL);
        }
        let _ = self.child.wait();
    }
}

/// A named pipe, opened for both directions, so that nobody waits for the other end.
fn pipe(folder: &Path, name: &str) -> File {
    let path = folder.join(name);
    mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).expect("a pipe can be made");
    OpenOptions::new().read(true).write(true).open(path).expect("a pipe can be opened")
}
