//! A Consul agent with options of a test's own: ACLs, a unix socket. [`Consul`] knows its address and its state.

use std::process::{Child, Command, Stdio};

use crate::consul::Consul;

/// The process; dropping it kills it.
#[derive(Debug)]
pub struct Agent(Child);

impl Agent {
    /// Starts a reserved agent with more settings, in Consul's configuration language. Waits for nothing.
    #[allow(clippy::expect_used)]
    pub fn start(consul: &Consul, settings: &str) -> Agent {
        let words = consul.command();
        let (program, arguments) = words.split_first().expect("there is a program");
        let mut command = Command::new(program);
        command.args(arguments).args(["-hcl", settings]);
        let silent = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Agent(silent.spawn().expect("consul can be started"))
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
