//! The catalog against a real Consul agent; scripted peers only for faults that a real one cannot be made to show.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use pilot::core::effect::Instance;
use pilot::core::plan::{CheckStatus, Consul, ConsulAddress, ConsulTls, Secret, Service};
use pilot::runtime::catalog::{Client, Desired, Error, Registrar, ServiceQuery, Withdrawn, follow};
use serde_json::Value;
use support::{Act, Certificates, Folder, Lines, Peer, Running, answer, free_port, until};
use tokio::sync::mpsc;

const SOON: Duration = Duration::from_secs(5);

/// A real agent in dev mode: no state on disk, so a restart forgets everything.
struct Agent {
    port: u16,
    folder: Folder,
    extra: String,
    process: Option<Running>,
}

impl Agent {
    async fn start() -> Self {
        Agent::start_with("").await
    }

    async fn start_with(extra: &str) -> Self {
        let mut agent =
            Agent { port: free_port(), folder: Folder::new("consul"), extra: extra.to_owned(), process: None };
        agent.run().await;
        agent
    }

    async fn run(&mut self) {
        let config = self.folder.file("extra.hcl", &self.extra);
        let [server, lan, wan] = [free_port(), free_port(), free_port()].map(|port| port.to_string());
        let log = std::fs::File::create(self.folder.0.join("log")).unwrap();
        let child = Command::new(consul_binary())
            .args(["agent", "-dev", "-node", "test", "-bind", "127.0.0.1", "-client", "127.0.0.1"])
            .args(["-dns-port", "-1", "-grpc-port", "-1", "-http-port", &self.port.to_string()])
            .args(["-server-port", &server, "-serf-lan-port", &lan, "-serf-wan-port", &wan])
            .args(["-hcl", "disable_update_check = true performance { raft_multiplier = 1 }"])
            .arg("-config-file")
            .arg(config)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("consul starts");
        self.process = Some(Running(child));
        until("consul has a leader and knows its own node", Duration::from_secs(30), async || {
            let log = std::fs::read_to_string(self.folder.0.join("log")).unwrap_or_default();
            log.contains("Synced node info") || log.contains("Node info in sync")
        })
        .await;
    }

    fn stop(&mut self) {
        self.process = None;
    }

    fn consul(&self) -> Consul {
        consul_at(&format!("http://127.0.0.1:{}", self.port))
    }

    async fn get(&self, path: &str) -> Value {
        let url = format!("http://127.0.0.1:{}/v1/{path}", self.port);
        serde_json::from_slice(&browser().get(url).send().await.unwrap().bytes().await.unwrap()).unwrap()
    }

    async fn put(&self, path: &str, body: String) {
        let url = format!("http://127.0.0.1:{}/v1/{path}", self.port);
        let answer = browser().put(url).body(body).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    }

    async fn status_of(&self, service: &Service) -> Option<String> {
        let checks = self.get("agent/checks").await;
        checks[format!("service:{}", service.id)]["Status"].as_str().map(str::to_owned)
    }
}

fn consul_binary() -> PathBuf {
    if let Some(path) = std::env::var_os("PILOT_CONSUL") {
        return path.into();
    }
    let in_path = std::env::var_os("PATH").and_then(|path| {
        std::env::split_paths(&path).map(|folder| folder.join("consul")).find(|candidate| candidate.is_file())
    });
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let in_tools =
        above.map(|folder| folder.join(".tools/consul/usr/bin/consul")).find(|candidate| candidate.is_file());
    in_path.or(in_tools).expect(
        "no consul: set PILOT_CONSUL, put it in PATH, or unpack Debian bullseye's package (apt-get download consul, \
         dpkg -x) into .tools/consul of the workspace",
    )
}

fn browser() -> reqwest::Client {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    reqwest::Client::builder().tls_certs_only([]).no_proxy().build().unwrap()
}

fn consul_at(url: &str) -> Consul {
    Consul { address: ConsulAddress::Url(url.to_owned()), token: None, token_file: None, tls: ConsulTls::default() }
}

fn service(name: &str) -> Service {
    Service {
        id: format!("{name}-host1"),
        name: name.to_owned(),
        port: 8000,
        registered: true,
        address: [10, 0, 0, 7].into(),
        tagged_addresses: BTreeMap::new(),
        tags: vec!["blue".into()],
        meta: BTreeMap::from([("version".into(), "7".into())]),
        weights: None,
        enable_tag_override: false,
        deregister_critical_after: Some("10m".into()),
        initial_status: None,
        ttl: Duration::from_secs(10),
    }
}

fn passing() -> Desired {
    Desired::Passing { output: "ok".into() }
}

fn registrar(consul: Consul) -> (Registrar, mpsc::UnboundedReceiver<Withdrawn>) {
    let (sender, withdrawn) = mpsc::unbounded_channel();
    (Registrar::new(Client::new(consul), sender), withdrawn)
}

fn query(service: &str) -> ServiceQuery {
    ServiceQuery { service: service.into(), tag: None, datacenter: None }
}

#[tokio::test]
async fn the_first_passing_check_registers_the_service_and_marks_it_passing() {
    let agent = Agent::start().await;
    let app = service("app");
    let (mut registrar, mut withdrawn) = registrar(agent.consul());
    let lines = Lines::listen();
    registrar.announce(&app, passing());
    until("passing", SOON, async || agent.status_of(&app).await.as_deref() == Some("passing")).await;
    until("the output is there", SOON, async || agent.get("agent/checks").await["service:app-host1"]["Output"] == "ok")
        .await;
    let seen = agent.get("agent/service/app-host1").await;
    assert_eq!(
        (&seen["Service"], &seen["Port"], &seen["Address"], &seen["Tags"][0], &seen["Meta"]["version"]),
        (&"app".into(), &8000.into(), &"10.0.0.7".into(), &"blue".into(), &"7".into())
    );
    let check = &agent.get("agent/checks").await["service:app-host1"];
    assert_eq!(check["Notes"], "TTL for app set by containerpilot");
    assert_eq!(lines.with("Service registered: app"), ["INFO Service registered: app"]);

    registrar.withdraw(&app);
    assert_eq!(withdrawn.recv().await.unwrap(), Withdrawn { id: "app-host1".into(), result: Ok(()) });
    assert_eq!(agent.status_of(&app).await, None);
    assert_eq!(lines.with("deregistering: app-host1").len(), 1);
}

#[tokio::test]
async fn a_restarted_agent_without_state_has_the_service_back_within_one_heartbeat() {
    let mut agent = Agent::start().await;
    let app = service("app");
    let (mut registrar, _withdrawn) = registrar(agent.consul());
    registrar.announce(&app, passing());
    until("passing", SOON, async || agent.status_of(&app).await.as_deref() == Some("passing")).await;
    agent.stop();
    agent.run().await;
    // A dev agent forgets everything; a retry of the first heartbeat's update may have brought the service back already.
    registrar.announce(&app, passing());
    let took = until("passing again", SOON, async || agent.status_of(&app).await.as_deref() == Some("passing")).await;
    println!("service and check back {took:?} after one heartbeat");
    let services = agent.get("agent/services").await;
    assert_eq!(services.as_object().unwrap().len(), 1, "no duplicate: {services}");
}

#[tokio::test]
async fn a_service_deregistered_behind_its_back_is_registered_again_at_the_next_heartbeat() {
    let agent = Agent::start().await;
    let app = service("app");
    let (mut registrar, _withdrawn) = registrar(agent.consul());
    for round in 0..3 {
        registrar.announce(&app, passing());
        until("passing", SOON, async || agent.status_of(&app).await.as_deref() == Some("passing")).await;
        println!("round {round}");
        agent.put("agent/service/deregister/app-host1", String::new()).await;
        assert_eq!(agent.status_of(&app).await, None);
    }
}

#[tokio::test]
async fn an_initial_status_is_registered_and_looked_after_without_heartbeats() {
    let agent = Agent::start().await;
    let app = Service { initial_status: Some(CheckStatus::Warning), ..service("app") };
    let (mut registrar, _withdrawn) = registrar(agent.consul());
    let lines = Lines::listen();
    registrar.announce(&app, Desired::Initial);
    until("warning", SOON, async || agent.status_of(&app).await.as_deref() == Some("warning")).await;
    assert_eq!(lines.with("Registering service app with initial status set to warning").len(), 1);
    agent.put("agent/service/deregister/app-host1", String::new()).await;
    let back = async || agent.status_of(&app).await.as_deref() == Some("warning");
    until("warning again", Duration::from_secs(12), back).await;
}

#[tokio::test]
async fn a_failing_check_turns_a_registered_service_critical_and_registers_nothing_new() {
    let agent = Agent::start().await;
    let app = service("app");
    let (mut registrar, mut withdrawn) = registrar(agent.consul());
    let failing = Desired::Failing { output: "HTTP 500".into() };
    let other = service("other");
    registrar.announce(&other, failing.clone());
    registrar.announce(&app, passing());
    until("passing", SOON, async || agent.status_of(&app).await.as_deref() == Some("passing")).await;
    registrar.announce(&app, failing);
    until("critical", SOON, async || agent.status_of(&app).await.as_deref() == Some("critical")).await;
    assert_eq!(agent.get("agent/checks").await["service:app-host1"]["Output"], "HTTP 500");
    assert_eq!(agent.status_of(&other).await, None);
    registrar.withdraw(&other);
    let answer = withdrawn.recv().await.unwrap();
    assert_eq!(answer, Withdrawn { id: other.id, result: Ok(()) }, "sent even if never registered");
}

// v3 spec 12.1, row 3: what Consul removes because it was critical for too long must stay away as long as it fails.
#[tokio::test]
async fn a_failing_service_that_is_removed_stays_away_until_it_passes() {
    let agent = Agent::start().await;
    let app = service("app");
    let (mut registrar, _withdrawn) = registrar(agent.consul());
    let lines = Lines::listen();
    let failing = |text: &str| Desired::Failing { output: text.into() };
    registrar.announce(&app, passing());
    until("passing", SOON, async || agent.status_of(&app).await.as_deref() == Some("passing")).await;
    registrar.announce(&app, failing("HTTP 500"));
    until("critical", SOON, async || agent.status_of(&app).await.as_deref() == Some("critical")).await;
    agent.put("agent/service/deregister/app-host1", String::new()).await;
    registrar.announce(&app, failing("HTTP 501"));
    until("noticed", SOON, async || lines.with("app is registered again when it passes").len() == 1).await;
    registrar.announce(&app, failing("HTTP 502"));
    assert_eq!(agent.status_of(&app).await, None);
    registrar.announce(&app, passing());
    until("passing again", SOON, async || agent.status_of(&app).await.as_deref() == Some("passing")).await;
    assert_eq!(lines.with("INFO Service registered: app").len(), 2, "not registered while it failed");
}

#[tokio::test]
async fn a_service_whose_definition_changes_is_registered_anew_under_its_id() {
    let agent = Agent::start().await;
    let app = service("app");
    let (mut registrar, _withdrawn) = registrar(agent.consul());
    registrar.announce(&app, passing());
    until("passing", SOON, async || agent.status_of(&app).await.as_deref() == Some("passing")).await;
    let other = Service { port: 9000, tags: vec!["green".into()], ..app.clone() };
    registrar.announce(&other, passing());
    until("changed", SOON, async || agent.get("agent/service/app-host1").await["Port"] == 9000).await;
    assert_eq!(agent.get("agent/service/app-host1").await["Tags"][0], "green");
    assert_eq!(agent.status_of(&app).await.as_deref(), Some("passing"));
    assert_eq!(agent.get("agent/services").await.as_object().unwrap().len(), 1);
}

// The configuration refuses what Consul refuses, and nothing else.
#[tokio::test]
async fn the_limits_of_metadata_and_weights_are_those_of_a_real_agent() {
    let agent = Agent::start().await;
    let (long_key, long_value) = ("k".repeat(128), "v".repeat(512));
    let pairs = |count: usize| (0..count).map(|n| format!("\"k{n}\": \"v\"")).collect::<Vec<_>>().join(",");
    let rows = [
        (format!(r#""meta": {{"{long_key}": "v"}}"#), true),
        (format!(r#""meta": {{"{long_key}k": "v"}}"#), false),
        (format!(r#""meta": {{"k": "{long_value}"}}"#), true),
        (format!(r#""meta": {{"k": "{long_value}v"}}"#), false),
        (format!(r#""meta": {{{}}}"#, pairs(64)), true),
        (format!(r#""meta": {{{}}}"#, pairs(65)), false),
        (r#""meta": {"": "v"}"#.to_owned(), false),
        (r#""meta": {"a.b": "v"}"#.to_owned(), false),
        (r#""meta": {"consul-x": "v"}"#.to_owned(), false),
        (r#""meta": {"-A_9": "v"}"#.to_owned(), true),
        (r#""weights": {"passing": 1, "warning": 0}"#.to_owned(), true),
        (r#""weights": {"passing": 65535, "warning": 65535}"#.to_owned(), true),
        (r#""weights": {"passing": 0, "warning": 1}"#.to_owned(), false),
        (r#""weights": {"passing": 65536, "warning": 1}"#.to_owned(), false),
        (r#""weights": {"passing": 1, "warning": -1}"#.to_owned(), false),
        (r#""interfaces": "env:HOST", "meta": {}"#.to_owned(), false),
    ];
    for (member, good) in rows {
        let text = format!(
            r#"{{"consul": "c", "jobs": [{{"name": "app", "port": 80, "health": {{"interval": 1, "ttl": 5}}, {member}}}]}}"#
        );
        let around = pilot::config::Surroundings {
            env: BTreeMap::from([("HOST".into(), "0.0.0.0".into())]),
            interfaces: pilot::config::Interfaces::new(|| vec![("eth0".into(), [10, 0, 0, 7].into())]),
            ..Default::default()
        };
        assert_eq!(pilot::config::load("f", &text, &around).plan.is_some(), good, "pilot: {member}");
        // The same in Consul's words.
        let words = [("meta", "Meta"), ("weights", "Weights"), ("passing", "Passing"), ("warning", "Warning")];
        let body = words.into_iter().fold(member.clone(), |text, (ours, theirs)| {
            text.replace(&format!("\"{ours}\":"), &format!("\"{theirs}\":"))
        });
        let body = body.replace(r#""interfaces": "env:HOST""#, r#""Address": "0.0.0.0""#);
        let url = format!("http://127.0.0.1:{}/v1/agent/service/register", agent.port);
        let answer = browser().put(url).body(format!(r#"{{"Name": "app", {body}}}"#)).send().await.unwrap();
        assert_eq!(answer.status() == 200, good, "Consul: {member}");
    }
}

#[tokio::test]
async fn an_agent_that_comes_late_gets_the_service_without_another_heartbeat_and_with_one_warning() {
    let mut agent = Agent::start().await;
    agent.stop();
    let app = Service { ttl: Duration::from_secs(60), ..service("app") };
    let (mut registrar, _withdrawn) = registrar(agent.consul());
    let lines = Lines::listen();
    registrar.announce(&app, passing());
    until("three attempts failed", SOON, async || lines.with("service registration failed").len() >= 3).await;
    let warned = lines.with("WARN service registration failed");
    assert_eq!(warned.len(), 1, "{warned:?}");
    assert!(warned[0].contains(&format!("127.0.0.1:{}", agent.port)), "{warned:?}");
    agent.run().await;
    let there = async || agent.status_of(&app).await.as_deref() == Some("passing");
    until("passing", Duration::from_secs(12), there).await;
    until("said to be well again", SOON, async || lines.with("INFO Consul agent answers again").len() == 1).await;
}

#[tokio::test]
async fn an_agent_that_hangs_resets_drips_or_says_500_holds_nobody_up_and_a_withdrawal_ends_in_two_seconds() {
    for act in [Act::Hang, Act::Drip, Act::Reset, Act::Say(answer(500, "", "No cluster leader\n\u{7}"))] {
        let peer = Peer::start(move |_, _| act.clone()).await;
        let app = service("app");
        let (mut registrar, mut withdrawn) = registrar(consul_at(&peer.url()));
        let start = Instant::now();
        registrar.announce(&app, passing());
        assert!(start.elapsed() < Duration::from_millis(20), "announce waited {:?}", start.elapsed());
        until("the first call is under way", SOON, async || !peer.seen().is_empty()).await;
        let start = Instant::now();
        registrar.withdraw(&app);
        assert!(start.elapsed() < Duration::from_millis(20), "withdraw waited {:?}", start.elapsed());
        let end = withdrawn.recv().await.unwrap();
        let took = start.elapsed();
        println!("{took:?} {:?}", end.result);
        assert!(took < Duration::from_millis(2200), "{took:?}");
        assert!(end.result.is_err());
        assert_eq!(peer.seen().last().map(String::as_str), Some("PUT /v1/agent/service/deregister/app-host1"));
    }
}

#[tokio::test]
async fn after_a_withdrawal_the_call_under_way_finishes_and_deregister_is_the_last_one() {
    let slow = Duration::from_millis(300);
    let peer = Peer::start(move |_, _| Act::SayAfter(slow, answer(200, "", ""))).await;
    let app = service("app");
    let (mut registrar, mut withdrawn) = registrar(consul_at(&peer.url()));
    registrar.announce(&app, passing());
    until("the registration is under way", SOON, async || !peer.seen().is_empty()).await;
    registrar.announce(&app, passing());
    registrar.withdraw(&app);
    assert_eq!(withdrawn.recv().await.unwrap().result, Ok(()));
    tokio::time::sleep(slow * 4).await;
    assert_eq!(
        peer.seen(),
        ["PUT /v1/agent/service/register", "PUT /v1/agent/service/deregister/app-host1"],
        "no update after the fence"
    );
    // Out and in again at once: the withdrawal is done and reported all the same.
    registrar.withdraw(&app);
    registrar.announce(&app, passing());
    assert_eq!(withdrawn.recv().await.unwrap().result, Ok(()));
    until("the update after the new registration", SOON, async || peer.seen().len() == 5).await;
    assert_eq!(
        peer.seen()[2..],
        [
            "PUT /v1/agent/service/deregister/app-host1",
            "PUT /v1/agent/service/register",
            "PUT /v1/agent/check/update/service:app-host1"
        ]
    );
}

#[tokio::test]
async fn a_passing_check_older_than_its_ttl_is_not_sent_any_more() {
    let peer = Peer::start(|_, _| Act::Say(answer(500, "", "no"))).await;
    let app = Service { ttl: Duration::from_secs(1), ..service("app") };
    let (mut registrar, _withdrawn) = registrar(consul_at(&peer.url()));
    let lines = Lines::listen();
    registrar.announce(&app, passing());
    until("given up", SOON, async || !lines.with("older than its TTL").is_empty()).await;
    let calls = peer.seen().len();
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(peer.seen().len(), calls, "{:?}", peer.seen());
    assert!(calls >= 2, "it was tried again before");
}

#[tokio::test]
async fn a_token_without_rights_is_refused_without_being_shown_and_a_rotated_one_is_used_at_once() {
    let master = "11111111-2222-3333-4444-555555555555";
    let wrong = "deadbeef-dead-beef-dead-beefdeadbeef";
    let agent = Agent::start_with(&format!(
        r#"acl {{ enabled = true default_policy = "deny" tokens {{ master = "{master}" agent = "{master}" }} }}"#
    ))
    .await;
    let token_file = agent.folder.file("token", "");
    let client = Client::new(Consul { token_file: Some(token_file.clone()), ..agent.consul() });
    let app = service("app");
    let denied = Error::Denied { permission: "service:write for app".into() };
    // No token; the management token may still be on its way after the start.
    assert_eq!(client.register(&app, CheckStatus::Passing).await, Err(denied.clone()));
    std::fs::write(&token_file, format!("{wrong}\n")).unwrap();
    let error = client.register(&app, CheckStatus::Passing).await.unwrap_err();
    assert_eq!(error, denied);
    assert_eq!(error.to_string(), "permission denied: the token lacks service:write for app");
    assert!(!format!("{error:?}").contains(wrong));
    std::fs::write(&token_file, format!("{master}\n")).unwrap();
    until("the rotated token is used", SOON, async || client.register(&app, CheckStatus::Passing).await.is_ok()).await;
    assert_eq!(client.update_check(&app, CheckStatus::Passing, "ok").await, Ok(()));
    let gone = service("gone");
    let unknown = client.update_check(&gone, CheckStatus::Passing, "ok").await;
    assert_eq!(unknown, Err(Error::UnknownCheck("service:gone-host1".into())), "also with ACLs on");
    // The fixed token, all the way to the log.
    let (mut registrar, _withdrawn) = registrar(Consul { token: Some(Secret::new(wrong)), ..agent.consul() });
    let lines = Lines::listen();
    registrar.announce(&app, passing());
    until("said", SOON, async || lines.with("WARN service registration failed: permission denied").len() == 1).await;
    assert!(lines.with(wrong).is_empty());
}

#[tokio::test]
async fn the_agent_is_reached_over_a_unix_socket() {
    let folder = Folder::new("socket");
    let socket = folder.0.join("http.sock");
    let agent = Agent::start_with(&format!(r#"addresses {{ http = "unix://{}" }}"#, socket.display())).await;
    let client = Client::new(Consul { address: ConsulAddress::Unix(socket), ..agent.consul() });
    let app = service("app");
    assert_eq!(client.register(&app, CheckStatus::Passing).await, Ok(()));
    assert_eq!(client.knows(&app).await, Ok(true));
    assert_eq!(client.knows(&service("other")).await, Ok(false));
    assert_eq!(client.deregister(&app).await, Ok(()));
    assert_eq!(client.knows(&app).await, Ok(false));
}

#[tokio::test]
async fn https_is_verified_when_asked_for_by_the_name_that_was_set() {
    let folder = Folder::new("tls");
    let good = Certificates::make(&folder.0, "good");
    let other = Certificates::make(&folder.0, "other");
    let port = free_port();
    let agent = Agent::start_with(&format!(
        r#"ports {{ https = {port} }} addresses {{ https = "127.0.0.1" }} cert_file = "{}" key_file = "{}" ca_file = "{}"
           verify_incoming_https = true"#,
        good.certificate.display(),
        good.key.display(),
        good.ca.display(),
    ))
    .await;
    let client = |tls: ConsulTls| {
        let tls = ConsulTls { client: Some((good.certificate.clone(), good.key.clone())), ..tls };
        Client::new(Consul { tls, ..consul_at(&format!("https://127.0.0.1:{port}")) })
    };
    let app = service("app");
    let named = ConsulTls { verify: true, server_name: Some("localhost".into()), ..ConsulTls::default() };
    let trusted = ConsulTls { ca_file: Some(good.ca.clone()), ..named.clone() };
    assert_eq!(client(trusted.clone()).register(&app, CheckStatus::Passing).await, Ok(()));
    assert_eq!(client(ConsulTls::default()).knows(&app).await, Ok(true), "v3 does not verify by default");
    let unnamed = client(ConsulTls { server_name: None, ..trusted }).knows(&app).await.unwrap_err();
    assert!(unnamed.to_string().contains("certificate"), "{unnamed}");
    let foreign = client(ConsulTls { ca_file: Some(other.ca.clone()), ..named.clone() }).knows(&app).await.unwrap_err();
    assert!(foreign.to_string().contains("certificate"), "{foreign}");
    let absent = client(ConsulTls { ca_file: Some("/nowhere/ca.pem".into()), ..named }).knows(&app).await.unwrap_err();
    assert!(matches!(&absent, Error::Settings(text) if text.contains("/nowhere/ca.pem")), "{absent}");
    drop(agent);
}

/// When, and what.
type Reports = Mutex<Vec<(Instant, Vec<Instance>)>>;

/// A watch in the background and what it has reported so far, each with its time.
fn watching(consul: Consul, service: &str, interval: Duration) -> Arc<Reports> {
    let reports = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&reports);
    let report = move |instances| kept.lock().unwrap().push((Instant::now(), instances));
    tokio::spawn(follow(service.to_owned(), Client::new(consul), query(service), interval, report));
    reports
}

fn ports(reports: &Reports) -> Vec<Vec<u16>> {
    let ports = |instances: &Vec<Instance>| instances.iter().map(|instance| instance.port).collect();
    reports.lock().unwrap().iter().map(|(_, instances)| ports(instances)).collect()
}

#[tokio::test]
async fn a_change_is_reported_within_milliseconds() {
    let agent = Agent::start().await;
    let reports = watching(agent.consul(), "db", Duration::from_secs(10));
    until("the empty service is reported once", SOON, async || ports(&reports) == [Vec::<u16>::new()]).await;
    let mut latencies = Vec::new();
    for round in 1..=15_u16 {
        // The index of the first answer has to be waited on before the change, or the change is in the first answer.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let body = format!(r#"{{"ID":"db-1","Name":"db","Port":{round},"Address":"10.0.0.1"}}"#);
        let start = Instant::now();
        agent.put("agent/service/register", body).await;
        until("reported", SOON, async || reports.lock().unwrap().len() == usize::from(round) + 1).await;
        let (at, instances) = reports.lock().unwrap().last().unwrap().clone();
        assert_eq!(instances, [Instance { id: "db-1".into(), address: "10.0.0.1".into(), port: round }]);
        latencies.push(at.duration_since(start));
    }
    latencies.sort();
    println!("from the begin of the registration to the report: median {:?}, all {latencies:?}", latencies[7]);
    assert!(latencies[7] < Duration::from_millis(10), "{latencies:?}");
}

#[tokio::test]
async fn ten_idle_watches_make_less_than_one_request_a_second() {
    let agent = Agent::start().await;
    let target = format!("127.0.0.1:{}", agent.port);
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
    let mut agent = Agent::start().await;
    let lines = Lines::listen();
    let db = r#"{"ID":"db-1","Name":"db","Port":5,"Address":"10.0.0.1"}"#;
    agent.put("agent/service/register", db.into()).await;
    let reports = watching(agent.consul(), "db", Duration::from_millis(300));
    until("there", SOON, async || ports(&reports).last() == Some(&vec![5])).await;
    let so_far = ports(&reports);
    agent.stop();
    until("three failures", SOON, async || lines.with("failed to query db").len() >= 3).await;
    assert_eq!(lines.with("WARN failed to query db: ").len(), 1, "{:?}", lines.with("failed"));
    assert_eq!(ports(&reports), so_far);
    agent.run().await;
    // The new agent knows no db: that is an answer, and a change.
    until("gone", SOON, async || ports(&reports).last() == Some(&vec![])).await;
    agent.put("agent/service/register", db.into()).await;
    until("back", SOON, async || ports(&reports).last() == Some(&vec![5])).await;
    assert_eq!(ports(&reports).len(), so_far.len() + 2);
}

fn health(index: Option<&str>, ports: &[u16]) -> String {
    let entry = |port: &u16| {
        format!(r#"{{"Node":{{"Address":"10.9.9.9"}},"Service":{{"ID":"db-{port}","Address":"","Port":{port}}}}}"#)
    };
    let header = index.map(|index| format!("X-Consul-Index: {index}\r\n")).unwrap_or_default();
    answer(200, &header, &format!("[{}]", ports.iter().map(entry).collect::<Vec<_>>().join(",")))
}

#[tokio::test]
async fn an_index_that_goes_backwards_begins_anew_and_each_real_change_is_reported_once() {
    let peer = Peer::start(|_, before| match before {
        0 => Act::Say(health(Some("50"), &[1])),
        1 => Act::Say(health(Some("60"), &[1])),
        2 => Act::Say(health(Some("7"), &[1])),
        3 => Act::Say(health(Some("7"), &[1])),
        4 => Act::Say(health(Some("9000"), &[1, 2])),
        _ => Act::Hang,
    })
    .await;
    let reports = watching(consul_at(&peer.url()), "db", Duration::from_secs(1));
    until("six requests", SOON, async || peer.seen().len() == 6).await;
    assert_eq!(ports(&reports), [vec![1], vec![1, 2]]);
    assert_eq!(reports.lock().unwrap()[0].1[0].address, "10.9.9.9", "the node's address");
    let base = "GET /v1/health/service/db?passing=1";
    let blocking = |index: u32| format!("{base}&index={index}&wait=60s");
    assert_eq!(
        peer.seen(),
        [base.into(), blocking(50), blocking(60), base.to_owned(), blocking(7), blocking(9000)],
        "7 after 60 is forgotten and asked for anew"
    );
}

#[tokio::test]
async fn a_server_that_never_blocks_is_asked_in_moderation() {
    for (index, most) in [(Some("7"), 26), (Some("0"), 11), (Some("-3"), 11), (None, 11)] {
        let peer = Peer::start(move |_, _| Act::Say(health(index, &[1]))).await;
        let reports = watching(consul_at(&peer.url()), "db", Duration::from_millis(200));
        tokio::time::sleep(Duration::from_secs(2)).await;
        let asked = peer.seen().len();
        println!("index {index:?}: {asked} requests in 2 s");
        assert!(asked <= most, "{asked} with index {index:?}");
        assert!(asked >= 5, "{asked}");
        assert_eq!(ports(&reports), [vec![1]]);
        assert!(peer.seen().iter().all(|line| !line.contains("index=0")), "0 would not block");
    }
}

#[tokio::test]
async fn tag_and_datacenter_are_asked_for() {
    let peer = Peer::start(|_, _| Act::Say(health(Some("3"), &[]))).await;
    let query = ServiceQuery { service: "db".into(), tag: Some("a b".into()), datacenter: Some("dc2".into()) };
    Client::new(consul_at(&peer.url())).health(&query, None).await.unwrap();
    assert_eq!(peer.seen(), ["GET /v1/health/service/db?passing=1&tag=a+b&dc=dc2"]);
}

#[tokio::test]
async fn answers_that_are_not_consuls_are_an_error_and_not_an_empty_service() {
    for body in ["<html>", "null", r#"{"a":1}"#, r#"[{"Service":{"ID":"x","Port":70000}}]"#] {
        let text = answer(200, "X-Consul-Index: 5\r\n", body);
        let peer = Peer::start(move |_, _| Act::Say(text.clone())).await;
        let got = Client::new(consul_at(&peer.url())).health(&query("db"), None).await;
        assert!(matches!(got, Err(Error::Decode { .. })), "{body}: {got:?}");
    }
}
