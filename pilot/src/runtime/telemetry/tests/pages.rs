//! What is answered over HTTP, and how it is listened.

#![allow(clippy::disallowed_methods)] // A panic in a task of a test fails the test that waits for it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use super::*;
use crate::runtime::telemetry::{page, status};
use crate::runtime::view::{JobView, ServiceView, Snapshot, View, WatchView, render_graph};
use pilot_config::{Interfaces, Surroundings, load};
use pilot_core::event::{Code, Event};
use pilot_core::exit::Exit;
use pilot_core::history::{Cause, Entry, EntryId, What};
use pilot_core::plan::Count;
use pilot_core::state::{State, Status};

/// Only spent when something is broken.
const DEADLINE: Duration = Duration::from_secs(20);

fn job(name: &str, health: Status) -> JobView {
    JobView {
        name: name.into(),
        state: State::Running,
        state_for: Duration::from_secs(3725),
        restarts_in: None,
        health,
        health_for: Duration::from_secs(65),
        checked: true,
        reason: None,
        pid: Some(17),
        runs: 3,
        restarts: 2,
        restarts_left: Count::Unlimited,
        last_exit: Some(Exit::Signal(9)),
        services: Vec::new(),
    }
}

fn served(name: &str, health: Status, address: &str) -> JobView {
    let service = ServiceView { name: name.into(), id: format!("{name}-box"), address: address.into(), port: 8000 };
    JobView { services: vec![service], ..job(name, health) }
}

fn snapshot(jobs: Vec<JobView>, watches: &[&str]) -> Snapshot {
    let watch = |name: &&str| WatchView {
        name: (*name).into(),
        service: Some("db".into()),
        health: Status::Healthy,
        health_for: Duration::from_secs(200_000),
        reason: None,
        instances: vec![("10.0.0.1".into(), 1), ("10.0.0.2".into(), 1)],
    };
    let watches = watches.iter().map(watch).collect();
    let uptime = Duration::from_secs(9);
    Snapshot { version: "9.9.9", pid: 1, uptime, stopping: false, maintenance: false, reloading: false, jobs, watches }
}

/// A view of this, with nothing in its plan and nothing that has happened.
fn seen(snapshot: Snapshot) -> View {
    View { snapshot, plan: plan("{}"), events: Vec::new() }
}

fn plan(text: &str) -> Arc<plan::Plan> {
    let around =
        Surroundings { hostname: "box".into(), interfaces: Interfaces::new(Vec::new), ..Surroundings::default() };
    let loaded = load("x", text, &around);
    Arc::new(loaded.plan.clone().unwrap_or_else(|| panic!("{}", loaded.report(text))))
}

fn entry(id: u64, what: What, cause: Cause) -> Arc<Entry> {
    let at = Duration::from_secs(id);
    Arc::new(Entry { id: EntryId(id), at, times: 1, last_at: at, cause, what, reason: None })
}

fn shown(view: &View) -> String {
    page::html(view, page::Refresh::Auto)
}

fn status_of(snapshot: &Snapshot) -> String {
    String::from_utf8(status::json(snapshot).unwrap()).unwrap()
}

/// Spec 9.2.
#[test]
fn status_is_v3s_byte_for_byte() {
    let jobs = vec![
        served("app", Status::Unhealthy, "10.0.0.7"),
        job("later", Status::Idle),
        served("containerpilot", Status::AlwaysHealthy, "fd00::1"),
        job("early", Status::Maintenance),
    ];
    assert_eq!(
        status_of(&snapshot(jobs, &["db", "cache"])),
        concat!(
            r#"{"Version":"9.9.9","Jobs":[{"Name":"later","Status":"unknown"},{"Name":"early","Status":"maintenance"}],"#,
            r#""Services":[{"Name":"app","Address":"10.0.0.7","Port":8000,"Status":"unhealthy"},"#,
            r#"{"Name":"containerpilot","Address":"fd00::1","Port":8000,"Status":"healthy"}],"Watches":["db","cache"]}"#
        )
    );
    assert_eq!(status_of(&snapshot(vec![], &[])), r#"{"Version":"9.9.9","Jobs":null,"Services":null,"Watches":null}"#);
}

#[test]
fn the_page_shows_everything_and_takes_nothing_for_html() {
    let jobs = vec![served("app", Status::Unhealthy, "fd00::1"), job("<script>alert('&\"')</script>", Status::Unknown)];
    let page = shown(&seen(snapshot(jobs, &["db"])));
    for shown in [
        "<title>1 unhealthy - pilot</title>",
        "Version 9.9.9, process 1, up 9s. ",
        "<td data-label=\"Job\">&lt;script&gt;alert(&#39;&amp;&quot;&#39;)&lt;/script&gt;</td>",
        "<span class=\"unhealthy\">unhealthy</span> <span class=\"quiet\">for 1m5s</span>",
        "<span class=\"running\">running</span> <span class=\"quiet\">for 1h2m</span>",
        "3 <span class=\"quiet\">(2 restarts)</span>",
        "signal: killed",
        "[fd00::1]:8000",
        "<td data-label=\"Looks at\">service db</td>",
        "for 2d7h",
        "<td data-label=\"Instances\">2</td>",
    ] {
        assert!(page.contains(shown), "{shown}\n{page}");
    }
    assert!(!page.contains("<script") && !page.contains("stopped"), "{page}");
    let stopping = Snapshot { stopping: true, ..snapshot(vec![], &[]) };
    let page = shown(&seen(stopping));
    assert!(page.contains("All jobs are being stopped.") && !page.contains("<table"), "{page}");
}

#[test]
fn the_graph_is_that_of_the_running_pilot_and_holds_nothing_secret() {
    let jobs = vec![
        job("app", Status::Unhealthy),
        JobView { state: State::Waiting, runs: 0, ..job("</svg><b>", Status::Unknown) },
    ];
    let plan = plan(
        "{consul: false, jobs: [
           {name: 'app', exec: ['x', '--password=hunter2'], env: {KEY: 'hunter3'}},
           {name: '</svg><b>', exec: ['x', 'hunter4'], when: {source: 'app', once: 'exitSuccess'}}]}",
    );
    let view = View { plan, ..seen(snapshot(jobs, &[])) };
    let page = shown(&view);
    let graph = page.split("<svg ").nth(1).unwrap().split("</svg>").next().unwrap();
    assert!(render_graph(&view.plan, &view.snapshot, crate::graph::Format::Svg).contains(graph));
    for shown in
        ["<g class=\"unwell\">", "running for 1h2m, unhealthy, 2 restarts", "waiting for 1h2m", ">exitSuccess<"]
    {
        assert!(graph.contains(shown), "{shown}\n{graph}");
    }
    assert!(!page.contains("hunter") && !page.contains("<b>"), "{page}");
    assert_eq!(page.matches("</svg>").count(), 1);
}

#[test]
fn a_graph_that_is_very_large_is_not_drawn() {
    let with = |count: usize| {
        let job = |n| format!("{{name: 'j{n}', exec: 'x', when: {{source: 'j0', once: 'exitSuccess'}}}},");
        let jobs: String = (1..count).map(job).collect();
        let plan = plan(&format!("{{consul: false, jobs: [{{name: 'j0', exec: 'x'}}, {jobs}]}}"));
        shown(&View { plan, ..seen(snapshot(vec![], &[])) })
    };
    assert!(with(250).contains("<svg "));
    let page = with(251);
    assert!(!page.contains("<svg ") && page.contains("<p>The graph is too large for this page"), "{page}");
}

#[test]
fn the_timeline_tells_the_newest_first_and_names_each_cause() {
    let event = |code, source: &str| What::Event(Event::new(code, source));
    let ended = What::Ended { job: "app".into(), exit: Exit::Signal(9), lasted: Duration::from_millis(2500) };
    let often = Entry { times: 7, ..(*entry(5, event(Code::Healthy, "<i>"), Cause::Seen)).clone() };
    let events = vec![
        entry(3, ended, Cause::Entry(EntryId(2))),
        entry(4, What::Started("app".into()), Cause::Entry(EntryId(3))),
        Arc::new(often),
    ];
    let page = shown(&View { events, ..seen(snapshot(vec![], &[])) });
    let timeline = page.split("<h2>Timeline</h2>").nth(1).unwrap();
    let row = |cells: [&str; 4]| {
        let cell = |(label, cell): (&str, &str)| format!("<td data-label=\"{label}\">{cell}</td>");
        format!(
            "<tr>{}</tr>\n",
            ["When", "Event", "Cause", "Number"].into_iter().zip(cells).map(cell).collect::<String>()
        )
    };
    let ended = "app ended after 2.5s: signal: killed";
    let rows = [
        row(["4s ago", "event healthy of &lt;i&gt;, 7 times", "it was observed from outside", "5"]),
        row(["5s ago", "app was started", &format!("<span><span class=\"quiet\">3:</span> {ended}</span>"), "4"]),
        // Too long ago to be told.
        row(["6s ago", ended, "2", "3"]),
    ];
    assert!(timeline.contains(&rows.concat()), "{timeline}");
}

#[test]
fn the_page_asks_again_unless_it_is_to_hold_still() {
    let view = seen(snapshot(vec![], &[]));
    let refresh = "<meta http-equiv=\"refresh\" content=\"5\">";
    for (query, follows, link) in [(None, true, "?still"), (Some(""), true, "?still"), (Some("still"), false, "?")] {
        let page = page::html(&view, page::Refresh::from_query(query));
        assert_eq!(page.contains(refresh), follows, "{query:?}");
        assert!(page.contains(&format!("<a href=\"{link}\">")), "{page}");
    }
}

#[test]
fn the_policy_of_the_page_allows_its_styles_and_nothing_else() {
    let plan = plan("{consul: false, jobs: [{name: 'a', exec: 'x'}]}");
    let page = shown(&View { plan, ..seen(snapshot(vec![], &[])) });
    let styles = page.split("<style>").skip(1).map(|rest| rest.split("</style>").next().unwrap());
    let hashes = styles.map(|style| {
        let hash = ring::digest::digest(&ring::digest::SHA256, style.as_bytes());
        format!(" 'sha256-{}'", base64(hash.as_ref()))
    });
    let want = format!("style-src{};", hashes.collect::<String>());
    assert!(page::POLICY.contains(&want), "a style has changed; write into POLICY: {want}");
    let page = page.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    for forbidden in ["script", "http:", "https:", "style=", "<form", "<img", "onclick"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let number = chunk.iter().fold(0u32, |sum, byte| sum << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let letter = LETTERS[(number >> (18 - 6 * place)) as usize & 63];
            text.push(if place > chunk.len() { '=' } else { char::from(letter) });
        }
    }
    text
}

fn on(port: u16) -> plan::Telemetry {
    plan::Telemetry {
        port,
        address: [127, 0, 0, 1].into(),
        metrics: Vec::new(),
        hosts: vec!["pilot.example.com".to_owned()],
    }
}

/// Telemetry that listens, with a supervisor that answers every viewer with an empty snapshot.
async fn listening() -> (Listening, SocketAddr) {
    let (viewer, mut viewers) = Viewer::new();
    tokio::spawn(async move {
        while let Some(viewer) = viewers.recv().await {
            let _ = viewer.send(seen(snapshot(vec![], &[])));
        }
    });
    listening_with(viewer).await
}

async fn listening_with(viewer: Viewer) -> (Listening, SocketAddr) {
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let telemetry = Telemetry::new(meters(), viewer);
    telemetry.define(Some(&on(address.port())));
    let listening = telemetry.listen(&on(address.port()), |why| panic!("{why}"));
    let reached = async {
        while TcpStream::connect(address).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(DEADLINE, reached).await.expect("it listens");
    (listening, address)
}

async fn ask(address: SocketAddr, method: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(DEADLINE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    answer
}

#[tokio::test]
async fn three_pages_are_answered_and_nothing_but_looking_is_allowed() {
    let (_listening, address) = listening().await;
    let rows = [
        ("GET", "/metrics", "200", "content-type: text/plain; version=0.0.4\r\n"),
        ("HEAD", "/metrics", "200", "content-type: text/plain; version=0.0.4\r\n"),
        ("GET", "/status", "200", "content-type: application/json\r\n"),
        ("GET", "/status?pretty", "200", "content-type: application/json\r\n"),
        ("HEAD", "/status", "405", "allow: GET\r\n"),
        ("POST", "/status", "405", "allow: GET\r\n"),
        ("POST", "/metrics", "405", "allow: GET, HEAD\r\n"),
        ("DELETE", "/", "405", "allow: GET, HEAD\r\n"),
        ("GET", "/", "200", "content-type: text/html; charset=utf-8\r\n"),
        ("GET", "/?still", "200", "content-type: text/html; charset=utf-8\r\n"),
        ("GET", "/v3/ping", "404", "content-type: text/plain; charset=utf-8\r\n"),
        ("POST", "/v3/reload", "404", "content-type: text/plain; charset=utf-8\r\n"),
    ];
    for (method, path, status, header) in rows {
        let answer = ask(address, method, path).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{method} {path}: {answer}");
        for header in [header, "cache-control: no-store\r\n", "x-content-type-options: nosniff\r\n"] {
            assert!(answer.contains(header), "{method} {path}: {answer}");
        }
    }
    let metrics = ask(address, "GET", "/metrics").await;
    assert!(metrics.contains("\npilot_log_lines_lost_total 0\n"), "{metrics}");
    let page = ask(address, "GET", "/").await;
    assert!(page.contains(&format!("content-security-policy: {}\r\n", page::POLICY)), "{page}");
    assert!(page.ends_with("</html>\n"));
}

#[tokio::test]
async fn a_name_that_somebody_has_pointed_here_is_not_answered() {
    let (_listening, address) = listening().await;
    for (host, want) in [
        ("127.0.0.1:9090", 200),
        ("localhost", 200),
        ("app", 200),
        ("pilot.example.com", 200),
        ("evil.example", 403),
        ("evil.example:9090", 403),
    ] {
        for path in ["/", "/status", "/metrics"] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            timeout(DEADLINE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
            assert!(answer.starts_with(&format!("HTTP/1.1 {want} ")), "{host} {path}: {answer}");
        }
    }
}

/// A supervisor that is stuck is not waited for, and metrics do not need it.
#[tokio::test(start_paused = true)]
async fn when_the_supervisor_does_not_answer_that_is_the_answer() {
    let (viewer, _viewers) = Viewer::new();
    let (_listening, address) = listening_with(viewer).await;
    for path in ["/status", "/"] {
        let answer = ask(address, "GET", path).await;
        assert!(
            answer.starts_with("HTTP/1.1 503 ") && answer.ends_with("pilot's event loop does not answer\n"),
            "{answer}"
        );
    }
    assert!(ask(address, "GET", "/metrics").await.starts_with("HTTP/1.1 200 "));
}

/// Spec 9.1: ten attempts, a second apart.
#[tokio::test(start_paused = true)]
async fn a_port_that_stays_taken_is_given_up_after_ten_attempts() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let (said, failed) = tokio::sync::oneshot::channel();
    let began = Instant::now();
    let telemetry = telemetry(&meters());
    let _listening = telemetry.listen(&on(address.port()), |why| said.send(why).unwrap());
    let why = failed.await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 9);
    assert!(why.starts_with(&format!("telemetry: cannot listen on {address} after 10 attempts (")), "{why}");
    assert!(why.ends_with("another process listens there: choose another `telemetry.port`"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn a_port_that_becomes_free_is_taken_and_a_dropped_listener_gives_it_back() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let given_up = Arc::new(Notify::new());
    let telemetry = telemetry(&meters());
    let listening = telemetry.listen(&on(address.port()), |why| panic!("{why}"));
    tokio::time::sleep(Duration::from_millis(3_500)).await;
    drop(taken);
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    assert!(ask(address, "GET", "/metrics").await.starts_with("HTTP/1.1 200 "));
    drop(listening);
    let free = async {
        while TcpListener::bind(address).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        given_up.notify_one();
    };
    timeout(DEADLINE, free).await.expect("the port is free again");
    given_up.notified().await;
}
