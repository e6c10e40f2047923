//! The files of `consul/` as they are shipped: three servers under pilot, the agent next to an application, ACLs, TLS, snapshots;
//! and what the application notices when servers, the leader or the network are lost: nothing.
//! reliability.md, section 2, cases 41, 42.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

use pilot_tests::{Cluster, Machine, Member, Pilot, SOON, fixture, http, until};
use serde_json::{Value, json};

/// Elections, suspicion and reconnecting take Consul some seconds each; what a leader did not see because it was not yet
/// one, it finds when it looks over all members, which it does every 60 s.
const PATIENCE: Duration = Duration::from_secs(75);

/// A cluster, and on a machine of its own an application under pilot next to its agent.
struct Scene {
    app: Pilot,
    agent: Member,
    cluster: Cluster,
}

impl Scene {
    fn start() -> Scene {
        let mut cluster = Cluster::start();
        let agent = cluster.agent("agent-1");
        let app = run_app(&agent, &cluster.token("pilot"));
        let mut scene = Scene { app, agent, cluster };
        scene.wait_for_passing(0, 1);
        scene
    }

    /// What a server's catalog has of the application's passing instances: their addresses.
    fn passing(&self, server: usize) -> Vec<String> {
        let management = self.cluster.token("management");
        let found = self.cluster.servers[server].get(&management, "/v1/health/service/app?passing=1");
        let found = found.unwrap_or_default();
        let address = |entry: &Value| entry["Service"]["Address"].as_str().unwrap_or_default().to_owned();
        found.as_array().map(|list| list.iter().map(address).collect()).unwrap_or_default()
    }

    #[track_caller]
    fn wait_for_passing(&mut self, server: usize, count: usize) {
        let what = format!("{count} passing instances of app on server {}", server + 1);
        until(&what, PATIENCE, || (self.passing(server).len() == count).then_some(()));
    }

    /// Puts the cable back. Consul by itself looks for lost members every 30 s; a server is told where this one is. (The agent
    /// could be told where the servers are, but it would first have to ask them what the token of who tells it is good for.)
    #[track_caller]
    fn heal(&self) {
        self.cluster.network.plug(&self.agent.machine);
        let management = self.cluster.token("management");
        self.cluster.servers[0].consul(&management, &["join", self.agent.machine.address()]).success();
    }

    /// Puts one more instance of the watched service into the catalog, through a server, and waits until the application's
    /// pilot has noticed.
    #[track_caller]
    fn announce_backend(&mut self, server: usize, port: u16) {
        let before = self.app.count_events("StatusChanged watch.backend");
        self.register_backend(server, port);
        self.wait_for_changes(before);
    }

    #[track_caller]
    fn register_backend(&self, server: usize, port: u16) {
        let management = self.cluster.token("management");
        let service = json!({ "Name": "backend", "ID": format!("backend-{port}"), "Port": port });
        let server = &self.cluster.servers[server];
        until("the backend to be registered", PATIENCE, || {
            (server.status(&management, "PUT", "/v1/agent/service/register", &service) == 200).then_some(())
        });
    }

    #[track_caller]
    fn wait_for_changes(&mut self, before: usize) {
        self.app.wait("the watch to notice", PATIENCE, |app| {
            (app.count_events("StatusChanged watch.backend") > before).then_some(())
        });
    }
}

/// The application's pilot, with its own token and no other.
fn run_app(agent: &Member, token: &str) -> Pilot {
    let config = json!({
        "consul": "127.0.0.1:8500",
        "logging": { "level": "DEBUG" },
        "jobs": [{
            "name": "app", "port": 5000, "interfaces": "eth0", "restarts": "unlimited",
            "exec": [fixture(), "http", "5000", "{{ .PILOT_TEST_DIR }}/app.says"],
            // A busy test machine is no reason to be unwell.
            "health": { "http": "/", "interval": "200ms", "timeout": "10s", "ttl": 10 },
        }],
        "watches": [{ "name": "backend", "interval": 1 }],
    });
    agent.machine.inside(|| Pilot::with(&config).env("CONSUL_HTTP_TOKEN", token).start())
}

/// Somebody who asks the application all the time.
struct Visitor {
    done: &'static AtomicBool,
    thread: JoinHandle<(usize, Vec<String>)>,
}

impl Visitor {
    fn begin(machine: &Machine) -> Visitor {
        let done: &'static AtomicBool = Box::leak(Box::default());
        // It stays on that machine, as threads stay where they were begun.
        let thread = machine.inside(|| {
            std::thread::spawn(|| {
                let (mut answered, mut failed) = (0, Vec::new());
                while !done.load(Ordering::Relaxed) {
                    match http::get(5000, "/") {
                        Ok(answer) if answer.status == 200 => answered += 1,
                        other => failed.push(format!("{other:?}")),
                    }
                    sleep(Duration::from_millis(20));
                }
                (answered, failed)
            })
        });
        Visitor { done, thread }
    }

    /// Every request so far was answered.
    #[track_caller]
    fn was_served(self) {
        self.done.store(true, Ordering::Relaxed);
        let (answered, failed) = self.thread.join().unwrap();
        assert!(failed.is_empty(), "{} of {} requests failed: {failed:?}", failed.len(), answered + failed.len());
        assert!(answered > 10, "{answered} requests are no proof");
    }
}

/// Waits until this many servers vote.
#[track_caller]
fn wait_for_voters(server: &Member, management: &str, count: usize) {
    until(&format!("{count} voters"), PATIENCE, || {
        let peers = server.get(management, "/v1/operator/raft/configuration")?;
        let voters = peers["Servers"].as_array()?.iter().filter(|peer| peer["Voter"] == true).count();
        (voters == count).then_some(())
    });
}

/// Waits until one server may be lost again. (One that is off is still a voter.)
#[track_caller]
fn wait_for_tolerance(server: &Member, management: &str) {
    until("a cluster that can lose a server", PATIENCE, || {
        let health = server.get(management, "/v1/operator/autopilot/health")?;
        (health["FailureTolerance"] == 1).then_some(())
    });
}

/// Waits until the servers at these addresses vote, and there are no others.
#[track_caller]
fn wait_for_peers(server: &Member, management: &str, addresses: &[String], patience: Duration) {
    let mut said = Value::Null;
    let started = Instant::now();
    while started.elapsed() < patience {
        said = server.get(management, "/v1/operator/raft/configuration").unwrap_or(said);
        let peers = said["Servers"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut found: Vec<&str> = peers.iter().filter_map(|peer| peer["Address"].as_str()).collect();
        found.sort_unstable();
        if found == addresses && peers.iter().all(|peer| peer["Voter"] == true) {
            return;
        }
        sleep(Duration::from_millis(50));
    }
    panic!("{addresses:?} should vote, and no other:\n{said}");
}

/// Waits until a server says this of a member.
#[track_caller]
fn wait_for_member(server: &Member, management: &str, name: &str, status: &str) {
    let mut said = String::new();
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        said = server.consul(management, &["members"]).out;
        if said.lines().any(|line| line.starts_with(name) && line.contains(&format!(" {status} "))) {
            return;
        }
        sleep(Duration::from_millis(50));
    }
    panic!("{name} should be {status}:\n{said}");
}

/// The command lines of all processes.
fn command_lines() -> String {
    let folders = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = folders.filter_map(|folder| std::fs::read(folder.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " ") + "\n").collect()
}

#[test]
fn three_servers_form_a_cluster_by_themselves_show_no_secret_and_let_no_stranger_in() {
    let mut cluster = Cluster::prepare();
    let mut secrets: Vec<String> = ["management", "server", "agent", "snapshot", "pilot", "review", "review-agent"]
        .map(|of| cluster.token(of))
        .into();
    let config: Value = serde_json::from_str(&cluster.secret("server/config.json")).unwrap();
    secrets.push(config["encrypt"].as_str().unwrap().to_owned());
    secrets.push(cluster.secret("server/server-key.pem").lines().nth(1).unwrap().to_owned());
    let shown = |text: &str| secrets.iter().any(|secret| text.contains(secret.as_str()));

    for number in 0..3 {
        cluster.begin(number);
    }
    for number in 0..3 {
        cluster.pilot(number).wait("policies and tokens", PATIENCE, |pilot| {
            assert!(!shown(&command_lines()), "a secret is an argument");
            (pilot.count("policies and tokens are as the files say") == 1).then_some(())
        });
    }
    let management = cluster.token("management");
    wait_for_voters(&cluster.servers[0], &management, 3);
    let said = cluster.servers[1].consul("", &["acl", "bootstrap"]).failure();
    assert!(said.contains("no longer allowed"), "nobody else becomes the manager: {said}");
    for server in &cluster.servers {
        assert_eq!(server.get("", "/v1/catalog/nodes"), Some(json!([])), "nobody without a token sees a thing");
    }
    // Strangers: one with another gossip key, one that knows another authority, one that does not bother with TLS.
    let mut deaf = cluster.agent_with("agent-deaf", |secrets| {
        let mut config: Value = serde_json::from_str(&secrets["config.json"]).unwrap();
        config["encrypt"] = json!("AAECAwQFBgcICQoLDA0ODw==");
        secrets.insert("config.json".to_owned(), config.to_string());
    });
    let foreign = Cluster::foreign_authority();
    let mut doubting = cluster.agent_with("agent-doubting", |secrets| {
        secrets.insert("ca.pem".to_owned(), foreign.clone());
    });
    deaf.pilot.as_mut().unwrap().wait_for_within("No installed keys could decrypt the message", PATIENCE);
    doubting.pilot.as_mut().unwrap().wait_for_within("certificate signed by unknown authority", PATIENCE);
    let members = cluster.servers[0].consul(&management, &["members"]).success();
    assert!(members.contains("server-3") && !members.contains("agent-"), "{members}");
    let server = cluster.servers[2].machine.address().to_owned();
    let refused = cluster.servers[0].machine.inside(|| {
        let mut stream = TcpStream::connect((server.as_str(), 8300)).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        stream.write_all(&[1]).unwrap(); // "what follows is RPC", in clear
        stream.read(&mut [0; 1])
    });
    assert!(matches!(refused, Ok(0) | Err(_)), "{refused:?}");
    cluster.pilot(2).wait_for("Non-TLS connection attempted with VerifyIncoming set");

    for number in 0..3 {
        let log = cluster.pilot(number).log();
        assert!(log.contains("Encrypt: Gossip: true, TLS-Outgoing: true, TLS-Incoming: true"), "{log}");
        assert!(!shown(&log), "a secret is in the log:\n{log}");
        assert_eq!(cluster.pilot(number).stop(), 0);
    }
}

#[test]
fn pilots_token_registers_its_service_and_watches_another_and_may_do_nothing_else() {
    let mut scene = Scene::start();
    let (pilot, agent) = (scene.cluster.token("pilot"), &scene.agent);
    assert_eq!(scene.passing(2), [agent.machine.address()]);
    scene.announce_backend(1, 9001);

    let agent = &scene.agent;
    let service = |name: &str| json!({ "Name": name, "ID": name, "Port": 1 });
    let node = |name: &str| json!({ "Node": name, "Address": "10.77.0.99", "Service": { "Service": "app" } });
    let forbidden = [
        ("PUT", "/v1/agent/service/register", service("mysql")),
        ("PUT", "/v1/agent/service/register", service("backend")),
        ("PUT", "/v1/catalog/register", node("elsewhere")),
        ("PUT", "/v1/catalog/deregister", json!({ "Node": "server-1" })),
        ("PUT", "/v1/kv/any", json!({})),
        ("GET", "/v1/kv/any", Value::Null),
        ("PUT", "/v1/session/create", json!({})),
        ("PUT", "/v1/event/fire/any", json!({})),
        ("GET", "/v1/acl/tokens", Value::Null),
        ("PUT", "/v1/acl/token", json!({ "Policies": [{ "Name": "global-management" }] })),
        ("GET", "/v1/agent/self", Value::Null),
        ("PUT", "/v1/agent/leave", Value::Null),
        ("PUT", "/v1/agent/force-leave/server-1", Value::Null),
        ("PUT", "/v1/agent/maintenance?enable=true", Value::Null),
        ("GET", "/v1/operator/raft/configuration", Value::Null),
        ("GET", "/v1/snapshot", Value::Null),
    ];
    for (method, path, body) in forbidden {
        agent.refuses(&pilot, method, path, &body);
    }
    scene.cluster.servers[0].refuses(&pilot, "GET", "/v1/operator/keyring", &Value::Null);
    let seen = agent.get(&pilot, "/v1/health/service/consul");
    assert_eq!(seen, Some(json!([])), "a service that its policy does not name is not seen");

    assert_eq!(scene.app.stop(), 0, "{}", scene.app.log());
    assert!(!scene.app.log().contains(&pilot));
    scene.wait_for_passing(0, 0);
    let management = scene.cluster.token("management");
    let server = &scene.cluster.servers[0];
    until("the service to be out of the catalog", PATIENCE, || {
        (server.get(&management, "/v1/catalog/service/app")? == json!([])).then_some(())
    });

    // The agent says goodbye when it stops; a server stays a member, so that the others know that it comes back.
    assert_eq!(scene.agent.pilot.as_mut().unwrap().stop(), 0);
    wait_for_member(server, &management, "agent-1", "left");
    assert_eq!(scene.cluster.pilot(2).stop(), 0);
    let server = &scene.cluster.servers[0];
    wait_for_member(server, &management, "server-3", "failed");
    wait_for_voters(server, &management, 3);
}

#[test]
fn a_lost_leader_is_replaced_and_the_application_notices_nothing() {
    let mut scene = Scene::start();
    let management = scene.cluster.token("management");
    let visitor = Visitor::begin(&scene.agent.machine);
    let lost = scene.cluster.leader();
    scene.cluster.servers[lost].lose();
    let leader = scene.cluster.leader();
    assert_ne!(leader, lost);
    scene.wait_for_passing(leader, 1);
    scene.announce_backend(leader, 9001);

    // It comes back with its disk, catches up and votes.
    scene.cluster.begin(lost);
    wait_for_tolerance(&scene.cluster.servers[lost], &management);
    scene.wait_for_passing(lost, 1);
    scene.announce_backend(lost, 9002);
    visitor.was_served();
    assert_eq!(scene.app.count_events("StatusUnhealthy app"), 0);
    assert_eq!(scene.app.stop(), 0);
    scene.wait_for_passing(lost, 0);
}

#[test]
fn with_one_server_left_the_application_serves_on_and_servers_come_back_even_without_their_disk() {
    let mut scene = Scene::start();
    let management = scene.cluster.token("management");
    scene.announce_backend(0, 9001);
    let visitor = Visitor::begin(&scene.agent.machine);
    scene.cluster.servers[1].lose();
    scene.cluster.servers[2].lose();
    let alone = &scene.cluster.servers[0];
    until("the last server to know that nobody leads", PATIENCE, || {
        (alone.get("", "/v1/status/leader") == Some(json!(""))).then_some(())
    });
    assert!(scene.cluster.servers[0].is_healthy(), "a server that waits for the others is not to be killed for it");
    assert_eq!(scene.app.count_events("StatusUnhealthy watch.backend"), 0, "what was known is still known");

    scene.cluster.begin(1);
    let leader = scene.cluster.leader();
    scene.wait_for_passing(leader, 1);
    scene.announce_backend(0, 9002);

    std::fs::remove_dir_all(scene.cluster.servers[2].disk.file("state")).unwrap();
    scene.cluster.begin(2);
    let server = &scene.cluster.servers[2];
    until("the new server to follow", PATIENCE, || server.get(&management, "/v1/catalog/service/app?stale=1"));
    wait_for_voters(&scene.cluster.servers[0], &management, 3);
    wait_for_tolerance(&scene.cluster.servers[0], &management);
    scene.wait_for_passing(2, 1);

    // docs/operate/consul-cluster.md, "Take a server away for good".
    scene.cluster.servers[2].lose();
    let server = &scene.cluster.servers[0];
    server.consul(&management, &["force-leave", "server-3"]).success();
    wait_for_voters(server, &management, 2);
    visitor.was_served();
    assert_eq!(scene.app.count_events("StatusUnhealthy app"), 0);
}

#[test]
fn a_server_comes_back_on_another_machine_with_its_disk_or_without_and_the_old_one_need_not_be_removed() {
    let mut cluster = Cluster::start();
    let management = cluster.token("management");
    // docs/operate/consul-cluster.md, "Replace a server"; ECS does the first with every task that it starts again.
    for with_its_disk in [true, false] {
        cluster.replace(2, with_its_disk);
        cluster.begin(2);
        if with_its_disk {
            cluster.pilot(2).wait_for("the other servers do not count on");
            until("the new one to be well", PATIENCE * 2, || cluster.servers[2].is_healthy().then_some(()));
        }
        let mut wanted: Vec<String> =
            cluster.servers.iter().map(|server| format!("{}:8300", server.machine.address())).collect();
        wanted.sort_unstable();
        let server = &cluster.servers[0];
        // Healthy means that it votes: who updates the servers then goes on with the next one.
        wait_for_peers(server, &management, &wanted, if with_its_disk { SOON } else { PATIENCE * 2 });
        let new = &cluster.servers[2];
        until("the new one to know everything", PATIENCE, || {
            new.get(&cluster.token("pilot"), "/v1/acl/token/self?stale=1")
        });
    }
    // But whoever kills what is not well must not kill a server that waits for the others.
    cluster.replace(2, true);
    cluster.begin(2);
    cluster.pilot(2).wait_for("the other servers do not count on");
    cluster.servers[2].disk.write("state/started", "0");
    until("the one that waits to be well", SOON, || cluster.servers[2].is_healthy().then_some(()));
}

#[test]
fn what_starts_while_its_agent_reaches_no_server_is_found_afterwards_and_what_stops_is_not() {
    let mut scene = Scene::start();
    let unwell = scene.agent.pilot.as_mut().unwrap().count("consul is unhealthy");
    scene.cluster.network.unplug(&scene.agent.machine);
    scene.wait_for_passing(0, 0);
    assert_eq!(scene.app.stop(), 0, "{}", scene.app.log());
    scene.app = run_app(&scene.agent, &scene.cluster.token("pilot"));
    scene.app.wait_for_event("StatusHealthy app");
    let answer = scene.agent.machine.inside(|| http::get(5000, "/"));
    assert_eq!(answer.unwrap().status, 200);
    // An agent that waits for the servers is not to be killed for it, not even by whoever looks only once.
    assert_eq!(scene.agent.pilot.as_mut().unwrap().count("consul is unhealthy"), unwell);
    assert!(scene.agent.is_healthy());
    scene.heal();
    scene.wait_for_passing(0, 1);

    scene.cluster.network.unplug(&scene.agent.machine);
    scene.wait_for_passing(0, 0);
    assert_eq!(scene.app.stop(), 0, "{}", scene.app.log());
    scene.heal();
    // Nobody is sent to it: it is out, or what the agent was told too late is left of it, and that never passes a check.
    let management = scene.cluster.token("management");
    let found = |path: &str| scene.cluster.servers[0].get(&management, path)?.as_array().map(Vec::len);
    until("the agent to be back and the application not to be found", PATIENCE, || {
        let alive = scene.cluster.servers[0].get(&management, "/v1/health/node/agent-1")?;
        let alive =
            alive.as_array()?.iter().any(|check| check["CheckID"] == "serfHealth" && check["Status"] == "passing");
        (alive && found("/v1/health/service/app?passing=1")? == 0).then_some(())
    });
}

#[test]
fn an_agent_cut_off_from_the_servers_costs_the_application_nothing_and_the_registration_comes_back() {
    let mut scene = Scene::start();
    scene.announce_backend(0, 9001);
    let visitor = Visitor::begin(&scene.agent.machine);

    scene.cluster.network.unplug(&scene.agent.machine);
    scene.wait_for_passing(0, 0);
    let before = scene.app.count_events("StatusChanged watch.backend");
    scene.register_backend(0, 9002);
    let checks = scene.app.count_events("StatusHealthy app");
    scene.app.wait("more checks", SOON, |app| (app.count_events("StatusHealthy app") > checks + 5).then_some(()));
    scene.heal();
    scene.wait_for_passing(0, 1);
    scene.wait_for_changes(before);

    // Cut off once more, and this time the agent dies as well and forgets everything: pilot registers again.
    scene.cluster.network.unplug(&scene.agent.machine);
    scene.wait_for_passing(0, 0);
    scene.agent.lose();
    std::fs::remove_dir_all(scene.agent.disk.file("state")).unwrap();
    scene.cluster.begin_agent(&mut scene.agent);
    scene.app.wait_for_within("service update TTL failed", PATIENCE);
    scene.cluster.network.plug(&scene.agent.machine);
    scene.app.wait("the service to be registered again", PATIENCE, |app| {
        (app.count("Service registered: app") == 2).then_some(())
    });
    scene.wait_for_passing(0, 1);
    visitor.was_served();
    for never in ["StatusUnhealthy app", "ExitFailed app", "StatusUnhealthy watch.backend"] {
        assert_eq!(scene.app.count_events(never), 0, "{never}");
    }
    assert_eq!(scene.app.stop(), 0);
    scene.wait_for_passing(0, 0);
}

#[test]
fn each_policy_allows_what_its_file_says_and_no_more() {
    let mut cluster = Cluster::start();
    let agent = cluster.agent("agent-1");
    let node = |name: &str| json!({ "Node": name, "Address": "10.77.0.99" });
    let service = json!({ "Node": "agent-x", "Address": "10.77.0.99", "Service": { "Service": "app" } });
    let [register, tokens] = ["/v1/catalog/register", "/v1/acl/tokens"];
    let key = json!({ "k": 1 });
    let at_agent = "/v1/agent/service/register";
    let named = |name: &str| json!({ "Name": name, "ID": name, "Port": 1 });
    let allowed = [
        ("server", "PUT", register, node("server-9")),
        ("agent", "PUT", register, node("agent-x")),
        ("review-agent", "PUT", register, node("review-x")),
        ("review", "PUT", at_agent, named("app-fix-1")),
        ("snapshot", "GET", "/v1/snapshot", Value::Null),
    ];
    let forbidden = [
        ("server", "PUT", register, node("agent-z")),
        ("server", "PUT", "/v1/kv/any", key.clone()),
        ("server", "GET", tokens, Value::Null),
        ("agent", "PUT", register, node("server-1")),
        ("agent", "PUT", register, service),
        ("agent", "PUT", "/v1/kv/any", key.clone()),
        ("agent", "GET", tokens, Value::Null),
        // A branch under review has no right over production's names, nor the other way round.
        ("review-agent", "PUT", register, node("agent-w")),
        ("review-agent", "PUT", register, node("server-1")),
        ("review", "PUT", at_agent, named("app")),
        ("review", "PUT", at_agent, named("backend")),
        ("review", "PUT", "/v1/kv/any", key.clone()),
        ("review", "GET", tokens, Value::Null),
        ("pilot", "PUT", at_agent, named("app-fix-1")),
        ("snapshot", "PUT", "/v1/kv/any", key.clone()),
        ("snapshot", "PUT", register, node("agent-y")),
        ("", "PUT", register, node("agent-y")),
        ("", "PUT", "/v1/kv/any", key),
        ("", "GET", "/v1/kv/any", Value::Null),
        ("", "GET", "/v1/snapshot", Value::Null),
        ("", "GET", tokens, Value::Null),
    ];
    let token = |of: &str| if of.is_empty() { String::new() } else { cluster.token(of) };
    for (of, method, path, body) in allowed {
        agent.allows(&token(of), method, path, &body);
    }
    for (of, method, path, body) in forbidden {
        agent.refuses(&token(of), method, path, &body);
    }

    // docs/operate/consul-cluster.md, "A token for another application": a file and a line more, and everything else stays.
    let shop = "5f0c2a4e-11aa-4b6e-9d3e-70cec0de0003";
    let folder = cluster.files_with("acl/shop.hcl", r#"service "shop" { policy = "write" }"#);
    let tokens = format!("{}\nshop {shop}\n", cluster.secret("server/tokens"));
    cluster.servers[2].script(&folder, "acl.sh", &[("CONSUL_TOKENS", &tokens)]).success();
    for server in &cluster.servers {
        // An agent that asks a server too early remembers for 30 s that there is no such token.
        until("the token to be on every server", SOON, || server.get(shop, "/v1/acl/token/self?stale=1"));
    }
    let service = |name: &str| json!({ "Name": name, "Port": 1 });
    assert_eq!(agent.status(shop, "PUT", "/v1/agent/service/register", &service("shop")), 200);
    agent.refuses(shop, "PUT", "/v1/agent/service/register", &service("app"));

    let management = cluster.token("management");
    let policies = cluster.servers[0].get(&management, "/v1/acl/policies").unwrap();
    let mut names: Vec<&str> =
        policies.as_array().unwrap().iter().filter_map(|policy| policy["Name"].as_str()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["agent", "anonymous", "global-management", "pilot", "review", "review-agent", "server", "shop", "snapshot"]
    );
}

#[test]
fn a_snapshot_restores_a_cluster_that_has_lost_every_disk_and_the_gossip_key_is_changed_while_it_runs() {
    let mut cluster = Cluster::start();
    let management = cluster.token("management");
    let word = json!({ "kept": true });
    assert_eq!(cluster.servers[0].status(&management, "PUT", "/v1/kv/word", &word), 200);

    // pilot takes one on every server after the start; this one is by hand, with the word in it.
    for number in 0..3 {
        cluster.pilot(number).wait_for_within("snapshot: /", PATIENCE);
    }
    let oldest = cluster.servers[1].disk.write("snapshots/2000-01-01T00.00.00Z.snap", "");
    let taken = cluster.servers[1].snapshot(&cluster.token("snapshot"));
    let said = cluster.servers[1].consul("", &["snapshot", "inspect", &taken]).success();
    assert!(said.contains("Index") && said.contains("Version"), "{said}");
    assert!(!std::path::Path::new(&oldest).exists(), "only the last ones are kept");

    // docs/operate/consul-cluster.md, "Change the gossip key".
    let new = cluster.servers[0].consul("", &["keygen"]).success();
    for step in ["-install", "-use"] {
        cluster.servers[0].consul(&management, &["keyring", step, &new]).success();
    }
    let config: Value = serde_json::from_str(&cluster.secret("server/config.json")).unwrap();
    let old = config["encrypt"].as_str().unwrap().to_owned();
    cluster.servers[0].consul(&management, &["keyring", "-remove", &old]).success();
    let keys = cluster.servers[2].consul(&management, &["keyring", "-list"]).success();
    assert!(keys.contains(&new) && !keys.contains(&old), "{keys}");

    // docs/operate/consul-cluster.md, "Restore a snapshot".
    for number in 0..3 {
        cluster.servers[number].lose();
        std::fs::remove_dir_all(cluster.servers[number].disk.file("state")).unwrap();
    }
    for number in 0..3 {
        cluster.begin(number);
    }
    until("a cluster without memory", PATIENCE, || {
        (cluster.servers[0].status(&management, "GET", "/v1/kv/word", &Value::Null) == 404).then_some(())
    });
    // A restore breaks off what a new leader does to set itself up, and then it does not get rid of its leadership: save first.
    let now = cluster.servers[0].disk.file("now.snap");
    until("a leader that is ready and takes the snapshot", PATIENCE, || {
        let does = |verb, path| cluster.servers[0].consul(&management, &["snapshot", verb, path]).succeeded();
        (does("save", &now) && does("restore", &taken)).then_some(())
    });
    until("the word to be back", PATIENCE, || {
        (cluster.servers[2].status(&management, "GET", "/v1/kv/word?raw", &Value::Null) == 200).then_some(())
    });
}
