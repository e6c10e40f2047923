//! `loadBalancer`, `drain` and `stopBudget`.

use std::time::Duration;

use super::*;
use pilot_core::plan::{BalancerMode, Drain, InFlight, SignalNumber};

const GROUP: &str = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/app/73e2d6bc24d8a067";

fn app(members: &str) -> Job {
    job(&format!("name: 'app', exec: 'app', port: 5000, health: {{interval: 1, ttl: 5}}, {members}"))
}

fn drain(min: u64, max: u64, in_flight: InFlight) -> Option<Drain> {
    Some(Drain { min: Duration::from_secs(min), max: Duration::from_secs(max), in_flight, signal: None })
}

#[test]
fn three_lines_put_a_job_behind_a_load_balancer() {
    let job = app(&format!("loadBalancer: {{targetGroup: '{GROUP}'}}"));
    let balancer = job.balancer.unwrap();
    assert_eq!((balancer.target_group.as_str(), balancer.mode, balancer.port), (GROUP, BalancerMode::Drain, 5000));
    assert_eq!(job.drain, drain(15, 15, InFlight::Unknown), "it drains although nobody said so");
    let job = app(&format!(
        "loadBalancer: {{targetGroup: '{GROUP}', mode: 'self', port: 80, target: '10.0.0.1', availabilityZone: 'all'}}, \
         drain: {{min: '3s', inFlight: '/in-flight', signal: 'USR1'}}"
    ));
    let balancer = job.balancer.unwrap();
    assert_eq!(
        (balancer.mode, balancer.port, balancer.target.as_deref()),
        (BalancerMode::Itself, 80, Some("10.0.0.1"))
    );
    assert_eq!(balancer.availability_zone.as_deref(), Some("all"));
    let url = InFlight::Url("http://127.0.0.1:80/in-flight".into());
    let signal = Some(SignalNumber(10));
    assert_eq!(job.drain, drain(3, 13, url).map(|drain| Drain { signal, ..drain }));
}

#[test]
fn without_a_target_group_or_switched_off_there_is_no_load_balancer() {
    for off in ["{targetGroup: ''}", "{targetGroup: '', mode: 'self'}", "{mode: 'off'}"] {
        let job = app(&format!("loadBalancer: {off}"));
        assert_eq!((job.balancer, job.drain), (None, None), "{off}");
    }
    let job = app("drain: {min: 1, max: 4, inFlight: 'connections'}");
    assert_eq!((job.balancer, job.drain), (None, drain(1, 4, InFlight::Connections(5000))), "a drain needs none");
}

#[test]
fn what_is_wrong_about_a_load_balancer_is_said_with_what_to_write() {
    let members = |more: &str| format!("name: 'app', exec: 'app', port: 5000, health: {{interval: 1, ttl: 5}}, {more}");
    let arn = |more: &str| format!("loadBalancer: {{targetGroup: '{GROUP}'{more}}}");
    job_refused(&[
        (
            &members("loadBalancer: {targetGroup: 'app'}"),
            "job \"app\": loadBalancer.targetGroup \"app\" is not the ARN of a target group",
        ),
        (&members("loadBalancer: {mode: 'self'}"), "job \"app\": loadBalancer.targetGroup is needed"),
        (&members(&arn(", mode: 'both'")), "job \"app\": loadBalancer.mode does not know \"both\""),
        (&members(&arn(", zone: 'a'")), "job \"app\": loadBalancer.zone is not a known key"),
        (&members("drain: {min: 5, max: 1}"), "job \"app\": drain.max of 1s is shorter than the min of 5s"),
        (&members("drain: {inFlight: 'some'}"), "job \"app\": drain.inFlight cannot be \"some\""),
        (&members("drain: {signal: 'SIGFOO'}"), "job \"app\": drain.signal does not know the signal \"SIGFOO\""),
        (
            &format!("name: 'x', exec: 'y', {}", arn("")),
            "job \"x\": loadBalancer.port is needed, because the job has none",
        ),
        (
            "name: 'x', exec: 'y', drain: {inFlight: 'connections'}",
            "job \"x\": drain.inFlight needs a port, and the job has none",
        ),
    ]);
}

#[test]
fn a_stop_that_can_take_longer_than_the_scheduler_waits_is_told_at_the_start_and_by_check() {
    let text = |budget: &str| {
        format!(
            "{{stopBudget: '{budget}', jobs: [{{name: 'a', exec: 'b', drain: {{min: '10s'}}, stopTimeout: '20s'}}]}}"
        )
    };
    assert_eq!(plan(&text("60s")).stop_budget, Some(Duration::from_secs(60)));
    assert!(warnings(&text("60s")).is_empty());
    assert_eq!(warnings(&text("25s")), ["stopping can take 30s, and there are 25s"]);
}
