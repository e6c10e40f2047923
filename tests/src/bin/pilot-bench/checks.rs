//! A hundred jobs, each checked once a second without a process, for twenty seconds.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{sleep, spawn};
use std::time::Duration;

use pilot_tests::{Scratch, fixture, processes};
use serde_json::{Value, json};

use crate::namespace::{Place, start};
use crate::supervisors::pilot;
use crate::table::{Table, Target};

const JOBS: usize = 100;
const SECONDS: u64 = 20;

/// A server that answers one request a connection (or just takes the connection) and counts them.
fn server() -> (u16, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let count = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&count);
    spawn(move || {
        for mut stream in listener.incoming().flatten() {
            counted.fetch_add(1, Ordering::SeqCst);
            if stream.read(&mut [0; 4096]).unwrap_or(0) > 0 {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
            }
        }
    });
    (port, count)
}

/// HTTP checks, then TCP checks.
pub fn hundred_checks(table: &mut Table) {
    for way in ["http", "tcp"] {
        let (port, count) = server();
        let target = match way {
            "http" => format!("http://127.0.0.1:{port}/health"),
            _ => format!("127.0.0.1:{port}"),
        };
        let jobs: Vec<Value> = (0..JOBS)
            .map(|n| {
                let health = json!({ way: target, "interval": 1, "ttl": 5 });
                json!({ "name": format!("job{n}"), "exec": [fixture(), "forever"], "health": health })
            })
            .collect();
        let scratch = Scratch::new();
        let words = pilot(&scratch, json!({ "consul": false, "jobs": jobs }));
        let running = start(Place::First, scratch, &words, Stdio::null());
        let pid = running.pid();
        // Half a second off: all jobs are checked in step, and a whole round must not fall on the edge.
        sleep(Duration::from_millis(3500));
        let state = || {
            let ticks = processes::stat(pid).map_or(0, |stat| stat.ticks);
            (ticks, processes::resident_kib(pid), count.load(Ordering::SeqCst))
        };
        let before = state();
        sleep(Duration::from_secs(SECONDS));
        let after = state();
        let share = (after.0 - before.0) as f64 / SECONDS as f64;
        let checks = (after.2 - before.2) as f64 / SECONDS as f64;
        let here = format!("{share:.1} % of a core, {checks:.0} checks/s, {} to {} KiB", before.1, after.1);
        let met = share < 2.0 && checks > 0.9 * JOBS as f64;
        let target = Target::Decides("under 2 % of a core".into(), met);
        let elsewhere = "v3, a process each: 8 %, 35,600 to 40,100 KiB";
        table.row(&format!("100 {way} checks a second"), "pilot", &here, elsewhere, target);
    }
}
