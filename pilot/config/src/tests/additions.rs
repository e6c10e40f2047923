//! What pilot adds to v3: optional Consul, native probes, all and any, restart delays, and the smaller keys.

use std::time::Duration;

use super::*;
use pilot_core::event::{Code, Event};
use pilot_core::plan::{
    Condition, Count, HttpProbe, MysqlRole, MysqlTls, OnFailure, Password, Probe, Start, WatchTarget,
};

#[test]
fn without_consul_pilot_is_a_plain_supervisor() {
    assert_eq!(plan("{jobs: [{name: 'a', exec: 'b'}]}").consul, None);
    assert_eq!(plan("{consul: null, watches: [{name: 'db', tcp: 'db:3306', interval: 1}]}").consul, None);
    let service = "jobs: [{name: 'app', port: 80, health: {interval: 1, ttl: 5}}]";
    let plan = plan(&format!("{{consul: false, {service}}}"));
    assert!(plan.consul.is_none() && plan.jobs[0].services.len() == 1);
    refused(&[
        (&format!("{{{service}}}"), "consul is missing, but job \"app\" has a port and is registered there"),
        ("{watches: [{name: 'db', interval: 1}]}", "consul is missing, but watch \"db\" looks for a service there"),
        (
            "{consul: false, watches: [{name: 'db', interval: 1}]}",
            "watch \"db\": looks for a service in Consul, and `consul` is false",
        ),
    ]);
    let remedy = loaded(&format!("{{{service}}}")).diagnostics.remove(0).remedy.unwrap();
    assert_eq!(remedy, "add `consul: \"localhost:8500\"`, or `consul: false` to run without a catalog");
}

#[test]
fn a_consul_token_can_come_from_a_file() {
    let file = |env| plan_in("{consul: {token: 't', tokenFile: '/f'}}", env).consul.unwrap().token_file;
    assert_eq!(file(&[]), Some("/f".into()));
    assert_eq!(file(&[("CONSUL_HTTP_TOKEN_FILE", "/e")]), Some("/e".into()));
    assert_eq!(file(&[("CONSUL_HTTP_TOKEN", "t")]), None);
    assert_eq!(
        plan_in("{consul: 'c'}", &[("CONSUL_HTTP_TOKEN_FILE", "/e")]).consul.unwrap().token_file,
        Some("/e".into())
    );
}

#[test]
fn the_smaller_keys_of_a_job_are_read() {
    let read = job("name: 'x', critical: true, successCodes: [143, '0x2'], tty: true, stopTimeout: '30s'");
    assert!(read.critical && read.tty);
    assert_eq!((read.success_codes, read.stop_timeout), (vec![143, 2], Some(Duration::from_secs(30))));
    let members = "name: 'app', service: 'web', meta: {version: 2, a_b: 'x'}, port: 1, health: {interval: 1, ttl: 5}";
    let service = service(members);
    assert_eq!((service.name.as_str(), service.id.as_str()), ("web", "app-box"));
    assert_eq!(
        service.meta.into_iter().collect::<Vec<_>>(),
        [("a_b".into(), "x".into()), ("version".into(), "2".to_string())]
    );
    job_refused(&[
        ("name: 'x', successCodes: [256]", "job \"x\": successCodes[0] must be an exit code from 0 to 255, not 256"),
        ("name: 'x', critical: 'maybe'", "job \"x\": critical must be true or false, not \"maybe\""),
        (
            &members.replace("'web'", "'Web'"),
            "job \"app\": service \"Web\" cannot be used: a service's name goes into DNS",
        ),
        (&members.replace("a_b", "'a.b'"), "job \"app\": meta.a.b has a key that Consul refuses"),
        (&members.replace("a_b", "'consul-x'"), "job \"app\": meta.consul-x has a key that Consul keeps for itself"),
    ]);
    refused(&[(
        "{jobs: [{name: 'a', tty: true}, {name: 'b', tty: true}]}",
        "job \"b\": cannot have the terminal: `tty` is also set for job \"a\"",
    )]);
}

#[test]
fn restarts_can_say_how_long_they_wait() {
    let read =
        job("name: 'x', restarts: {max: 5, delay: '1s', growth: 1.5, maxDelay: '1m', jitter: 0, resetAfter: '5m'}");
    assert_eq!(read.restarts, Count::Finite(5));
    let seconds = Duration::from_secs;
    assert_eq!(
        (read.backoff.initial, read.backoff.max, read.backoff.reset_after),
        (seconds(1), seconds(60), seconds(300))
    );
    assert_eq!((read.backoff.factor, read.backoff.jitter), (1.5, 0.0));
    assert_eq!(job("name: 'x', restarts: {}").restarts, Count::Unlimited);
    assert_eq!(job("name: 'x', restarts: {max: 'never'}").restarts, Count::Finite(0));
    assert_eq!(job("name: 'x', restarts: {delay: '1h'}").backoff.max, seconds(3600));
    job_refused(&[
        ("name: 'x', restarts: {max: 'many'}", "job \"x\": restarts.max cannot be \"many\""),
        ("name: 'x', restarts: {growth: 0.5}", "job \"x\": restarts.growth must be from 1 to 1000, not 0.5"),
        ("name: 'x', restarts: {jitter: 2}", "job \"x\": restarts.jitter must be from 0 to 1, not 2"),
        ("name: 'x', restarts: {delay: '-1s'}", "job \"x\": restarts.delay must not be negative: \"-1s\""),
        (
            "name: 'x', restarts: {delay: '2s', maxDelay: '1s'}",
            "job \"x\": restarts.maxDelay must not be shorter than the delay",
        ),
    ]);
}

#[test]
fn a_job_can_wait_for_several_sources() {
    let event = |code, source| Event::new(code, source);
    let both = vec![event(Code::Healthy, "x"), event(Code::Healthy, "watch.db")];
    let timeout = None;
    for (when, start) in [
        ("{source: ['x', 'watch.db'], once: 'healthy'}", Start::Once { when: Condition::All(both.clone()), timeout }),
        ("{source: ['x', 'watch.db'], each: 'healthy'}", Start::Each { events: both.clone(), timeout }),
        (
            "{all: [{source: 'x', once: 'healthy'}, {source: 'watch.db', once: 'healthy'}]}",
            Start::Once { when: Condition::All(both.clone()), timeout },
        ),
        (
            "{any: [{source: 'x', once: 'healthy'}, {source: 'watch.db', once: 'healthy'}], timeout: '9s'}",
            Start::Once { when: Condition::Any(both.clone()), timeout: Some(Duration::from_secs(9)) },
        ),
        (
            "{any: [{source: 'x', each: 'changed'}, {source: 'SIGHUP'}]}",
            Start::Each { events: vec![event(Code::Changed, "x"), event(Code::Signal, "SIGHUP")], timeout },
        ),
        (
            "{source: ['SIGHUP', 'SIGUSR2']}",
            Start::Each { events: vec![event(Code::Signal, "SIGHUP"), event(Code::Signal, "SIGUSR2")], timeout },
        ),
    ] {
        let text =
            format!("{{consul: 'c', jobs: [{{name: 'x', when: {when}}}], watches: [{{name: 'db', interval: 1}}]}}");
        assert_eq!(plan(&text).jobs[0].start, start, "{when}");
    }
    job_refused(&[
        (
            "name: 'x', when: {all: [{source: 'x', each: 'healthy'}]}",
            "job \"x\": when.all[0].each cannot be waited for: `all` needs events that are seen once",
        ),
        (
            "name: 'x', when: {any: [{source: 'x', each: 'healthy'}, {source: 'x', once: 'healthy'}]}",
            "job \"x\": when.any[1].once mixes once and each in one list",
        ),
        ("name: 'x', when: {all: []}", "job \"x\": when.all needs at least one entry"),
        ("name: 'x', when: {any: [{source: 'x'}]}", "job \"x\": when.any[0] names no event"),
        ("name: 'x', when: {any: [{once: 'healthy'}]}", "job \"x\": when.any[0].source is needed"),
        (
            "name: 'x', when: {source: 'x', all: [{source: 'x', once: 'healthy'}]}",
            "job \"x\": when.source has no meaning beside all and any",
        ),
        ("name: 'x', when: {source: [], once: 'healthy'}", "job \"x\": when.source is an empty list"),
        (
            "name: 'x', when: {any: [{source: 'x', each: 'healthy'}]}, restarts: {}",
            "job \"x\": restarts may not be unlimited beside `when.each`: every event would start another endless row of runs",
        ),
    ]);
}

fn probe(text: &str) -> Probe {
    let health = format!("health: {{{text}, interval: '500ms', ttl: 5}}");
    job(&format!("name: 'app', port: 8080, {health}")).health.unwrap().probe.unwrap()
}

fn http(text: &str) -> HttpProbe {
    match probe(text) {
        Probe::Http(probe) => probe,
        other => panic!("{other:?}"),
    }
}

#[test]
fn http_probes() {
    assert_eq!(http("http: '/health'").url, "http://127.0.0.1:8080/health");
    let plain = http("http: 'https://h:1/x?y'");
    assert_eq!((plain.url.as_str(), plain.method.as_str(), plain.status), ("https://h:1/x?y", "GET", vec![(200, 399)]));
    let full = http(
        "http: {url: '/x', method: 'head', headers: {Authorization: 'b', N: 5}, status: [200, '300-399'], insecure: true, caFile: '/c'}",
    );
    assert_eq!((full.method.as_str(), full.status, full.insecure), ("HEAD", vec![(200, 200), (300, 399)], true));
    assert_eq!(full.headers[1].1.expose(), "5");
    assert_eq!(full.ca_file, Some("/c".into()));
    assert_eq!(http("http: {url: '/', status: 204}").status, [(204, 204)]);
    assert_eq!(http("http: {url: '/', status: '200-299'}").status, [(200, 299)]);
    let health = |probe: &str| format!("name: 'app', health: {{{probe}, interval: 1}}");
    job_refused(&[
        (&health("http: '/x'"), "job \"app\": health.http needs a whole URL: the job has no port"),
        (&health("http: 'example.org'"), "job \"app\": health.http is not a URL"),
        (&health("http: 'http://a b/'"), "job \"app\": health.http is not a URL"),
        (&health("http: 'http://h:x/'"), "job \"app\": health.http is not a URL"),
        (&health("http: {}"), "job \"app\": health.http.url is needed"),
        (&health("http: {url: 'http://h', status: 99}"), "job \"app\": health.http.status cannot be 99"),
        (
            &health("http: {url: 'http://h', status: '299-200'}"),
            "job \"app\": health.http.status cannot be \"299-200\"",
        ),
        (&health("http: {url: 'http://h', method: 'G T'}"), "job \"app\": health.http.method cannot be \"G T\""),
        (
            &health("http: {url: 'http://h', headers: {'a b': 'c'}}"),
            "job \"app\": health.http.headers.a b is not the name of a header",
        ),
        (
            &health("http: {url: 'http://h', headers: {a: 'b\\nc'}}"),
            "job \"app\": health.http.headers.a has a value with a line end or another control character",
        ),
    ]);
}

#[test]
fn tcp_probes() {
    for (text, target) in
        [("80", "127.0.0.1:80"), ("'80'", "127.0.0.1:80"), ("'db:3306'", "db:3306"), ("'[::1]:1'", "[::1]:1")]
    {
        assert_eq!(probe(&format!("tcp: {text}")), Probe::Tcp(target.into()));
    }
    let health = |probe: &str| format!("name: 'app', health: {{{probe}, interval: 1}}");
    job_refused(&[
        (&health("tcp: 'db'"), "job \"app\": health.tcp is not host:port: \"db\""),
        (&health("tcp: ':80'"), "job \"app\": health.tcp is not host:port: \":80\""),
        (&health("tcp: 0"), "job \"app\": health.tcp must be a port from 1 to 65535, not 0"),
        (&health("tcp: 'db:99999'"), "job \"app\": health.tcp is not host:port: \"db:99999\""),
        (&health("tcp: 80, exec: 'x'"), "job \"app\": health.tcp stands beside `exec`, and a check has one probe"),
    ]);
}

#[test]
fn a_password_for_a_server_that_nobody_verifies_is_warned_of() {
    let warned = |probe: &str| {
        let text = with_job(&format!("name: 'app', exec: 'x', health: {{{probe}, interval: 1}}"));
        warnings(&text).iter().any(|warning| warning.contains("does not verify the server"))
    };
    for probe in [
        "mysql: {host: 'db', user: 'u', passwordFile: '/p'}",
        "mysql: {host: 'db', user: 'u', passwordEnv: 'P', tls: 'required', caFile: '/c'}",
        "mysql: 'mysql://u:p@db'",
    ] {
        assert!(warned(probe), "{probe}");
    }
    for probe in [
        "mysql: {host: 'db', user: 'u', passwordFile: '/p', tls: 'verify-ca'}",
        "mysql: {host: 'db', user: 'u'}",
        "mysql: {host: '127.0.0.1', user: 'u', passwordFile: '/p'}",
        "mysql: {socket: '/s', user: 'u', passwordFile: '/p'}",
    ] {
        assert!(!warned(probe), "{probe}");
    }
}

#[test]
fn a_tcp_probe_of_mysql_is_warned_of() {
    let warned = |address: &str| {
        let text = with_job(&format!("name: 'app', exec: 'x', health: {{tcp: {address}, interval: 1}}"));
        warnings(&text).iter().any(|warning| warning.contains("blocks this host"))
    };
    assert!(warned("'db:3306'") && !warned("'db:3307'"));
    // A server does not count its own machine.
    assert!(!warned("3306") && !warned("'localhost:3306'"));
}

#[test]
fn mysql_probes() {
    let mysql = |text: &str| match probe(&format!("mysql: {text}")) {
        Probe::Mysql(probe) => probe,
        other => panic!("{other:?}"),
    };
    let url = mysql("'mysql://pilot:p%40ss@db/shop'");
    assert_eq!((url.user.as_str(), url.host.as_str(), url.port), ("pilot", "db", 3306));
    assert!(matches!(&url.password, Password::Literal(secret) if secret.expose() == "p@ss"));
    assert_eq!((url.database.as_deref(), url.tls, url.role), (Some("shop"), MysqlTls::Preferred, MysqlRole::Any));
    let full = mysql(
        "{host: 'db', port: 3307, user: 'u', passwordFile: '/p', tls: 'verify-identity', caFile: '/c', role: 'writer'}",
    );
    assert_eq!((full.port, full.password, full.tls), (3307, Password::File("/p".into()), MysqlTls::VerifyIdentity));
    assert_eq!((full.role, full.ca_file), (MysqlRole::Writer, Some("/c".into())));
    assert_eq!(mysql("{socket: '/s', user: 'u', passwordEnv: 'P'}").password, Password::Env("P".into()));
    assert_eq!(mysql("'mysql://u@[::1]:1'").host, "::1");
    let verified = mysql("'mysql://u@db/shop?tls=verify-identity&caFile=/etc/my%20ca.pem'");
    assert_eq!((verified.tls, verified.ca_file), (MysqlTls::VerifyIdentity, Some("/etc/my ca.pem".into())));
    assert_eq!(verified.database.as_deref(), Some("shop"));
    let health = |probe: &str| format!("name: 'app', health: {{mysql: {probe}, interval: 1}}");
    job_refused(&[
        (&health("'mysql://db/x'"), "job \"app\": health.mysql is not a MySQL URL"),
        (&health("'mysql://u:secret@db:x'"), "job \"app\": health.mysql is not a MySQL URL"),
        (&health("'mysql://u@db/x?tls=1'"), "job \"app\": health.mysql is not a MySQL URL"),
        (&health("'mysql://u@db/x?caFile=%'"), "job \"app\": health.mysql is not a MySQL URL"),
        (&health("'mysql://u@db/x?password=x'"), "job \"app\": health.mysql is not a MySQL URL"),
        (&health("{user: 'u'}"), "job \"app\": health.mysql.host is needed"),
        (&health("{host: 'db'}"), "job \"app\": health.mysql.user is needed"),
        (&health("{host: 'db:1', user: 'u'}"), "job \"app\": health.mysql.host is not a host name or address"),
        (&health("{host: 'db', user: 'u', tls: 'on'}"), "job \"app\": health.mysql.tls does not know \"on\""),
        (
            &health("{host: 'db', user: 'u', password: 'x', passwordEnv: 'Y'}"),
            "job \"app\": health.mysql.passwordEnv is a second source of the password",
        ),
    ]);
}

#[test]
fn health_can_be_patient_and_act() {
    let health = job(
        "name: 'x', health: {tcp: 1, interval: '250ms', successThreshold: 2, failureThreshold: '3', startGrace: '1m',
        onFailure: 'Restart', failFast: true}",
    );
    let health = health.health.unwrap();
    assert_eq!((health.interval, health.timeout), (Duration::from_millis(250), Some(Duration::from_millis(250))));
    assert_eq!((health.success_threshold, health.failure_threshold, health.start_grace.as_secs()), (2, 3, 60));
    assert_eq!((health.on_failure, health.fail_fast), (OnFailure::Restart, true));
    job_refused(&[
        (
            "name: 'x', health: {tcp: 1, interval: 1, failureThreshold: 0}",
            "job \"x\": health.failureThreshold must be at least 1, not 0",
        ),
        (
            "name: 'x', health: {tcp: 1, interval: '1us'}",
            "job \"x\": health.interval must be at least 1 millisecond, not \"1us\"",
        ),
        ("name: 'app', port: 1, health: {tcp: 1, interval: 1}", "job \"app\": health.ttl is needed"),
    ]);
    let short = with_job("name: 'xx', exec: 'b', port: 1, health: {exec: 'a', interval: 10, ttl: 10}");
    assert_eq!(
        warnings(&short),
        [
            "job \"xx\": health.ttl of 10s is not longer than the interval of 10s, so Consul sees it fail between two checks"
        ]
    );
}

#[test]
fn watches_can_look_for_another_service_or_probe_by_themselves() {
    let watch = |members: &str| {
        plan(&format!("{{consul: 'c', watches: [{{name: 'db', interval: 5, {members}}}]}}")).watches.remove(0)
    };
    assert!(matches!(watch("service: 'my_db'").target, WatchTarget::Service { service, .. } if service == "my_db"));
    let target = watch("tcp: 'db:3306'").target;
    assert_eq!(target, WatchTarget::Probe { probe: Probe::Tcp("db:3306".into()), timeout: Duration::from_secs(5) });
    let target = watch("mysql: 'mysql://u@db'").target;
    assert!(matches!(target, WatchTarget::Probe { probe: Probe::Mysql(_), .. }));
    assert!(
        matches!(watch("tcp: 1, timeout: '2s'").target, WatchTarget::Probe { timeout, .. } if timeout.as_secs() == 2)
    );
    let refuse = |members: &str| format!("{{consul: 'c', watches: [{{name: 'db', interval: 5, {members}}}]}}");
    refused(&[
        (&refuse("http: '/x'"), "watch \"db\": http needs a whole URL: a watch has no port of its own"),
        (&refuse("tcp: 1, tag: 'x'"), "watch \"db\": tag has no meaning beside a probe, which does not ask Consul"),
        (&refuse("timeout: 1"), "watch \"db\": timeout has no meaning for a service in Consul"),
        (&refuse("tcp: 1, timeout: 0"), "watch \"db\": timeout must be at least 1 millisecond, not 0"),
        (&refuse("exec: 'x'"), "watch \"db\": exec is not a known key"),
    ]);
}

/// v3 spec section 7: it looks when the first interval has passed.
#[test]
fn a_file_for_v3_keeps_v3s_first_look_and_any_other_looks_at_once() {
    let looks = |jobs: &str, watch: &str| {
        let text = format!(
            "{{ consul: 'c', jobs: [{{ name: 'a', exec: 'a' {jobs} }}], watches: [{{ name: 'db', interval: 5 {watch} }}] }}"
        );
        let watch = &plan(&text).watches[0];
        (watch.first_look.as_secs(), watch.min_interval.as_secs())
    };
    assert_eq!(looks("", ""), (5, 5));
    assert_eq!(looks(", when: { source: 'watch.db', once: 'changed' }", ", tag: 't'"), (5, 5));
    assert_eq!(looks("", ", initial: 'now'"), (0, 5));
    assert_eq!(looks("", ", initial: 'interval', service: 'x'"), (5, 5));
    assert_eq!(looks("", ", service: 'x'"), (0, 5));
    assert_eq!(looks(", critical: true", ""), (0, 5));
    assert_eq!(looks("", ", minInterval: '0s'"), (0, 0));
    assert_eq!(
        error("{ watches: [{ name: 'db', interval: 5, tcp: 'a:1', initial: 'now' }] }"),
        "watch \"db\": initial has no meaning beside a probe, which does not ask Consul"
    );
}

#[test]
fn a_dead_end_is_told_of_before_it_happens() {
    use pilot_core::plan::OnImpossible;

    let file = |migrate: &str, app: &str, when: &str| {
        format!(
            "{{ jobs: [{{ name: 'migrate', exec: 'm' {migrate} }}, {{ name: 'app', exec: 'a' {app}, \
             when: {{ source: 'migrate', once: 'exitSuccess' {when} }} }}, {{ name: 'other', exec: 'o', critical: true }}] }}"
        )
    };
    let dead_ends = |text: &str| -> Vec<(Severity, String)> {
        let found = examine("f", text, &machine(&[]), &Question::default()).diagnostics;
        let found = found.into_iter().filter(|found| found.rule == Rule::DeadEnd);
        found.map(|found| (found.severity, found.message)).collect()
    };
    let backwards = dead_ends(&file(", critical: true", "", ", onImpossible: 'exit'"));
    let complaint =
        "job \"migrate\": critical ends the container when it succeeds: app waits for that and would never run";
    assert_eq!(backwards, [(Severity::Warning, complaint.to_owned())]);
    let waits = dead_ends(&file("", "", ""));
    assert_eq!(waits.len(), 1);
    assert_eq!(waits[0].0, Severity::Note);
    assert!(waits[0].1.contains("waits for ever if migrate fails"), "{waits:?}");
    for (app, when) in [(", critical: true", ""), ("", ", onImpossible: 'wait'"), ("", ", timeout: '1m'")] {
        assert_eq!(dead_ends(&file("", app, when)), [], "{app} {when}");
    }
    assert_eq!(dead_ends(&file("", "", "").replace(", critical: true", "")), [], "v3's way is no news");
    assert_eq!(plan(&file("", ", critical: true", "")).jobs[1].on_impossible, OnImpossible::Exit);
    assert_eq!(plan(&file("", ", critical: true", ", onImpossible: 'wait'")).jobs[1].on_impossible, OnImpossible::Wait);
    assert_eq!(plan(&file("", "", "")).jobs[1].on_impossible, OnImpossible::Wait);
}
