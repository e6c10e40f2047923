//! The probes against a real MariaDB, real TLS servers and plain sockets; scripted peers only for faults.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pilot::runtime::catalog::follow_probe;
use pilot::runtime::probe::{Cause, Finding, Prober};
use pilot_core::plan::{HttpProbe, MysqlProbe, MysqlRole, MysqlTls, Password, Probe, Secret};
use pilot_test_support::{Authority, MariaDb, Reply, Request, Running, Scratch, Scripted, ports};
use support::until;
use tokio::net::TcpListener;

const LIMIT: Option<Duration> = Some(Duration::from_secs(5));
const SHORT: Option<Duration> = Some(Duration::from_millis(300));
const PASSWORD: &str = "s3cr3t-of-the-probe";

async fn look(probe: &Probe, limit: Option<Duration>) -> Finding {
    let finding = Prober::new().run(probe, limit).await;
    println!("{finding:?}");
    assert!(finding.note.len() < 200 && !finding.note.is_empty(), "{finding:?}");
    assert!(!finding.note.chars().any(char::is_control), "{finding:?}");
    assert!(!finding.note.contains("s3cr3t"), "{finding:?}");
    finding
}

fn outcome(finding: &Finding) -> (bool, Cause) {
    (finding.pass, finding.cause)
}

fn http(url: &str) -> HttpProbe {
    HttpProbe {
        url: url.into(),
        method: "GET".into(),
        headers: vec![],
        status: vec![(200, 399)],
        insecure: false,
        ca_file: None,
    }
}

async fn get(url: &str) -> Finding {
    look(&Probe::Http(http(url)), SHORT).await
}

#[tokio::test]
async fn tcp_stays_green_while_http_says_500() {
    let peer = Scripted::start(|_| Reply::answer(500, "", "broken"));
    let tcp = look(&Probe::Tcp(format!("localhost:{}", peer.port())), LIMIT).await;
    assert_eq!(outcome(&tcp), (true, Cause::Fine));
    let http = get(&format!("{}/health?token=s3cr3t", peer.url())).await;
    assert_eq!(outcome(&http), (false, Cause::BadStatus));
    assert_eq!(http.note, format!("HTTP 500 from http://127.0.0.1:{}/health", peer.port()));
}

#[tokio::test]
async fn tcp_tells_refused_from_unknown_names_and_from_nonsense() {
    let port = ports::free();
    assert_eq!(look(&Probe::Tcp(format!("127.0.0.1:{port}")), LIMIT).await.cause, Cause::Refused);
    assert_eq!(look(&Probe::Tcp("no-such-host.invalid:80".into()), LIMIT).await.cause, Cause::Dns);
    assert_eq!(look(&Probe::Tcp("nonsense".into()), LIMIT).await.cause, Cause::Misconfigured);
}

#[tokio::test]
async fn http_redirects_to_its_own_host_are_followed_and_others_are_reported() {
    let peer = Scripted::start(|request| match request.line.as_str() {
        "GET /one" => Reply::answer(302, "Location: /two\r\n", ""),
        "GET /two" => Reply::answer(204, "", ""),
        "GET /loop" => Reply::answer(301, "Location: /loop\r\n", ""),
        _ => Reply::answer(307, "Location: http://elsewhere.invalid/x?s3cr3t\r\n", ""),
    });
    let followed = get(&format!("{}/one", peer.url())).await;
    assert_eq!(outcome(&followed), (true, Cause::Fine));
    assert_eq!(peer.lines(), ["GET /one", "GET /two"]);
    assert_eq!(outcome(&get(&format!("{}/loop", peer.url())).await), (false, Cause::BadStatus));
    assert_eq!(peer.lines().len(), 2 + 11);
    let away = get(&format!("{}/away", peer.url())).await;
    assert_eq!(outcome(&away), (true, Cause::Redirected));
    assert!(away.note.contains("redirects to http://elsewhere.invalid, not followed"), "{away:?}");
    let strict = HttpProbe { status: vec![(200, 299)], ..http(&format!("{}/away", peer.url())) };
    assert_eq!(outcome(&look(&Probe::Http(strict), SHORT).await), (false, Cause::BadStatus));
}

/// Another port of the same host may be another user's.
#[tokio::test]
async fn the_headers_of_a_probe_go_to_the_origin_that_it_names_alone() {
    let host = |request: &Request| {
        let line = request.head.lines().find_map(|line| Some(line.to_lowercase().strip_prefix("host: ")?.to_owned()));
        line.unwrap()
    };
    let stranger = Scripted::start(|_| Reply::ok(""));
    let to = stranger.url();
    let peer = Scripted::start(move |request| match request.line.as_str() {
        "GET /other-port" => Reply::answer(302, &format!("Location: {to}/taken\r\n"), ""),
        "GET /here" => Reply::answer(302, &format!("Location: http://{}/fine\r\n", host(request)), ""),
        _ => Reply::ok(""),
    });
    let secret = |url: &str| HttpProbe {
        headers: vec![("Authorization".into(), Secret::new("Bearer s3cr3t")), ("X-Key".into(), Secret::new("k3y"))],
        ..http(url)
    };
    for path in ["/other-port", "/here"] {
        let found = look(&Probe::Http(secret(&format!("{}{path}", peer.url()))), LIMIT).await;
        assert_eq!(outcome(&found), (true, Cause::Fine), "{path}: {found:?}");
    }
    let knows = |request: &Request| request.head.contains("s3cr3t") || request.head.contains("k3y");
    assert_eq!(stranger.lines(), ["GET /taken"]);
    assert!(!stranger.requests().iter().any(knows));
    assert_eq!(peer.lines(), ["GET /other-port", "GET /here", "GET /fine"]);
    assert!(peer.requests().iter().all(knows), "the own origin may know, by whatever spelling it is reached");
}

#[tokio::test]
async fn http_faults_have_each_their_own_cause_and_end_at_the_deadline() {
    let peer = Scripted::start(|request| match request.line.as_str() {
        "GET /hang" => Reply::Hang,
        "GET /drip" => Reply::Drip,
        "GET /reset" => Reply::Reset,
        _ => Reply::Raw("SSH-2.0-OpenSSH\r\n\r\n".into()),
    });
    let start = Instant::now();
    assert_eq!(get(&format!("{}/hang", peer.url())).await.cause, Cause::Timeout);
    assert_eq!(get(&format!("{}/drip", peer.url())).await.cause, Cause::Timeout);
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert_eq!(get(&format!("{}/reset", peer.url())).await.cause, Cause::NoHandshake);
    assert_eq!(get(&format!("{}/ssh", peer.url())).await.cause, Cause::NoHandshake);
    assert_eq!(get(&format!("http://user:s3cr3t@127.0.0.1:{}/", ports::free())).await.cause, Cause::Refused);
    assert_eq!(get("http://no-such-host.invalid/").await.cause, Cause::Dns);
    assert_eq!(get("://").await.cause, Cause::Misconfigured);
}

#[tokio::test]
async fn http_sends_its_method_and_headers_and_reads_only_the_beginning_of_a_huge_body() {
    let body = "x".repeat(50 << 20);
    let huge = format!("HTTP/1.1 200 OK\r\n\r\n{body}");
    let peer = Scripted::start(move |_| Reply::Raw(huge.clone()));
    let probe = HttpProbe {
        method: "POST".into(),
        headers: vec![("Authorization".into(), Secret::new("Bearer s3cr3t"))],
        ..http(&peer.url())
    };
    let start = Instant::now();
    assert!(look(&Probe::Http(probe), LIMIT).await.pass);
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    let request = &peer.requests()[0];
    assert_eq!(request.line, "POST /");
    let head = request.head.to_lowercase();
    assert!(head.contains("authorization: bearer s3cr3t"), "{head}");
    assert!(head.contains("connection: close"), "{head}");
}

#[tokio::test]
async fn https_is_verified_unless_told_otherwise_and_a_replaced_ca_file_is_noticed() {
    let folder = Scratch::new();
    let (good, other) = (Authority::new(folder.path(), "good"), Authority::new(folder.path(), "other"));
    let own = good.certify("server", "DNS:localhost");
    let port = ports::free();
    let server = Command::new("openssl")
        .args(["s_server", "-quiet", "-www", "-accept", &format!("127.0.0.1:{port}"), "-cert"])
        .arg(&own.certificate)
        .arg("-key")
        .arg(&own.key)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _server = Running(server);
    let tcp = Probe::Tcp(format!("127.0.0.1:{port}"));
    until("the TLS server listens", Duration::from_secs(5), async || Prober::new().run(&tcp, SHORT).await.pass).await;

    let url = format!("https://localhost:{port}/");
    let insecure = HttpProbe { insecure: true, ..http(&url) };
    assert!(look(&Probe::Http(insecure), LIMIT).await.pass);
    let ca_file = folder.path().join("ca");
    std::fs::copy(other.file(), &ca_file).unwrap();
    let verified = |url: &str| Probe::Http(HttpProbe { ca_file: Some(ca_file.clone()), ..http(url) });
    let prober = Prober::new();
    assert_eq!(prober.run(&verified(&url), LIMIT).await.cause, Cause::TlsFailed, "a foreign authority");
    std::fs::copy(good.file(), &ca_file).unwrap();
    assert!(prober.run(&verified(&url), LIMIT).await.pass, "the right one, in the same file");
    let nameless = look(&verified(&format!("https://127.0.0.1:{port}/")), LIMIT).await;
    assert_eq!(nameless.cause, Cause::TlsFailed);
    let missing = HttpProbe { ca_file: Some("/nowhere/ca".into()), ..http(&url) };
    assert_eq!(look(&Probe::Http(missing), LIMIT).await.cause, Cause::Misconfigured);
    // TLS towards a server that speaks plain HTTP.
    let plain = Scripted::start(|_| Reply::answer(400, "", ""));
    let probe = HttpProbe { insecure: true, ..http(&format!("https://127.0.0.1:{}/", plain.port())) };
    assert!(!look(&Probe::Http(probe), SHORT).await.pass);
}

#[test]
fn a_hundred_http_probes_a_second_cost_little() {
    // The server has threads of its own, so that this thread's time is the probes' alone.
    let peer = Scripted::start(|_| Reply::ok("ok"));
    let probe = Probe::Http(http(&format!("{}/health", peer.url())));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let prober = Prober::new();
        let start = thread_time();
        assert!(prober.run(&probe, LIMIT).await.pass);
        let before = thread_time();
        println!("{:?} CPU for the first probe, which builds the client", before - start);
        for _ in 0..500 {
            assert!(prober.run(&probe, LIMIT).await.pass);
        }
        let each = (thread_time() - before) / 500;
        let share = each.as_secs_f64() * 100.0 * 100.0;
        println!(
            "{each:?} CPU a probe: {share:.1} % of a core for 100 a second (build: debug {})",
            cfg!(debug_assertions)
        );
        let most = if cfg!(debug_assertions) { 30.0 } else { 2.0 };
        assert!(share < most, "{share}");
    });
}

/// CPU time of this thread.
fn thread_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

#[tokio::test]
async fn a_probing_watch_looks_at_once_and_then_every_interval_and_never_twice_at_a_time() {
    let port = ports::free();
    let findings = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let kept = std::sync::Arc::clone(&findings);
    let probe = Probe::Tcp(format!("127.0.0.1:{port}"));
    let interval = Duration::from_millis(50);
    let report = move |finding: Finding, _| kept.lock().unwrap().push(finding.cause);
    tokio::spawn(follow_probe("w".to_owned(), Prober::new(), (probe, Duration::from_secs(1)), interval, report));
    let last = || findings.lock().unwrap().last().copied();
    let soon = Duration::from_secs(2);
    until("refused", soon, async || last() == Some(Cause::Refused)).await;
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    until("fine", soon, async || last() == Some(Cause::Fine)).await;
    drop(listener);
    until("refused again", soon, async || last() == Some(Cause::Refused)).await;
}

/// A real MariaDB whose users have passwords.
fn database(options: &[String]) -> MariaDb {
    let mut server = MariaDb::prepare(&format!(
        "CREATE USER IF NOT EXISTS probe@'%' IDENTIFIED BY '{PASSWORD}';\n\
         CREATE USER IF NOT EXISTS tls_only@'%' IDENTIFIED BY '{PASSWORD}' REQUIRE SSL;\n\
         CREATE DATABASE IF NOT EXISTS closed;\n"
    ))
    .with_options(options.iter().cloned());
    server.begin(&[]);
    server
}

fn probe_of(database: &MariaDb) -> MysqlProbe {
    MysqlProbe {
        host: "localhost".into(),
        port: database.port(),
        socket: None,
        user: "probe".into(),
        password: Password::Literal(Secret::new(PASSWORD)),
        database: None,
        tls: MysqlTls::Preferred,
        ca_file: None,
        role: MysqlRole::Any,
    }
}

async fn ask(probe: MysqlProbe) -> (bool, Cause) {
    outcome(&look(&Probe::Mysql(probe), LIMIT).await)
}

#[tokio::test]
async fn mysql_login_password_sources_and_errors() {
    let database = database(&[]);
    let probe = probe_of(&database);
    let fine = (true, Cause::Fine);
    assert_eq!(ask(probe.clone()).await, fine);
    assert_eq!(ask(MysqlProbe { socket: Some(database.socket().into()), ..probe.clone() }).await, fine);

    let file = PathBuf::from(database.scratch.write("password", "s3cr3t-old\n"));
    let from_file = MysqlProbe { password: Password::File(file.clone()), ..probe.clone() };
    assert_eq!(ask(from_file.clone()).await, (false, Cause::AuthFailed));
    std::fs::write(&file, format!("{PASSWORD}\n")).unwrap();
    assert_eq!(ask(from_file).await, fine, "read at each probe");
    let missing = MysqlProbe { password: Password::File("/nowhere".into()), ..probe.clone() };
    assert_eq!(ask(missing).await, (false, Cause::Misconfigured));
    let fifo = database.scratch.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    assert_eq!(ask(MysqlProbe { password: Password::File(fifo), ..probe.clone() }).await.1, Cause::Misconfigured);
    let unset = MysqlProbe { password: Password::Env("PILOT_TEST_UNSET".into()), ..probe.clone() };
    assert_eq!(ask(unset).await, (false, Cause::Misconfigured));

    let denied = (false, Cause::AuthFailed);
    assert_eq!(ask(MysqlProbe { password: Password::None, ..probe.clone() }).await, denied);
    assert_eq!(ask(MysqlProbe { user: "nobody".into(), ..probe.clone() }).await, denied);
    assert_eq!(ask(MysqlProbe { database: Some("closed".into()), ..probe.clone() }).await, denied);
    // No TLS here.
    let demanding = MysqlProbe { tls: MysqlTls::Required, ..probe.clone() };
    assert_eq!(ask(demanding).await, (false, Cause::TlsFailed));
    assert_eq!(database.query("SHOW STATUS LIKE 'Threads_connected'").success(), "Threads_connected\t1");
}

#[tokio::test]
async fn mysql_role_is_read_from_the_server_each_time() {
    let database = database(&[]);
    let with = |role| MysqlProbe { role, ..probe_of(&database) };
    let (fine, wrong) = ((true, Cause::Fine), (false, Cause::WrongRole));
    assert_eq!(ask(with(MysqlRole::Writer)).await, fine);
    assert_eq!(ask(with(MysqlRole::Replica)).await, wrong);
    database.query("SET GLOBAL read_only = 1").success();
    assert_eq!(ask(with(MysqlRole::Writer)).await, wrong);
    assert_eq!(ask(with(MysqlRole::Replica)).await, fine);
    assert_eq!(ask(with(MysqlRole::Any)).await, fine);
    database.query("SET GLOBAL read_only = 0").success();
    assert_eq!(ask(with(MysqlRole::Writer)).await, fine);
    assert_eq!(
        database.query("SHOW GLOBAL STATUS LIKE 'Aborted_c%'").success(),
        "Aborted_clients\t0\nAborted_connects\t0\nAborted_connects_preauth\t0",
        "every probe says good-bye"
    );
}

#[tokio::test]
async fn mysql_tls_modes_and_mismatches() {
    let folder = Scratch::new();
    let (good, other) = (Authority::new(folder.path(), "good"), Authority::new(folder.path(), "other"));
    let own = good.certify("server", "DNS:localhost");
    let file = |name: &str, path: &Path| format!("--{name}={}", path.display());
    let options = [file("ssl-ca", &good.file()), file("ssl-cert", &own.certificate), file("ssl-key", &own.key)];
    let mut database = database(&options);
    let fine = (true, Cause::Fine);
    let with = |tls, ca: Option<&Path>| MysqlProbe {
        tls,
        ca_file: ca.map(Path::to_owned),
        user: "tls_only".into(),
        ..probe_of(&database)
    };
    assert_eq!(ask(with(MysqlTls::Preferred, None)).await, fine);
    assert_eq!(ask(with(MysqlTls::Required, None)).await, fine);
    assert_eq!(ask(with(MysqlTls::VerifyCa, Some(&good.file()))).await, fine);
    assert_eq!(ask(with(MysqlTls::VerifyIdentity, Some(&good.file()))).await, fine);
    assert_eq!(ask(with(MysqlTls::Disabled, None)).await, (false, Cause::AuthFailed));
    let wrong = (false, Cause::TlsFailed);
    assert_eq!(ask(with(MysqlTls::VerifyCa, Some(&other.file()))).await, wrong);
    assert_eq!(ask(with(MysqlTls::VerifyCa, None)).await, wrong);
    assert_eq!(ask(with(MysqlTls::VerifyIdentity, Some(&other.file()))).await, wrong);
    let by_address = |tls| MysqlProbe { host: "127.0.0.1".into(), ..with(tls, Some(&good.file())) };
    assert_eq!(ask(by_address(MysqlTls::VerifyIdentity)).await, wrong, "the certificate is for localhost");
    assert_eq!(ask(by_address(MysqlTls::VerifyCa)).await, fine);

    let start = thread_time();
    for _ in 0..10 {
        assert_eq!(ask(with(MysqlTls::VerifyCa, Some(&good.file()))).await, fine);
    }
    println!("{:?} CPU on the loop for one verified probe (debug build)", (thread_time() - start) / 10);

    let plain = MysqlProbe { tls: MysqlTls::Disabled, ..probe_of(&database) };
    database.begin(&["--require-secure-transport"]);
    // The server insists. MariaDB 10.11 says 1045 here, MySQL 3159.
    assert_eq!(ask(plain.clone()).await, (false, Cause::AuthFailed));
    assert_eq!(ask(MysqlProbe { tls: MysqlTls::Preferred, ..plain }).await, fine, "the same login over TLS");
}

/// Other clients take a certificate that they are given, whatever it looks like.
#[tokio::test]
async fn mysql_takes_a_certificate_that_is_itself_in_the_ca_file() {
    let folder = Scratch::new();
    let (authority, other) = (Authority::new(folder.path(), "good"), Authority::new(folder.path(), "other"));
    authority.certify("good", "DNS:localhost,IP:127.0.0.1");
    let made = |words: &str| {
        let done = Command::new("openssl").args(words.split(' ')).current_dir(folder.path()).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    // Without a file of extensions it is of version 1.
    made("x509 -req -days 2 -CA good.ca -CAkey good.ca.key -CAcreateserial -in good.csr -out one.cert");
    let path = |name: &str| folder.path().join(name);
    let mut database = database(&[]);
    for (certificate, key, why) in
        [("one.cert", "good.key", "of version 1"), ("good.ca", "good.ca.key", "an authority's own")]
    {
        let (certificate, key) = (path(certificate), path(key));
        for version in ["TLSv1.2", "TLSv1.3"] {
            let options = [
                ("cert", certificate.display().to_string()),
                ("key", key.display().to_string()),
                ("ca", authority.file().display().to_string()),
            ];
            let mut options: Vec<String> = options.iter().map(|(name, path)| format!("--ssl-{name}={path}")).collect();
            options.push(format!("--tls-version={version}"));
            database.begin(&options.iter().map(String::as_str).collect::<Vec<_>>());
            let with = |tls, ca: &Path| MysqlProbe {
                tls,
                ca_file: Some(ca.to_owned()),
                user: "tls_only".into(),
                ..probe_of(&database)
            };
            let fine = (true, Cause::Fine);
            for tls in [MysqlTls::Preferred, MysqlTls::VerifyCa, MysqlTls::VerifyIdentity] {
                assert_eq!(ask(with(tls, &certificate)).await, fine, "{certificate:?} {version} {tls:?}");
            }
            assert_eq!(ask(with(MysqlTls::VerifyCa, &other.file())).await, (false, Cause::TlsFailed));
            let bundle =
                PathBuf::from(folder.write("bundle", "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n"));
            std::fs::write(&bundle, [std::fs::read(&bundle).unwrap(), std::fs::read(&certificate).unwrap()].concat())
                .unwrap();
            assert_eq!(ask(with(MysqlTls::VerifyCa, &bundle)).await, fine, "junk in a bundle is passed over");
            if why == "of version 1" {
                let finding = look(&Probe::Mysql(with(MysqlTls::VerifyCa, &authority.file())), LIMIT).await;
                assert!(finding.note.contains(why) && finding.note.contains("caFile"), "{finding:?}");
            }
        }
    }
}

#[tokio::test]
async fn mysql_that_refuses_hangs_closes_or_speaks_something_else() {
    let at = |port: u16| MysqlProbe {
        host: "127.0.0.1".into(),
        port,
        socket: None,
        user: "probe".into(),
        password: Password::Literal(Secret::new(PASSWORD)),
        database: None,
        tls: MysqlTls::Disabled,
        ca_file: None,
        role: MysqlRole::Writer,
    };
    assert_eq!(ask(at(ports::free())).await, (false, Cause::Refused));
    let nowhere = MysqlProbe { socket: Some("/nowhere/socket".into()), ..at(1) };
    assert_eq!(ask(nowhere).await, (false, Cause::Refused));
    let unknown = MysqlProbe { host: "no-such-host.invalid".into(), ..at(3306) };
    assert_eq!(ask(unknown).await, (false, Cause::Dns));

    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let start = Instant::now();
    let hanging = look(&Probe::Mysql(at(silent.local_addr().unwrap().port())), SHORT).await;
    assert_eq!(hanging.cause, Cause::Timeout);
    assert!(hanging.note.contains("no handshake"), "{hanging:?}");
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());

    for greeting in [&b""[..], b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x05\0\0\0\x09abcd", &[0xff; 200]] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, greeting).await;
        });
        let finding = look(&Probe::Mysql(at(port)), LIMIT).await;
        assert!(!finding.pass);
        assert!(matches!(finding.cause, Cause::NoHandshake | Cause::ServerError), "{greeting:?}: {finding:?}");
    }
}
