//! Machines on one wire: network namespaces of a test's own, each with an address, joined by a bridge.
//!
//! The test's thread moves into a namespace of its own before, where the bridge is; what it makes is gone with the test,
//! however that ends. A machine's cable can be pulled: then nobody is told, packets just stop arriving.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::process::Command;

use nix::sched::{CloneFlags, setns, unshare};

use crate::command::run;
use crate::tools;

/// One machine's network.
#[derive(Debug)]
pub struct Machine {
    namespace: File,
    address: String,
    port: String,
}

/// A bridge and the machines at it.
#[derive(Debug)]
pub struct Network {
    home: File,
    machines: u8,
}

fn own_namespace() -> File {
    File::open("/proc/thread-self/ns/net").expect("a thread knows its network")
}

/// The path by which `ip` finds an open namespace.
fn path(namespace: &File) -> String {
    format!("/proc/{}/fd/{}", std::process::id(), namespace.as_raw_fd())
}

#[track_caller]
fn ip(words: &str) {
    run(Command::new(tools::find(&["ip"])).args(words.split(' '))).success();
}

impl Network {
    /// Moves this thread away from the machine's own network; from here on it has only this one.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Network {
        unshare(CloneFlags::CLONE_NEWNET).expect("tests with a network of their own are run by root");
        ip("link set lo up");
        ip("link add wire type bridge");
        ip("link set wire up");
        Network { home: own_namespace(), machines: 0 }
    }

    /// Another machine at the wire: 10.77.0.1, .2 and so on.
    pub fn machine(&mut self) -> Machine {
        self.machines += 1;
        let namespace = std::thread::scope(|scope| {
            let made = scope.spawn(|| {
                unshare(CloneFlags::CLONE_NEWNET).expect("one may make namespaces");
                own_namespace()
            });
            made.join().expect("the thread does not panic")
        });
        let machine = Machine {
            namespace,
            address: format!("10.77.0.{}", self.machines),
            port: format!("port{}", self.machines),
        };
        machine.inside(|| {
            ip("link set lo up");
            ip(&format!("link add eth0 type veth peer name {} netns {}", machine.port, path(&self.home)));
            ip(&format!("addr add {}/24 dev eth0", machine.address));
            ip("link set eth0 up");
        });
        ip(&format!("link set {} up", machine.port));
        self.plug(&machine);
        machine
    }

    /// Pulls a machine's cable.
    pub fn unplug(&self, machine: &Machine) {
        ip(&format!("link set {} nomaster", machine.port));
    }

    /// Puts it back.
    pub fn plug(&self, machine: &Machine) {
        ip(&format!("link set {} master wire", machine.port));
    }
}

impl Machine {
    /// Its address at the wire.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Does something on this machine: processes started there stay there.
    pub fn inside<T: Send>(&self, act: impl FnOnce() -> T + Send) -> T {
        let done = std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                setns(&self.namespace, CloneFlags::CLONE_NEWNET).expect("a namespace can be entered");
                act()
            });
            thread.join()
        });
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}
