//! In and out of a target group, against a fake ELBv2 with real states that verifies every signature
//! (`pilot_tests::aws`): reliability.md, section 2, cases 6, 35, 36, 38 and 40; test-cases.md, rows a to i.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use pilot_tests::aws::{Aws, Fault, GROUP, Network};
use pilot_tests::pilot::jobs;
use pilot_tests::{Pilot, SOON, fixture, http, ports, until};
use serde_json::{Value, json};

/// The fixture's web server behind the group, drained for `min` to `max`.
fn config(mode: &str, port: u16, drain: &Value) -> Value {
    jobs(json!([{
        "name": "app", "exec": [fixture(), "http", port.to_string(), "none"], "port": port, "interfaces": "static:127.0.0.1",
        "health": { "http": "/", "interval": "200ms", "ttl": 5 },
        "loadBalancer": { "targetGroup": GROUP, "mode": mode }, "drain": drain, "stopTimeout": "5s",
    }]))
}

fn start(aws: &Aws, config: &Value) -> Pilot {
    let mut start = Pilot::with(config);
    for (name, value) in aws.environment() {
        start = start.env(&name, &value);
    }
    start.start()
}

fn short() -> Value {
    json!({ "min": "1s", "max": "3s" })
}

#[test]
fn what_registers_itself_is_in_when_it_is_healthy_and_out_before_its_process_is_told_to_stop() {
    let aws = Aws::start();
    let port = ports::free();
    let mut pilot = start(&aws, &config("self", port, &json!({ "min": "4s" })));
    until("the target is healthy", SOON, || (aws.state_of("127.0.0.1", port) == "healthy").then_some(()));
    pilot.wait_for("is healthy in target group app");
    pilot.signal(Signal::SIGTERM);
    until("the target drains", SOON, || (aws.state_of("127.0.0.1", port) == "draining").then_some(()));
    // The fixture hangs up as soon as it has answered, which a client may take for a fault; so it is asked again.
    let served = || http::get(port, "/").ok().filter(|answer| answer.status == 200);
    until("it serves while it drains", SOON, served);
    assert_eq!(pilot.count_events("Drained app"), 0);
    assert_eq!(pilot.exit_code(), 0);
    let order: Vec<String> = pilot.events().into_iter().filter(|event| event.ends_with(" app")).collect();
    let place = |event: &str| order.iter().position(|seen| seen == event);
    assert!(place("Stopping app") < place("Draining app") && place("Drained app") < place("Stopped app"), "{order:?}");
    assert_eq!(aws.world().bad_signatures, Vec::<String>::new());
    assert_eq!(aws.count("RegisterTargets"), 1);
}

#[test]
fn pilot_health_is_not_ready_until_the_load_balancer_called_the_target_healthy_and_ready_from_then_on() {
    let aws = Aws::start();
    aws.world().group.initial_for = Duration::from_secs(3600);
    let port = ports::free();
    let mut pilot = start(&aws, &config("self", port, &short()));
    pilot.wait_for("in target group app is initial");
    let asked = pilot.ask(&["health", "--ready"]);
    assert_eq!(asked.code, 1);
    assert!(asked.out.contains("initial (Elb.InitialHealthChecking)"), "{asked:?}");
    assert_eq!(pilot.ask(&["health"]).code, 0, "alive it is");
    aws.world().group.initial_for = Duration::ZERO;
    pilot.wait("pilot to be ready", SOON, |pilot| (pilot.ask(&["health", "--ready"]).code == 0).then_some(()));
    aws.world().group.checks_fail = true;
    aws.world().fault = Fault::Throttled;
    assert_eq!(pilot.ask(&["health", "--ready"]).code, 0, "it was healthy once");
    aws.world().fault = Fault::None;
    assert_eq!(pilot.stop(), 0);
}

#[test]
fn in_drain_mode_nothing_is_ever_registered() {
    let aws = Aws::start();
    let port = ports::free();
    aws.world().group.register("127.0.0.1", port);
    let mut pilot = start(&aws, &config("drain", port, &short()));
    pilot.wait_for_event("StatusHealthy app");
    // Somebody else takes it out: ECS, which pilot must not undo.
    aws.world().group.deregister("127.0.0.1", port);
    pilot.wait_for_count("event: {StatusHealthy app}", 5);
    assert_eq!(pilot.stop(), 0);
    assert_eq!((aws.count("RegisterTargets"), aws.count("DeregisterTargets")), (0, 0), "it was draining already");
    pilot.wait_for("is already out of target group app: draining");
}

#[test]
fn a_target_that_is_gone_already_is_not_waited_for() {
    let aws = Aws::start();
    let port = ports::free();
    let mut pilot = start(&aws, &config("drain", port, &json!({ "min": "60s" })));
    pilot.wait_for_event("StatusHealthy app");
    assert_eq!(pilot.stop(), 0);
    pilot.wait_for("is already out of target group app: unused (Target.NotRegistered)");
}

#[test]
fn a_load_balancer_that_throttles_hangs_denies_or_is_broken_delays_a_stop_within_its_share_and_is_named() {
    let faults = [
        (Fault::Throttled, "throttles"),
        (Fault::Silent, "no answer from AWS within"),
        (Fault::Denied(String::new()), "AWS denies elasticloadbalancing:DeregisterTargets"),
        (Fault::Denied("DeregisterTargets".into()), "AWS denies elasticloadbalancing:DeregisterTargets"),
        (Fault::Expired, "no usable AWS credentials"),
        (Fault::NoGroup, "does not exist"),
        (Fault::Broken, "AWS answered"),
    ];
    let running: Vec<_> = faults
        .map(|(fault, word)| {
            let aws = Aws::start();
            let port = ports::free();
            aws.world().group.register("127.0.0.1", port);
            let pilot = start(&aws, &config("drain", port, &short()));
            (aws, fault, word, pilot)
        })
        .into_iter()
        .collect();
    let mut stopping = Vec::new();
    for (aws, fault, word, mut pilot) in running {
        pilot.wait_for_event("StatusHealthy app");
        aws.world().fault = fault.clone();
        pilot.signal(Signal::SIGTERM);
        stopping.push((aws, fault, word, pilot));
    }
    for (_aws, fault, word, mut pilot) in stopping {
        assert_eq!(pilot.exit_code_within(Duration::from_secs(30)), 0, "{fault:?}");
        let told = pilot.wait_for("cannot take the target out of target group app");
        assert!(told.text.contains(word), "{fault:?}: {}", told.text);
    }
}

#[test]
fn while_aws_is_away_the_job_runs_and_is_ready_and_it_is_registered_when_aws_is_back() {
    let aws = Aws::start();
    aws.world().fault = Fault::Denied("RegisterTargets".into());
    let port = ports::free();
    let mut pilot = start(&aws, &config("self", port, &short()));
    pilot.wait_for("AWS denies elasticloadbalancing:RegisterTargets");
    pilot.wait_for_event("StatusHealthy app");
    aws.world().fault = Fault::None;
    pilot.wait_for_within("registered target 127.0.0.1", Duration::from_secs(30));
    assert_eq!(pilot.stop(), 0);
    assert_eq!(pilot.count_events("StatusUnhealthy app"), 0);
}

#[test]
fn a_clock_that_is_an_hour_off_does_not_keep_a_target_in() {
    let aws = Aws::start();
    let port = ports::free();
    aws.world().group.register("127.0.0.1", port);
    aws.world().fault = Fault::Skewed(3600);
    let mut pilot = start(&aws, &config("drain", port, &short()));
    pilot.wait_for_event("StatusHealthy app");
    assert_eq!(pilot.stop(), 0);
    assert_eq!(aws.state_of("127.0.0.1", port), "draining");
}

#[test]
fn on_a_bridge_the_target_is_the_instance_with_the_port_of_the_host() {
    let aws = Aws::start();
    let port = ports::free();
    aws.world().network = Network::Bridge { container_port: port, host_port: 32_768 };
    let mut pilot = start(&aws, &config("self", port, &short()));
    until("the instance is registered", SOON, || {
        (aws.state_of("i-0123456789abcdef0", 32_768) == "healthy").then_some(())
    });
    assert_eq!(pilot.stop(), 0);
    assert_eq!(aws.state_of("i-0123456789abcdef0", 32_768), "draining");
}

#[test]
fn a_second_sigterm_skips_the_drain_and_the_load_balancer_is_still_told() {
    let aws = Aws::start();
    let port = ports::free();
    let mut pilot = start(&aws, &config("self", port, &json!({ "min": "60s" })));
    pilot.wait_for("is healthy in target group app");
    pilot.signal(Signal::SIGTERM);
    pilot.wait_for_event("Draining app");
    pilot.signal(Signal::SIGTERM);
    assert_eq!(pilot.exit_code(), 0);
    assert_eq!(aws.state_of("127.0.0.1", port), "draining");
}

#[test]
fn a_stop_budget_is_kept_and_the_drain_says_what_it_lost() {
    let aws = Aws::start();
    let port = ports::free();
    let mut settings = config("self", port, &json!({ "min": "60s" }));
    settings["stopBudget"] = json!("9s");
    settings["jobs"][0]["stopTimeout"] = json!("3s");
    let mut pilot = start(&aws, &settings);
    pilot.wait_for("stopping can take");
    pilot.wait_for("is healthy in target group app");
    let asked = Instant::now();
    assert_eq!(pilot.stop(), 0);
    assert!(asked.elapsed() < Duration::from_secs(12), "{:?}", asked.elapsed());
    pilot.wait_for("the stop budget leaves no more");
}

#[test]
fn what_is_in_flight_at_sigterm_is_finished_and_the_drain_ends_with_it() {
    let aws = Aws::start();
    let port = ports::free();
    let drain = json!({ "min": "500ms", "max": "30s", "inFlight": "connections" });
    let mut pilot = start(&aws, &config("self", port, &drain));
    pilot.wait_for("is healthy in target group app");
    let open = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    pilot.signal(Signal::SIGTERM);
    pilot.wait_for("app drains: 1 in flight");
    assert_eq!(pilot.count_events("Drained app"), 0);
    drop(open);
    pilot.wait_for("app has drained: nothing is in flight");
    assert_eq!(pilot.exit_code(), 0);
}

// Case 35.
#[test]
fn a_request_of_ten_seconds_at_sigterm_is_answered_and_the_stop_keeps_its_budget() {
    let aws = Aws::start();
    let port = ports::free();
    let mut settings = config("self", port, &json!({ "min": "2s", "max": "30s", "inFlight": "connections" }));
    settings["stopBudget"] = json!("45s");
    settings["jobs"][0]["exec"][3] = json!("{{ .PILOT_TEST_DIR }}/says");
    settings["jobs"][0]["health"] = json!({ "tcp": port, "interval": "200ms", "ttl": 5 });
    let mut pilot = start(&aws, &settings);
    pilot.scratch.write("says", "slow 10000");
    pilot.wait_for("is healthy in target group app");
    let mut request = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    request.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    pilot.wait_for("request, 1 running");
    let asked = Instant::now();
    pilot.signal(Signal::SIGTERM);
    pilot.wait_for_within("event: {Drained app}", Duration::from_secs(30));
    // The load balancer sends new requests for a second after the deregistration.
    let sent = aws.world().group.sent_requests(Duration::from_secs(1));
    assert!(!sent.contains(&port), "no new request after the drain");
    let mut answer = String::new();
    request.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("ok\n"), "{answer}");
    assert_eq!(pilot.exit_code(), 0);
    assert!(asked.elapsed() < Duration::from_secs(45), "{:?}", asked.elapsed());
}

// Case 38. The first attempt is made again after 5 to 7.5 s; the drain tells of itself every 5 s.
#[test]
fn a_registration_that_failed_is_not_tried_again_behind_the_fence() {
    let aws = Aws::start();
    aws.world().fault = Fault::Denied("RegisterTargets".into());
    let port = ports::free();
    let drain = json!({ "min": "1s", "max": "60s", "inFlight": "connections" });
    let mut pilot = start(&aws, &config("self", port, &drain));
    pilot.wait_for("AWS denies elasticloadbalancing:RegisterTargets");
    let open = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    pilot.signal(Signal::SIGTERM);
    pilot.wait_for_event("Draining app");
    let attempts = aws.count("RegisterTargets");
    aws.world().fault = Fault::None;
    pilot.wait_for_count("app drains: 1 in flight", 2);
    assert_eq!((aws.count("RegisterTargets"), aws.world().group.in_service()), (attempts, Vec::new()));
    drop(open);
    assert_eq!(pilot.exit_code(), 0);
}

#[test]
fn a_container_that_ecs_is_stopping_is_not_registered_any_more() {
    let aws = Aws::start();
    aws.world().desired_status = "STOPPED".to_owned();
    let port = ports::free();
    let mut pilot = start(&aws, &config("self", port, &short()));
    pilot.wait_for("ECS is stopping this task");
    assert_eq!(pilot.stop(), 0);
    assert_eq!(aws.count("RegisterTargets"), 0);
}

#[test]
fn a_wrong_arn_is_named_and_never_harms_the_job() {
    let aws = Aws::start();
    let port = ports::free();
    let mut settings = config("self", port, &short());
    settings["jobs"][0]["loadBalancer"]["targetGroup"] =
        json!("arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/other/0000000000000000");
    let mut pilot = start(&aws, &settings);
    pilot.wait_for("does not exist");
    pilot.wait_for_count("event: {StatusHealthy app}", 5);
    assert_eq!(pilot.stop(), 0);
}
