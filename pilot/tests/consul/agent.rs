//! A real Consul agent.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use pilot_core::plan::{Consul, Service};
use serde_json::Value;

use crate::consul_at;
use crate::support::{Folder, Running, free_port, until};

/// A real agent in dev mode: no state on disk, so a restart forgets everything.
pub struct Agent {
    pub port: u16,
    pub folder: Folder,
    extra: String,
    process: Option<Running>,
}

impl Agent {
    pub async fn start() -> Self {
        Agent::start_with("").await
    }

    pub async fn start_with(extra: &str) -> Self {
        let mut agent =
            Agent { port: free_port(), folder: Folder::new("consul"), extra: extra.to_owned(), process: None };
        agent.run().await;
        agent
    }

    pub async fn run(&mut self) {
        let config = self.folder.file("extra.hcl", &self.extra);
        let [server, lan, wan] = [free_port(), free_port(), free_port()].map(|port| port.to_string());
        let log = std::fs::File::create(self.folder.0.join("log")).unwrap();
        let child = Command::new(consul_binary())
            .args(["agent", "-dev", "-node", "test", "-bind", "127.0.0.1", "-client", "127.0.0.1"])
            .args(["-dns-port", "-1", "-grpc-port", "-1", "-http-port", &self.port.to_string()])
            .args(["-server-port", &server, "-serf-lan-port", &lan, "-serf-wan-port", &wan])
            .args(["-hcl", "disable_update_check = true performance { raft_multiplier = 1 }"])
            .arg("-config-file")
            .arg(config)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("consul starts");
        self.process = Some(Running(child));
        until("consul has a leader and knows its own node", Duration::from_secs(30), async || {
            let log = std::fs::read_to_string(self.folder.0.join("log")).unwrap_or_default();
            log.contains("Synced node info") || log.contains("Node info in sync")
        })
        .await;
    }

    pub fn stop(&mut self) {
        self.process = None;
    }

    pub fn consul(&self) -> Consul {
        consul_at(&format!("http://127.0.0.1:{}", self.port))
    }

    pub async fn get(&self, path: &str) -> Value {
        let url = format!("http://127.0.0.1:{}/v1/{path}", self.port);
        serde_json::from_slice(&browser().get(url).send().await.unwrap().bytes().await.unwrap()).unwrap()
    }

    pub async fn put(&self, path: &str, body: String) {
        let url = format!("http://127.0.0.1:{}/v1/{path}", self.port);
        let answer = browser().put(url).body(body).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    }

    pub async fn status_of(&self, service: &Service) -> Option<String> {
        let checks = self.get("agent/checks").await;
        checks[format!("service:{}", service.id)]["Status"].as_str().map(str::to_owned)
    }
}

fn consul_binary() -> PathBuf {
    if let Some(path) = std::env::var_os("PILOT_CONSUL") {
        return path.into();
    }
    let in_path = std::env::var_os("PATH").and_then(|path| {
        std::env::split_paths(&path).map(|folder| folder.join("consul")).find(|candidate| candidate.is_file())
    });
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let in_tools =
        above.map(|folder| folder.join(".tools/consul/usr/bin/consul")).find(|candidate| candidate.is_file());
    in_path.or(in_tools).expect(
        "no consul: set PILOT_CONSUL, put it in PATH, or unpack Debian bullseye's package (apt-get download consul, \
         dpkg -x) into .tools/consul of the workspace",
    )
}

pub fn browser() -> reqwest::Client {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    reqwest::Client::builder().tls_certs_only([]).no_proxy().build().unwrap()
}
