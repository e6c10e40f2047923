//! What clients do wrong, with real sockets. Defect 18 of v3: a client's open connection must not delay a stop.

#![allow(clippy::disallowed_methods)] // A panic in a task of a test fails the test that waits for it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hyper::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::time::{sleep, timeout};

use super::*;

const SHORT: Duration = Duration::from_millis(200);
/// Only spent when something is broken.
const DEADLINE: Duration = Duration::from_secs(20);

const LIMITS: Limits = Limits {
    body: 1000,
    connections: 4,
    requests: 4,
    connections_per_second: 1000,
    requests_per_second: 1000,
    header: DEADLINE,
    request: DEADLINE,
    keep_alive: KeepAlive::Off,
};

async fn answer(_: SocketAddr, request: Request) -> Response {
    match request.uri().path() {
        "/endless" => {
            let (mut lines, response) = stream("application/x-ndjson");
            tokio::spawn(async move {
                let mut number = 0;
                while lines.send(format!("{number}\n")).await.is_ok() {
                    number += 1;
                    sleep(Duration::from_millis(5)).await;
                }
            });
            response
        }
        "/never" => std::future::pending().await,
        "/large" => text(StatusCode::OK, vec![b'x'; 64 << 20]),
        "/panic" => panic!("a handler's mistake"),
        path => text(StatusCode::OK, format!("{} {path} {}\n", request.method(), request.body().len())),
    }
}

async fn server(limits: Limits) -> (Server, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (Server::start("a server", listener, limits, answer), address)
}

/// Sends this and reads until the server closes the connection.
async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    rest(&mut stream).await
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut got = Vec::new();
    let read = timeout(DEADLINE, stream.read_to_end(&mut got)).await.expect("the server closes the connection");
    // A reset is an end, too.
    let _ = read;
    String::from_utf8(got).unwrap()
}

#[tokio::test]
async fn a_request_is_answered_and_the_connection_closed() {
    let (_server, address) = server(LIMITS).await;
    let got = exchange(address, "POST /a?b HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc").await;
    assert!(got.starts_with("HTTP/1.1 200 OK\r\n"), "{got}");
    assert!(got.to_lowercase().contains("connection: close\r\n"), "{got}");
    assert!(got.ends_with("\r\n\r\nPOST /a 3\n"), "{got}");
    let got = exchange(address, "GET / HTTP/1.0\r\n\r\n").await;
    assert!(got.ends_with("\r\n\r\nGET / 0\n"), "{got}");
}

#[tokio::test]
async fn a_client_that_has_shut_its_sending_side_still_gets_the_answer() {
    let (_server, address) = server(LIMITS).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /a HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    stream.shutdown().await.unwrap();
    assert!(rest(&mut stream).await.ends_with("GET /a 0\n"));
}

#[tokio::test]
async fn a_kept_connection_serves_one_request_after_the_other_until_it_idles_too_long() {
    let (_server, address) = server(Limits { keep_alive: KeepAlive::On, header: SHORT, ..LIMITS }).await;
    let got = exchange(address, "GET /1 HTTP/1.1\r\nhost: x\r\n\r\nGET /2 HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(got.contains("GET /1 0\n") && got.contains("GET /2 0\n"), "{got}");
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused_whether_announced_or_not() {
    let (_server, address) = server(LIMITS).await;
    let long = "x".repeat(1001);
    for request in [
        format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1001\r\n\r\n{long}"),
        format!("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3e9\r\n{long}\r\n0\r\n\r\n"),
    ] {
        let got = exchange(address, &request).await;
        assert!(got.starts_with("HTTP/1.1 413 "), "{got}");
        assert!(got.contains("longer than 1000 bytes"), "{got}");
    }
    let exact = format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{}", "x".repeat(1000));
    assert!(exchange(address, &exact).await.ends_with("POST / 1000\n"));
}

#[tokio::test]
async fn what_is_not_http_or_too_large_a_header_ends_the_connection() {
    let (_server, address) = server(LIMITS).await;
    let huge = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(100_000));
    for nonsense in ["\0\0\0\0\r\n\r\n", "SSH-2.0-x\r\n\r\n", &huge] {
        let got = exchange(address, nonsense).await;
        assert!(got.is_empty() || got.starts_with("HTTP/1.1 4"), "{got}");
    }
}

#[tokio::test]
async fn a_client_that_never_finishes_its_header_or_body_is_cut_off() {
    let (_server, address) = server(Limits { header: SHORT, ..LIMITS }).await;
    for silence in ["", "GET / HT", "GET / HTTP/1.1\r\nhost: x\r\n"] {
        let got = exchange(address, silence).await;
        assert!(got.is_empty() || got.starts_with("HTTP/1.1 408"), "{got}");
    }
    let (_server, address) = server(Limits { request: SHORT, ..LIMITS }).await;
    let got = exchange(address, "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nab").await;
    assert!(got.is_empty() || got.starts_with("HTTP/1.1 408"), "{got}");
}

#[tokio::test]
async fn a_handler_that_never_answers_and_a_client_that_never_reads_are_cut_off() {
    let (_server, address) = server(Limits { request: SHORT, ..LIMITS }).await;
    assert_eq!(exchange(address, "GET /never HTTP/1.1\r\nhost: x\r\n\r\n").await, "");
    let mut deaf = TcpStream::connect(address).await.unwrap();
    deaf.write_all(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    sleep(SHORT * 5).await;
    assert!(rest(&mut deaf).await.len() < 64 << 20, "the answer was cut");
}

#[tokio::test]
async fn silent_clients_take_places_only_for_a_while() {
    let (_server, address) = server(Limits { header: SHORT, ..LIMITS }).await;
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    let got = exchange(address, "GET /late HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(got.ends_with("GET /late 0\n"), "{got}");
}

/// However long they may idle: who asks gets the place of one who does not.
#[tokio::test]
async fn idle_clients_keep_out_nobody_who_asks() {
    let (_server, address) = server(LIMITS).await;
    let mut idle = Vec::new();
    for _ in 0..300 {
        idle.push(TcpStream::connect(address).await.unwrap());
    }
    let began = tokio::time::Instant::now();
    let got = exchange(address, "GET /now HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(got.ends_with("GET /now 0\n"), "{got}");
    assert!(began.elapsed() < DEADLINE / 2, "{:?}", began.elapsed());
}

#[tokio::test]
async fn requests_are_limited_on_one_kept_connection_too() {
    let limits = Limits { keep_alive: KeepAlive::On, header: SHORT, requests_per_second: 10, ..LIMITS };
    let (_server, address) = server(limits).await;
    let began = tokio::time::Instant::now();
    let got = exchange(address, &"GET /a HTTP/1.1\r\nhost: x\r\n\r\n".repeat(13)).await;
    assert_eq!(got.matches("GET /a 0\n").count(), 13, "{got}");
    assert!(began.elapsed() >= Duration::from_millis(300), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_mistake_in_a_handler_costs_its_own_connection_only() {
    let (_server, address) = server(LIMITS).await;
    assert_eq!(exchange(address, "GET /panic HTTP/1.1\r\nhost: x\r\n\r\n").await, "");
    assert!(exchange(address, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.ends_with("GET / 0\n"));
}

#[tokio::test]
async fn a_streamed_answer_outlives_the_request_deadline_and_notices_when_nobody_reads() {
    static SENT: AtomicUsize = AtomicUsize::new(0);
    static ENDED: AtomicUsize = AtomicUsize::new(0);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let _server = Server::start("a server", listener, Limits { request: SHORT, ..LIMITS }, |_, _| async {
        let (mut lines, response) = stream("text/plain");
        tokio::spawn(async move {
            while lines.send("tick\n").await.is_ok() {
                SENT.fetch_add(1, Ordering::SeqCst);
                sleep(Duration::from_millis(10)).await;
            }
            ENDED.store(1, Ordering::SeqCst);
        });
        response
    });
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let began = tokio::time::Instant::now();
    let mut buffer = [0; 1024];
    while began.elapsed() < SHORT * 3 {
        let read = timeout(DEADLINE, stream.read(&mut buffer)).await.unwrap().unwrap();
        assert_ne!(read, 0, "the answer goes on");
    }
    assert!(SENT.load(Ordering::SeqCst) > 3);
    drop(stream);
    let noticed = async {
        while ENDED.load(Ordering::SeqCst) == 0 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(DEADLINE, noticed).await.expect("the sender learns that the client is gone");
}

#[tokio::test]
async fn a_stop_waits_for_no_client() {
    let (server, address) = server(Limits { connections: 8, ..LIMITS }).await;
    let mut clients = Vec::new();
    for request in
        ["", "GET / HT", "GET /never HTTP/1.1\r\nhost: x\r\n\r\n", "GET /endless HTTP/1.1\r\nhost: x\r\n\r\n"]
    {
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(request.as_bytes()).await.unwrap();
        clients.push(client);
    }
    let mut endless = clients.pop().unwrap();
    let mut byte = [0];
    timeout(DEADLINE, endless.read_exact(&mut byte)).await.unwrap().unwrap();
    timeout(SHORT * 10, server.stop()).await.expect("stops at once");
    for client in clients.iter_mut().chain([&mut endless]) {
        rest(client).await;
    }
    TcpListener::bind(address).await.expect("the address is free");
}

#[tokio::test]
async fn over_a_unix_socket_the_handler_learns_who_asks() {
    let folder = std::env::temp_dir().join(format!("pilot-http-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let _server = Server::start("a server", listener, LIMITS, |peer: tokio::net::unix::UCred, _| async move {
        text(StatusCode::OK, format!("{} {:?}", peer.uid(), peer.pid()))
    });
    let mut stream = UnixStream::connect(&path).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut got = String::new();
    stream.read_to_string(&mut got).await.unwrap();
    let want = format!("{} Some({})", nix::unistd::geteuid(), std::process::id());
    assert!(got.ends_with(&want), "{got}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn json_ends_with_a_newline() {
    let response = json(StatusCode::CREATED, &serde_json::json!({ "a": 1 }));
    assert_eq!(response.status(), StatusCode::CREATED);
    let http_body_util::Either::Left(body) = response.into_body() else { panic!("not whole") };
    let bytes = http_body_util::BodyExt::collect(body).await.unwrap().to_bytes();
    assert_eq!(&bytes[..], b"{\"a\":1}\n");
}
