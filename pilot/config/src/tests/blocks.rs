//! v3's rules for everything beside jobs: top level, consul, logging, watches, control, telemetry (v3 spec 2-4, 7-9).

use std::path::PathBuf;
use std::time::Duration;

use super::*;
use pilot_core::plan::{ConsulAddress, Level, LogFormat, LogOutput, Logging, MetricKind, WatchTarget};

fn address(consul: &str, env: &[(&str, &str)]) -> String {
    match plan_in(&format!("{{consul: {consul}}}"), env).consul.unwrap().address {
        ConsulAddress::Url(url) => url,
        ConsulAddress::Unix(path) => format!("unix {}", path.display()),
    }
}

#[test]
fn a_consul_address_alone_is_a_configuration() {
    let plan = plan("{\"consul\": \"localhost:8500\"}");
    assert!(plan.jobs.is_empty() && plan.watches.is_empty() && plan.telemetry.is_none());
    assert_eq!((plan.stop_timeout, plan.logging), (Duration::from_secs(5), Logging::default()));
    assert_eq!(plan.control.socket, PathBuf::from("/var/run/containerpilot.socket"));
}

#[test]
fn consul_addresses_are_understood_as_v3s_client_does() {
    let none: &[(&str, &str)] = &[];
    for (consul, env, expected) in [
        ("'consul:8500'", none, "http://consul:8500"),
        ("'http://consul:8500/'", none, "http://consul:8500"),
        ("'https://consul:8500'", none, "https://consul:8500"),
        ("'https://https://x'", none, "https://x"),
        ("'unix:///run/c.sock'", none, "unix /run/c.sock"),
        ("''", none, "http://127.0.0.1:8500"),
        ("''", &[("CONSUL_HTTP_ADDR", "https://e:1")], "https://e:1"),
        ("'c'", &[("CONSUL_HTTP_ADDR", "e"), ("CONSUL_HTTP_SSL", "1")], "http://c"),
        ("{}", none, "http://127.0.0.1:8500"),
        ("{}", &[("CONSUL_HTTP_SSL", "true")], "https://127.0.0.1:8500"),
        ("{address: 'c', scheme: 'http'}", &[("CONSUL_HTTP_SSL", "1")], "http://c"),
        ("{Address: 'c', SCHEME: 'https'}", none, "https://c"),
        ("{address: 'https://c', scheme: 'http'}", none, "https://c"),
    ] {
        assert_eq!(address(consul, env), expected, "{consul} {env:?}");
    }
    refused(&[
        ("{consul: 'ftp://c'}", "consul does not know the scheme \"ftp\""),
        ("{consul: 'x:8500https://'}", "consul does not know the scheme \"x:8500https\""),
        ("{consul: 'http://c/path'}", "consul must be host:port, not \"c/path\""),
        ("{consul: {address: 'a b'}}", "consul.address must be host:port, not \"a b\""),
        ("{consul: {scheme: 'ftp'}}", "consul.scheme does not know \"ftp\""),
        ("{consul: 5}", "consul must be an address or an object, not 5"),
        ("{consul: []}", "consul must be an address or an object, not a list"),
        ("{consul: true}", "consul must be an address or an object, not true"),
        ("{consul: {adress: 'c'}}", "consul.adress is not a known key"),
    ]);
}

#[test]
fn the_environment_goes_before_the_consul_block() {
    let text = "{consul: {address: 'c', token: 'file', tls: {cafile: 'a', capath: 'b', clientcert: 'c', clientkey: 'd',
        servername: 'e:8501', verify: true}}}";
    let consul = plan(text).consul.unwrap();
    assert_eq!(consul.token.unwrap().expose(), "file");
    assert_eq!((consul.tls.ca_file, consul.tls.ca_path), (Some("a".into()), Some("b".into())));
    assert_eq!(consul.tls.client, Some(("c".into(), "d".into())));
    assert_eq!((consul.tls.server_name.as_deref(), consul.tls.verify), (Some("e"), true));
    let env = [
        ("CONSUL_HTTP_TOKEN", "env"),
        ("CONSUL_CACERT", "A"),
        ("CONSUL_CAPATH", ""),
        ("CONSUL_CLIENT_CERT", "C"),
        ("CONSUL_TLS_SERVER_NAME", "E"),
        ("CONSUL_HTTP_SSL_VERIFY", "False"),
    ];
    let consul = plan_in(text, &env).consul.unwrap();
    assert_eq!(consul.token.unwrap().expose(), "env");
    assert_eq!((consul.tls.ca_file, consul.tls.ca_path), (Some("A".into()), Some("b".into())));
    assert_eq!(consul.tls.client, Some(("C".into(), "d".into())));
    assert_eq!((consul.tls.server_name.as_deref(), consul.tls.verify), (Some("E"), false));
    for (value, verify) in [("1", true), ("TRUE", true), ("0", false), ("f", false), ("maybe", true)] {
        assert_eq!(plan_in(text, &[("CONSUL_HTTP_SSL_VERIFY", value)]).consul.unwrap().tls.verify, verify, "{value}");
    }
}

#[test]
fn https_without_verification_is_warned_about() {
    let warning = "consul uses https without verifying the certificate: anybody on the way can read the token";
    assert_eq!(warnings("{consul: 'https://c'}"), [warning]);
    assert_eq!(warnings("{consul: {address: 'https://c'}}"), [warning]);
    assert_eq!(warnings("{consul: {address: 'https://c', tls: {verify: true}}}"), [""; 0]);
    assert_eq!(warnings("{consul: 'http://c'}"), [""; 0]);
}

#[test]
fn the_stop_timeout_is_whole_seconds_with_two_special_values() {
    for (value, seconds) in [("0", 5), ("3", 3), ("'7'", 7), ("-1", 0), ("null", 5)] {
        assert_eq!(plan(&format!("{{stopTimeout: {value}}}")).stop_timeout.as_secs(), seconds, "{value}");
    }
    refused(&[("{stopTimeout: '5s'}", "stopTimeout must be a whole number, not \"5s\"")]);
}

#[test]
fn logging_takes_v3s_words_in_any_letter_case() {
    let logging = plan("{logging: {level: 'Warning', format: 'JSON', output: '/var/log/p'}}").logging;
    assert_eq!(
        logging,
        Logging { level: Level::Warn, format: LogFormat::Json, output: LogOutput::File("/var/log/p".into()) }
    );
    assert_eq!(plan("{logging: {output: 'STDERR', LEVEL: 'panic'}}").logging.output, LogOutput::Stderr);
    refused(&[
        ("{logging: {level: 'verbose'}}", "logging.level does not know \"verbose\""),
        ("{logging: {format: 'xml'}}", "logging.format does not know \"xml\""),
        ("{logging: {raw: true}}", "logging.raw is not a known key"),
        ("{logging: 'debug'}", "logging must be an object, not \"debug\""),
    ]);
}

#[test]
fn watches_need_a_service_name_and_an_interval() {
    let watch = plan("{consul: 'c', watches: [{name: 'db', interval: '3', tag: 't', DC: 'd', serviceName: 'old'}]}")
        .watches
        .remove(0);
    assert_eq!((watch.name.as_str(), watch.interval.as_secs()), ("db", 3));
    let target = WatchTarget::Service { service: "db".into(), tag: Some("t".into()), datacenter: Some("d".into()) };
    assert_eq!(watch.target, target);
    refused(&[
        ("{consul: 'c', watches: [{interval: 1}]}", "watches[0].name is needed"),
        ("{consul: 'c', watches: [{name: 'db'}]}", "watch \"db\": interval is needed"),
        ("{consul: 'c', watches: [{name: 'my_db', interval: 1}]}", "watch \"my_db\": name \"my_db\" cannot be used"),
        (
            "{consul: 'c', watches: [{name: 'db', interval: 0}]}",
            "watch \"db\": interval must be at least 1 second, not 0",
        ),
        ("{consul: 'c', watches: [{name: 'db', interval: 1, tags: ['a']}]}", "watch \"db\": tags is not a known key"),
    ]);
}

#[test]
fn the_control_socket_has_a_path() {
    let given = plan("{control: {socket: '/x'}}").control;
    assert_eq!((given.socket, given.configured), (PathBuf::from("/x"), true));
    assert_eq!(plan("{control: {}}").control, plan("{}").control);
    assert!(!plan("{control: {}}").control.configured, "only who writes a path insists on it");
    refused(&[
        ("{control: {socket: ''}}", "control.socket is empty"),
        ("{control: {path: '/x'}}", "control.path is not a known key"),
    ]);
}

#[test]
fn putenv_is_allowed_unless_it_is_forbidden() {
    for (text, allowed) in [("{}", true), ("{control: {putenv: true}}", true), ("{control: {putenv: false}}", false)] {
        assert_eq!(plan(text).control.putenv, allowed, "{text}");
    }
    refused(&[("{control: {putenv: []}}", "control.putenv must be true or false, not a list")]);
}

#[test]
fn telemetry_is_validated() {
    let telemetry = plan("{telemetry: {}}").telemetry.unwrap();
    assert_eq!((telemetry.port, telemetry.address.to_string()), (9090, "10.2.0.1".into()));
    let text = "{telemetry: {port: 0, interfaces: 'lo', tags: ['a'], addr: 1, metrics: [
        {namespace: 'n', subsystem: 's', name: 'x', help: 'h', type: 'counter', fullName: 1},
        {name: 'y', help: 'h', type: 'gauge'}]}}";
    let telemetry = plan(text).telemetry.unwrap();
    assert_eq!((telemetry.port, telemetry.address.to_string()), (0, "127.0.0.1".into()));
    assert_eq!((&telemetry.metrics[0].kind, &telemetry.metrics[1].kind), (&MetricKind::Counter, &MetricKind::Gauge));
    let metric = |members: &str| format!("{{telemetry: {{metrics: [{{{members}}}]}}}}");
    refused(&[
        (
            &metric("name: 'x', type: 'counter'"),
            "telemetry.metrics[0].help is needed: a metric without a help text cannot be exposed",
        ),
        (&metric("name: 'x', help: 'h'"), "telemetry.metrics[0].type is needed"),
        (&metric("name: 'x', help: 'h', type: 'Counter'"), "telemetry.metrics[0].type does not know \"Counter\""),
        (&metric("help: 'h', type: 'gauge'"), "telemetry.metrics[0].name is needed"),
        (
            &metric("namespace: 'a', name: 'b-c', help: 'h', type: 'gauge'"),
            "telemetry.metrics[0].name makes the metric \"a_b-c\", which is not a valid name",
        ),
        (
            &metric("namespace: 'containerpilot', name: 'events', help: 'h', type: 'counter'"),
            "telemetry.metrics[0].name makes the metric \"containerpilot_events\", which is one of pilot's own",
        ),
        (
            "{telemetry: {sensors: []}}",
            "telemetry.sensors is a key of ContainerPilot 2, which ContainerPilot 3 and pilot do not know",
        ),
        ("{telemetry: true}", "telemetry must be an object, not true"),
    ]);
    let twice =
        "{telemetry: {metrics: [{name: 'x', help: '1', type: 'gauge'}, {name: 'x', help: '2', type: 'gauge'}]}}";
    assert_eq!(plan(twice).telemetry.unwrap().metrics.len(), 1);
    assert_eq!(warnings(twice), ["telemetry.metrics[1] replaces an earlier metric \"x\""]);
}

/// v3 spec 9.1; row 14 of its defects: one interface need not be a list.
#[test]
fn telemetry_is_a_job_like_any_other_and_the_last_one() {
    let plan = plan("{consul: 'c', telemetry: {interfaces: 'lo', tags: ['a']}, jobs: [{name: 'x'}]}");
    let [_, job] = &plan.jobs[..] else { panic!("{:?}", plan.jobs) };
    assert_eq!((job.name.as_str(), &job.exec), ("containerpilot", &None));
    assert!(job.is_always_healthy());
    let service = job.services.first().unwrap();
    assert_eq!(
        (service.id.as_str(), service.name.as_str(), service.port),
        ("containerpilot-box", "containerpilot", 9090)
    );
    assert_eq!(service.address.to_string(), "127.0.0.1");
    assert_eq!(service.tags, ["a", env!("CARGO_PKG_VERSION")]);
    let health = job.health.as_ref().unwrap();
    assert_eq!((service.ttl.as_secs(), health.interval.as_secs(), &health.probe), (15, 5, &None));
}

#[test]
fn telemetry_on_any_port_is_not_registered_and_without_a_catalog_nobody_asks_for_one() {
    let plan = plan("{telemetry: {port: 0}}");
    assert_eq!((plan.jobs[0].name.as_str(), plan.jobs[0].services.len()), ("containerpilot", 0));
    assert_eq!(errors("{telemetry: {}}"), Vec::<String>::new());
    assert_eq!(plan_in("{telemetry: {}}", &[]).consul, None);
}

#[test]
fn a_job_with_the_name_of_telemetrys_is_warned_about() {
    assert_eq!(
        warnings("{jobs: [{name: 'containerpilot'}], telemetry: {}}"),
        [
            "the job \"containerpilot\" of telemetry: has the name of an earlier job, so that their events cannot be told apart"
        ]
    );
}

#[test]
fn a_metric_may_have_labels_buckets_and_quantiles() {
    let metric = |members: &str| format!("{{telemetry: {{metrics: [{{name: 'x', help: 'h', {members}}}]}}}}");
    let read = |members: &str| plan(&metric(members)).telemetry.unwrap().metrics.remove(0);
    assert_eq!(read("type: 'counter', labels: ['a', 'b']").labels, ["a", "b"]);
    assert_eq!(read("type: 'histogram'").kind, MetricKind::Histogram { buckets: MetricKind::BUCKETS.into() });
    assert_eq!(
        read("type: 'histogram', buckets: [-1, 0.5, 20]").kind,
        MetricKind::Histogram { buckets: vec![-1.0, 0.5, 20.0] }
    );
    assert_eq!(read("type: 'summary'").kind, MetricKind::Summary { quantiles: MetricKind::QUANTILES.into() });
    assert_eq!(
        read("type: 'summary', quantiles: [0.5, 0.999]").kind,
        MetricKind::Summary { quantiles: vec![0.5, 0.999] }
    );
    assert_eq!(
        warnings(&metric("type: 'gauge', buckets: [1], quantiles: [0.5]")),
        [
            "telemetry.metrics[0].buckets has no effect: only a histogram has them",
            "telemetry.metrics[0].quantiles has no effect: only a summary has them",
        ]
    );
    refused(&[
        (
            &metric("type: 'gauge', labels: ['a-b']"),
            "telemetry.metrics[0].labels[0] \"a-b\" cannot be the name of a label",
        ),
        (
            &metric("type: 'gauge', labels: ['le']"),
            "telemetry.metrics[0].labels[0] \"le\" cannot be the name of a label",
        ),
        (
            &metric("type: 'gauge', labels: ['__a']"),
            "telemetry.metrics[0].labels[0] \"__a\" cannot be the name of a label",
        ),
        (&metric("type: 'gauge', labels: ['a', 'a']"), "telemetry.metrics[0].labels[1] \"a\" is a label already"),
        (&metric("type: 'gauge', labels: 'a'"), "telemetry.metrics[0].labels must be a list, not \"a\""),
        (&metric("type: 'histogram', buckets: []"), "telemetry.metrics[0].buckets is empty"),
        (
            &metric("type: 'histogram', buckets: [1, 1]"),
            "telemetry.metrics[0].buckets[1] is not greater than the one before",
        ),
        (&metric("type: 'histogram', buckets: ['x']"), "telemetry.metrics[0].buckets[0] must be a number, not \"x\""),
        (&metric("type: 'summary', quantiles: [0.5, 1]"), "telemetry.metrics[0].quantiles[1] cannot be 1"),
    ]);
}

#[test]
fn top_level_keys_are_case_sensitive_and_all_unknown_ones_are_told() {
    assert_eq!(
        errors("{Jobs: [], consull: 'c', x: 1}"),
        ["Jobs is not a known key", "consull is not a known key", "x is not a known key"]
    );
    assert_eq!(loaded("{Jobs: []}").diagnostics[0].remedy.as_deref(), Some("did you mean `jobs`?"));
}

#[test]
fn a_document_is_an_object_and_null_is_an_empty_one() {
    assert!(plan("null").jobs.is_empty());
    refused(&[
        ("[]", "the configuration must be an object, not a list"),
        ("5", "the configuration must be an object, not 5"),
    ]);
}

#[test]
fn a_key_given_twice_is_warned_about_and_the_last_counts() {
    let text = "{stopTimeout: 1, stopTimeout: 2}";
    assert_eq!(plan(text).stop_timeout.as_secs(), 2);
    assert_eq!(warnings(text), ["stopTimeout is given twice, and only one of them counts"]);
    assert_eq!(plan("{logging: {level: 'debug', LEVEL: 'error'}}").logging.level, Level::Debug);
    assert_eq!(plan("{logging: {LEVEL: 'error', level: 'debug'}}").logging.level, Level::Debug);
}

#[test]
fn each_key_of_version_2_is_recognised() {
    let text = "{consul: 'c', services: [], backends: [], preStart: 'a', preStop: 'b', postStop: 'c', coprocesses: [], tasks: []}";
    let found = loaded(text).diagnostics;
    assert_eq!(found.len(), 7);
    assert!(found.iter().all(|d| d.message.contains("is a key of ContainerPilot 2") && d.remedy.is_some()));
    let text = "{consul: 'c', watches: [{name: 'db', interval: 1, poll: 7, onChange: 'x'}]}";
    assert_eq!(errors(text).len(), 2);
}
