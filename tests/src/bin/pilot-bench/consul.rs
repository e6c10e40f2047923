//! Watches: from a change in a real Consul agent to the start of the watching job, and what idle watches ask of the agent.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{sleep, spawn};
use std::time::Duration;

use pilot_tests::{Consul, Scratch, fixture, processes};
use serde_json::{Value, json};

use crate::clock::{self, median, most, ms};
use crate::namespace::{Place, start};
use crate::supervisors::{pilot, verbs};
use crate::table::{Table, Target};

const CHANGES: usize = 32;
const IDLE_SECONDS: u64 = 20;

/// Both measurements.
pub fn watches(table: &mut Table) {
    let agent = Consul::start();
    latency(table, &agent);
    idle(table, &agent);
}

/// An instance comes, goes, comes…; every change starts the job once.
fn latency(table: &mut Table, agent: &Consul) {
    let scratch = Scratch::new();
    let exec = [vec![fixture()], verbs(&scratch, "mark FILE")].concat();
    let config = json!({
        "consul": agent.address(),
        "jobs": [
            { "name": "keep", "exec": [fixture(), "forever"] },
            { "name": "react", "exec": exec, "when": { "source": "watch.base", "each": "changed" } },
        ],
        "watches": [{ "name": "base", "interval": 1 }],
    });
    agent.register("base-0", "base", 1000);
    let words = pilot(&scratch, config);
    let running = start(Place::First, scratch, &words, Stdio::null());
    // The first answer is a change too.
    running.wait_for_marks("mark", 1);
    let mut times = Vec::new();
    for change in 0..CHANGES {
        // Slower than pilot's own limit of requests in the long run, so that the limit is not what is measured.
        sleep(Duration::from_millis(700));
        let before = clock::now();
        if change % 2 == 0 {
            agent.register("base-1", "base", 1001);
        } else {
            agent.deregister("base-1");
        }
        let marks = running.wait_for_marks("mark", change + 2);
        times.push(ms(before, marks[change + 1]));
    }
    sleep(Duration::from_millis(500));
    let extra = clock::marks(&running.scratch, "mark").len() - CHANGES - 1;
    let middle = median(&times);
    let here = format!("{middle:.1} ms from the PUT's start (most {:.1}), {extra} too many", most(&times));
    let target = Target::Shown("10 ms".into(), middle <= 10.0);
    table.row("Consul change to job", "pilot", &here, "v3 468 ms from the PUT's end", target);
    agent.deregister("base-0");
}

/// Ten watches, and nothing changes.
fn idle(table: &mut Table, agent: &Consul) {
    let (port, requests) = counting_proxy(agent.port());
    let watches: Vec<Value> = (0..10).map(|n| json!({ "name": format!("idle{n}"), "interval": 1 })).collect();
    let config = json!({
        "consul": format!("127.0.0.1:{port}"),
        "jobs": [{ "name": "keep", "exec": [fixture(), "forever"] }],
        "watches": watches,
    });
    let scratch = Scratch::new();
    let words = pilot(&scratch, config);
    let running = start(Place::First, scratch, &words, Stdio::null());
    let pid = running.pid();
    sleep(Duration::from_secs(3));
    let state = || (requests.load(Ordering::SeqCst), processes::stat(pid).map_or(0, |stat| stat.ticks));
    let before = state();
    sleep(Duration::from_secs(IDLE_SECONDS));
    let after = state();
    let rate = (after.0 - before.0) as f64 / IDLE_SECONDS as f64;
    let cpu = (after.1 - before.1) as f64 * 10.0 / IDLE_SECONDS as f64;
    let here = format!("{rate:.2} requests/s ({} at the start), {cpu:.1} ms/s of CPU", before.0);
    let target = Target::Decides("under 1 request/s".into(), rate < 1.0 && before.0 >= 10);
    table.row("10 idle watches", "pilot", &here, "v3 10 requests/s, 3.1 ms/s", target);
}

/// Passes connections on to the agent and counts the requests in them.
fn counting_proxy(agent: u16) -> (u16, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let requests = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&requests);
    spawn(move || {
        for client in listener.incoming().flatten() {
            let agent = TcpStream::connect(("127.0.0.1", agent)).expect("the agent listens");
            let (to_agent, to_client) = (agent.try_clone().unwrap(), client.try_clone().unwrap());
            let counted = Arc::clone(&counted);
            // A client's request comes in one piece: it is small and has no body.
            spawn(move || {
                pass_on(client, to_agent, |bytes| {
                    counted.fetch_add(u64::from(bytes.starts_with(b"GET ")), Ordering::SeqCst);
                })
            });
            spawn(move || pass_on(agent, to_client, |_| {}));
        }
    });
    (port, requests)
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, mut look: impl FnMut(&[u8])) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        look(&buffer[..read]);
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
