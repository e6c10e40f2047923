//! A scripted HTTP peer, for faults that a real server cannot be made to show. It records every request.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::libc::linger;
use nix::sys::socket::{setsockopt, sockopt};

use crate::ports;

/// What the peer does with a request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Status, extra header lines (each ending in CR LF) and body, after a pause.
    Answer {
        /// Status code.
        status: u16,
        /// Extra header lines.
        head: String,
        /// Body.
        body: String,
        /// Pause before the answer.
        after: Duration,
    },
    /// These bytes, whatever they are; then the connection is closed.
    Raw(String),
    /// Accept and never answer.
    Hang,
    /// Break the connection off (RST) without a word.
    Reset,
    /// Send the head, then a byte of the body each 100 ms for ever.
    Drip,
}

impl Reply {
    /// 200 with this body, at once.
    pub fn ok(body: &str) -> Reply {
        Reply::answer(200, "", body)
    }

    /// Status, extra header lines (each ending in CR LF) and body, at once.
    pub fn answer(status: u16, head: &str, body: &str) -> Reply {
        Reply::Answer { status, head: head.to_owned(), body: body.to_owned(), after: Duration::ZERO }
    }

    /// This status with an empty body, at once.
    pub fn status(status: u16) -> Reply {
        Reply::answer(status, "", "")
    }
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    /// When it had arrived whole.
    pub at: Instant,
    /// How many had come to this peer before.
    pub number: usize,
    /// Method and path with query.
    pub line: String,
    /// Header lines.
    pub head: String,
    /// Body.
    pub body: String,
}

type Script = dyn Fn(&Request) -> Reply + Send + Sync;

/// The peer. Its threads live as long as the test's process.
#[derive(Clone, Debug)]
pub struct Scripted {
    port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Scripted {
    /// Listens on a free port and answers as `script` says.
    pub fn start(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Scripted {
        Scripted::start_with(vec![ports::listener()], script)
    }

    /// The same on these addresses of this machine, which are one peer.
    pub fn start_at(addresses: &[SocketAddr], script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Scripted {
        let bind = |address: &SocketAddr| TcpListener::bind(address).expect("the address is ours and free");
        Scripted::start_with(addresses.iter().map(bind).collect(), script)
    }

    fn start_with(listeners: Vec<TcpListener>, script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Scripted {
        let port =
            listeners.first().and_then(|listener| listener.local_addr().ok()).map_or(0, |address| address.port());
        let peer = Scripted { port, requests: Arc::default() };
        let script: Arc<Script> = Arc::new(script);
        for listener in listeners {
            let (requests, script) = (peer.requests.clone(), script.clone());
            std::thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    let (requests, script) = (requests.clone(), script.clone());
                    std::thread::spawn(move || serve(stream, &requests, script.as_ref()));
                }
            });
        }
        peer
    }

    /// Its port, on the first of its addresses.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The methods and paths of every request so far.
    pub fn lines(&self) -> Vec<String> {
        self.requests().into_iter().map(|request| request.line).collect()
    }

    /// How many request lines hold `text`.
    pub fn count(&self, text: &str) -> usize {
        self.requests().iter().filter(|request| request.line.contains(text)).count()
    }
}

fn serve(stream: TcpStream, requests: &Mutex<Vec<Request>>, script: &Script) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut writer = stream;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let mut head = String::new();
        loop {
            let mut field = String::new();
            reader.read_line(&mut field).ok()?;
            if field.trim().is_empty() {
                break;
            }
            head.push_str(&field);
        }
        let length = head.lines().find_map(|field| {
            let (name, value) = field.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        let mut body = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut body).ok()?;
        let mut request = Request {
            at: Instant::now(),
            number: 0,
            line: line.trim().trim_end_matches(" HTTP/1.1").to_owned(),
            head,
            body: String::from_utf8_lossy(&body).into_owned(),
        };
        {
            let mut all = requests.lock().unwrap_or_else(PoisonError::into_inner);
            request.number = all.len();
            all.push(request.clone());
        }
        match script(&request) {
            Reply::Answer { status, head, body, after } => {
                std::thread::sleep(after);
                let length = body.len();
                write!(writer, "HTTP/1.1 {status} Scripted\r\n{head}Content-Length: {length}\r\n\r\n{body}").ok()?;
            }
            Reply::Raw(text) => return writer.write_all(text.as_bytes()).ok(),
            Reply::Hang => loop {
                std::thread::sleep(Duration::from_secs(60));
            },
            Reply::Reset => {
                let at_once = linger { l_onoff: 1, l_linger: 0 };
                return setsockopt(&writer, sockopt::Linger, &at_once).ok();
            }
            Reply::Drip => {
                write!(writer, "HTTP/1.1 200 Scripted\r\nContent-Length: 1000000\r\n\r\n").ok()?;
                loop {
                    writer.write_all(b" ").ok()?;
                    std::thread::sleep(Duration::from_millis(100));
                }
            }
        }
    }
}
