//! Every endpoint over a real socket: what is asked of the supervisor, and what the client gets (v3 spec 8).

#![allow(clippy::disallowed_methods)] // A panic in a task of a test fails the test that waits for it.

use std::path::PathBuf;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::explain::EventReport;
use super::report::{HealthReport, JobHealth, JobReport};
use super::*;
use crate::runtime::output::Recent;
use pilot_core::effect::{JobRequest, Switch};
use pilot_core::plan::Secret;

/// Only spent when something is broken.
const DEADLINE: Duration = Duration::from_secs(20);

struct Served {
    control: Option<Control>,
    folder: PathBuf,
    meters: Meters,
    asked: mpsc::UnboundedReceiver<Ask>,
}

/// A socket whose supervisor answers so.
async fn served(name: &str, answer: impl Fn(&Ask) -> Answer + Send + 'static) -> Served {
    let folder = std::env::temp_dir().join(format!("pilot-control-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (sender, mut requests) = mpsc::channel::<Request>(WAITING);
    let (seen, asked) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(request) = requests.recv().await {
            let given = answer(&request.ask);
            let _ = seen.send(request.ask);
            let _ = request.answer.send(given);
        }
    });
    let meters = Meters::default();
    meters.begin(|| 0);
    let control = Control::open(&folder.join("socket"), sender, meters.clone()).await.unwrap();
    Served { control: Some(control), folder, meters, asked }
}

impl Served {
    async fn connect(&self) -> UnixStream {
        UnixStream::connect(self.folder.join("socket")).await.unwrap()
    }

    /// Status, content type and body.
    async fn exchange(&self, method: &str, path: &str, body: &str) -> (u16, String, String) {
        let mut stream = self.connect().await;
        let head = format!("{method} {path} HTTP/1.1\r\nHost: control\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        let mut got = String::new();
        timeout(DEADLINE, stream.read_to_string(&mut got)).await.expect("an answer").unwrap();
        let (head, body) = got.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let kind = head.lines().find_map(|line| line.strip_prefix("content-type: ")).unwrap_or_default();
        (status, kind.to_owned(), body.to_owned())
    }

    fn asked(&mut self) -> Option<Ask> {
        self.asked.try_recv().ok()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn app(ask: JobAsk) -> Option<Ask> {
    Some(Ask::Job { name: "app".into(), ask })
}

#[tokio::test]
async fn v3s_endpoints_answer_as_v3_does() {
    let mut served = served("v3", |_| Answer::Done).await;
    let variables = [("A".to_owned(), Secret::new("1"))].into_iter().collect();
    let samples = vec![Sample { key: "m".into(), value: "1e+06".into() }];
    let rows = [
        ("POST", "/v3/environ", r#"{"A": "1"}"#, Some(Ask::PutEnvironment(variables))),
        ("POST", "/v3/metric", r#"{"m": 1000000}"#, Some(Ask::PutMetrics(samples))),
        ("POST", "/v3/reload", "", Some(Ask::Reload(Summary::Silent))),
        ("POST", "/v3/reload", "ignored", Some(Ask::Reload(Summary::Silent))),
        ("POST", "/v3/reload?summary=true", "", Some(Ask::Reload(Summary::Told))),
        ("POST", "/v3/maintenance/enable", "", Some(Ask::Maintenance(Switch::On))),
        ("POST", "/v3/maintenance/disable", "", Some(Ask::Maintenance(Switch::Off))),
        ("GET", "/v3/ping", "", None),
        ("POST", "/v3/ping", "ignored", None),
        ("DELETE", "/v3/ping?a=b", "", None),
    ];
    for (method, path, body, ask) in rows {
        let (status, _, got) = served.exchange(method, path, body).await;
        assert_eq!((status, got.as_str()), (200, "\n"), "{method} {path}");
        assert_eq!(served.asked(), ask, "{method} {path}");
    }
}

#[tokio::test]
async fn v3s_refusals_are_v3s() {
    let mut served = served("refusals", |_| Answer::Done).await;
    for path in ["/v3/environ", "/v3/metric", "/v3/reload", "/v3/maintenance/enable", "/v3/maintenance/disable"] {
        for method in ["GET", "PUT", "DELETE"] {
            let (status, _, body) = served.exchange(method, path, "").await;
            assert_eq!((status, body.as_str()), (405, "Method Not Allowed\n"), "{method} {path}");
        }
    }
    for path in ["/", "/v3", "/v3/env", "/v3/maintenance", "/v3/ping/", "/v3/jobs/app/dance", "/v2/reload"] {
        assert_eq!(served.exchange("POST", path, "").await.0, 404, "{path}");
    }
    for (path, body) in [
        ("/v3/environ", ""),
        ("/v3/environ", "{"),
        ("/v3/environ", r#"{"A": 1}"#),
        ("/v3/environ", r#"{"A": "1", "B": ["x"]}"#),
        ("/v3/metric", "[1]"),
        ("/v3/metric", "x"),
    ] {
        assert_eq!(served.exchange("POST", path, body).await.0, 422, "{path} {body}");
    }
    assert_eq!(served.asked(), None, "none of it reached the supervisor");
    let big = format!(r#"{{"A": "{}"}}"#, "x".repeat(LIMITS.body));
    assert_eq!(served.exchange("POST", "/v3/environ", &big).await.0, 413);
}

#[tokio::test]
async fn handled_requests_are_counted_by_status_and_known_path() {
    let served = served("counted", |_| Answer::Refused(Refusal::new(Why::Unknown, "no such job"))).await;
    for (method, path) in [
        ("GET", "/v3/ping"),
        ("GET", "/v3/ping"),
        ("GET", "/v3/reload"),
        ("GET", "/v3/jobs/one"),
        ("POST", "/v3/jobs/two/start"),
        ("GET", "/v3/jobs/three/logs"),
        ("GET", "/nowhere"),
    ] {
        served.exchange(method, path, "").await;
    }
    let families = served.meters.gather();
    let counted = families.iter().find(|family| family.name() == "containerpilot_control_http_requests").unwrap();
    let counts: Vec<_> = counted
        .get_metric()
        .iter()
        .map(|series| {
            let [code, path] = series.get_label() else { panic!("{series:?}") };
            (code.value(), path.value(), series.get_counter().get_value())
        })
        .collect();
    assert_eq!(counts, [("200", "/v3/ping", 2.0), ("404", "/v3/jobs", 3.0), ("405", "/v3/reload", 1.0)]);
}

#[tokio::test]
async fn jobs_are_looked_at_and_changed_by_name() {
    let mut served = served("jobs", |_| Answer::Said("doing it".into())).await;
    let rows = [
        ("GET", "/v3/jobs/app", "", app(JobAsk::Look)),
        ("POST", "/v3/jobs/app/start", "", app(JobAsk::Change(JobRequest::Start))),
        ("POST", "/v3/jobs/app/stop", "", app(JobAsk::Change(JobRequest::Stop))),
        ("POST", "/v3/jobs/app/restart", "", app(JobAsk::Change(JobRequest::Restart))),
        ("POST", "/v3/jobs/app/signal", r#"{"signal": "HUP"}"#, app(JobAsk::Signal(Signal::SIGHUP))),
        ("POST", "/v3/jobs/app/signal", r#"{"signal": "sigusr1"}"#, app(JobAsk::Signal(Signal::SIGUSR1))),
        ("POST", "/v3/jobs/app/signal", r#"{"signal": "9"}"#, app(JobAsk::Signal(Signal::SIGKILL))),
        ("GET", "/v3/jobs", "", Some(Ask::Jobs)),
        ("GET", "/v3/health", "", Some(Ask::Health)),
        (
            "POST",
            "/v3/jobs/my%20job%2F1/start",
            "",
            Some(Ask::Job { name: "my job/1".into(), ask: JobAsk::Change(JobRequest::Start) }),
        ),
    ];
    for (method, path, body, ask) in rows {
        assert_eq!(served.exchange(method, path, body).await.0, 200, "{method} {path}");
        assert_eq!(served.asked(), ask, "{method} {path}");
    }
    for (method, path) in
        [("GET", "/v3/jobs/app/stop"), ("POST", "/v3/jobs"), ("POST", "/v3/health"), ("POST", "/v3/jobs/app/logs")]
    {
        assert_eq!(served.exchange(method, path, "").await.0, 405, "{method} {path}");
    }
    for body in ["", "{}", "\"HUP\"", r#"{"signal": "NOPE"}"#, r#"{"signal": ""}"#, r#"{"signal": "99"}"#] {
        assert_eq!(served.exchange("POST", "/v3/jobs/app/signal", body).await.0, 422, "{body}");
    }
    for query in ["lines=x", "lines=-1", "follow=perhaps", "tail=3"] {
        assert_eq!(served.exchange("GET", &format!("/v3/jobs/app/logs?{query}"), "").await.0, 422, "{query}");
    }
    assert_eq!(served.asked(), None);
}

#[tokio::test]
async fn what_explains_is_asked_for_by_its_path() {
    let mut served = served("explain", |_| Answer::Done).await;
    let rows = [
        ("/v3/status", Some(Ask::Status)),
        ("/v3/why/my%20job", Some(Ask::Job { name: "my job".into(), ask: JobAsk::Why })),
        ("/v3/postmortem", Some(Ask::Postmortem(None))),
        ("/v3/postmortem/a%2Fb", Some(Ask::Postmortem(Some("a/b".into())))),
        ("/v3/events", Some(Ask::Events { after: 0, count: 20 })),
        ("/v3/events?lines=3&follow=false", Some(Ask::Events { after: 0, count: 3 })),
        ("/v3/events?follow=true", Some(Ask::News)),
    ];
    for (path, ask) in rows {
        assert_eq!(served.exchange("GET", path, "").await.0, 200, "{path}");
        assert_eq!(served.asked(), ask, "{path}");
        assert_eq!(served.exchange("POST", path, "").await.0, 405, "{path}");
    }
    for path in ["/v3/events?after=1", "/v3/events?lines=-1"] {
        assert_eq!(served.exchange("GET", path, "").await.0, 422, "{path}");
    }
    assert_eq!(served.asked(), None);
}

/// More than is kept came while it was written: the reader is told that something is missing.
#[tokio::test]
async fn who_follows_what_happens_gets_each_thing_once_and_learns_of_a_gap() {
    let (news, receiver) = tokio::sync::watch::channel(2);
    let event = |id| EventReport {
        id,
        at: 0.0,
        ago: 0.0,
        text: "t".into(),
        times: 1,
        reason: None,
        cause: None,
        because: None,
    };
    let (asked, mut asks) = mpsc::unbounded_channel();
    let served = served("news", move |ask| match ask {
        Ask::News => Answer::News(receiver.clone()),
        Ask::Events { after, count } => {
            asked.send((*after, *count)).unwrap();
            Answer::Events(match after {
                0 => vec![event(2)],
                2 => vec![event(3), event(4)],
                _ => vec![event(9)],
            })
        }
        other => panic!("{other:?}"),
    })
    .await;
    let mut stream = served.connect().await;
    stream.write_all(b"GET /v3/events?lines=1&follow=true HTTP/1.1\r\nHost: control\r\n\r\n").await.unwrap();
    let mut got = String::new();
    let mut wait_for = async |text: &str| {
        while !got.contains(text) {
            let mut bytes = [0; 1024];
            let count = timeout(DEADLINE, stream.read(&mut bytes)).await.expect("more").unwrap();
            assert!(count > 0, "{got}");
            got.push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
        got.clone()
    };
    wait_for("\"id\":2").await;
    news.send(4).unwrap();
    let before = wait_for("\"id\":4").await;
    assert!(!before.contains("gap"), "{before}");
    news.send(9).unwrap();
    let after = wait_for("\"id\":9").await;
    assert!(after.contains("{\"gap\":true}"), "{after}");
    let mut seen = Vec::new();
    while let Ok(ask) = asks.try_recv() {
        seen.push(ask);
    }
    assert_eq!(seen, [(0, 1), (2, usize::MAX), (4, usize::MAX)]);
}

#[tokio::test]
async fn each_kind_of_answer_has_its_status() {
    let refusal = |why| Answer::Refused(Refusal::new(why, "because"));
    let health = |healthy| {
        let job = JobHealth { name: "app".into(), readiness: "ready".into(), note: String::new() };
        Answer::Health(HealthReport { healthy, ready: healthy, jobs: vec![job] })
    };
    let job = JobReport {
        name: "app".into(),
        state: "running".into(),
        state_for: 1.5,
        restarts_in: None,
        pid: Some(7),
        runs: 1,
        restarts: 0,
        restarts_left: None,
        health: Some("healthy".into()),
        health_for: Some(2.5),
        reason: None,
        last_exit: None,
        services: Vec::new(),
    };
    let rows: Vec<(Answer, u16, &str)> = vec![
        (Answer::Done, 200, "\n"),
        (Answer::Said("stopping app".into()), 200, "stopping app\n"),
        (refusal(Why::Unknown), 404, "because\n"),
        (refusal(Why::Unusable), 422, "because\n"),
        (refusal(Why::Forbidden), 403, "because\n"),
        (refusal(Why::Conflict), 409, "because\n"),
        (refusal(Why::Unavailable), 503, "because\n"),
        (
            health(true),
            200,
            "{\"healthy\":true,\"ready\":true,\"jobs\":[{\"name\":\"app\",\"readiness\":\"ready\",\"note\":\"\"}]}\n",
        ),
        (
            health(false),
            503,
            "{\"healthy\":false,\"ready\":false,\"jobs\":[{\"name\":\"app\",\"readiness\":\"ready\",\"note\":\"\"}]}\n",
        ),
        (
            Answer::Jobs(vec![job]),
            200,
            "[{\"name\":\"app\",\"state\":\"running\",\"stateFor\":1.5,\"pid\":7,\"runs\":1,\"restarts\":0,\"health\":\"healthy\",\"healthFor\":2.5}]\n",
        ),
    ];
    let answers = std::sync::Mutex::new(rows.into_iter());
    let (expected, wanted) = std::sync::mpsc::channel();
    let served = served("answers", move |_| {
        let (answer, status, body) = answers.lock().unwrap().next().unwrap();
        expected.send((status, body)).unwrap();
        answer
    })
    .await;
    for _ in 0..10 {
        let (status, _, body) = served.exchange("POST", "/v3/reload", "").await;
        assert_eq!((status, body.as_str()), wanted.recv().unwrap());
    }
}

#[tokio::test]
async fn lines_are_sent_as_json_and_followed_until_the_client_is_gone() {
    let recent = std::sync::Arc::new(Recent::default());
    for line in ["one", "two", "a \"third\" one"] {
        recent.push(format!("{line}\n").as_bytes());
    }
    let shared = std::sync::Arc::clone(&recent);
    let served = served("logs", move |_| Answer::Lines(std::sync::Arc::clone(&shared))).await;
    let (status, kind, body) = served.exchange("GET", "/v3/jobs/app/logs?lines=2", "").await;
    assert_eq!((status, kind.as_str()), (200, "application/x-ndjson"));
    assert_eq!(body, "{\"line\":\"two\"}\n{\"line\":\"a \\\"third\\\" one\"}\n");
    let mut stream = served.connect().await;
    stream.write_all(b"GET /v3/jobs/app/logs?lines=1&follow=true HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut got = String::new();
    let mut buffer = [0; 1024];
    for word in ["third", "fourth", "fifth"] {
        while !got.contains(word) {
            let read = timeout(DEADLINE, stream.read(&mut buffer)).await.expect("more lines").unwrap();
            got.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        }
        recent.push(if word == "third" { b"fourth\n" } else { b"fifth\n" });
    }
    assert!(!got.contains("two"), "{got}");
}

#[tokio::test]
async fn so_many_may_follow_and_no_more() {
    let recent = std::sync::Arc::new(Recent::default());
    recent.push(b"line\n");
    let served = served("follow", move |_| Answer::Lines(std::sync::Arc::clone(&recent))).await;
    let mut followers = Vec::new();
    for _ in 0..8 {
        let mut stream = served.connect().await;
        stream.write_all(b"GET /v3/jobs/app/logs?follow HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut byte = [0];
        timeout(DEADLINE, stream.read_exact(&mut byte)).await.expect("it begins").unwrap();
        followers.push(stream);
    }
    let (status, _, body) = served.exchange("GET", "/v3/jobs/app/logs?follow", "").await;
    assert_eq!((status, body.as_str()), (503, "8 clients are following already, which is the limit\n"));
    assert_eq!(served.exchange("GET", "/v3/ping", "").await.0, 200, "everything else goes on");
}

/// Defect 18: v3 hung when a client's connection was open for more than 600 ms.
#[tokio::test]
async fn a_close_waits_for_no_client_and_takes_the_socket_away() {
    let mut served = served("close", |_| Answer::Done).await;
    let mut idle = served.connect().await;
    idle.write_all(b"POST /v3/reload HT").await.unwrap();
    assert_eq!(served.exchange("GET", "/v3/ping", "").await.0, 200);
    timeout(DEADLINE, served.control.take().unwrap().close()).await.expect("closes at once");
    assert!(!served.folder.join("socket").exists());
}

#[tokio::test]
async fn a_supervisor_that_is_gone_is_told_and_not_waited_for() {
    let folder = std::env::temp_dir().join(format!("pilot-control-gone-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (sender, requests) = mpsc::channel(WAITING);
    drop(requests);
    let control = Control::open(&folder.join("socket"), sender, Meters::default()).await.unwrap();
    let (_, asked) = mpsc::unbounded_channel();
    let served = Served { control: Some(control), folder, meters: Meters::default(), asked };
    let (status, _, body) = served.exchange("POST", "/v3/reload", "").await;
    assert_eq!((status, body.as_str()), (503, "pilot has ended\n"));
}

#[test]
fn only_root_and_pilots_own_user_are_heard() {
    let own = nix::unistd::geteuid().as_raw();
    assert_eq!(routes::allowed(0), Ok(()));
    assert_eq!(routes::allowed(own), Ok(()));
    let refusal = routes::allowed(own + 4711).unwrap_err();
    assert_eq!(refusal.why, Why::Forbidden);
    assert!(refusal.text.contains(&format!("user {} may not use the control socket", own + 4711)), "{}", refusal.text);
}

fn anything_sent() -> impl proptest::strategy::Strategy<Value = Vec<u8>> {
    use proptest::prelude::*;
    let verbs = ["", "/start", "/stop", "/signal", "/logs", "/logs?lines=1&follow=0", "/%00%ff", "/dance"];
    let job_path = (".{0,12}", prop::sample::select(verbs.to_vec())).prop_map(|(job, verb)| {
        let job = percent_encoding::utf8_percent_encode(&job, percent_encoding::NON_ALPHANUMERIC).to_string();
        format!("/v3/jobs/{job}{verb}")
    });
    let known = ["/v3/environ", "/v3/metric", "/v3/reload", "/v3/maintenance/enable", "/v3/health", "/v3/jobs", "/"];
    let path = prop_oneof![job_path, prop::sample::select(known.to_vec()).prop_map(str::to_owned)];
    let bodies =
        ["{\"a\": \"b\"}", "{\"signal\": \"9\"}", "{\"signal\": \"-1\"}", "[[[[[", "{\"a\": 1e400}", "{\"a\":"];
    let body = prop_oneof![
        prop::sample::select(bodies.to_vec()).prop_map(|body| body.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..200),
    ];
    let method = prop::sample::select(vec!["GET", "POST", "PUT", "HEAD", "OPTIONS", "x"]);
    let request = (method, path, body, 0usize..300).prop_map(|(method, path, body, length)| {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n");
        [head.into_bytes(), body].concat()
    });
    prop_oneof![4 => request, 1 => prop::collection::vec(any::<u8>(), 0..400)]
}

/// Reliability case 47.
#[test]
fn whatever_is_sent_the_connection_ends_and_others_are_served() {
    use proptest::test_runner::{Config, TestRunner};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let served = runtime.block_on(served("anything", |_| Answer::Done));
    let config = Config { cases: 300, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&anything_sent(), |bytes| {
            runtime.block_on(async {
                let mut stream = served.connect().await;
                // It may be closed before all is sent.
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
                let mut got = Vec::new();
                let _ = timeout(DEADLINE, stream.read_to_end(&mut got)).await.expect("it ends");
                assert!(got.is_empty() || got.starts_with(b"HTTP/1."), "{}", String::from_utf8_lossy(&got));
                assert!(!got.starts_with(b"HTTP/1.1 500"), "{}", String::from_utf8_lossy(&got));
            });
            Ok(())
        })
        .unwrap();
    assert_eq!(runtime.block_on(served.exchange("GET", "/v3/ping", "")).0, 200);
}
