//! Plans for tests, short to write.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use crate::event::{Code, Event};
use crate::plan::*;

pub fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub fn plan(jobs: impl IntoIterator<Item = Job>) -> Plan {
    Plan {
        consul: Some(Consul {
            address: ConsulAddress::Url("http://127.0.0.1:8500".into()),
            token: None,
            token_file: None,
            tls: ConsulTls::default(),
        }),
        logging: Logging::default(),
        stop_timeout: secs(5),
        stop_budget: None,
        jobs: jobs.into_iter().collect(),
        watches: Vec::new(),
        telemetry: None,
        control: Control { socket: PathBuf::from(DEFAULT_SOCKET), configured: false, putenv: true },
    }
}

pub fn command(program: &str) -> Command {
    Command { program: program.to_owned(), args: Vec::new() }
}

/// A job that runs at startup, without restarts.
pub fn job(name: &str) -> Job {
    Job {
        name: name.to_owned(),
        exec: Some(command(name)),
        process: ProcessSettings::default(),
        start: Start::Once { when: Condition::All(vec![Event::global(Code::Startup)]), timeout: None },
        restarts: Count::Finite(0),
        backoff: Backoff { jitter: 0.0, ..Backoff::default() },
        overlap: Overlap::Queue,
        timeout: None,
        stop_timeout: None,
        output: OutputMode::Wrapped,
        balancer: None,
        drain: None,
        services: Vec::new(),
        health: None,
        critical: false,
        on_impossible: OnImpossible::Wait,
        success_codes: Vec::new(),
        tty: false,
    }
}

pub fn once(code: Code, source: &str) -> Start {
    Start::Once { when: Condition::All(vec![Event::new(code, source)]), timeout: None }
}

pub fn each(code: Code, source: &str) -> Start {
    Start::Each { events: vec![Event::new(code, source)], timeout: None }
}

/// A place in a target group.
pub fn balancer(mode: BalancerMode) -> LoadBalancer {
    let arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/app/73e2d6bc24d8a067";
    let target_group = TargetGroupArn::parse(arn).unwrap();
    LoadBalancer { target_group, mode, port: 5000, target: None, availability_zone: None }
}

impl Job {
    pub(super) fn balanced(self, mode: BalancerMode) -> Self {
        Job { balancer: Some(balancer(mode)), ..self }
    }

    pub(super) fn drains(self, min: Duration, max: Duration) -> Self {
        Job { drain: Some(Drain { min, max, in_flight: InFlight::Connections(5000), signal: None }), ..self }
    }

    pub(super) fn when(self, start: Start) -> Self {
        Job { start, ..self }
    }

    pub(super) fn restarts(self, restarts: Count) -> Self {
        Job { restarts, ..self }
    }

    pub(super) fn checked(self, interval: Duration) -> Self {
        let health = HealthCheck {
            probe: Some(Probe::Exec(command("check"))),
            interval,
            timeout: Some(interval),
            output: OutputMode::Wrapped,
            success_threshold: 1,
            failure_threshold: 1,
            start_grace: Duration::ZERO,
            on_failure: OnFailure::Report,
            fail_fast: false,
        };
        Job { health: Some(health), ..self }
    }

    pub(super) fn served(self) -> Self {
        self.serving(1)
    }

    /// With so many services.
    pub(super) fn serving(self, count: u16) -> Self {
        let services = (0..count).map(|nth| self.service(80 + nth)).collect();
        Job { services, ..self }
    }

    fn service(&self, port: u16) -> Service {
        Service {
            id: format!("{}-{port}-host", self.name),
            name: self.name.clone(),
            registered: true,
            port,
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            tagged_addresses: BTreeMap::new(),
            tags: Vec::new(),
            meta: BTreeMap::new(),
            weights: None,
            enable_tag_override: false,
            deregister_critical_after: None,
            initial_status: None,
            ttl: secs(10),
        }
    }
}
