//! A real registry (Debian's docker-registry) on 127.0.0.1, which engines take without TLS.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::command::run;
use crate::wait::{SOON, until};
use crate::{Running, Scratch, http, ports, tools};

/// Who may log in to a registry that asks.
pub const USER: &str = "pusher";
/// The password.
pub const PASSWORD: &str = "pa$$ word";

/// Who is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Open,
    /// [`USER`] with [`PASSWORD`].
    Login,
}

/// What it remembers of what it stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// It looks at its disk.
    Disk,
    /// It believes what it once knew: after a garbage collection that is wrong.
    Cached,
}

/// A registry; dropping it ends it and deletes what it stores.
#[derive(Debug)]
pub struct Registry {
    scratch: Scratch,
    port: u16,
    process: Option<Running>,
}

impl Registry {
    /// Starts one.
    #[track_caller]
    pub fn with(access: Access, memory: Memory) -> Registry {
        let mut registry = Registry { scratch: Scratch::new(), port: ports::free(), process: None };
        let store = registry.scratch.file("store");
        let cache = if memory == Memory::Cached { "\n  cache: {blobdescriptor: inmemory}" } else { "" };
        let mut config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage:\n  filesystem: {{rootdirectory: {store}}}\n  \
             delete: {{enabled: true}}{cache}\nhttp: {{addr: 127.0.0.1:{}}}\n",
            registry.port
        );
        if access == Access::Login {
            let line = run(Command::new(tools::find(&["htpasswd"])).args(["-Bbn", USER, PASSWORD])).success();
            let file = registry.scratch.write("htpasswd", &line);
            config.push_str(&format!("auth: {{htpasswd: {{realm: test, path: {file}}}}}\n"));
        }
        registry.scratch.write("config.yml", &config);
        registry.begin();
        registry
    }

    /// Starts the process on what is stored; waits until it answers.
    #[track_caller]
    pub fn begin(&mut self) {
        let log = File::create(self.scratch.path().join("log")).expect("a log file can be made");
        let child = Command::new(tools::find(&["docker-registry"]))
            .args(["serve", &self.scratch.file("config.yml")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("docker-registry can be started");
        self.process = Some(Running(child));
        until("the registry to answer", SOON, || http::get(self.port, "/v2/").ok());
    }

    /// Ends the process; what is stored stays.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// The name of a repository in it.
    pub fn repository(&self, name: &str) -> String {
        format!("127.0.0.1:{}/{name}", self.port)
    }

    /// `GET` of its API as JSON.
    pub fn get(&self, path: &str) -> Value {
        let body = http::get(self.port, path).map(|answer| answer.body).unwrap_or_default();
        serde_json::from_str(&body).unwrap_or(Value::Null)
    }

    /// The tags of a repository, sorted.
    pub fn tags(&self, name: &str) -> Vec<String> {
        let list = self.get(&format!("/v2/{name}/tags/list"));
        let tags = list["tags"].as_array().cloned().unwrap_or_default();
        let mut tags: Vec<_> = tags.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        tags.sort();
        tags
    }

    /// The digest that it serves under a tag, read from its headers and so by none of the tools under test.
    pub fn digest(&self, name: &str, tag: &str) -> Option<String> {
        // The body's connection is closed by us; the header is all that is read.
        let path = format!("/v2/{name}/manifests/{tag}");
        let mut curl = Command::new(tools::find(&["curl"]));
        // Asked for images only, it answers with one out of a list.
        for kind in ["manifest.v2", "manifest.list.v2"] {
            curl.args(["-H", &format!("Accept: application/vnd.docker.distribution.{kind}+json")]);
        }
        curl.arg("-fsSI");
        let said = run(curl.arg(format!("http://127.0.0.1:{}{path}", self.port)));
        said.out
            .lines()
            .find_map(|line| line.strip_prefix("Docker-Content-Digest: "))
            .map(|rest| rest.trim().to_owned())
    }

    /// Deletes a manifest, and with it every tag on it.
    pub fn delete(&self, name: &str, digest: &str) {
        let answer = http::request(self.port, "DELETE", &format!("/v2/{name}/manifests/{digest}"), "");
        assert!(answer.as_ref().is_ok_and(|answer| answer.status == 202), "{answer:?}");
    }

    /// Removes what no tag leads to from the disk, while the registry runs.
    pub fn collect_garbage(&self) {
        let config = self.scratch.file("config.yml");
        run(Command::new(tools::find(&["docker-registry"])).args(["garbage-collect", &config])).success();
    }

    /// A layer's or manifest's bytes on the disk, gone.
    pub fn lose(&self, digest: &str) {
        let hash = digest.trim_start_matches("sha256:");
        let folder = Path::new(&self.scratch.file("store")).join("docker/registry/v2/blobs/sha256");
        std::fs::remove_dir_all(folder.join(&hash[..2]).join(hash)).unwrap_or_else(|error| panic!("{digest}: {error}"));
    }
}
