//! One instance of the app behind a load balancer, and the three ways it is stopped.

use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;

use crate::aws::{Aws, GROUP};
use crate::{Pilot, Running, SOON, Scratch, http, pilot::jobs, ports, processes, tools, until};

/// What happens when an instance has to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// SIGTERM to pilot, which registers and deregisters.
    Pilot,
    /// SIGTERM to the app at once, deregistered when it has ended.
    SignalFirst,
    /// SIGTERM to the app through tini, deregistered at the same time by somebody else.
    Tini,
}

impl Order {
    /// For a table.
    pub fn words(self) -> &'static str {
        match self {
            Order::Pilot => "pilot",
            Order::SignalFirst => "ContainerPilot's order: signal, then out",
            Order::Tini => "tini, out at the same time",
        }
    }
}

/// A running instance that the load balancer calls healthy.
#[derive(Debug)]
pub struct Instance {
    port: u16,
    how: How,
    _scratch: Scratch,
}

#[derive(Debug)]
enum How {
    Pilot(Box<Pilot>),
    Direct(Running, Order),
}

impl Instance {
    /// Starts one and waits until requests are sent to it.
    pub fn start(order: Order, aws: &Aws) -> Instance {
        let scratch = Scratch::new();
        let port = ports::free();
        let own = [
            ("BIND".to_owned(), "127.0.0.1".to_owned()),
            ("PORT".to_owned(), port.to_string()),
            ("SQLITE_FILE".to_owned(), scratch.file("app.sqlite")),
        ];
        let how = match order {
            Order::Pilot => {
                let mut start = Pilot::with(&config(port));
                for (name, value) in own.iter().chain(&aws.environment()) {
                    start = start.env(name, value);
                }
                How::Pilot(Box::new(start.start()))
            }
            Order::SignalFirst | Order::Tini => {
                let mut command = if order == Order::Tini {
                    let mut tini = Command::new(tools::find(&["tini"]));
                    tini.args(["-s", "--", &tools::app()]);
                    tini
                } else {
                    Command::new(tools::app())
                };
                command.envs(own).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
                let process = Running(command.spawn().expect("the app can be started"));
                let ready = || http::get(port, "/ready").ok().filter(|answer| answer.status == 200);
                until("the app to be ready", SOON, ready);
                aws.world().group.register("127.0.0.1", port);
                How::Direct(process, order)
            }
        };
        let mut instance = Instance { port, how, _scratch: scratch };
        let healthy = || (aws.state_of("127.0.0.1", port) == "healthy").then_some(());
        match &mut instance.how {
            How::Pilot(pilot) => pilot.wait("the target to be healthy", SOON, |_| healthy()),
            How::Direct(..) => until("the target to be healthy", SOON, healthy),
        }
        instance
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Tells it to stop and waits for its end.
    pub fn stop(self, aws: &Aws) {
        let out = || aws.world().group.deregister("127.0.0.1", self.port);
        match self.how {
            How::Pilot(mut pilot) => {
                pilot.signal(Signal::SIGTERM);
                assert_eq!(pilot.exit_code_within(Duration::from_secs(30)), 0, "{}", pilot.log());
            }
            How::Direct(mut process, order) => {
                processes::signal(i32::try_from(process.0.id()).unwrap(), Signal::SIGTERM);
                if order == Order::Tini {
                    out();
                }
                process.0.wait().expect("its end can be seen");
                out();
            }
        }
    }
}

/// As docs/operate/behind-an-alb.md has it, with the times of this measurement.
fn config(port: u16) -> serde_json::Value {
    jobs(json!([{
        "name": "app", "exec": [tools::app()], "port": port, "interfaces": "static:127.0.0.1",
        "health": { "http": "/ready", "interval": "200ms", "ttl": 5 },
        "loadBalancer": { "targetGroup": GROUP, "mode": "self" },
        "drain": { "min": "3s", "max": "6s", "inFlight": "/in-flight", "signal": "SIGUSR1" },
        "stopTimeout": "5s",
    }]))
}
