//! The smallest HTTP client that does: one request, one connection, a deadline.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The raw header block.
    pub head: String,
    /// The body, chunks joined.
    pub body: String,
}

impl Answer {
    /// A header's value; names are the same in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.find_map(|(field, value)| field.eq_ignore_ascii_case(name).then_some(value))
    }

    /// The body, which must be JSON and be said to be it.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        serde_json::from_str(&self.body).expect("the body is JSON")
    }
}

/// Sends a request to `127.0.0.1:port` and reads the whole answer.
///
/// # Errors
/// When nobody listens, the deadline of 5 s passes, or the answer is not HTTP.
pub fn request(port: u16, method: &str, path: &str, body: &str) -> io::Result<Answer> {
    ask(SocketAddr::from(([127, 0, 0, 1], port)), method, path, body)
}

/// `GET` of a path on another address, such as a container's.
///
/// # Errors
/// As [`request`], and when the address is none.
pub fn get_from(address: &str, port: u16, path: &str) -> io::Result<Answer> {
    let address = address.parse::<IpAddr>().map_err(io::Error::other)?;
    ask(SocketAddr::new(address, port), "GET", path, "")
}

/// `POST` of a form to a path on another address.
///
/// # Errors
/// As [`get_from`].
pub fn post_to(address: &str, port: u16, path: &str, form: &str) -> io::Result<Answer> {
    let address = address.parse::<IpAddr>().map_err(io::Error::other)?;
    ask(SocketAddr::new(address, port), "POST", path, form)
}

fn ask(address: SocketAddr, method: &str, path: &str, body: &str) -> io::Result<Answer> {
    let deadline = Duration::from_secs(5);
    let mut stream = TcpStream::connect_timeout(&address, deadline)?;
    stream.set_read_timeout(Some(deadline))?;
    stream.set_write_timeout(Some(deadline))?;
    let form = if body.starts_with('{') { "application/json" } else { "application/x-www-form-urlencoded" };
    // In one piece: a server that answers after its first read and closes would reset the connection under the rest.
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: {form}\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes())?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    parse(&bytes)
}

/// A whole answer from its bytes.
///
/// # Errors
/// When they are not HTTP.
pub fn parse(bytes: &[u8]) -> io::Result<Answer> {
    let text = String::from_utf8_lossy(bytes);
    let malformed = || io::Error::new(io::ErrorKind::InvalidData, "not an HTTP answer");
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(malformed)?;
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).ok_or_else(malformed)?;
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    let body = if chunked { join_chunks(body) } else { body.to_owned() };
    Ok(Answer { status, head: head.to_owned(), body })
}

/// `GET` of a path on `127.0.0.1:port`.
///
/// # Errors
/// As [`request`].
pub fn get(port: u16, path: &str) -> io::Result<Answer> {
    request(port, "GET", path, "")
}

fn join_chunks(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((size, tail)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        if size == 0 {
            break;
        }
        body.push_str(tail.get(..size).unwrap_or(tail));
        rest = tail.get(size + 2..).unwrap_or("");
    }
    body
}
