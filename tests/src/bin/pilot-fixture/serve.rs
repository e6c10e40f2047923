//! Servers to be probed: HTTP whose answer a file decides, and TCP that never speaks.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{sleep, spawn};
use std::time::Duration;

static RUNNING: AtomicU32 = AtomicU32::new(0);

/// Serves for ever. The file says how: `200`, `500`, `302 URL`, `slow MS`.
pub fn http(port: u16, path: String) {
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port can be bound");
    for stream in listener.incoming().flatten() {
        let path = path.clone();
        spawn(move || answer(stream, &path));
    }
}

fn answer(mut stream: TcpStream, path: &str) {
    let mut request = [0; 4096];
    if stream.read(&mut request).unwrap_or(0) == 0 {
        return;
    }
    let running = RUNNING.fetch_add(1, Ordering::SeqCst) + 1;
    println!("request, {running} running");
    let script = fs::read_to_string(path).unwrap_or_else(|_| "200".to_owned());
    let (word, rest) = script.trim().split_once(' ').unwrap_or((script.trim(), ""));
    let (status, head) = match word {
        "slow" => {
            sleep(Duration::from_millis(rest.parse().unwrap_or(0)));
            ("200", String::new())
        }
        "302" => ("302", format!("Location: {rest}\r\n")),
        status => (status, String::new()),
    };
    RUNNING.fetch_sub(1, Ordering::SeqCst);
    let _ = write!(stream, "HTTP/1.1 {status} Fixture\r\n{head}Connection: close\r\nContent-Length: 3\r\n\r\nok\n");
}

/// Takes connections for ever and never says a word.
pub fn silent(port: u16) {
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port can be bound");
    let mut held = Vec::new();
    for stream in listener.incoming().flatten() {
        println!("a connection");
        held.push(stream);
    }
}
