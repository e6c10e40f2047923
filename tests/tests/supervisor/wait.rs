//! `pilot wait`: a script that starts before its neighbours goes on when they answer, or is told what is wrong with which.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Instant;

use pilot_tests::command::run;
use pilot_tests::mariadb::{PASSWORD, USER};
use pilot_tests::scripted::{Reply, Scripted};
use pilot_tests::{Consul, MariaDb, Running, SOON, Scratch, ports, tools, until};

fn wait(words: &[&str]) -> Command {
    let mut command = Command::new(tools::pilot());
    command.arg("wait").args(words).stdin(Stdio::null());
    for name in ["CONSUL_HTTP_ADDR", "CONSUL_HTTP_TOKEN", "CONSUL_HTTP_SSL"] {
        command.env_remove(name);
    }
    command
}

/// A running `pilot wait` whose lines can be waited for.
struct Waiting {
    child: Child,
    lines: std::sync::mpsc::Receiver<String>,
    _reader: JoinHandle<()>,
}

impl Waiting {
    fn start(mut command: Command) -> Waiting {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        let (tell, lines) = std::sync::mpsc::channel();
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let _ = tell.send(line);
            }
        });
        Waiting { child, lines, _reader: reader }
    }

    /// The next line that holds all of these words.
    #[track_caller]
    fn next_with(&self, words: &[&str]) {
        let began = Instant::now();
        let mut seen = Vec::new();
        while let Ok(line) = self.lines.recv_timeout((SOON * 2).saturating_sub(began.elapsed())) {
            if words.iter().all(|word| line.contains(word)) {
                return;
            }
            seen.push(line);
        }
        panic!("no line with {words:?} after {seen:#?}");
    }
}

#[test]
fn it_goes_on_when_the_last_of_a_database_consul_a_service_a_web_server_and_a_port_answers() {
    let mut database = MariaDb::start();
    database.kill();
    let mut consul = Consul::reserved();
    let (web, port) = (ports::free(), ports::free());
    let scratch = Scratch::new();
    let password = scratch.write("password", &format!("{PASSWORD}\n"));
    let targets = [
        format!("mysql://{USER}@127.0.0.1:{}/db", database.port()),
        format!("consul://{}", consul.address()),
        format!("consul://{}/web", consul.address()),
        format!("http://127.0.0.1:{web}/ready"),
        format!("tcp://127.0.0.1:{port}"),
    ];
    let mut words = vec!["--timeout", "60s", "--password-file", &password];
    words.extend(targets.iter().map(String::as_str));
    let mut waiting = Waiting::start(wait(&words));
    waiting.next_with(&["waiting", "tcp://", "connection refused"]);
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    waiting.next_with(&["there", "tcp://"]);
    // A server that is there and not ready is not enough.
    let front = TcpListener::bind(("127.0.0.1", web)).unwrap();
    let answers = std::thread::spawn(move || {
        use std::io::{Read, Write};
        for status in ["503 Not Yet", "200 Ready"] {
            let (mut stream, _) = front.accept().unwrap();
            let _ = stream.read(&mut [0; 1024]);
            write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").unwrap();
        }
    });
    waiting.next_with(&["waiting", "http://", "HTTP 503"]);
    waiting.next_with(&["there", "http://", "HTTP 200"]);
    answers.join().unwrap();
    consul.begin();
    waiting.next_with(&["no healthy instance of web"]);
    consul.register("web-1", "web", 80);
    waiting.next_with(&["there", "/web: 1 healthy of web"]);
    assert_eq!(waiting.child.try_wait().unwrap(), None, "the database is not there");
    database.begin(&[]);
    waiting.next_with(&["there", "mysql://"]);
    assert_eq!(waiting.child.wait().unwrap().code(), Some(0));
    drop(listener);
}

#[test]
fn when_the_time_is_over_it_says_what_was_last_wrong_with_each_and_no_secret() {
    let database = MariaDb::start();
    let silent = Scripted::start(|_| Reply::Hang);
    let broken = Scripted::start(|_| Reply::status(500));
    let leaderless = Leaderless::start();
    let refused = ports::free();
    let mut command = wait(&["--timeout", "3s", "--password-env", "SECRET"]);
    command.args([
        format!("mysql://{USER}@127.0.0.1:{}/db", database.port()),
        format!("http://127.0.0.1:{}/?key=secret-query", silent.port()),
        format!("http://127.0.0.1:{}/", broken.port()),
        format!("consul://127.0.0.1:{}", leaderless.port),
        format!("consul://127.0.0.1:{refused}/web"),
        format!("tcp://127.0.0.1:{refused}"),
    ]);
    command.env("SECRET", "wrong-and-secret");
    let began = Instant::now();
    let said = run(&mut command);
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    assert!(!said.err.contains("secret"), "{}", said.err);
    let (_, last) = said.err.split_once("error: no answer within 3s from:").unwrap();
    let lines: Vec<&str> = last.trim().lines().collect();
    assert_eq!(lines.len(), 6, "{last}");
    let reasons =
        ["denied", "no answer yet", "HTTP 500", "Consul has no leader", "cannot be reached", "connection refused"];
    for (line, reason) in lines.iter().zip(reasons) {
        assert!(line.contains(reason), "{reason}: {line}");
    }
}

#[test]
fn on_a_terminal_each_target_has_one_line_that_is_kept_up_to_date() {
    let port = ports::free();
    let pty = nix::pty::openpty(None, None).unwrap();
    let mut command = wait(&["--timeout", "20s", &format!("tcp://127.0.0.1:{port}"), "tcp://127.0.0.1:1"]);
    let mut child = command.stderr(Stdio::from(pty.slave)).spawn().unwrap();
    drop(command);
    let mut terminal = BufReader::new(File::from(pty.master));
    let mut read_until = |word: &str| {
        let mut seen = String::new();
        while !seen.contains(word) {
            let mut line = Vec::new();
            assert!(terminal.read_until(b'\n', &mut line).unwrap() > 0, "{word:?} is not in {seen:?}");
            seen.push_str(&String::from_utf8_lossy(&line));
        }
        seen
    };
    let before = read_until("connection refused");
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let after = read_until("accepts connections");
    child.kill().unwrap();
    child.wait().unwrap();
    drop(listener);
    assert!(before.contains("no answer yet"), "{before:?}");
    assert!(after.contains("\x1b[2A\x1b[2K"), "the rows are written over: {after:?}");
}

#[test]
fn a_wrong_call_ends_at_once_with_2_and_repeats_no_password() {
    let rows = [
        (vec![], "TARGET"),
        (vec!["redis://cache"], "write mysql://"),
        (vec!["mysql://app:geheim@db"], "--password-file"),
        (vec!["mysql://app@db", "--password-env", "NOT_SET_ANYWHERE"], "NOT_SET_ANYWHERE"),
        (vec!["tcp://db:1", "--timeout", "soon"], "soon"),
    ];
    for (words, text) in rows {
        let said = run(&mut wait(&words));
        assert_eq!(said.code, 2, "{words:?}: {}", said.err);
        assert!(said.err.contains(text) && !said.err.contains("geheim"), "{words:?}: {}", said.err);
    }
}

/// A Consul server that waits for a second one, so that there is no leader.
struct Leaderless {
    port: u16,
    _agent: Running,
    _scratch: Scratch,
}

impl Leaderless {
    fn start() -> Leaderless {
        let scratch = Scratch::new();
        let [port, serf, wan, server] = [ports::free(), ports::free(), ports::free(), ports::free()];
        let agent = Command::new(tools::find(&["consul"]))
            .args("agent -server -bootstrap-expect 2 -bind 127.0.0.1 -dns-port -1 -grpc-port -1".split(' '))
            .args(["-data-dir", &scratch.file("data"), "-http-port", &port.to_string()])
            .args(["-serf-lan-port", &serf.to_string(), "-serf-wan-port", &wan.to_string()])
            .args(["-server-port", &server.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let leaderless = Leaderless { port, _agent: Running(agent), _scratch: scratch };
        until("the agent to answer", SOON * 2, || pilot_tests::http::get(port, "/v1/status/leader").ok());
        leaderless
    }
}
