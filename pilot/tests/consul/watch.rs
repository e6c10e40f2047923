//! Watches: which changes are seen, how soon, and what they cost.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use pilot::runtime::catalog::{Client, Error, Pace, ServiceQuery, Sight, follow};
use pilot_core::effect::Instance;
use pilot_core::plan::Consul;

use pilot_test_support::{Consul as Agent, Reply, Scripted};
use serde_json::json;

use crate::agent::settings;
use crate::support::{Lines, until};
use crate::{SOON, consul_at, query};

/// When, and what.
type Reports = Mutex<Vec<(Instant, Vec<Instance>)>>;

/// A watch in the background and what it has reported so far, each with its time.
fn watching(consul: Consul, service: &str, interval: Duration) -> Arc<Reports> {
    watching_at(consul, service, Pace { interval, first_look: Duration::ZERO, min_interval: Duration::ZERO })
}

fn watching_at(consul: Consul, service: &str, pace: Pace) -> Arc<Reports> {
    let reports = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&reports);
    let report = move |sight| {
        if let Sight::Instances(instances) = sight {
            kept.lock().unwrap().push((Instant::now(), instances));
        }
    };
    tokio::spawn(follow(service.to_owned(), Client::new(consul), query(service), pace, report));
    reports
}

fn ports(reports: &Reports) -> Vec<Vec<u16>> {
    let ports = |instances: &Vec<Instance>| instances.iter().map(|instance| instance.port).collect();
    reports.lock().unwrap().iter().map(|(_, instances)| ports(instances)).collect()
}

#[tokio::test]
async fn a_change_is_reported_within_milliseconds() {
    let agent = Agent::start();
    let reports = watching(settings(&agent), "db", Duration::from_secs(10));
    until("the empty service is reported once", SOON, async || ports(&reports) == [Vec::<u16>::new()]).await;
    let mut latencies = Vec::new();
    for round in 1..=15_u16 {
        // The index of the first answer has to be waited on before the change, or the change is in the first answer.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let body = json!({ "ID": "db-1", "Name": "db", "Port": round, "Address": "10.0.0.1" });
        let start = Instant::now();
        agent.put("/v1/agent/service/register", &body);
        until("reported", SOON, async || reports.lock().unwrap().len() == usize::from(round) + 1).await;
        let (at, instances) = reports.lock().unwrap().last().unwrap().clone();
        assert_eq!(instances, [Instance { id: "db-1".into(), address: "10.0.0.1".into(), port: round }]);
        latencies.push(at.duration_since(start));
    }
    latencies.sort();
    println!("from the begin of the registration to the report: median {:?}, all {latencies:?}", latencies[7]);
    assert!(latencies[7] < Duration::from_millis(250), "{latencies:?}");
}

/// As many as v3 would see, which looks once an interval; and the first not later than it is seen.
#[tokio::test]
async fn of_many_changes_within_an_interval_the_first_and_the_last_are_told() {
    let agent = Agent::start();
    let (second, zero) = (Duration::from_secs(1), Duration::ZERO);
    let pace = Pace { interval: second, first_look: zero, min_interval: second };
    let reports = watching_at(settings(&agent), "db", pace);
    until("the empty service is reported once", SOON, async || ports(&reports) == [Vec::<u16>::new()]).await;
    for round in 1..=30_u16 {
        let body = json!({ "ID": "db-1", "Name": "db", "Port": round, "Address": "10.0.0.1" });
        agent.put("/v1/agent/service/register", &body);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    until("the last state to be told", SOON, async || ports(&reports).last() == Some(&vec![30])).await;
    let reports = reports.lock().unwrap().clone();
    assert!(reports.len() <= 4, "{reports:?}");
    assert!(reports[1].0.duration_since(reports[0].0) < second * 2);
    for pair in reports[1..].windows(2) {
        assert!(pair[1].0.duration_since(pair[0].0) >= second, "{reports:?}");
    }
}

#[tokio::test]
async fn ten_idle_watches_make_less_than_one_request_a_second() {
    let agent = Agent::start();
    let target = agent.address();
    // A counter in between: it forwards bytes and counts requests.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let requests = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (count, target) = (Arc::clone(&count), target.clone());
            tokio::spawn(async move {
                let (mut there_reads, mut there_writes) =
                    tokio::net::TcpStream::connect(target).await.unwrap().into_split();
                let (mut here_reads, mut here_writes) = client.into_split();
                tokio::spawn(async move { tokio::io::copy(&mut there_reads, &mut here_writes).await });
                let mut buffer = [0; 4096];
                while let Ok(read @ 1..) = tokio::io::AsyncReadExt::read(&mut here_reads, &mut buffer).await {
                    let text = String::from_utf8_lossy(&buffer[..read]).to_string();
                    count.fetch_add(text.matches("GET /v1").count(), std::sync::atomic::Ordering::Relaxed);
                    tokio::io::AsyncWriteExt::write_all(&mut there_writes, &buffer[..read]).await.unwrap();
                }
            });
        }
    });
    let through = consul_at(&format!("http://127.0.0.1:{port}"));
    let all: Vec<_> =
        (0..10).map(|n| watching(through.clone(), &format!("idle-{n}"), Duration::from_secs(1))).collect();
    let requests = || requests.load(std::sync::atomic::Ordering::Relaxed);
    until("all have their first answer and wait", SOON, async || requests() >= 20).await;
    let (before, start) = (requests(), Instant::now());
    tokio::time::sleep(Duration::from_secs(5)).await;
    let rate = (requests() - before) as f64 / start.elapsed().as_secs_f64();
    println!("{rate} requests a second of ten idle watches");
    assert!(rate < 1.0, "{rate}");
    assert!(all.iter().all(|reports| ports(reports) == [Vec::<u16>::new()]));
}

#[tokio::test]
async fn an_outage_keeps_the_known_instances_and_warns_once() {
    let mut agent = Agent::start();
    let lines = Lines::listen();
    let db = json!({ "ID": "db-1", "Name": "db", "Port": 5, "Address": "10.0.0.1" });
    agent.put("/v1/agent/service/register", &db);
    let reports = watching(settings(&agent), "db", Duration::from_millis(300));
    until("there", SOON, async || ports(&reports).last() == Some(&vec![5])).await;
    let so_far = ports(&reports);
    agent.kill();
    until("three failures", SOON, async || lines.with("failed to query db").len() >= 3).await;
    assert_eq!(lines.with("WARN failed to query db: ").len(), 1, "{:?}", lines.with("failed"));
    assert_eq!(ports(&reports), so_far);
    agent.begin();
    // The new agent knows no db: that is an answer, and a change.
    until("gone", SOON, async || ports(&reports).last() == Some(&vec![])).await;
    agent.put("/v1/agent/service/register", &db);
    until("back", SOON, async || ports(&reports).last() == Some(&vec![5])).await;
    assert_eq!(ports(&reports).len(), so_far.len() + 2);
}

fn health(index: Option<&str>, ports: &[u16]) -> Reply {
    let entry = |port: &u16| {
        format!(r#"{{"Node":{{"Address":"10.9.9.9"}},"Service":{{"ID":"db-{port}","Address":"","Port":{port}}}}}"#)
    };
    let header = index.map(|index| format!("X-Consul-Index: {index}\r\n")).unwrap_or_default();
    Reply::answer(200, &header, &format!("[{}]", ports.iter().map(entry).collect::<Vec<_>>().join(",")))
}

#[tokio::test]
async fn an_index_that_goes_backwards_starts_over_and_each_real_change_is_reported_once() {
    let peer = Scripted::start(|request| match request.number {
        0 => health(Some("50"), &[1]),
        1 => health(Some("60"), &[1]),
        2 => health(Some("7"), &[1]),
        3 => health(Some("7"), &[1]),
        4 => health(Some("9000"), &[1, 2]),
        _ => Reply::Hang,
    });
    let reports = watching(consul_at(&peer.url()), "db", Duration::from_secs(1));
    until("six requests", SOON, async || peer.lines().len() == 6).await;
    assert_eq!(ports(&reports), [vec![1], vec![1, 2]]);
    assert_eq!(reports.lock().unwrap()[0].1[0].address, "10.9.9.9", "the node's address");
    let base = "GET /v1/health/service/db?passing=1";
    let blocking = |index: u32| format!("{base}&index={index}&wait=60s");
    assert_eq!(
        peer.lines(),
        [base.into(), blocking(50), blocking(60), base.to_owned(), blocking(7), blocking(9000)],
        "7 after 60 is forgotten and asked for again"
    );
}

#[tokio::test]
async fn a_server_that_never_blocks_is_asked_in_moderation() {
    for (index, most) in [(Some("7"), 26), (Some("0"), 11), (Some("-3"), 11), (None, 11)] {
        let peer = Scripted::start(move |_| health(index, &[1]));
        let reports = watching(consul_at(&peer.url()), "db", Duration::from_millis(200));
        tokio::time::sleep(Duration::from_secs(2)).await;
        let asked = peer.lines().len();
        println!("index {index:?}: {asked} requests in 2 s");
        assert!(asked <= most, "{asked} with index {index:?}");
        assert!(asked >= 3, "{asked}");
        assert_eq!(ports(&reports), [vec![1]]);
        assert!(peer.lines().iter().all(|line| !line.contains("index=0")), "0 would not block");
    }
}

#[tokio::test]
async fn tag_and_datacenter_are_asked_for() {
    let peer = Scripted::start(|_| health(Some("3"), &[]));
    let query = ServiceQuery { service: "db".into(), tag: Some("a b".into()), datacenter: Some("dc2".into()) };
    Client::new(consul_at(&peer.url())).health(&query, None).await.unwrap();
    assert_eq!(peer.lines(), ["GET /v1/health/service/db?passing=1&tag=a+b&dc=dc2"]);
}

#[tokio::test]
async fn answers_that_are_not_consuls_are_an_error_and_not_an_empty_service() {
    for body in ["<html>", "null", r#"{"a":1}"#, r#"[{"Service":{"ID":"x","Port":70000}}]"#] {
        let reply = Reply::answer(200, "X-Consul-Index: 5\r\n", body);
        let peer = Scripted::start(move |_| reply.clone());
        let got = Client::new(consul_at(&peer.url())).health(&query("db"), None).await;
        assert!(matches!(got, Err(Error::Decode { .. })), "{body}: {got:?}");
    }
}
