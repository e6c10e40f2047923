//! A real Consul agent in development mode: in memory, on loopback, so that a restart is a restart with empty state.

use std::fs::File;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::running::Running;
use crate::scratch::Scratch;
use crate::wait::{SOON, until, until_or};
use crate::{http, ports, tools};

/// A Consul agent; dropping it kills it.
#[derive(Debug)]
pub struct Consul {
    scratch: Scratch,
    port: u16,
    others: [u16; 3],
    settings: String,
    process: Option<Running>,
}

impl Consul {
    /// Starts an agent and waits for its leader.
    #[track_caller]
    pub fn start() -> Consul {
        Consul::start_with("")
    }

    /// The same, with more settings in Consul's configuration language: ACLs, a unix socket, TLS.
    #[track_caller]
    pub fn start_with(settings: &str) -> Consul {
        let mut consul = Consul::reserved();
        consul.settings = settings.to_owned();
        consul.begin();
        consul
    }

    /// An agent that is not started yet; its address is already known.
    pub fn reserved() -> Consul {
        let others = [ports::free(), ports::free(), ports::free()];
        Consul { scratch: Scratch::new(), port: ports::free(), others, settings: String::new(), process: None }
    }

    /// Port of its HTTP API.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Port at which agents of other datacenters join it.
    pub fn wan_port(&self) -> u16 {
        self.others[1]
    }

    /// `127.0.0.1:port`, as a configuration names it.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The command line that runs this agent, also as a job.
    pub fn command(&self) -> Vec<String> {
        let [serf, wan, server] = self.others;
        let mut words = vec![tools::find(&["consul"])];
        words.extend(
            "agent -dev -bind 127.0.0.1 -client 127.0.0.1 -dns-port -1 -grpc-port -1".split(' ').map(str::to_owned),
        );
        let numbers =
            [("-http-port", self.port), ("-serf-lan-port", serf), ("-serf-wan-port", wan), ("-server-port", server)];
        words.extend(numbers.iter().flat_map(|(flag, port)| [(*flag).to_owned(), port.to_string()]));
        words.extend(["-node".to_owned(), format!("test-{}", self.port)]);
        // Without it, the agent asks its maker's site for news.
        words.extend(["-hcl".to_owned(), format!("disable_update_check = true {}", self.settings)]);
        words
    }

    /// Starts the agent and waits until it has a leader and knows itself.
    #[track_caller]
    pub fn begin(&mut self) {
        let words = self.command();
        let (program, arguments) = words.split_first().expect("there is a program");
        let log = File::create(self.scratch.file("consul.log")).expect("a log file can be made");
        let mut agent = Command::new(program);
        agent.args(arguments).stdin(Stdio::null()).stdout(log).stderr(Stdio::null());
        self.process = Some(Running(agent.spawn().expect("consul can be started")));
        // Not by its API, which may want a token or not be there over TCP.
        let known = || ["Synced node info", "Node info in sync"].iter().any(|line| self.log().contains(line));
        until_or(
            SOON * 2,
            || known().then_some(()),
            || format!("Consul to know its own node; it said:\n{}", self.log()),
        );
    }

    /// Waits until the agent (whoever started it) has a leader and its node is in the catalog.
    #[track_caller]
    pub fn wait_for_leader(&self) {
        let node = format!("/v1/catalog/node/test-{}", self.port);
        until("Consul to have a leader", SOON * 2, || {
            let answer = http::get(self.port, &node).ok()?;
            (answer.status == 200 && answer.body.contains("Node")).then_some(())
        });
    }

    /// Kills the agent; its state is lost.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// The agent's log.
    pub fn log(&self) -> String {
        self.scratch.lines("consul.log").join("\n")
    }

    /// A `GET` of the API as JSON; `Null` when it fails.
    pub fn get(&self, path: &str) -> Value {
        let body = http::get(self.port, path).map(|answer| answer.body).unwrap_or_default();
        serde_json::from_str(&body).unwrap_or(Value::Null)
    }

    /// A `PUT` to the API, which must succeed.
    #[track_caller]
    pub fn put(&self, path: &str, body: &Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = http::request(self.port, "PUT", path, &body);
        match answer {
            Ok(answer) if answer.status == 200 => {}
            other => panic!("PUT {path}: {other:?}"),
        }
    }

    /// The ids of the services that the agent has.
    pub fn services(&self) -> Vec<String> {
        let services = self.get("/v1/agent/services");
        services.as_object().map(|object| object.keys().cloned().collect()).unwrap_or_default()
    }

    /// The service's registration in the agent.
    pub fn service(&self, id: &str) -> Value {
        self.get(&format!("/v1/agent/service/{id}"))
    }

    /// The instances of a service with the status of their service check: `(id, status)`, sorted.
    pub fn instances(&self, name: &str) -> Vec<(String, String)> {
        let checks = self.get(&format!("/v1/health/checks/{name}"));
        let text = |check: &Value, key: &str| check.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let list = checks.as_array().cloned().unwrap_or_default();
        let mut found: Vec<_> = list.iter().map(|check| (text(check, "ServiceID"), text(check, "Status"))).collect();
        found.sort();
        found
    }

    /// How many instances of a service pass.
    pub fn passing(&self, name: &str) -> usize {
        self.instances(name).iter().filter(|(_, status)| status == "passing").count()
    }

    /// Waits until this many instances of a service pass.
    #[track_caller]
    pub fn wait_for_passing(&self, name: &str, count: usize) {
        until(&format!("{count} passing instances of {name}"), SOON, || (self.passing(name) == count).then_some(()));
    }

    /// Registers a service by hand, as another machine's pilot would, with a passing check without TTL.
    pub fn register(&self, id: &str, name: &str, port: u16) {
        let body = serde_json::json!({ "ID": id, "Name": name, "Port": port, "Address": "10.9.8.7" });
        self.put("/v1/agent/service/register", &body);
    }

    /// Removes a service by hand.
    pub fn deregister(&self, id: &str) {
        self.put(&format!("/v1/agent/service/deregister/{id}"), &Value::Null);
    }
}
