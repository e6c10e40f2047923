//! A MySQL probe whose server speaks nonsense: the finding is a failure, pilot lives, and the next look is made.
//! reliability.md, section 2, case 27.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use pilot_tests::mariadb::{PASSWORD, USER};
use pilot_tests::pilot::jobs;
use pilot_tests::{MariaDb, Pilot, SOON, fixture, ports, processes};
use serde_json::{Value, json};

fn checked(name: &str, port: u16) -> Value {
    let mysql =
        json!({ "host": "127.0.0.1", "port": port, "user": USER, "passwordEnv": "DB_PASSWORD", "tls": "disabled" });
    json!({ "name": name, "exec": [fixture(), "forever"], "health": { "mysql": mysql, "interval": "100ms", "timeout": "1s" } })
}

/// A server at `port` that plays this to whoever connects, and then closes.
fn serve(port: u16, play: impl Fn(&mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static) {
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = play(&mut stream);
        }
    });
}

/// A packet: three bytes of length, a number, the content.
fn packet(number: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_le_bytes();
    [&length[..3], &[number], content].concat()
}

/// Protocol 10, no TLS, `mysql_native_password`.
fn greeting() -> Vec<u8> {
    let mut content = b"\x0a5.7.0\0\x01\0\0\0abcdefgh\0".to_vec();
    content.extend([0x00, 0xa2, 0x21, 0x02, 0x00, 0x08, 0x00, 21]);
    content.extend([0; 10]);
    content.extend(b"ijklmnopqrst\0mysql_native_password\0");
    packet(0, &content)
}

/// Reads one packet of the client.
fn take(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut head = [0; 4];
    stream.read_exact(&mut head)?;
    let length = u32::from_le_bytes([head[0], head[1], head[2], 0]);
    stream.read_exact(&mut vec![0; length as usize])
}

const OK: &[u8] = &[0, 0, 0, 2, 0, 0, 0];

#[test]
fn malformed_answers_of_a_mysql_server_are_failed_checks_and_the_next_look_is_made() {
    let endings: [(&str, &[u8]); 5] = [
        ("huge-count", b"\xfe\0\0\0\xff\0\0\0\0"),
        ("no-count", b""),
        ("cut-count", b"\xfe\x01"),
        ("null-count", b"\xfb"),
        ("text", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    ];
    let mut list = Vec::new();
    let mut names = Vec::new();
    // MySQL's own X port greets like this.
    let greetings: [(&str, &[u8]); 4] = [
        ("x-port", b"\x05\0\0\0\x0b\x08\x05\x1a\0"),
        ("empty", b"\0\0\0\0"),
        ("version-only", b"\x01\0\0\0\x0a"),
        ("endless-version", b"\xff\xff\xff\0\x0aaaaaaaaaaaaaaaaa"),
    ];
    for (name, bytes) in greetings {
        let (port, bytes) = (ports::free(), bytes.to_vec());
        serve(port, move |stream| stream.write_all(&bytes));
        list.push(checked(name, port));
        names.push(name);
    }
    for (name, ending) in endings {
        let port = ports::free();
        serve(port, move |stream| {
            stream.write_all(&greeting())?;
            take(stream)?;
            stream.write_all(&packet(2, OK))?;
            loop {
                take(stream)?;
                stream.write_all(&packet(1, ending))?;
            }
        });
        list.push(checked(name, port));
        names.push(name);
    }
    let database = MariaDb::start();
    list.push(checked("well", database.port()));
    let mut pilot = Pilot::with(&jobs(list.into())).env("DB_PASSWORD", PASSWORD).start();
    let pid = pilot.pid();
    pilot.wait_for_event("StatusHealthy well");
    for name in names {
        // One failure is a finding; three of them say that it was looked again.
        pilot.wait(&format!("three failed checks of {name}"), SOON, |pilot| {
            assert!(!pilot.ended(), "{name} has ended pilot\n{}", pilot.log());
            (pilot.count_events(&format!("StatusUnhealthy {name}")) >= 3).then_some(())
        });
        assert_eq!(pilot.count_events(&format!("StatusHealthy {name}")), 0);
    }
    assert!(processes::resident_kib(pid) < 60_000, "{} KiB resident", processes::resident_kib(pid));
    assert_eq!(pilot.count("panicked"), 0, "{}", pilot.log());
    assert_eq!(pilot.stop(), 0);
}
