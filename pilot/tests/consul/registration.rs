//! What is registered, when, and when not any more.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use pilot::runtime::catalog::Withdrawn;
use pilot_core::effect::Announcement;
use pilot_core::plan::{CheckStatus, Service};

use pilot_test_support::{Consul, Reply, Scripted, http};

use crate::agent::{settings, status_of};
use crate::support::{Lines, until};
use crate::{SOON, consul_at, passing, registrar, service};

#[tokio::test]
async fn the_first_passing_check_registers_the_service_and_marks_it_passing() {
    let agent = Consul::start();
    let app = service("app");
    let (mut registrar, mut withdrawn) = registrar(settings(&agent));
    let lines = Lines::listen();
    registrar.announce(&app, passing());
    until("passing", SOON, async || status_of(&agent, &app).as_deref() == Some("passing")).await;
    until("the output is there", SOON, async || agent.get("/v1/agent/checks")["service:app-host1"]["Output"] == "ok")
        .await;
    let seen = agent.get("/v1/agent/service/app-host1");
    assert_eq!(
        (&seen["Service"], &seen["Port"], &seen["Address"], &seen["Tags"][0], &seen["Meta"]["version"]),
        (&"app".into(), &8000.into(), &"10.0.0.7".into(), &"blue".into(), &"7".into())
    );
    let check = &agent.get("/v1/agent/checks")["service:app-host1"];
    assert_eq!(check["Notes"], "TTL for app set by containerpilot");
    assert_eq!(lines.with("Service registered: app"), ["INFO Service registered: app"]);

    registrar.withdraw(&app);
    assert_eq!(withdrawn.recv().await.unwrap(), Withdrawn { id: "app-host1".into(), result: Ok(()) });
    assert_eq!(status_of(&agent, &app), None);
    assert_eq!(lines.with("deregistering: app-host1").len(), 1);
}

#[tokio::test]
async fn a_restarted_agent_without_state_has_the_service_back_within_one_heartbeat() {
    let mut agent = Consul::start();
    let app = service("app");
    let (mut registrar, _withdrawn) = registrar(settings(&agent));
    registrar.announce(&app, passing());
    until("passing", SOON, async || status_of(&agent, &app).as_deref() == Some("passing")).await;
    agent.kill();
    agent.begin();
    // A dev agent forgets everything; a retry of the first heartbeat's update may have brought the service back already.
    registrar.announce(&app, passing());
    let took = until("passing again", SOON, async || status_of(&agent, &app).as_deref() == Some("passing")).await;
    println!("service and check back {took:?} after one heartbeat");
    let services = agent.get("/v1/agent/services");
    assert_eq!(services.as_object().unwrap().len(), 1, "no duplicate: {services}");
}

#[tokio::test]
async fn a_service_deregistered_behind_its_back_is_registered_again_at_the_next_heartbeat() {
    let agent = Consul::start();
    let app = service("app");
    let (mut registrar, _withdrawn) = registrar(settings(&agent));
    for round in 0..3 {
        registrar.announce(&app, passing());
        until("passing", SOON, async || status_of(&agent, &app).as_deref() == Some("passing")).await;
        println!("round {round}");
        agent.deregister("app-host1");
        assert_eq!(status_of(&agent, &app), None);
    }
}

#[tokio::test]
async fn an_initial_status_is_registered_and_looked_after_without_heartbeats() {
    let agent = Consul::start();
    let app = Service { initial_status: Some(CheckStatus::Warning), ..service("app") };
    let (mut registrar, _withdrawn) = registrar(settings(&agent));
    let lines = Lines::listen();
    registrar.announce(&app, Announcement::Initial);
    until("warning", SOON, async || status_of(&agent, &app).as_deref() == Some("warning")).await;
    assert_eq!(lines.with("Registering service app with initial status set to warning").len(), 1);
    agent.deregister("app-host1");
    let back = async || status_of(&agent, &app).as_deref() == Some("warning");
    until("warning again", Duration::from_secs(12), back).await;
}

#[tokio::test]
async fn a_failing_check_turns_a_registered_service_critical_and_registers_nothing_new() {
    let agent = Consul::start();
    let app = service("app");
    let (mut registrar, mut withdrawn) = registrar(settings(&agent));
    let failing = Announcement::Failing { output: "HTTP 500".into() };
    let other = service("other");
    registrar.announce(&other, failing.clone());
    registrar.announce(&app, passing());
    until("passing", SOON, async || status_of(&agent, &app).as_deref() == Some("passing")).await;
    registrar.announce(&app, failing);
    until("critical", SOON, async || status_of(&agent, &app).as_deref() == Some("critical")).await;
    assert_eq!(agent.get("/v1/agent/checks")["service:app-host1"]["Output"], "HTTP 500");
    assert_eq!(status_of(&agent, &other), None);
    registrar.withdraw(&other);
    let answer = withdrawn.recv().await.unwrap();
    assert_eq!(answer, Withdrawn { id: other.id, result: Ok(()) }, "sent even if never registered");
}

// v3 spec 12.1, row 3: what Consul removes because it was critical for too long must stay away as long as it fails.
#[tokio::test]
async fn a_failing_service_that_is_removed_stays_away_until_it_passes() {
    let agent = Consul::start();
    let app = service("app");
    let (mut registrar, _withdrawn) = registrar(settings(&agent));
    let lines = Lines::listen();
    let failing = |text: &str| Announcement::Failing { output: text.into() };
    registrar.announce(&app, passing());
    until("passing", SOON, async || status_of(&agent, &app).as_deref() == Some("passing")).await;
    registrar.announce(&app, failing("HTTP 500"));
    until("critical", SOON, async || status_of(&agent, &app).as_deref() == Some("critical")).await;
    agent.deregister("app-host1");
    registrar.announce(&app, failing("HTTP 501"));
    until("noticed", SOON, async || lines.with("app is registered again when it passes").len() == 1).await;
    registrar.announce(&app, failing("HTTP 502"));
    assert_eq!(status_of(&agent, &app), None);
    registrar.announce(&app, passing());
    until("passing again", SOON, async || status_of(&agent, &app).as_deref() == Some("passing")).await;
    assert_eq!(lines.with("INFO Service registered: app").len(), 2, "not registered while it failed");
}

#[tokio::test]
async fn a_service_whose_definition_changes_is_registered_again_under_its_id() {
    let agent = Consul::start();
    let app = service("app");
    let (mut registrar, _withdrawn) = registrar(settings(&agent));
    registrar.announce(&app, passing());
    until("passing", SOON, async || status_of(&agent, &app).as_deref() == Some("passing")).await;
    let other = Service { port: 9000, tags: vec!["green".into()], ..app.clone() };
    registrar.announce(&other, passing());
    until("changed", SOON, async || agent.get("/v1/agent/service/app-host1")["Port"] == 9000).await;
    assert_eq!(agent.get("/v1/agent/service/app-host1")["Tags"][0], "green");
    assert_eq!(status_of(&agent, &app).as_deref(), Some("passing"));
    assert_eq!(agent.get("/v1/agent/services").as_object().unwrap().len(), 1);
}

// The configuration refuses what Consul refuses, and nothing else.
#[tokio::test]
async fn the_limits_of_metadata_and_weights_are_those_of_a_real_agent() {
    let agent = Consul::start();
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
        let around = pilot_config::Surroundings {
            env: BTreeMap::from([("HOST".into(), "0.0.0.0".into())]),
            interfaces: pilot_config::Interfaces::new(|| vec![("eth0".into(), [10, 0, 0, 7].into())]),
            ..Default::default()
        };
        assert_eq!(pilot_config::load("f", &text, &around).plan.is_some(), good, "pilot: {member}");
        // The same in Consul's words.
        let words = [("meta", "Meta"), ("weights", "Weights"), ("passing", "Passing"), ("warning", "Warning")];
        let body = words.into_iter().fold(member.clone(), |text, (ours, theirs)| {
            text.replace(&format!("\"{ours}\":"), &format!("\"{theirs}\":"))
        });
        let body = body.replace(r#""interfaces": "env:HOST""#, r#""Address": "0.0.0.0""#);
        let body = format!(r#"{{"Name": "app", {body}}}"#);
        let answer = http::request(agent.port(), "PUT", "/v1/agent/service/register", &body).unwrap();
        assert_eq!(answer.status == 200, good, "Consul: {member}");
    }
}

#[tokio::test]
async fn an_agent_that_comes_late_gets_the_service_without_another_heartbeat_and_with_one_warning() {
    let mut agent = Consul::start();
    agent.kill();
    let app = Service { ttl: Duration::from_secs(60), ..service("app") };
    let (mut registrar, _withdrawn) = registrar(settings(&agent));
    let lines = Lines::listen();
    registrar.announce(&app, passing());
    until("three attempts failed", SOON, async || lines.with("service registration failed").len() >= 3).await;
    let warned = lines.with("WARN service registration failed");
    assert_eq!(warned.len(), 1, "{warned:?}");
    assert!(warned[0].contains(&agent.address()), "{warned:?}");
    agent.begin();
    let there = async || status_of(&agent, &app).as_deref() == Some("passing");
    until("passing", Duration::from_secs(12), there).await;
    until("said to be well again", SOON, async || lines.with("INFO Consul agent answers again").len() == 1).await;
}

#[tokio::test]
async fn an_agent_that_hangs_resets_drips_or_says_500_holds_nobody_up_and_a_withdrawal_ends_in_two_seconds() {
    for reply in [Reply::Hang, Reply::Drip, Reply::Reset, Reply::answer(500, "", "No cluster leader\n\u{7}")] {
        let peer = Scripted::start(move |_| reply.clone());
        let app = service("app");
        let (mut registrar, mut withdrawn) = registrar(consul_at(&peer.url()));
        let start = Instant::now();
        registrar.announce(&app, passing());
        assert!(start.elapsed() < Duration::from_secs(1), "announce waited {:?}", start.elapsed());
        until("the first call is under way", SOON, async || !peer.lines().is_empty()).await;
        let start = Instant::now();
        registrar.withdraw(&app);
        assert!(start.elapsed() < Duration::from_secs(1), "withdraw waited {:?}", start.elapsed());
        let end = withdrawn.recv().await.unwrap();
        let took = start.elapsed();
        println!("{took:?} {:?}", end.result);
        assert!(took < Duration::from_secs(5), "{took:?}");
        assert!(end.result.is_err());
        assert_eq!(peer.lines().last().map(String::as_str), Some("PUT /v1/agent/service/deregister/app-host1"));
    }
}

#[tokio::test]
async fn after_a_withdrawal_the_call_under_way_finishes_and_deregister_is_the_last_one() {
    let slow = Duration::from_millis(300);
    let peer =
        Scripted::start(move |_| Reply::Answer { status: 200, head: String::new(), body: String::new(), after: slow });
    let app = service("app");
    let (mut registrar, mut withdrawn) = registrar(consul_at(&peer.url()));
    registrar.announce(&app, passing());
    until("the registration is under way", SOON, async || !peer.lines().is_empty()).await;
    registrar.announce(&app, passing());
    registrar.withdraw(&app);
    assert_eq!(withdrawn.recv().await.unwrap().result, Ok(()));
    tokio::time::sleep(slow * 4).await;
    assert_eq!(
        peer.lines(),
        ["PUT /v1/agent/service/register", "PUT /v1/agent/service/deregister/app-host1"],
        "no update after the fence"
    );
    // Out and in again at once: the withdrawal is done and reported all the same.
    registrar.withdraw(&app);
    registrar.announce(&app, passing());
    assert_eq!(withdrawn.recv().await.unwrap().result, Ok(()));
    until("the update after the new registration", SOON, async || peer.lines().len() == 5).await;
    assert_eq!(
        peer.lines()[2..],
        [
            "PUT /v1/agent/service/deregister/app-host1",
            "PUT /v1/agent/service/register",
            "PUT /v1/agent/check/update/service:app-host1"
        ]
    );
}

#[tokio::test]
async fn a_passing_check_older_than_its_ttl_is_not_sent_any_more() {
    let peer = Scripted::start(|_| Reply::answer(500, "", "no"));
    let app = Service { ttl: Duration::from_secs(1), ..service("app") };
    let (mut registrar, _withdrawn) = registrar(consul_at(&peer.url()));
    let lines = Lines::listen();
    registrar.announce(&app, passing());
    until("given up", SOON, async || !lines.with("older than its TTL").is_empty()).await;
    let calls = peer.lines().len();
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(peer.lines().len(), calls, "{:?}", peer.lines());
    assert!(calls >= 2, "it was tried again before");
}
