//! A TCP connection to a name that has several addresses, as in RFC 8305 ("happy eyeballs").
//!
//! The next address is tried when one has failed, or after [`HEAD_START`] without an answer: where one family of addresses is
//! silently dropped, the other is not found after a time-out alone.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// What an address has before the next is tried as well.
const HEAD_START: Duration = Duration::from_millis(250);

/// Connects to the first address that accepts. An error is that of the last one that failed.
pub(super) async fn connect(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut queue = in_turns(addresses);
    let mut last = io::Error::new(io::ErrorKind::NotFound, "no address");
    // Those that are still under way when it is dropped are given up.
    let mut under_way = JoinSet::new();
    loop {
        if let Some(address) = queue.pop_front() {
            under_way.spawn(TcpStream::connect(address));
        }
        tokio::select! {
            biased;
            ended = under_way.join_next() => match ended {
                Some(Ok(Ok(stream))) => return Ok(stream),
                Some(Ok(Err(error))) => last = error,
                Some(Err(broken)) => last = io::Error::other(broken),
                None => return Err(last),
            },
            () = sleep(HEAD_START), if !queue.is_empty() => {}
        }
    }
}

/// The resolver's order, but the two families in turns.
fn in_turns(addresses: &[SocketAddr]) -> VecDeque<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (mut first, mut second): (VecDeque<_>, VecDeque<_>) =
        addresses.iter().copied().partition(|address| address.is_ipv6() == first_is_v6);
    let mut turns = VecDeque::with_capacity(addresses.len());
    while !first.is_empty() || !second.is_empty() {
        turns.extend(first.pop_front());
        turns.extend(second.pop_front());
    }
    turns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn families_take_turns() {
        let mixed = all(&["[::1]:1", "[::2]:1", "[::3]:1", "10.0.0.1:1", "10.0.0.2:1"]);
        let turns = all(&["[::1]:1", "10.0.0.1:1", "[::2]:1", "10.0.0.2:1", "[::3]:1"]);
        assert_eq!(in_turns(&mixed), turns);
        assert!(in_turns(&[]).is_empty());
    }

    #[tokio::test]
    async fn one_that_is_refused_is_followed_by_the_next_at_once() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let there = listener.local_addr().unwrap();
        let refusing = SocketAddr::from(([127, 0, 0, 9], there.port()));
        let stream = connect(&[refusing, there]).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), there);
        assert_eq!(connect(&[refusing]).await.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(connect(&[]).await.unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
