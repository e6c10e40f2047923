//! v3's rules for jobs: what it accepts, what it refuses (v3 spec 5.1, 5.2, 5.4, 5.5).

use std::time::Duration;

use super::*;
use pilot_core::event::{Code, Event};
use pilot_core::plan::{Backoff, CheckStatus, Command, Condition, Count, OutputMode, Probe, Start};

const PORT: &str = "name: 'app', port: 80, health: {interval: 1, ttl: 5}";

fn command(words: &[&str]) -> Option<Command> {
    let args = words[1..].iter().map(|word| word.to_string()).collect();
    Some(Command { program: words[0].into(), args })
}

fn once(code: Code, source: &str) -> Start {
    Start::Once { when: Condition::All(vec![Event::new(code, source)]), timeout: None }
}

fn each(code: Code, source: &str) -> Start {
    Start::Each { events: vec![Event::new(code, source)], timeout: None }
}

#[test]
fn a_job_with_only_a_name_runs_nothing_once_at_startup() {
    let job = job("name: 'any name, even _ and .'");
    assert_eq!(job.exec, None);
    assert_eq!(job.start, once(Code::Startup, "global"));
    assert_eq!((job.restarts, job.backoff), (Count::Finite(0), Backoff::default()));
    assert_eq!((job.timeout, job.stop_timeout, job.health, job.services.len()), (None, None, None, 0));
    assert_eq!((job.output, job.critical, job.tty), (OutputMode::Wrapped, false, false));
}

#[test]
fn exec_is_cut_at_every_single_space_or_taken_as_a_list() {
    for (exec, words) in [
        ("' /bin/app --a  b '", vec!["/bin/app", "--a", "", "b"]),
        ("'a\tb \"c d\" $X'", vec!["a\tb", "\"c", "d\"", "$X"]),
        ("['/bin/app', 'a b', 8000, 1000000, true, null]", vec!["/bin/app", "a b", "8000", "1e+06", "true", "<nil>"]),
        ("'   '", vec![""]),
    ] {
        assert_eq!(job(&format!("name: 'x', exec: {exec}")).exec, command(&words), "{exec}");
    }
    assert_eq!(job("name: 'x', exec: null").exec, None);
    job_refused(&[
        ("name: 'x', exec: ''", "job \"x\": exec is empty"),
        ("name: 'x', exec: []", "job \"x\": exec is an empty list"),
        ("name: 'x', exec: {}", "job \"x\": exec must be text or a list, not an object"),
        ("name: 'x', exec: 5", "job \"x\": exec must be text or a list, not 5"),
        ("name: 'x', exec: ['a', ['b']]", "job \"x\": exec[1] must be text, not a list"),
    ]);
}

#[test]
fn names_are_free_until_a_port_makes_them_service_names() {
    let with = |name: &str| PORT.replace("app", name);
    for name in ["myService", "my-service", "my-service-123", "ab"] {
        assert_eq!(service(&with(name)).id, format!("{name}-box"));
    }
    for name in ["my_service", "-my-service", "my%service", "A1", "a", "ä1"] {
        let message = format!(
            "job \"{name}\": name \"{name}\" cannot be used: a job with a port is a service, and its name goes into DNS"
        );
        job_refused(&[(&with(name), &message)]);
        assert_eq!(job(&format!("name: '{name}'")).name, name);
    }
    job_refused(&[("exec: 'a'", "jobs[0].name is needed"), ("name: ''", "jobs[0].name is needed")]);
    assert_eq!(job("NAME: 5").name, "5");
}

#[test]
fn a_port_makes_a_service_and_asks_for_health() {
    let read = service("name: 'app', port: '0x50', health: {interval: '2', ttl: 5}, tags: ['a', 1], interfaces: 'lo'");
    assert_eq!((read.port, read.address.to_string(), read.ttl.as_secs()), (80, "127.0.0.1".into(), 5));
    assert_eq!(read.tags, ["a", "1"]);
    assert_eq!((read.name.as_str(), read.initial_status, read.enable_tag_override), ("app", None, false));
    assert_eq!(job("name: 'app', port: 0, initial_status: 'x', interfaces: ['!']").services, []);
    let chosen = service(&format!("{PORT}, tags: {{}}, interfaces: ['eth7', '10.0.0.0/8']"));
    assert_eq!(chosen.address.to_string(), "10.2.0.1");
    assert_eq!(service(&format!("{PORT}, initial_status: 'warning'")).initial_status, Some(CheckStatus::Warning));
    assert_eq!(service("name: 'containerpilot', port: 80").ttl, Duration::from_secs(15));
    job_refused(&[
        (
            "name: 'app', port: 80",
            "job \"app\": health is needed: a job with a port is registered in Consul, which has to know when it is well",
        ),
        (&PORT.replace("80", "70000"), "job \"app\": port must be a port from 0 to 65535, not 70000"),
        (&PORT.replace("80", "-1"), "job \"app\": port must be a port from 0 to 65535, not -1"),
        (&PORT.replace("80", "'http'"), "job \"app\": port must be a whole number, not \"http\""),
        (&format!("{PORT}, initial_status: 'great'"), "job \"app\": initial_status does not know \"great\""),
        (&format!("{PORT}, tags: 'a'"), "job \"app\": tags must be a list, not \"a\""),
        (&format!("{PORT}, initialStatus: 'passing'"), "job \"app\": initialStatus is not a known key"),
        (
            &format!("{PORT}, interfaces: ['eth0', 'eth0:inet5']"),
            "job \"app\": interfaces[1] is not an interface: \"eth0:inet5\"",
        ),
        (
            &format!("{PORT}, interfaces: 'eth9'"),
            "job \"app\": interfaces finds no address for eth9; this machine has lo 127.0.0.1, eth0 10.2.0.1",
        ),
    ]);
}

#[test]
fn the_consul_block_of_a_job_needs_no_deregistration_time() {
    let lenient = service(&format!("{PORT}, consul: {{enableTagOverride: true}}"));
    assert_eq!((lenient.enable_tag_override, lenient.deregister_critical_after), (true, None));
    let strict = service(&format!("{PORT}, consul: {{deregisterCriticalServiceAfter: '90m'}}"));
    assert_eq!(strict.deregister_critical_after.as_deref(), Some("90m"));
    job_refused(&[(
        &format!("{PORT}, consul: {{deregisterCriticalServiceAfter: '90'}}"),
        "job \"app\": consul.deregisterCriticalServiceAfter has a number without a unit: \"90\"",
    )]);
    // Without a port v3 does not look at the time.
    job("name: 'x', consul: {deregisterCriticalServiceAfter: 'soon'}");
}

#[test]
fn health_needs_interval_and_ttl() {
    let health =
        job("name: 'x', health: {exec: 'true', interval: 5.9, ttl: true, timeout: '2s', logging: {raw: 1}}").health;
    let health = health.unwrap();
    assert_eq!((health.interval.as_secs(), health.timeout), (5, Some(Duration::from_secs(2))));
    assert_eq!((health.probe, health.output), (command(&["true"]).map(Probe::Exec), OutputMode::Raw));
    assert_eq!((health.success_threshold, health.failure_threshold, health.fail_fast), (1, 1, false));
    let timeout =
        |text: &str| job(&format!("name: 'x', health: {{interval: 3, ttl: 9{text}}}")).health.unwrap().timeout;
    assert_eq!(timeout(""), Some(Duration::from_secs(3)));
    assert_eq!(timeout(", timeout: ''"), Some(Duration::from_secs(3)));
    assert_eq!(timeout(", timeout: '0'"), None);
    assert_eq!(timeout(", timeout: '-1s'"), None);
    job_refused(&[
        ("name: 'x', health: {interval: 1}", "job \"x\": health.ttl is needed"),
        ("name: 'x', health: {ttl: 1}", "job \"x\": health.interval is needed"),
        ("name: 'x', health: {interval: 0, ttl: 5}", "job \"x\": health.interval must be at least 1 second, not 0"),
        ("name: 'x', health: {interval: 1, ttl: -5}", "job \"x\": health.ttl must be at least 1 second, not -5"),
        (
            "name: 'x', health: {interval: 1, ttl: 5, timeout: '1.5'}",
            "job \"x\": health.timeout has a number without a unit: \"1.5\"",
        ),
        ("name: 'x', health: {exec: '', interval: 1, ttl: 5}", "job \"x\": health.exec is empty"),
        ("name: 'x', health: 'curl'", "job \"x\": health must be an object, not \"curl\""),
        ("name: 'x', health: {interval: 1, ttl: 5, retries: 3}", "job \"x\": health.retries is not a known key"),
    ]);
}

#[test]
fn timeouts_are_durations_of_at_least_a_millisecond() {
    for (timeout, expected) in [("5", 5000), ("'1m'", 60_000), ("true", 1000), ("'1ms'", 1)] {
        assert_eq!(job(&format!("name: 'x', timeout: {timeout}")).timeout, Some(Duration::from_millis(expected)));
    }
    assert_eq!(job("name: 'x', timeout: ''").timeout, None);
    job_refused(&[
        ("name: 'x', timeout: 0", "job \"x\": timeout must be at least 1 millisecond, not 0"),
        ("name: 'x', timeout: '10us'", "job \"x\": timeout must be at least 1 millisecond, not \"10us\""),
        ("name: 'x', timeout: '20yy'", "job \"x\": timeout has the unknown unit \"yy\": \"20yy\""),
        ("name: 'x', timeout: 'x'", "job \"x\": timeout is not a duration: \"x\""),
        ("name: 'x', stopTimeout: 'x'", "job \"x\": stopTimeout is not a duration: \"x\""),
    ]);
}

#[test]
fn a_jobs_stop_timeout_counts_like_the_global_one() {
    for (text, expected) in [("3", Some(3)), ("0", None), ("''", None), ("'-1s'", Some(0))] {
        let stop_timeout = job(&format!("name: 'x', stopTimeout: {text}")).stop_timeout;
        assert_eq!(stop_timeout, expected.map(Duration::from_secs), "{text}");
    }
}

#[test]
fn restarts_are_counted_as_v3_counts_them() {
    for (restarts, count) in [
        ("3", Count::Finite(3)),
        ("2.9", Count::Finite(2)),
        ("'1'", Count::Finite(1)),
        ("0", Count::Finite(0)),
        ("'never'", Count::Finite(0)),
        ("'unlimited'", Count::Unlimited),
        ("null", Count::Finite(0)),
    ] {
        assert_eq!(job(&format!("name: 'x', restarts: {restarts}")).restarts, count, "{restarts}");
    }
    for (restarts, shown) in [
        ("'invalid'", "\"invalid\""),
        ("'-1'", "\"-1\""),
        ("-1", "-1"),
        ("true", "true"),
        ("NaN", "NaN"),
        ("''", "\"\""),
    ] {
        let message = format!("job \"x\": restarts cannot be {shown}");
        job_refused(&[(&format!("name: 'x', restarts: {restarts}"), &message)]);
    }
}

#[test]
fn unlimited_restarts_do_not_stand_beside_each() {
    let message = "job \"x\": restarts may not be unlimited beside `when.each`: every event would start another endless row of runs";
    job_refused(&[("name: 'x', when: {source: 'x', each: 'healthy'}, restarts: 'unlimited'", message)]);
    assert_eq!(job("name: 'x', when: {source: 'x', each: 'healthy'}, restarts: 3").restarts, Count::Finite(3));
    assert_eq!(job("name: 'x', when: {source: 'SIGHUP'}, restarts: 'unlimited'").restarts, Count::Unlimited);
}

#[test]
fn an_interval_job_restarts_without_limit_and_never_runs_longer_than_its_interval() {
    let interval = job("name: 'x', when: {interval: '500ms'}");
    assert_eq!(interval.start, Start::Interval(Duration::from_millis(500)));
    assert_eq!((interval.restarts, interval.timeout), (Count::Unlimited, Some(Duration::from_millis(500))));
    let interval = job("name: 'x', when: {interval: 1}, timeout: '5s', restarts: 2");
    assert_eq!((interval.restarts, interval.timeout), (Count::Finite(2), Some(Duration::from_secs(5))));
    assert_eq!(job("name: 'x', when: {interval: 1}, restarts: 'never'").restarts, Count::Finite(0));
    job_refused(&[
        (
            "name: 'x', when: {interval: '10us'}",
            "job \"x\": when.interval must be at least 1 millisecond, not \"10us\"",
        ),
        ("name: 'x', when: {interval: 'often'}", "job \"x\": when.interval is not a duration: \"often\""),
    ]);
}

#[test]
fn when_takes_v3s_forms() {
    for (when, start) in [
        ("null", once(Code::Startup, "global")),
        ("{source: 'x', once: 'exitSuccess'}", once(Code::ExitSuccess, "x")),
        ("{source: 'x', each: 'unhealthy'}", each(Code::Unhealthy, "x")),
        ("{SOURCE: 'check.x', Once: 'exitFailed', each: ''}", once(Code::ExitFailed, "check.x")),
        ("{source: 'global', each: 'enterMaintenance'}", each(Code::EnterMaintenance, "global")),
        ("{source: 'SIGHUP'}", each(Code::Signal, "SIGHUP")),
        ("{source: 'SIGUSR2', once: 'healthy'}", each(Code::Signal, "SIGUSR2")),
        ("{}", Start::Never { timeout: None }),
        ("{timeout: '2s'}", Start::Never { timeout: Some(Duration::from_secs(2)) }),
        ("{source: 'x'}", Start::Never { timeout: None }),
        ("{once: 'startup'}", Start::Never { timeout: None }),
        ("{source: 'x', once: 'quit'}", Start::Never { timeout: None }),
    ] {
        assert_eq!(job(&format!("name: 'x', when: {when}")).start, start, "{when}");
    }
    let waiting = job("name: 'x', when: {source: 'x', once: 'healthy', timeout: 60}").start;
    assert!(matches!(waiting, Start::Once { timeout: Some(limit), .. } if limit.as_secs() == 60));
    job_refused(&[
        ("name: 'x', when: {source: 'x', once: 'started'}", "job \"x\": when.once does not know the event \"started\""),
        ("name: 'x', when: {source: 'SIGHUP', each: 'hup'}", "job \"x\": when.each does not know the event \"hup\""),
        (
            "name: 'x', when: {source: 'x', once: 'healthy', each: 'healthy'}",
            "job \"x\": when has both `once` and `each`, and only one of them can decide",
        ),
        (
            "name: 'x', when: {interval: 5, once: 'healthy'}",
            "job \"x\": when has both `interval` and `once`, and only one of them can decide",
        ),
        ("name: 'x', when: 'startup'", "job \"x\": when must be an object, not \"startup\""),
        (
            "name: 'x', when: {frequency: 5}",
            "job \"x\": when.frequency is a key of ContainerPilot 2, which ContainerPilot 3 and pilot do not know",
        ),
    ]);
}

#[test]
fn keys_that_v3_takes_by_accident_are_taken_with_a_warning() {
    let text = with_job("name: 'x', TTL: 10, whenEvent: {}, execTimeout: 'x'");
    assert_eq!(errors(&text), [""; 0]);
    assert_eq!(warnings(&text)[0], "job \"x\": TTL is ignored here, as ContainerPilot 3 ignored it");
    assert_eq!(warnings(&text).len(), 3);
}

#[test]
fn jobs_that_are_no_list_are_ignored_with_a_warning_and_null_jobs_are_dropped() {
    let text = "{consul: 'c', jobs: {name: 'x'}, watches: 'y'}";
    assert!(plan(text).jobs.is_empty());
    assert_eq!(warnings(text)[0], "jobs is ignored, because it is not a list but an object");
    assert_eq!(warnings(text)[1], "watches is ignored, because it is not a list but \"y\"");
    assert_eq!(plan("{consul: 'c', jobs: [null, {name: 'x'}, null]}").jobs.len(), 1);
    refused(&[("{consul: 'c', jobs: ['x']}", "jobs[0] must be an object, not \"x\"")]);
}

#[test]
fn who_waits_for_nobody_is_warned() {
    let text = "{consul: 'c', jobs: [
        {name: 'setup'}, {name: 'a', when: {source: 'setpu', once: 'exitSuccess'}},
        {name: 'b', when: {source: 'db', each: 'changed'}}, {name: 'c', when: {source: 'watch.db', each: 'changed'}},
        {name: 'd', when: {source: 'anything: exit status 1', once: 'error'}},
        {name: 'e', when: {source: 'check.setup', once: 'exitFailed'}},
        {name: 'f', when: {source: 'containerpilot', once: 'stopped'}},
      ], watches: [{name: 'db', interval: 1}], telemetry: {}}";
    let found: Vec<_> = loaded(text).diagnostics.into_iter().map(|d| (d.message, d.remedy.unwrap())).collect();
    assert_eq!(
        found,
        [
            (
                "job \"a\": waits for \"setpu\", and there is no such job or watch".into(),
                "did you mean \"setup\"?".to_string()
            ),
            (
                "job \"b\": waits for \"db\", and there is no such job or watch".into(),
                "a watch is written with its prefix: \"watch.db\"".to_string()
            ),
        ]
    );
}

#[test]
fn duplicate_names_are_warned_about() {
    let text = "{jobs: [{name: 'a'}, {name: 'b'}, {name: 'a'}]}";
    assert_eq!(
        warnings(text),
        ["job \"a\": has the name of an earlier job, so that their events cannot be told apart"]
    );
    assert_eq!(plan(text).jobs.len(), 3);
}
