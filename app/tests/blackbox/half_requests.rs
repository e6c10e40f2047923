//! Clients that begin a request and go no further keep nobody out, and lose their connection.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use pilot_test_support::Scratch;

use crate::http::Request;
use crate::instance::Instance;

/// Where a process may open 1,024 files, as under most container engines' older defaults.
#[test]
fn more_half_requests_than_there_may_be_connections_keep_nobody_out() {
    let directory = Scratch::new();
    let app = Instance::start_with_files(directory.path(), 1024);
    let files = nix::sys::resource::Resource::RLIMIT_NOFILE;
    // For two thousand sockets of the test's own.
    let (_, hard) = nix::sys::resource::getrlimit(files).unwrap();
    nix::sys::resource::setrlimit(files, hard, hard).unwrap();
    let half = || Request::begin(app.address, b"GET /health HTTP/1.1\r\nhost:").unwrap();
    let halves: Vec<Request> = (0..2000).map(|_| half()).collect();
    let asked = Instant::now();
    assert_eq!(app.get("/health").status, 200);
    // They are let go after ten seconds, so an answer before that does not owe it to their end.
    assert!(asked.elapsed() < Duration::from_secs(8), "{:?}", asked.elapsed());
    drop(halves);
}

#[test]
fn who_does_not_finish_the_first_request_s_head_is_let_go_and_who_has_asked_before_may_be_idle() {
    let directory = Scratch::new();
    let app = Instance::start_ready(directory.path(), &[]);
    let connect = |bytes: &[u8]| {
        let mut stream = TcpStream::connect(app.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.write_all(bytes).unwrap();
        stream
    };
    let whole = b"GET /health HTTP/1.1\r\nhost: app\r\n\r\n";
    let answer = |stream: &mut TcpStream| {
        let mut bytes = [0; 512];
        let length = stream.read(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    };
    let mut asked_before = connect(whole);
    assert!(answer(&mut asked_before).starts_with("HTTP/1.1 200"));
    let mut half = connect(b"GET /health HTTP/1.1\r\nhost:");
    assert_eq!(half.read(&mut [0; 1]).unwrap(), 0, "the half request's connection is closed");
    asked_before.write_all(whole).unwrap();
    assert!(answer(&mut asked_before).starts_with("HTTP/1.1 200"), "the idle one still serves");
}
