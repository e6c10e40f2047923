//! A task's metadata, credentials and the instance's metadata where they really are: 169.254.170.2 and 169.254.169.254, in a
//! network namespace, with what ECS sets in a container and no variable more. test-cases.md, rows h and i.

use pilot_tests::aws::{Aws, GROUP, Network};
use pilot_tests::pilot::jobs;
use pilot_tests::{Pilot, SOON, fixture, ports, until};
use serde_json::json;

/// A web server that registers itself, in the surroundings of an ECS task and of nothing else.
fn start(aws: &Aws, port: u16) -> Pilot {
    let config = jobs(json!([{
        "name": "app", "exec": [fixture(), "http", port.to_string(), "none"], "port": port, "interfaces": "static:127.0.0.1",
        "health": { "http": "/", "interval": "200ms", "ttl": 5 },
        "loadBalancer": { "targetGroup": GROUP, "mode": "self" }, "drain": { "min": "1s" },
    }]));
    let mut start = Pilot::with(&config);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_") || name.starts_with("ECS_")) {
        start = start.without_env(&name);
    }
    for (name, value) in aws.environment_of_ecs() {
        start = start.env(&name, &value);
    }
    start.start()
}

/// In, healthy, out; the signatures say that the credentials were those of the endpoint.
fn in_and_out(aws: &Aws, pilot: &mut Pilot, target: (&str, u16)) {
    until("the target to be healthy", SOON, || (aws.state_of(target.0, target.1) == "healthy").then_some(()));
    assert_eq!(pilot.stop(), 0);
    assert_eq!(aws.state_of(target.0, target.1), "draining");
    assert_eq!(aws.world().bad_signatures, Vec::<String>::new());
    assert!(aws.count_lines("GET /v2/credentials/") > 0);
}

#[test]
fn a_task_with_an_address_of_its_own_finds_it() {
    let aws = Aws::start_at_its_own_addresses();
    aws.world().network = Network::Awsvpc("10.0.2.106".to_owned());
    let port = ports::free();
    let mut pilot = start(&aws, port);
    in_and_out(&aws, &mut pilot, ("10.0.2.106", port));
    assert_eq!(aws.count_lines("/latest/"), 0, "nobody asks the instance who it is");
}

#[test]
fn a_task_on_a_bridge_finds_its_instance_and_the_port_of_the_host() {
    let aws = Aws::start_at_its_own_addresses();
    let port = ports::free();
    aws.world().network = Network::Bridge { container_port: port, host_port: 32_769 };
    let mut pilot = start(&aws, port);
    in_and_out(&aws, &mut pilot, ("i-0123456789abcdef0", 32_769));
    let asked = |line: &str| aws.count_lines(line) > 0;
    assert!(asked("PUT /latest/api/token") && asked("GET /latest/meta-data/instance-id"), "IMDSv2, with a token");
}
