//! Servers that are no MySQL, or lie in its protocol: a peer of the database probe may be anybody.
//!
//! Scripted, for no real server does it. What they say byte by byte is in the probe's own tests; here it is pilot as a whole
//! that goes on: its memory, its loop, its other checks.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use pilot_tests::mariadb::PASSWORD;
use pilot_tests::pilot::jobs;
use pilot_tests::{Pilot, fixture, processes};
use serde_json::{Value, json};

const GREETING: &[u8] = b"\x0a9.4.0\0\x01\0\0\0abcdefgh\0\xff\xff\xff\x02\0\xff\xdf\x15\0\0\0\0\0\0\0\0\0\0ijklmnopqrst\0caching_sha2_password\0";
const FULL_LOG_IN: &[u8] = b"\x02\0\0\x02\x01\x04";
const LET_IN: &[u8] = b"\x07\0\0\x02\0\0\0\x02\0\0\0";

/// A packet as the first of a conversation.
fn packet(payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    [&[length, 0, 0, 0], payload].concat()
}

/// Without TLS among its abilities.
fn plain_greeting() -> Vec<u8> {
    let mut greeting = GREETING.to_vec();
    let flags = greeting.iter().position(|byte| *byte == 0xff).unwrap();
    greeting[flags + 1] &= !0x08;
    packet(&greeting)
}

/// Serves each connection on a thread of its own, for as long as the test runs.
fn serve(script: impl Fn(TcpStream) + Send + Sync + Clone + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let script = script.clone();
            std::thread::spawn(move || script(stream));
        }
    });
    port
}

/// Says this, and then these bytes again and again until nobody listens.
fn says(before: Vec<u8>, then: &'static [u8], pause: Duration) -> impl Fn(TcpStream) + Send + Sync + Clone {
    let then = then.repeat((1 << 16) / then.len().max(1));
    move |mut stream: TcpStream| {
        let mut going_on = stream.write_all(&before).is_ok() && !then.is_empty();
        while going_on {
            let part = if pause.is_zero() { &then[..] } else { &then[..1] };
            going_on = stream.write_all(part).is_ok();
            std::thread::sleep(pause);
        }
        // The client ends it.
        let _ = stream.read_to_end(&mut Vec::new());
    }
}

fn check(name: &str, port: u16) -> Value {
    let mysql = json!({ "host": "127.0.0.1", "port": port, "user": "u", "passwordEnv": "DB_PASSWORD" });
    json!({ "name": name, "exec": [fixture(), "forever"],
            "health": { "mysql": mysql, "interval": "100ms", "timeout": "2s" } })
}

#[test]
fn whatever_servers_say_pilot_keeps_its_memory_and_its_pace_and_tells_what_is_wrong() {
    let now = Duration::ZERO;
    let column_count = [&plain_greeting()[..], LET_IN, b"\x09\0\0\x01\xfe\xff\xff\xff\xff\0\0\0\0"].concat();
    let huge = [&plain_greeting()[..], LET_IN].concat();
    let cases = [
        ("x-protocol", serve(says(b"\x05\0\0\0\x0b\x08\x05\x1a\0".to_vec(), b"", now)), "MySQL's X protocol"),
        ("columns", serve(says(column_count, b"", now)), "an answer of 4294967295 columns instead of 1"),
        ("huge", serve(says(huge.clone(), b"\xff\xff\xff\x01", now)), "a packet of 16777215 bytes"),
        ("empty", serve(says(huge, b"\0\0\0\x01", now)), "a packet that ends too early"),
        ("http", serve(says(b"HTTP/1.1 400 Bad Request\r\n".to_vec(), b"x", now)), "does not speak MySQL"),
        ("tls", serve(says(packet(GREETING), b"\x16\x03\x03\0\x01\x02", now)), "TLS failed ("),
        ("drip", serve(says(vec![], b"\x0a\0", Duration::from_millis(1))), "MySQL"),
        ("closed", serve(|_| ()), "connection closed ("),
    ];
    let list: Vec<Value> = cases.iter().map(|(name, port, _)| check(name, *port)).collect();
    let mut pilot = Pilot::with(&jobs(list.into())).env("DB_PASSWORD", PASSWORD).start();
    for (name, _, words) in &cases {
        pilot.wait_for(&format!("{name} is unhealthy: "));
        assert!(
            pilot.lines().iter().any(|line| line.holds(&format!("{name} is unhealthy: ")) && line.holds(words)),
            "{name}: {}",
            pilot.log()
        );
    }
    let before = processes::resident_kib(pilot.pid());
    for (name, ..) in &cases {
        pilot.wait_for_count(&format!("event: {{StatusUnhealthy {name}}}"), 5);
    }
    let asked = Instant::now();
    pilot.asked(&["ping"]);
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    let after = processes::resident_kib(pilot.pid());
    println!("{before} KiB resident after one look at each, {after} after five");
    assert!(after < before + 4096, "{before} KiB and then {after}");
    assert_eq!(pilot.stop(), 0);
    assert!(!pilot.log().contains(PASSWORD));
}

#[test]
fn an_impostor_that_asks_for_the_password_does_not_get_it() {
    let heard = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let ears = std::sync::Arc::clone(&heard);
    let port = serve(move |mut stream: TcpStream| {
        let _ = stream.write_all(&[&plain_greeting()[..], FULL_LOG_IN].concat());
        let mut all = Vec::new();
        let _ = stream.read_to_end(&mut all);
        ears.lock().unwrap().extend(all);
    });
    let mut pilot = Pilot::with(&jobs(json!([check("app", port)]))).env("DB_PASSWORD", PASSWORD).start();
    pilot.wait_for("wants the password itself (new there, or wrong), sent over verified TLS only: set tls to verify-ca or verify-identity");
    assert_eq!(pilot.stop(), 0);
    let heard = heard.lock().unwrap();
    assert!(heard.windows(2).any(|two| two == b"u\0"), "it did log in");
    assert!(!heard.windows(PASSWORD.len()).any(|part| part == PASSWORD.as_bytes()));
}
