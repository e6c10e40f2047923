//! How many requests a job still works on: asked from the job by a URL, or counted by the kernel's table of connections.
//!
//! Every answer comes within `LIMIT`. "Nobody can tell" is an answer, never a zero.

use std::time::Duration;

use super::task;
use pilot_core::plan::InFlight;

/// A count is of no use later.
const LIMIT: Duration = Duration::from_secs(1);
/// A number is no longer than this.
const MOST: usize = 64;
/// `ESTABLISHED` in /proc/net/tcp (proc(5); include/net/tcp_states.h).
const ESTABLISHED: &str = "01";

/// The number, or a sentence about why there is none.
///
/// # Errors
/// When the job does not answer, answers something else, or /proc is not there.
pub async fn count(source: &InFlight, http: &reqwest::Client) -> Result<u64, String> {
    match source {
        InFlight::Unknown => Err("nobody says what is in flight".to_owned()),
        InFlight::Connections(port) => {
            let port = *port;
            // Of a busy machine it is megabytes.
            let counted = task::blocking("counting connections", move || connections(port)).await;
            counted.unwrap_or_else(|panic| Err(panic.to_string()))
        }
        InFlight::Url(url) => match tokio::time::timeout(LIMIT, ask(url, http)).await {
            Ok(answer) => answer,
            Err(_) => Err(format!("{url} did not answer within {LIMIT:?}")),
        },
    }
}

async fn ask(url: &str, http: &reqwest::Client) -> Result<u64, String> {
    let failed = |error: reqwest::Error| format!("{url}: {}", error.without_url());
    let mut answer = http.get(url).send().await.map_err(failed)?;
    if !answer.status().is_success() {
        return Err(format!("{url} answered {}", answer.status().as_u16()));
    }
    let mut body = Vec::new();
    while body.len() < MOST
        && let Some(part) = answer.chunk().await.map_err(failed)?
    {
        body.extend_from_slice(&part);
    }
    let number = std::str::from_utf8(&body).ok().and_then(|text| text.trim().parse().ok());
    number.ok_or_else(|| format!("{url} answered something else than a number"))
}

/// Connections that others have to this port, IPv4 and IPv6, in pilot's network namespace.
fn connections(port: u16) -> Result<u64, String> {
    let mut tables = 0;
    let mut count = 0;
    for table in ["/proc/self/net/tcp", "/proc/self/net/tcp6"] {
        if let Ok(text) = std::fs::read_to_string(table) {
            tables += 1;
            count += text.lines().skip(1).filter(|line| is_to(line, port)).count();
        }
    }
    if tables == 0 {
        return Err("/proc is not mounted, so connections cannot be counted".to_owned());
    }
    Ok(u64::try_from(count).unwrap_or(u64::MAX))
}

/// Whether a line is an established connection whose local port is this one.
fn is_to(line: &str, port: u16) -> bool {
    let mut words = line.split_whitespace();
    let (_slot, local, _remote, state) = (words.next(), words.next(), words.next(), words.next());
    let local_port =
        local.and_then(|local| local.rsplit_once(':')).and_then(|(_, port)| u16::from_str_radix(port, 16).ok());
    local_port == Some(port) && state == Some(ESTABLISHED)
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn connections_to_the_port_are_counted_and_not_those_from_it() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(connections(address.port()), Ok(0));
        let clients = [TcpStream::connect(address).unwrap(), TcpStream::connect(address).unwrap()];
        let accepted = [listener.accept().unwrap(), listener.accept().unwrap()];
        assert_eq!(connections(address.port()), Ok(2));
        assert_eq!(connections(clients[0].local_addr().unwrap().port()), Ok(1), "its own end counts for its own port");
        drop((clients, accepted));
        assert_eq!(connections(address.port()), Ok(0));
    }
}
