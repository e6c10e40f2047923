//! A real nginx or HAProxy whose servers are the group's targets. Like an ALB it sends new requests to a target for
//! a while after its deregistration, checks nothing in that time, and tries no request twice: what fails is seen.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

use nix::sys::signal::Signal;
use pilot_tests::aws::Aws;
use pilot_tests::{SOON, Scratch, http, processes, tools, until};

/// New requests come for so long after a deregistration. An ALB's time, and `drain.min`, are about eight times as long.
const LAG: Duration = Duration::from_secs(2);

/// Which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balancer {
    /// A reload for every change; it keeps connections to the app. A client has a new connection for each request, for a
    /// reload closes kept ones, and the request that crosses that would count as failed.
    Nginx,
    /// Changes over its socket; connections are kept on both sides.
    Haproxy,
}

impl Balancer {
    pub fn words(self) -> &'static str {
        match self {
            Balancer::Nginx => "nginx",
            Balancer::Haproxy => "HAProxy",
        }
    }

    /// Whether clients may keep their connections.
    pub fn keeps_clients(self) -> bool {
        self == Balancer::Haproxy
    }
}

/// The load balancer and the thread that tells it where the targets are; dropping it ends both.
pub struct Follower {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Follower {
    /// Starts it on this port, with place for this many servers in all.
    pub fn start(balancer: Balancer, front: u16, aws: &Aws, servers: u64) -> Follower {
        let targets = {
            let aws = aws.clone();
            move || aws.world().group.sent_requests(LAG)
        };
        let mut now = targets();
        let mut running = Running::start(balancer, front, &now, servers);
        until("the load balancer to pass requests on", SOON, || {
            http::get(front, "/").ok().filter(|answer| answer.status == 200)
        });
        let over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&over);
        let thread = spawn(move || {
            while !ends.load(Ordering::SeqCst) {
                let next = targets();
                if next != now {
                    running.change(&now, &next);
                    now = next;
                }
                sleep(Duration::from_millis(50));
            }
        });
        Follower { over, thread: Some(thread) }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Running {
    balancer: Balancer,
    front: u16,
    scratch: Scratch,
    child: Child,
    /// HAProxy's servers in the order in which they got their ports.
    slots: Vec<u16>,
}

impl Running {
    fn start(balancer: Balancer, front: u16, targets: &[u16], servers: u64) -> Running {
        let scratch = Scratch::new();
        let mut command = match balancer {
            Balancer::Nginx => {
                let file = scratch.write("nginx.conf", &nginx(&scratch, front, targets));
                let mut command = Command::new(tools::find(&["nginx"]));
                command.args(["-e", &scratch.file("errors"), "-c", &file]);
                command
            }
            Balancer::Haproxy => {
                let file = scratch.write("haproxy.cfg", &haproxy(&scratch, front, servers));
                let mut command = Command::new(tools::find(&["haproxy"]));
                command.args(["-db", "-f", &file]);
                command
            }
        };
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("the load balancer can be started");
        let mut running = Running { balancer, front, scratch, child, slots: Vec::new() };
        if balancer == Balancer::Haproxy {
            let socket = running.scratch.file("socket");
            until("HAProxy's socket", SOON, || UnixStream::connect(&socket).ok());
            running.change(&[], targets);
        }
        running
    }

    fn change(&mut self, old: &[u16], new: &[u16]) {
        match self.balancer {
            Balancer::Nginx => {
                self.scratch.write("nginx.conf", &nginx(&self.scratch, self.front, new));
                processes::signal(i32::try_from(self.child.id()).unwrap(), Signal::SIGHUP);
            }
            Balancer::Haproxy => {
                for gone in old.iter().filter(|port| !new.contains(port)) {
                    let slot = self.slots.iter().position(|port| port == gone).expect("it has a place");
                    self.tell(&format!("set server app/s{} state maint", slot + 1));
                }
                for come in new.iter().filter(|port| !old.contains(port)) {
                    self.slots.push(*come);
                    let slot = self.slots.len();
                    self.tell(&format!("set server app/s{slot} addr 127.0.0.1 port {come}"));
                    self.tell(&format!("set server app/s{slot} state ready"));
                }
            }
        }
    }

    fn tell(&self, line: &str) {
        let mut socket = UnixStream::connect(self.scratch.file("socket")).expect("HAProxy listens");
        writeln!(socket, "{line}").expect("HAProxy reads");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("HAProxy answers");
        let refused = ["No such", "Require", "Invalid", "Unknown", "Permission"];
        assert!(!refused.iter().any(|word| answer.contains(word)), "{line}: {answer}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // nginx ends its workers on this; kill would leave them.
        processes::signal(i32::try_from(self.child.id()).unwrap(), Signal::SIGTERM);
        let _ = self.child.wait();
    }
}

fn nginx(scratch: &Scratch, front: u16, targets: &[u16]) -> String {
    let servers: String = targets.iter().map(|port| format!("server 127.0.0.1:{port} max_fails=0;")).collect();
    let paths: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|name| format!("{name}_temp_path {};\n", scratch.file(name)))
        .collect();
    format!(
        "daemon off; worker_processes 2; pid {}; events {{ worker_connections 1024; }}\n\
         http {{ access_log off;\n{paths}\
         upstream app {{ {servers} keepalive 16; }}\n\
         server {{ listen 127.0.0.1:{front}; location / {{\n\
         proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_next_upstream off; }} }} }}\n",
        scratch.file("pid")
    )
}

fn haproxy(scratch: &Scratch, front: u16, servers: u64) -> String {
    format!(
        "global\n stats socket {} level admin\n nbthread 2\n maxconn 1000\n\
         defaults\n mode http\n retries 0\n option http-keep-alive\n http-reuse always\n\
         timeout connect 5s\n timeout client 30s\n timeout server 30s\n\
         frontend front\n bind 127.0.0.1:{front}\n default_backend app\n\
         backend app\n balance roundrobin\n server-template s 1-{servers} 127.0.0.1:1 disabled\n",
        scratch.file("socket")
    )
}
