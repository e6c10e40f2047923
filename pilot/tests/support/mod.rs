//! What the tests of the catalog and of the probes share: ports, temporary folders, scripted peers, certificates, waiting.
//!
//! A scripted peer is only for faults that the real server cannot be made to show.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The end-to-end tests' ports: no two tests race for one.
#[path = "../../../tests/src/ports.rs"]
mod ports;
pub use ports::free as free_port;

/// A folder that is removed at the end of the test.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("pilot-{name}-{}-{}", std::process::id(), free_port()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Waits until the condition holds; fails the test with `what` after the limit.
pub async fn until<F: AsyncFnMut() -> bool>(what: &str, limit: Duration, mut holds: F) -> Duration {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < limit, "not within {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    start.elapsed()
}

/// What a scripted HTTP peer does with one request.
#[derive(Clone)]
pub enum Act {
    /// These bytes, then the connection is closed.
    Say(String),
    /// These bytes after a while.
    SayAfter(Duration, String),
    /// Nothing, for ever.
    Hang,
    /// The headers, and then a byte of the body every so often, for ever.
    Drip,
    /// RST.
    Reset,
}

/// An HTTP answer with an empty reason and a closed connection.
pub fn answer(status: u16, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}", body.len())
}

/// A scripted HTTP peer on the loopback that remembers the request lines (and the whole heads).
pub struct Peer {
    pub port: u16,
    pub lines: Arc<Mutex<Vec<String>>>,
    pub heads: Arc<Mutex<Vec<String>>>,
}

impl Peer {
    /// Serves inside the current runtime; `script` sees the request line and how many requests came before.
    pub async fn start(script: impl Fn(&str, usize) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Peer::serve(listener, script)
    }

    pub fn serve(listener: TcpListener, script: impl Fn(&str, usize) -> Act + Send + Sync + 'static) -> Self {
        let port = listener.local_addr().unwrap().port();
        let (lines, heads) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
        let (seen, full, script) = (Arc::clone(&lines), Arc::clone(&heads), Arc::new(script));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, full, script) = (Arc::clone(&seen), Arc::clone(&full), Arc::clone(&script));
                tokio::spawn(async move { converse(stream, &seen, &full, &*script).await });
            }
        });
        Peer { port, lines, heads }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn seen(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }
}

async fn converse(
    mut stream: TcpStream,
    seen: &Mutex<Vec<String>>,
    full: &Mutex<Vec<String>>,
    script: &(dyn Fn(&str, usize) -> Act + Send + Sync),
) {
    let mut text = Vec::new();
    let mut buffer = [0; 4096];
    // The head, and the body by its length.
    let head = loop {
        let Ok(read @ 1..) = stream.read(&mut buffer).await else { return };
        text.extend_from_slice(&buffer[..read]);
        let so_far = String::from_utf8_lossy(&text).to_string();
        let Some((head, body)) = so_far.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:").map(str::to_owned));
        if body.len() >= length.map_or(0, |length| length.trim().parse().unwrap()) {
            break so_far;
        }
    };
    let line = head.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned();
    let before = {
        let mut seen = seen.lock().unwrap();
        seen.push(line.clone());
        full.lock().unwrap().push(head);
        seen.len() - 1
    };
    match script(&line, before) {
        Act::Say(text) => drop(stream.write_all(text.as_bytes()).await),
        Act::SayAfter(delay, text) => {
            tokio::time::sleep(delay).await;
            drop(stream.write_all(text.as_bytes()).await);
        }
        Act::Hang => std::future::pending().await,
        Act::Drip => {
            drop(stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n").await);
            while stream.write_all(b" ").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        Act::Reset => stream.set_zero_linger().unwrap(),
    }
}

/// A certificate authority and a certificate for `localhost`, made by the openssl command.
pub struct Certificates {
    pub ca: PathBuf,
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Certificates {
    pub fn make(folder: &Path, name: &str) -> Self {
        let names = format!("{name}.names");
        std::fs::write(folder.join(&names), "subjectAltName=DNS:localhost\n").unwrap();
        let new = "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
        openssl(
            folder,
            &format!("{new} -x509 -days 2 -subj /CN={name}-authority -keyout {name}.ca.key -out {name}.ca"),
        );
        openssl(folder, &format!("{new} -subj /CN=localhost -keyout {name}.key -out {name}.csr"));
        let sign = format!("x509 -req -days 2 -CA {name}.ca -CAkey {name}.ca.key -CAcreateserial -extfile {names}");
        openssl(folder, &format!("{sign} -in {name}.csr -out {name}.cert"));
        let path = |end: &str| folder.join(format!("{name}.{end}"));
        Certificates { ca: path("ca"), certificate: path("cert"), key: path("key") }
    }
}

fn openssl(folder: &Path, words: &str) {
    let mut command = Command::new("openssl");
    command.args(words.split(' ')).current_dir(folder).stdin(Stdio::null());
    let done = command.output().expect("openssl is installed");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// A process that ends with the test.
pub struct Running(pub std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The log lines of this thread while it lives, `LEVEL message`.
pub struct Lines {
    lines: Arc<Mutex<Vec<String>>>,
    _guard: tracing::subscriber::DefaultGuard,
}

impl Lines {
    pub fn listen() -> Self {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let guard = tracing::subscriber::set_default(Listener(Arc::clone(&lines)));
        Lines { lines, _guard: guard }
    }

    pub fn with(&self, text: &str) -> Vec<String> {
        self.lines.lock().unwrap().iter().filter(|line| line.contains(text)).cloned().collect()
    }
}

struct Listener(Arc<Mutex<Vec<String>>>);

impl tracing::Subscriber for Listener {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target().starts_with("pilot")
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        struct Message(String);
        impl tracing::field::Visit for Message {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                if field.name() == "message" {
                    self.0 = format!("{value:?}");
                }
            }
        }
        let mut message = Message(String::new());
        event.record(&mut message);
        self.0.lock().unwrap().push(format!("{} {}", event.metadata().level(), message.0));
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}
