//! In a network like that of a task on Fargate: eth0 is the link to the metadata, 169.254.172.2 in every task, and eth1 has the
//! task's address. Consul as `consul/` runs it, and pilot as the image runs it, must be found at that one.

use std::process::{Command, Stdio};

use pilot_tests::aws::{Aws, Network};
use pilot_tests::cluster::{file, path_with_consul};
use pilot_tests::command::run;
use pilot_tests::{Pilot, Running, SOON, Scratch, http, tools, until};
use serde_json::Value;

const TASK: &str = "10.20.16.7";

/// Gives this thread's namespace the interfaces of a task; the metadata answer at their own address.
fn interfaces_of_a_task() -> Aws {
    let aws = Aws::start_at_its_own_addresses();
    aws.world().network = Network::Awsvpc(TASK.to_owned());
    for words in [
        "link add eth0 type veth peer name metadata",
        "link set metadata up",
        "addr add 169.254.172.2/22 dev eth0",
        "link set eth0 up",
        "link add eth1 type veth peer name vpc",
        "link set vpc up",
        &format!("addr add {TASK}/20 dev eth1"),
        "link set eth1 up",
        "route add default dev eth1",
    ] {
        run(Command::new(tools::find(&["ip"])).args(words.split(' '))).success();
    }
    aws
}

fn secrets() -> Scratch {
    let folder = Scratch::new();
    let mut make = Command::new(file("make-secrets.sh"));
    run(make.env("PATH", path_with_consul()).arg(folder.file("made"))).success();
    folder
}

/// Consul under pilot and its disk; with what ECS sets, if there is an `aws` to answer it.
fn consul(role: &str, secrets: &Scratch, aws: Option<&Aws>) -> (Pilot, Scratch) {
    let config = std::fs::read_to_string(file(&format!("{role}.json5"))).unwrap();
    let disk = Scratch::new();
    let mut start = Pilot::with_text(&config);
    for (name, value) in [
        ("PATH", path_with_consul()),
        ("PILOT_SOCKET", disk.file("control.socket")),
        ("CONSUL_FILES", file("").trim_end_matches('/').to_owned()),
        ("CONSUL_JOIN", TASK.to_owned()),
        ("CONSUL_SECRETS", secrets.file(&format!("made/{role}"))),
        ("CONSUL_STATE", disk.file("state")),
        ("CONSUL_SNAPSHOTS", disk.file("snapshots")),
    ] {
        start = start.env(name, &value);
    }
    for (name, value) in aws.map(Aws::environment_of_ecs).unwrap_or_default() {
        start = start.env(&name, &value);
    }
    (start.start(), disk)
}

#[test]
fn consul_is_found_at_the_tasks_address_and_never_at_the_metadatas() {
    let aws = interfaces_of_a_task();
    let secrets = secrets();
    // By the metadata, and where nothing tells it, by the rule that no link-local address is chosen.
    for (role, ecs) in [("server", true), ("agent", true), ("server", false)] {
        let asked = aws.count_lines("GET /v4/");
        let (mut pilot, _disk) = consul(role, &secrets, ecs.then_some(&aws));
        let line = pilot.wait_for("Cluster Addr: ");
        assert!(line.text.contains(TASK), "{role}: {}\n{}", line.text, pilot.log());
        assert_eq!(aws.count_lines("GET /v4/") > asked, ecs, "{role}");
    }
}

#[test]
fn a_review_agent_has_a_name_that_its_token_may_speak_for() {
    let aws = interfaces_of_a_task();
    let secrets = secrets();
    let policy = std::fs::read_to_string(file("acl/review-agent.hcl")).unwrap();
    assert!(policy.contains("node_prefix \"review-\""), "{policy}");
    let config = std::fs::read_to_string(file("agent.json5")).unwrap();
    let disk = Scratch::new();
    let mut start = Pilot::with_text(&config).env("CONSUL_NODE_PREFIX", "review").env("PATH", &path_with_consul());
    for (name, value) in [
        ("PILOT_SOCKET", disk.file("control.socket")),
        ("CONSUL_FILES", file("").trim_end_matches('/').to_owned()),
        ("CONSUL_JOIN", TASK.to_owned()),
        ("CONSUL_SECRETS", secrets.file("made/review")),
        ("CONSUL_STATE", disk.file("state")),
    ] {
        start = start.env(name, &value);
    }
    for (name, value) in aws.environment_of_ecs() {
        start = start.env(&name, &value);
    }
    let mut pilot = start.start();
    pilot.wait_for("Node name: 'review-");
}

#[test]
fn the_image_registers_the_tasks_address() {
    let aws = interfaces_of_a_task();
    let bind = format!("-bind={TASK}");
    let agent = Command::new(tools::find(&["consul"]))
        .args(["agent", "-dev", &bind, "-log-level=err"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _agent = Running(agent);
    let json = |path: &str| serde_json::from_str::<Value>(&http::get(8500, path).ok()?.body).ok();
    until("Consul to lead", SOON * 2, || {
        json("/v1/status/leader")?.as_str().filter(|leader| !leader.is_empty()).map(drop)
    });

    let config = std::fs::read_to_string(tools::repository().join("image/pilot.json5")).unwrap();
    let config = config.replace("\"/bin/app\"", &format!("{:?}", tools::app()));
    let config = config.replace("/run/pilot/pilot.socket", "{{ .PILOT_TEST_DIR }}/control.socket");
    let data = Scratch::new();
    // By the metadata, and where nothing tells it, by the rule that no link-local address is chosen.
    for ecs in [true, false] {
        let asked = aws.count_lines("GET /v4/");
        let mut start =
            Pilot::with_text(&config).env("SQLITE_FILE", &data.file("app.sqlite")).env("SERVICE_NAME", "app-fix-1");
        start = start.env("CONSUL_HTTP_ADDR", "http://127.0.0.1:8500");
        for (name, value) in ecs.then(|| aws.environment_of_ecs()).into_iter().flatten() {
            start = start.env(&name, &value);
        }
        let mut pilot = start.start();
        let found = pilot.wait("the instance to pass in Consul", SOON * 2, |_| {
            let all = json("/v1/health/service/app-fix-1?passing")?;
            all.get(0)?["Service"]["Address"].as_str().map(str::to_owned)
        });
        assert_eq!(found, TASK);
        assert_eq!(aws.count_lines("GET /v4/") > asked, ecs);
        assert_eq!(json("/v1/catalog/service/app"), Some(serde_json::json!([])), "production's name is production's");
        assert_eq!(pilot.stop(), 0);
    }
}
