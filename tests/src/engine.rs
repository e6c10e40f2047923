//! A container engine of a test's own: a `dockerd` with its data, socket and networks in the test's directory.
//!
//! It touches neither another engine on the machine nor the machine's firewall: no default bridge, no iptables. Containers
//! talk to each other in networks that a test makes; the test reaches them by their addresses.

use std::fs::{self, File};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::command::{Said, run};
use crate::wait::{SOON, until};
use crate::{Scratch, processes, tools};

/// An engine; dropping it removes its containers, ends it and deletes what it stored.
#[derive(Debug)]
pub struct Engine {
    scratch: Scratch,
    child: Child,
}

impl Engine {
    /// Starts an engine and waits until it answers.
    #[allow(clippy::expect_used)]
    pub fn start() -> Engine {
        let scratch = Scratch::new();
        let log = File::create(scratch.path().join("dockerd.log")).expect("a log file can be made");
        let child = Command::new(tools::find(&["dockerd"]))
            .arg(format!("--data-root={}", scratch.file("data")))
            .arg(format!("--exec-root={}", scratch.file("exec")))
            .arg(format!("--pidfile={}", scratch.file("pid")))
            .arg(format!("--host=unix://{}", scratch.file("sock")))
            .args(["--bridge=none", "--iptables=false", "--ip6tables=false", "--log-level=warn"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("dockerd can be started");
        let mut engine = Engine { scratch, child };
        until("the engine to answer", SOON * 2, || {
            let ended = engine.child.try_wait().ok().flatten();
            assert!(ended.is_none(), "dockerd ended: {}", engine.scratch.lines("dockerd.log").join("\n"));
            run(engine.command().arg("info")).succeeded().then_some(())
        });
        engine
    }

    /// Where it listens, as `DOCKER_HOST` says it.
    pub fn host(&self) -> String {
        format!("unix://{}", self.scratch.file("sock"))
    }

    /// The client, pointed at this engine and without anybody's logins.
    pub fn command(&self) -> Command {
        let mut command = Command::new(tools::find(&["docker"]));
        command.env("DOCKER_HOST", self.host()).env("DOCKER_CONFIG", self.scratch.file("config"));
        command
    }

    /// Runs the client.
    pub fn docker(&self, words: &[&str]) -> Said {
        run(self.command().args(words))
    }

    /// `inspect` of an image or a container.
    #[track_caller]
    #[allow(clippy::expect_used)]
    pub fn inspect(&self, name: &str) -> Value {
        let text = self.docker(&["inspect", name]).well();
        let mut list: Vec<Value> = serde_json::from_str(&text).expect("docker inspect prints JSON");
        list.remove(0)
    }

    /// The IPv4 address of a running container in its only network.
    #[track_caller]
    pub fn address(&self, container: &str) -> String {
        let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        self.docker(&["inspect", "-f", format, container]).well()
    }

    /// What a container has written so far, both streams.
    pub fn logs(&self, container: &str) -> String {
        let said = self.docker(&["logs", container]);
        format!("{}\n{}", said.out, said.err)
    }

    /// Waits until a container has written this.
    #[track_caller]
    pub fn wait_for_log(&self, container: &str, text: &str) {
        let mut logs = String::new();
        let started = std::time::Instant::now();
        while started.elapsed() < SOON * 2 {
            logs = self.logs(container);
            if logs.contains(text) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        assert!(logs.contains(text), "waited in vain for {text:?} from {container}, which wrote:\n{logs}");
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let containers = self.docker(&["ps", "-aq"]).out;
        if !containers.is_empty() {
            let _ = run(self.command().args(["rm", "-fv"]).args(containers.lines()));
        }
        let _ = self.docker(&["network", "prune", "-f"]);
        processes::signal(i32::try_from(self.child.id()).unwrap_or(0), Signal::SIGTERM);
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            until("dockerd to end", SOON, || self.child.try_wait().ok().flatten());
        }));
        if ended.is_err() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        // What it may have left mounted would keep its directory from being removed.
        let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
        let own = self.scratch.path().display().to_string();
        for mount in mounts.lines().filter_map(|line| line.split(' ').nth(1)).filter(|path| path.starts_with(&own)) {
            let _ = run(Command::new("umount").args(["-l", mount]));
        }
    }
}
