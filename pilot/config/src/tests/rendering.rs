//! What is said of variables that are not set, of values that break their quotes, of `TZ`, and of interfaces.

use super::*;

fn found(text: &str, env: &[(&str, &str)]) -> Vec<(Rule, Severity, String)> {
    let loaded = examine("f", text, &machine(env), &Question::default());
    loaded.diagnostics.into_iter().map(|found| (found.rule, found.severity, found.message)).collect()
}

#[test]
fn a_variable_that_is_not_set_is_a_warning_and_an_empty_user_an_error() {
    let text = "{ jobs: [{ name: 'app', exec: 'a', critical: true, user: '{{ .RUN_AS }}' }] }";
    assert_eq!(
        found(text, &[]),
        [
            (
                Rule::Configuration,
                Severity::Error,
                "job \"app\": user is empty, and the job would run as who pilot runs as".into()
            ),
            (
                Rule::UnsetVariable,
                Severity::Warning,
                "the variable RUN_AS is not set, and nothing stands here instead".into()
            ),
        ]
    );
    assert_eq!(found(text, &[("RUN_AS", "nginx")]), []);
    // Not set, and set to nothing, are two things.
    assert_eq!(found("{ jobs: [{ name: 'app', exec: 'a {{ .X }}', critical: true }] }", &[("X", "")]), []);
    for text in ["{{ .X | default \"\" }}", "{{ if .X }}{{ .X }}{{ end }}", "{{ .X | default \"a\" }}"] {
        let text = format!("{{ jobs: [{{ name: 'app', exec: ['a', '{text}'], critical: true }}] }}");
        assert_eq!(found(&text, &[]), [], "{text}");
    }
}

#[test]
fn a_missing_variable_is_told_of_beside_what_it_has_broken() {
    let found = found("{ jobs: [{ name: 'app', port: {{ .PORT }} }] }", &[]);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found.iter().any(|(rule, ..)| *rule == Rule::UnsetVariable)
            && found.iter().any(|(rule, ..)| *rule == Rule::Syntax)
    );
}

#[test]
fn a_required_variable_refuses_the_file() {
    let text = "{ jobs: [{ name: 'app', exec: '{{ .CMD | required \"set CMD\" }}', critical: true }] }";
    let told = found(text, &[]);
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].0, told[0].2.as_str()), (Rule::Template, "could not apply template: set CMD"));
    assert_eq!(found(text, &[("CMD", "a")]), []);
}

#[test]
fn a_value_that_changes_what_its_quotes_hold_is_told_of() {
    let text = "{ jobs: [{ name: 'app', exec: ['a', \"{{ .V }}\"], critical: true }] }";
    for (value, odd) in
        [("a\\tb", Some("a backslash")), ("it's", None), ("plain", None), ("C:\\\\x", Some("a backslash"))]
    {
        let found = found(text, &[("V", value)]);
        let wanted =
            odd.map(|odd| format!("the value of a variable holds {odd}, which means something inside of quotes"));
        assert_eq!(
            found.iter().map(|(_, _, message)| message.clone()).collect::<Vec<_>>(),
            Vec::from_iter(wanted),
            "{value}"
        );
    }
    let broken = found(text, &[("V", "\", \"-x")]);
    assert!(broken.iter().any(|(rule, ..)| *rule == Rule::UnescapedValue), "{broken:?}");
    let quoted = "{ jobs: [{ name: 'app', exec: ['a', {{ printf \"%q\" .V }}], critical: true }] }";
    assert_eq!(found(quoted, &[("V", "\"\\")]), []);
    assert_eq!(plan_in(quoted, &[("V", "\"\\")]).jobs[0].exec.as_ref().unwrap().args, ["\"\\"]);
}

#[test]
fn a_time_zone_that_is_none_is_a_warning() {
    let text = "{ jobs: [{ name: 'app', exec: 'a', critical: true }] }";
    for (zone, warned) in [
        ("Nonsense", true),
        ("Europe/London", true),
        ("Europe/Berlin", false),
        (":Europe/Berlin", false),
        ("UTC", false),
        ("", false),
    ] {
        let found = found(text, &[("TZ", zone)]);
        assert_eq!(found.iter().any(|(rule, ..)| *rule == Rule::UnknownZone), warned, "{zone}: {found:?}");
    }
}

#[test]
fn an_interface_that_is_not_here_is_an_error_for_a_start_only() {
    let text = "{ consul: 'c', jobs: [{ name: 'app', exec: 'a', critical: true, port: 80, interfaces: 'eth9', health: { tcp: 80, interval: 1, ttl: 5, failFast: true } }] }";
    let told = found(text, &[]);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((told[0].0, told[0].1), (Rule::NoInterface, Severity::Note));
    assert!(told[0].2.contains("finds no address for eth9"), "{}", told[0].2);
    assert_eq!(errors(text).len(), 1);
    let telemetry = text.replace("jobs:", "telemetry: { interfaces: 'eth9' }, jobs:");
    assert!(
        errors(&telemetry).len() == 2
            && found(&telemetry, &[]).iter().all(|(_, severity, _)| *severity == Severity::Note)
    );
}

#[test]
fn the_metadata_of_a_task_are_asked_for_its_address() {
    use std::cell::LazyCell;

    use crate::{TaskAddresses, load};

    let text = "{ consul: 'c', jobs: [{ name: 'app', exec: 'a', critical: true, port: 80, interfaces: ['metadata', 'eth0'], health: { tcp: 80, interval: 1, ttl: 5, failFast: true } }] }";
    let loaded = |task: fn() -> TaskAddresses| {
        let loaded = load("x", text, &Surroundings { task: LazyCell::new(task), ..machine(&[]) });
        let address = loaded
            .plan
            .as_ref()
            .and_then(|plan| plan.jobs[0].services.first())
            .map(|service| service.address.to_string());
        let told: Vec<String> = loaded.diagnostics.iter().map(|found| found.message.clone()).collect();
        (address.unwrap_or_default(), told)
    };
    let answers = || TaskAddresses { found: vec!["10.20.16.7".parse().unwrap()], problem: None };
    assert_eq!(loaded(answers), ("10.20.16.7".to_owned(), vec![]));
    assert_eq!(loaded(TaskAddresses::default), ("10.2.0.1".to_owned(), vec![]), "elsewhere the next one counts");
    let fails = || TaskAddresses { found: Vec::new(), problem: Some("status 500".to_owned()) };
    let (address, told) = loaded(fails);
    assert_eq!(address, "10.2.0.1");
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("asks ECS' task metadata in vain: status 500"), "{told:?}");
}

#[test]
fn an_empty_address_is_told_of() {
    assert_eq!(warnings("{ consul: ':8500' }"), ["consul names no host, only \":8500\": this machine is asked"]);
    let mysql =
        |members: &str| format!("{{ jobs: [{{ name: 'a', health: {{ interval: 1, mysql: {{ {members} }} }} }}] }}");
    assert_eq!(
        error(&mysql("host: '', user: 'u'")),
        "job \"a\": health.mysql.host is empty, and nothing else says where the server is"
    );
    assert!(error(&mysql("host: ':3306', user: 'u'")).contains("is not a host name or address"));
    assert!(error(&mysql("host: 'h', user: ''")).contains("user is needed"));
}

#[test]
fn v3_takes_empty_texts_for_the_default() {
    let plan = plan("{ logging: { level: '', format: '', output: '' } }");
    assert_eq!(plan.logging, pilot_core::plan::Logging::default());
}

#[test]
fn a_short_ttl_matters_only_to_consul() {
    let job = |port: &str| {
        format!(
            "{{ consul: 'c', jobs: [{{ name: 'app', exec: 'a', {port} health: {{ exec: 'x', interval: 10, ttl: 5 }} }}] }}"
        )
    };
    assert_eq!(warnings(&job("")).len(), 0);
    assert_eq!(warnings(&job("port: 80,")).len(), 1);
}

#[test]
fn what_only_a_shell_would_understand_is_told_of() {
    for (command, told) in [
        ("echo `date`", true),
        ("echo $HOME/x", true),
        ("run ${A}", true),
        ("ls /var/log/*.log", true),
        ("cat *", true),
        ("a  b", true),
        ("a b", false),
        ("awk s/a$/b/", false),
        ("curl http://h/?a=b*c", false),
        ("find / -name x", false),
    ] {
        let text = format!("{{ jobs: [{{ name: 'a', exec: '{command}', critical: true }}] }}");
        let found = found(&text, &[]);
        assert_eq!(found.iter().any(|(rule, ..)| *rule == Rule::NoShell), told, "{command}: {found:?}");
        let list = format!("{{ jobs: [{{ name: 'a', exec: ['x', '{command}'], critical: true }}] }}");
        assert_eq!(self::found(&list, &[]), [], "{list}");
    }
}

#[test]
fn keys_of_other_tools_are_told_with_what_pilot_has() {
    let remedy = |key: &str| {
        let text = format!("{{ jobs: [{{ name: 'a', exec: 'b', {key}: 1 }}] }}");
        loaded(&text).diagnostics.remove(0).remedy.unwrap()
    };
    for (key, says) in [
        ("depends_on", "when: {"),
        ("environment", "env: {"),
        ("command", "`exec`"),
        ("healthcheck", "health: {"),
        ("working_dir", "cwd:"),
        ("env_file", "`envFile`"),
    ] {
        assert!(remedy(key).contains(says), "{key}: {}", remedy(key));
    }
}

#[test]
fn times_have_an_end() {
    for (members, message) in [
        (
            "stopTimeout: '9223372036854775807'",
            "job \"a\": stopTimeout is longer than 292 years: \"9223372036854775807\"",
        ),
        ("timeout: '300000000h'", "job \"a\": timeout is longer than 292 years: \"300000000h\""),
        (
            "health: { exec: 'x', interval: 9223372037, ttl: 5 }",
            "job \"a\": health.interval is longer than 292 years: 9223372037",
        ),
    ] {
        let found = error(&format!("{{ jobs: [{{ name: 'a', exec: 'b', {members} }}] }}"));
        assert!(found.starts_with(&message[..message.len().min(80)]), "{found}");
    }
    assert!(
        error("{ stopTimeout: '9223372036854775807' }").contains("must be at most 9223372036, not 9223372036854775807")
    );
    plan(
        "{ stopTimeout: 9223372036, jobs: [{ name: 'a', exec: 'b', stopTimeout: '9223372036', timeout: '9223372036' }] }",
    );
}
