//! A client that does what a good client never does: send half a request.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

pub use pilot_test_support::http::Answer;
use pilot_test_support::http::parse;

/// A request that may be sent in parts.
pub struct Request(TcpStream);

impl Request {
    pub fn begin(address: SocketAddr, bytes: &[u8]) -> std::io::Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        stream.write_all(bytes)?;
        Ok(Self(stream))
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    pub fn answer(mut self) -> std::io::Result<Answer> {
        let mut bytes = Vec::new();
        self.0.read_to_end(&mut bytes)?;
        parse(&bytes)
    }
}

/// A whole request in bytes, with `headers` each ended by a line break.
pub fn request(method: &str, path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: app\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n"
    );
    [head.as_bytes(), body].concat()
}

pub const FORM: &str = "content-type: application/x-www-form-urlencoded\r\n";
