//! A container engine of a test's own: a `dockerd` with its data, socket and networks in the test's directory.
//!
//! The test's thread moves into a network namespace of its own before, and everything that it starts afterwards with it: so
//! the engine meets no other engine's bridges and firewall rules, and leaves none. Containers have names and addresses in
//! networks that a test makes; there is no way out of them, so that nothing can be pulled.

use std::fs::{self, File};
use std::process::{Child, Command, Stdio};

use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::command::{Finished, run};
use crate::wait::{SOON, until};
use crate::{Scratch, http, processes, tools};

/// An engine; dropping it removes its containers, ends it and deletes what it stored.
#[derive(Debug)]
pub struct Engine {
    scratch: Scratch,
    child: Child,
}

impl Engine {
    /// Starts an engine and waits until it answers. From here on this thread has no network but the engine's and loopback.
    pub fn start() -> Engine {
        unshare(CloneFlags::CLONE_NEWNET).expect("tests with containers are run by root");
        run(Command::new(tools::find(&["ip"])).args(["link", "set", "lo", "up"])).success();
        let scratch = Scratch::new();
        let log = File::create(scratch.path().join("dockerd.log")).expect("a log file can be made");
        let child = Command::new(tools::find(&["dockerd"]))
            .arg(format!("--data-root={}", scratch.file("data")))
            .arg(format!("--exec-root={}", scratch.file("exec")))
            .arg(format!("--pidfile={}", scratch.file("pid")))
            .arg(format!("--host=unix://{}", scratch.file("sock")))
            .args(["--iptables=false", "--ip6tables=false", "--log-level=warn"])
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

    /// `GET` of a path from a container; `None` while it does not answer.
    pub fn get(&self, container: &str, port: u16, path: &str) -> Option<http::Answer> {
        let address = self.address(container);
        http::get_from(&address, port, path).ok()
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
    pub fn docker(&self, words: &[&str]) -> Finished {
        run(self.command().args(words))
    }

    /// `inspect` of an image or a container.
    #[track_caller]
    pub fn inspect(&self, name: &str) -> Value {
        let text = self.docker(&["inspect", name]).success();
        let mut list: Vec<Value> = serde_json::from_str(&text).expect("docker inspect prints JSON");
        list.remove(0)
    }

    /// Starts one of this machine's own programs in a container, with this machine's libraries: no base image is needed for
    /// a database or an agent that has a name in a network.
    #[track_caller]
    pub fn run_from_here(&self, name: &str, network: &str, mounts: &[&str], command: &[&str]) {
        let folder = Scratch::new();
        folder.write("Dockerfile", "FROM scratch\nCOPY Dockerfile /\n");
        self.docker(&["build", "-q", "-t", "pilot-test/empty", &folder.path().display().to_string()]).success();
        let mut words = vec!["run", "-d", "--name", name, "--network", network, "--user", "0:0"];
        for mount in ["/usr:/usr:ro", "/usr/lib:/lib:ro", "/usr/lib64:/lib64:ro", "/etc/passwd:/etc/passwd:ro"]
            .iter()
            .chain(mounts)
        {
            words.extend(["-v", mount]);
        }
        words.push("pilot-test/empty");
        self.docker(&[&words[..], command].concat()).success();
    }

    /// A client whose `build` is BuildKit without a plugin: a newer one does as it is told only with buildx.
    pub fn buildkit_client(&self) -> String {
        let folders = std::env::var("PATH").unwrap_or_default();
        let clients = folders.split(':').chain(["/usr/bin"]).map(|folder| format!("{folder}/docker"));
        let empty = Scratch::new();
        empty.write("Dockerfile", "FROM scratch\nCOPY Dockerfile /\n");
        for client in clients.filter(|path| std::path::Path::new(path).is_file()) {
            let mut build = Command::new(&client);
            build.env("DOCKER_HOST", self.host()).env("DOCKER_BUILDKIT", "1").args(["build", "-q"]);
            if run(build.arg(empty.path())).succeeded() {
                return client;
            }
        }
        panic!("no docker client here builds with BuildKit: scripts/install-tools.sh test (docker.io), or add buildx")
    }

    /// The IPv4 address of a running container in its only network.
    #[track_caller]
    pub fn address(&self, container: &str) -> String {
        let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        self.docker(&["inspect", "-f", format, container]).success()
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
