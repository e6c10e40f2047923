//! A real Consul agent in development mode: in memory, on loopback, so that a restart is a restart with empty state.

use std::fs::File;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::scratch::Scratch;
use crate::wait::{SOON, until};
use crate::{http, ports, tools};

/// A Consul agent; dropping it kills it.
#[derive(Debug)]
pub struct Consul {
    scratch: Scratch,
    port: u16,
    others: [u16; 3],
    child: Option<Child>,
}

impl Consul {
    /// Starts an agent and waits for its leader.
    pub fn start() -> Consul {
        let mut consul = Consul::reserved();
        consul.begin();
        consul
    }

    /// An agent that is not started yet; its address is already known.
    pub fn reserved() -> Consul {
        let others = [ports::free(), ports::free(), ports::free()];
        Consul { scratch: Scratch::new(), port: ports::free(), others, child: None }
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
        words
    }

    /// Starts the agent and waits until it has a leader and knows itself.
    #[allow(clippy::expect_used)]
    pub fn begin(&mut self) {
        let words = self.command();
        let (program, arguments) = words.split_first().expect("there is a program");
        let log = File::create(self.scratch.path().join("consul.log")).expect("a log file can be made");
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(Stdio::null())
            .spawn()
            .expect("consul can be started");
        self.child = Some(child);
        self.wait_for_leader();
    }

    /// Waits until the agent (whoever started it) has a leader and its node is in the catalogue.
    pub fn wait_for_leader(&self) {
        let node = format!("/v1/catalog/node/test-{}", self.port);
        until("Consul to have a leader", SOON * 2, || {
            let answer = http::get(self.port, &node).ok()?;
            (answer.status == 200 && answer.body.contains("Node")).then_some(())
        });
    }

    /// Kills the agent; its state is lost.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
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

    /// A `PUT` to the API.
    #[allow(clippy::panic)]
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

    /// Waits until so many instances of a service pass.
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

impl Drop for Consul {
    fn drop(&mut self) {
        self.kill();
    }
}
