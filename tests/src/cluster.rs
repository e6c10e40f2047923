//! Three Consul servers on three machines, as `consul/` runs them: each under a pilot that is PID 1, with ACLs, gossip key
//! and TLS. Only Consul's timing is another: a test does not wait for the patience of a large network.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::{Value, json};

use crate::command::{Finished, run};
use crate::network::{Machine, Network};
use crate::wait::{SOON, until};
use crate::{Pilot, Scratch, http, tools};

/// A cluster; dropping it kills it.
#[derive(Debug)]
pub struct Cluster {
    /// `server-1` to `server-3`.
    pub servers: Vec<Member>,
    /// The wire between all of them.
    pub network: Network,
    secrets: Scratch,
}

/// A machine with Consul on it.
#[derive(Debug)]
pub struct Member {
    /// The pilot that runs Consul, PID 1; `None` while the machine is off.
    pub pilot: Option<Pilot>,
    /// Its place in the network.
    pub machine: Machine,
    /// What stays when it is off.
    pub disk: Scratch,
    /// Its name in the cluster.
    pub name: String,
}

/// A file of the repository's folder `consul`.
pub fn file(name: &str) -> String {
    tools::repository().join("consul").join(name).display().to_string()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).expect("a file that was just made can be read")
}

/// PATH with Consul on it.
pub fn path_with_consul() -> String {
    let consul = tools::find(&["consul"]);
    let folder = consul.rsplit_once('/').map_or("", |(folder, _)| folder);
    format!("{}:{folder}", std::env::var("PATH").unwrap_or_default())
}

impl Cluster {
    /// Starts three servers and waits until they have a leader, policies and tokens.
    pub fn start() -> Cluster {
        let mut cluster = Cluster::prepare();
        for number in 0..3 {
            cluster.begin(number);
        }
        for number in 0..3 {
            let said = "policies and tokens are as the files say";
            // A server that was shown a token before it existed refuses it for 30 s more.
            cluster.pilot(number).wait_for_within(said, SOON * 5);
        }
        cluster
    }

    /// Secrets and machines; nothing runs yet.
    pub fn prepare() -> Cluster {
        let mut network = Network::new();
        let secrets = Scratch::new();
        let mut make = Command::new(file("make-secrets.sh"));
        run(make.env("PATH", path_with_consul()).arg(secrets.file("made"))).success();
        for role in ["server", "agent"] {
            let path = secrets.file(&format!("made/{role}/config.json"));
            let mut config: Value = serde_json::from_str(&read(&path)).unwrap_or_default();
            config["performance"] = json!({ "raft_multiplier": 1 });
            config["autopilot"] = json!({ "server_stabilization_time": "1s" });
            config["gossip_lan"] = json!({
                "probe_interval": "200ms", "probe_timeout": "100ms", "gossip_interval": "50ms", "suspicion_mult": 2,
            });
            secrets.write(&format!("made/{role}/config.json"), &config.to_string());
        }
        let servers = (1..=3).map(|number| Member::new(&mut network, &format!("server-{number}"))).collect();
        Cluster { servers, network, secrets }
    }

    /// A file that `make-secrets.sh` has made.
    pub fn secret(&self, name: &str) -> String {
        read(&self.secrets.file(&format!("made/{name}"))).trim().to_owned()
    }

    /// The secret of a token, by the name of its policy.
    pub fn token(&self, name: &str) -> String {
        let tokens = self.secret("server/tokens");
        let mut found = tokens.lines().filter_map(|line| line.split_once(' ')).filter(|(of, _)| *of == name);
        found.next().expect("make-secrets.sh has made that token").1.to_owned()
    }

    /// Starts a server, with what is on its disk. Its secrets come as variables on the first, as ECS gives them, and as
    /// files on the others.
    pub fn begin(&mut self, number: usize) {
        let join = self.join();
        let mut variables = vec![("CONSUL_SECRETS", self.secrets.file("made/server"))];
        if number == 0 {
            let handed: Value = serde_json::from_str(&self.secret("server-secret.json")).unwrap_or_default();
            let text = |key: &str| handed[key].as_str().unwrap_or_default().to_owned();
            variables = vec![
                ("CONSUL_SECRETS", self.servers[number].disk.file("secrets")),
                ("CONSUL_CONFIG", self.secret("server/config.json")),
                ("CONSUL_CA_PEM", text("ca")),
                ("CONSUL_CERT_PEM", text("cert")),
                ("CONSUL_KEY_PEM", text("key")),
                ("CONSUL_TOKENS", text("tokens")),
                ("CONSUL_HTTP_TOKEN", text("snapshot_token")),
            ];
        }
        self.servers[number].begin("server.json5", &join, &variables);
    }

    /// A machine more, with the agent as `consul/agent.json5` runs it, under this name.
    pub fn agent(&mut self, name: &str) -> Member {
        let mut agent = Member::new(&mut self.network, name);
        self.begin_agent(&mut agent);
        until("the agent to know a leader", SOON * 5, || agent.get("", "/v1/status/leader"));
        agent
    }

    /// The same, with other secrets than the ones that were made for it: a map of the files' names to their contents.
    pub fn agent_with(&mut self, name: &str, change: impl FnOnce(&mut BTreeMap<String, String>)) -> Member {
        let names = ["config.json", "ca.pem"].map(str::to_owned);
        let mut secrets = names.map(|name| (name.clone(), self.secret(&format!("agent/{name}")))).into();
        change(&mut secrets);
        let mut agent = Member::new(&mut self.network, name);
        for (name, content) in &secrets {
            agent.disk.write(name, content);
        }
        let folder = agent.disk.path().display().to_string();
        agent.begin("agent.json5", &self.join(), &[("CONSUL_SECRETS", folder)]);
        agent
    }

    /// Starts an agent, with what is on its disk.
    pub fn begin_agent(&self, agent: &mut Member) {
        agent.begin("agent.json5", &self.join(), &[("CONSUL_SECRETS", self.secrets.file("made/agent"))]);
    }

    /// Puts another machine in the place of a server: the same name at another address, with the old one's disk or an empty one.
    pub fn replace(&mut self, number: usize, with_its_disk: bool) {
        let name = self.servers[number].name.clone();
        let new = Member::new(&mut self.network, &name);
        let old = std::mem::replace(&mut self.servers[number], new);
        if with_its_disk {
            self.servers[number].disk = old.disk;
        }
    }

    fn join(&self) -> String {
        self.servers.iter().map(|server| server.machine.address()).collect::<Vec<_>>().join(",")
    }

    /// A copy of the folder `consul` with one more file in it.
    pub fn files_with(&self, name: &str, content: &str) -> String {
        let copy = self.secrets.file("files");
        run(Command::new("cp").args(["-r", file("").trim_end_matches('/'), &copy])).success();
        self.secrets.write(&format!("files/{name}"), content);
        copy
    }

    /// The certificate of an authority that nobody here knows.
    pub fn foreign_authority() -> String {
        let folder = Scratch::new();
        let mut make = Command::new(file("make-secrets.sh"));
        run(make.env("PATH", path_with_consul()).arg(folder.file("made"))).success();
        read(&folder.file("made/agent/ca.pem"))
    }

    /// The pilot of a server that runs.
    pub fn pilot(&mut self, number: usize) -> &mut Pilot {
        self.servers[number].pilot.as_mut().expect("that server runs")
    }

    /// The number of the server that leads, as the others say it.
    pub fn leader(&self) -> usize {
        let running = |number: usize| self.servers.get(number).is_some_and(|server| server.pilot.is_some());
        until("the servers to have a leader", SOON * 5, || {
            let said = self.servers.iter().filter(|server| server.pilot.is_some()).find_map(|server| {
                let leader = server.get("", "/v1/status/leader")?;
                leader.as_str()?.split(':').next().map(str::to_owned)
            })?;
            let found = self.servers.iter().position(|server| server.machine.address() == said)?;
            running(found).then_some(found)
        })
    }
}

impl Member {
    /// Whether `pilot health` says so, asked with this machine's control socket.
    pub fn is_healthy(&self) -> bool {
        let mut ask = Command::new(tools::pilot());
        run(ask.args(["health", "--socket", &self.disk.file("control.socket")])).succeeded()
    }

    /// Takes a snapshot as a person would, by `consul/snapshot.sh`, and gives its path.
    pub fn snapshot(&self, token: &str) -> String {
        let folder = self.disk.file("snapshots");
        let variables = [("CONSUL_HTTP_TOKEN", token), ("CONSUL_SNAPSHOTS", &folder), ("CONSUL_SNAPSHOTS_KEEP", "2")];
        let said = self.script(&file(""), "snapshot.sh", &variables).success();
        let path =
            said.strip_prefix("snapshot: ").and_then(|rest| rest.split_once(',')).map(|(path, _)| path.to_owned());
        path.expect("it says where the snapshot is")
    }

    /// Runs a script of `consul/`, or of a copy of it, on this machine.
    pub fn script(&self, folder: &str, name: &str, variables: &[(&str, &str)]) -> Finished {
        let mut command = Command::new(format!("{folder}/{name}"));
        command.env("PATH", path_with_consul()).envs(variables.iter().copied());
        self.machine.inside(|| run(&mut command))
    }

    fn new(network: &mut Network, name: &str) -> Member {
        Member { pilot: None, machine: network.machine(), disk: Scratch::new(), name: name.to_owned() }
    }

    fn begin(&mut self, config: &str, join: &str, variables: &[(&str, String)]) {
        let mut start = Pilot::with_text(&read(&file(config))).as_pid_1();
        let own = [
            ("PATH", path_with_consul()),
            ("PILOT_SOCKET", self.disk.file("control.socket")),
            ("CONSUL_FILES", file("").trim_end_matches('/').to_owned()),
            ("CONSUL_JOIN", join.to_owned()),
            ("CONSUL_NODE", self.name.clone()),
            ("CONSUL_ADVERTISE", self.machine.address().to_owned()),
            ("CONSUL_STATE", self.disk.file("state")),
            ("CONSUL_SNAPSHOTS", self.disk.file("snapshots")),
        ];
        for (name, value) in own.iter().chain(variables) {
            start = start.env(name, value);
        }
        self.pilot = Some(self.machine.inside(|| start.start()));
    }

    /// Power off: everything on this machine is gone at once, its disk stays.
    pub fn lose(&mut self) {
        self.pilot = None;
    }

    /// `GET` of the API on this machine as JSON; `None` when it does not answer with 200.
    pub fn get(&self, token: &str, path: &str) -> Option<Value> {
        let answer = self.call(token, "GET", path, &Value::Null)?;
        (answer.status == 200).then(|| serde_json::from_str(&answer.body).ok()).flatten()
    }

    /// The status of the API's answer; 0 when there is none.
    pub fn status(&self, token: &str, method: &str, path: &str, body: &Value) -> u16 {
        self.call(token, method, path, body).map_or(0, |answer| answer.status)
    }

    /// The API lets this token do this.
    #[track_caller]
    pub fn allows(&self, token: &str, method: &str, path: &str, body: &Value) {
        let (status, said) = self.verdict(token, method, path, body);
        assert_eq!(status, 200, "{method} {path} {body}: {said}");
    }

    /// The API says that this token may not do this: with 403, or in words (what is passed on to another server has 500).
    #[track_caller]
    pub fn refuses(&self, token: &str, method: &str, path: &str, body: &Value) {
        let (status, said) = self.verdict(token, method, path, body);
        assert!(matches!(status, 403 | 500), "{method} {path} {body} should have been refused: {status} {said}");
    }

    /// What the API says of this request. A 500 that denies nothing is no verdict (nobody leads just now, the connection broke
    /// off), and it is asked again: Consul does that by itself, but not for snapshots.
    #[track_caller]
    fn verdict(&self, token: &str, method: &str, path: &str, body: &Value) -> (u16, String) {
        until(&format!("a verdict on {method} {path} {body}"), SOON * 2, || {
            let answer = self.call(token, method, path, body)?;
            let judged = answer.status != 500 || answer.body.to_lowercase().contains("denied");
            judged.then_some((answer.status, answer.body))
        })
    }

    fn call(&self, token: &str, method: &str, path: &str, body: &Value) -> Option<http::Answer> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let token = if token.is_empty() { String::new() } else { format!("token={token}") };
        let joint = if path.contains('?') { '&' } else { '?' };
        self.machine.inside(|| http::request(8500, method, &format!("{path}{joint}{token}"), &body)).ok()
    }

    /// Consul's own command line on this machine.
    pub fn consul(&self, token: &str, words: &[&str]) -> Finished {
        let mut command = Command::new(tools::find(&["consul"]));
        command.args(words).env("CONSUL_HTTP_TOKEN", token);
        self.machine.inside(|| run(&mut command))
    }
}
