//! Conversations with servers that cannot be had: each is what a server says, whatever it hears.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context as Waking, Poll};

use proptest::prelude::*;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::greeting::can;
use super::greeting::tests::greeting;
use super::*;

const PASSWORD: &str = "s3cr3t";
const ALL: u32 = can::PROTOCOL_41 | can::SECURE_CONNECTION | can::AUTH_PLUGINS | can::CONNECT_WITH_DATABASE;

/// A server that says these bytes and then, if at all, these over and over; `step` bytes at a time. What it hears is kept.
#[derive(Clone, Default)]
struct Server {
    says: Vec<u8>,
    then: Vec<u8>,
    said: usize,
    step: Option<usize>,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl AsyncRead for Server {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Waking<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let room = buffer.remaining().min(self.step.unwrap_or(usize::MAX));
        for _ in 0..room {
            let endless = || self.then.get(self.said.checked_sub(self.says.len())? % self.then.len().max(1));
            let Some(&byte) = self.says.get(self.said).or_else(endless) else { break };
            buffer.put_slice(&[byte]);
            self.said += 1;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Server {
    fn poll_write(self: Pin<&mut Self>, _: &mut Waking<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.heard.lock().unwrap().extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Waking<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Waking<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Packets, each with its number.
fn packets(packets: &[(u8, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (number, payload) in packets {
        let [a, b, c, _] = u32::try_from(payload.len()).unwrap().to_le_bytes();
        bytes.extend_from_slice(&[a, b, c, *number]);
        bytes.extend_from_slice(payload);
    }
    bytes
}

const OK: &[u8] = b"\0\0\0\x02\0\0\0";
const END: &[u8] = b"\xfe\0\0\x02\0";

/// A server that lets the user in by its first word, and answers `SELECT 1`.
fn answering() -> Vec<u8> {
    let answer = [(1, &b"\x01"[..]), (2, b"\x03def"), (3, END), (4, b"\x011"), (5, END)];
    [logged_in(), packets(&answer)].concat()
}

/// A server that lets the user in, and then nothing.
fn logged_in() -> Vec<u8> {
    packets(&[(0, &greeting(ALL, "mysql_native_password")), (2, OK)])
}

/// A server that greets with caching_sha2_password, and answers the log-in so.
fn asking(answers: &[(u8, &[u8])]) -> Vec<u8> {
    [packets(&[(0, &greeting(ALL, "caching_sha2_password"))]), packets(answers)].concat()
}

fn probe() -> MysqlProbe {
    MysqlProbe {
        host: "db".into(),
        port: 3306,
        socket: None,
        user: "probe".into(),
        password: Password::None,
        database: None,
        tls: MysqlTls::Disabled,
        ca_file: None,
        role: MysqlRole::Any,
    }
}

/// What is found, whether it is held against us, and how much was read of the server.
fn talk(probe: &MysqlProbe, server: Server) -> (Finding, bool, Vec<u8>) {
    let check = Check::Nothing;
    let material = Material { password: PASSWORD.into(), check, addresses: vec![], credentials: [0; 32] };
    let heard = Arc::clone(&server.heard);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let Outcome { finding, held_against_us } =
        runtime.block_on(converse(server, probe, &material, &Progress::default()));
    assert!(finding.note.len() < 200 && !finding.note.contains(PASSWORD), "{finding:?}");
    let heard = heard.lock().unwrap().clone();
    (finding, held_against_us, heard)
}

fn says(bytes: Vec<u8>) -> Server {
    Server { says: bytes, ..Server::default() }
}

fn note(server: Server) -> String {
    talk(&probe(), server).0.note
}

fn has(heard: &[u8], text: &str) -> bool {
    heard.windows(text.len()).any(|part| part == text.as_bytes())
}

#[test]
fn a_server_that_answers_passes_and_hears_a_good_bye() {
    let (finding, held, heard) = talk(&probe(), says(answering()));
    assert_eq!((finding.note.as_str(), finding.pass, held), ("MySQL at db:3306 answers", true, false));
    assert!(heard.ends_with(b"\x01\0\0\0\x01") && has(&heard, "SELECT 1") && !has(&heard, PASSWORD));
    let dripping = Server { step: Some(1), ..says(answering()) };
    assert!(talk(&probe(), dripping).0.pass);
}

#[test]
fn a_server_that_breaks_off_at_any_byte_has_failed() {
    let whole = answering();
    for end in 0..whole.len() {
        let (finding, held, _) = talk(&probe(), says(whole[..end].to_vec()));
        assert_eq!((finding.pass, finding.cause, held), (false, Cause::NoHandshake, false), "{end}: {finding:?}");
    }
}

#[test]
fn a_packet_with_another_number_than_it_should_have_has_failed() {
    let whole = answering();
    let mut starts = vec![0];
    while let Some([a, b, ..]) = whole.get(*starts.last().unwrap()..) {
        starts.push(starts.last().unwrap() + 4 + usize::from(*a) + usize::from(*b) * 256);
    }
    for start in starts.iter().take_while(|start| **start < whole.len()) {
        let mut other = whole.clone();
        other[start + 3] ^= 1;
        assert!(note(says(other)).contains("does not speak MySQL: packet "), "{start}");
    }
}

#[test]
fn greetings_that_are_none_are_told_apart() {
    let strange = |what: &str| format!("MySQL at db:3306 does not speak MySQL: {what}");
    assert_eq!(
        note(says(b"\x05\0\0\0\x0b\x08\x05\x1a\0".to_vec())),
        strange("this is MySQL's X protocol; the port wanted is mostly 3306")
    );
    assert_eq!(note(says(b"HTTP/1.1 400 Bad Request".to_vec())), strange("a packet of 5526600 bytes"));
    assert_eq!(note(says(packets(&[(0, b"")]))), strange("a packet that ends too early"));
    let blocked = packets(&[(0, b"\xff\x69\x04Host '10.0.0.1' is blocked")]);
    let (finding, held, _) = talk(&probe(), says(blocked));
    assert_eq!(finding.note, "error from MySQL at db:3306: 1129 Host '10.0.0.1' is blocked");
    assert!(held);
}

#[test]
fn what_goes_on_without_end_is_ended() {
    let endless = |before: Vec<u8>, then: &[u8]| Server { says: before, then: then.to_vec(), ..Server::default() };
    let sha2 = |answers: &[(u8, &[u8])]| asking(answers);
    let column = packets(&[(1, b"\x01")]);
    let row = [logged_in(), packets(&[(1, b"\x01"), (2, b"\x03def"), (3, END)])].concat();
    for (what, server) in [
        ("huge packets", endless(logged_in(), &[0xff, 0xff, 0xff, 1])),
        ("huge greetings", endless(vec![], &[0xff, 0xff, 0xff, 0])),
        ("empty greetings", endless(vec![], &[0, 0, 0, 0])),
        ("empty packets", endless(logged_in(), &[0, 0, 0, 1])),
        ("empty packets for columns", endless([logged_in(), column].concat(), &[0, 0, 0, 2])),
        ("rows", endless(row, &packets(&[(4, b"\x011")]))),
        ("bytes", endless(vec![], b"x")),
        ("fast is fine", endless(sha2(&[]), &packets(&[(2, b"\x01\x03"), (3, b"\x01\x03")]))),
    ] {
        let (finding, ..) = talk(&probe(), server);
        assert_eq!((finding.pass, finding.cause), (false, Cause::NoHandshake), "{what}: {finding:?}");
    }

    let step = |number: u8| (number, &b"\x01\x03"[..]);
    let steps: Vec<_> = (2..20).map(step).collect();
    assert!(note(says(asking(&steps))).contains("a log-in without an end"));
    let switch = [b"\xfemysql_native_password\0".as_slice(), &[7; 20]].concat();
    let switches: Vec<_> = (1..20).map(|turn| (turn * 2, switch.as_slice())).collect();
    assert!(note(says(asking(&switches))).contains("a log-in without an end"));
}

#[test]
fn counts_that_a_server_names_are_not_counted_up_to() {
    for (count, words) in [
        (&b"\xfe\xff\xff\xff\xff\0\0\0\0"[..], "an answer of 4294967295 columns instead of 1"),
        (b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff", "an answer of 18446744073709551615 columns instead of 1"),
        (b"\x02", "an answer of 2 columns instead of 1"),
        (b"\0\0\0\x02\0\0\0", "an answer of 0 columns instead of 1"),
        (b"\xfb/etc/shadow", "an answer that is none"),
    ] {
        let server = says([logged_in(), packets(&[(1, count)])].concat());
        assert_eq!(note(server), format!("MySQL at db:3306 does not speak MySQL: {words}"));
    }
    let value =
        packets(&[(1, b"\x01"), (2, b"\x03def"), (3, END), (4, b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff1"), (5, END)]);
    assert!(note(says([logged_in(), value].concat())).contains("a packet that ends too early"));
}

#[test]
fn the_password_itself_is_not_sent_to_whom_nobody_knows() {
    for wants in [&b"\x01\x04"[..], &[b"\xfesha256_password\0".as_slice(), &[7; 20]].concat()] {
        let (finding, held, heard) = talk(&probe(), says(asking(&[(2, wants), (4, OK)])));
        assert_eq!((finding.cause, held, has(&heard, PASSWORD)), (Cause::AuthFailed, true, false));
        let remedy = "sent over verified TLS only: set tls to verify-ca or verify-identity, and caFile";
        assert!(finding.note.ends_with(remedy), "{finding:?}");

        // A socket is as good as its folder's permissions.
        let local = MysqlProbe { socket: Some("/run/mysqld/mysqld.sock".into()), ..probe() };
        let (_, _, heard) = talk(&local, says(asking(&[(2, wants), (4, OK)])));
        assert!(has(&heard, &format!("{PASSWORD}\0")), "{wants:?}");
    }
    for wants in ["mysql_clear_password", "dialog", "client_ed25519", "authentication_webauthn_client", ""] {
        let switch = [&[0xfe], wants.as_bytes(), &[0], &[7; 20]].concat();
        let (finding, held, heard) = talk(&probe(), says(asking(&[(2, &switch)])));
        assert_eq!((finding.cause, held, has(&heard, PASSWORD)), (Cause::AuthFailed, true, false), "{finding:?}");
        assert!(finding.note.contains(&format!("wants the log-in {wants:?}")), "{finding:?}");
    }
    assert!(note(says(asking(&[(2, b"\xfe")]))).contains("wants the log-in \"mysql_old_password\""));
}

#[test]
fn tls_that_is_demanded_and_not_offered_or_offered_and_none_has_failed() {
    let required = MysqlProbe { tls: MysqlTls::Required, ..probe() };
    assert_eq!(talk(&required, says(answering())).0.note, "TLS with MySQL at db:3306 failed: it offers none");
    let preferred = MysqlProbe { tls: MysqlTls::Preferred, ..probe() };
    assert!(talk(&preferred, says(answering())).0.pass);
    let offers = packets(&[(0, &greeting(ALL | can::TLS, "")), (2, OK), (1, b"\x01")]);
    let (finding, held, heard) = talk(&preferred, says(offers));
    assert_eq!((finding.cause, held), (Cause::TlsFailed, true), "{finding:?}");
    assert!(!has(&heard, "probe"), "the user is not told before TLS");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_server_says_is_a_finding(says in prop::collection::vec(any::<u8>(), 0..600), tls in any::<bool>()) {
        let tls = if tls { MysqlTls::Preferred } else { MysqlTls::Disabled };
        talk(&MysqlProbe { tls, ..probe() }, Server { says: says.clone(), then: says, ..Server::default() });
    }

    #[test]
    fn a_server_with_some_bytes_changed_is_a_finding(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        endless in any::<bool>(),
    ) {
        let mut bytes = answering();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let then = if endless { bytes.clone() } else { vec![] };
        talk(&probe(), Server { says: bytes, then, ..Server::default() });
    }
}

#[tokio::test]
async fn a_name_with_another_address_after_a_failover_is_followed_by_the_next_probe() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let probe = MysqlProbe { host: "db.example".into(), port: listener.local_addr().unwrap().port(), ..probe() };
    let limit = Duration::from_millis(200);
    let client = Client::default();
    // The old primary accepts and is silent; the name then moves to an address where nobody listens.
    let (old, new) = (Resolver::of_one_host("127.0.0.1"), Resolver::of_one_host("127.0.0.2"));
    assert_eq!(client.look(&probe, &old, limit).await.cause, Cause::Timeout);
    assert_eq!(client.look(&probe, &new, limit).await.cause, Cause::Refused);
    assert_eq!(client.look(&probe, &old, limit).await.cause, Cause::Timeout);
}
