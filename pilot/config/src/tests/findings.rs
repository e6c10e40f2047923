//! What `check` finds in valid files. The words of each finding are in `docs/reference/check.md`, which a test holds against the code.

use super::*;

fn found(text: &str) -> Vec<super::super::Diagnostic> {
    examine("pilot.json5", text, &machine(&[]), &Question::default()).diagnostics
}

/// Rules and paths, without the note that no job is critical.
fn rules(text: &str) -> Vec<(Rule, String)> {
    found(text).into_iter().map(|d| (d.rule, d.path)).filter(|(rule, _)| *rule != Rule::NoCriticalJob).collect()
}

#[test]
fn a_finding_is_at_the_event_it_is_about() {
    let file =
        |when: &str| format!("{{jobs: [{{name: 'a', exec: 'x'}}, null, {{name: 'b', exec: 'x', when: {when}}}]}}");
    for (when, place) in [
        ("{source: 'a', once: 'healthy'}", "once"),
        ("{Source: 'a', EACH: 'changed'}", "each"),
        ("{source: ['global', 'a'], once: 'healthy'}", "once"),
        ("{all: [{source: 'a', once: 'exitSuccess'}, {source: 'a', once: 'healthy'}]}", "all[1].once"),
        ("{any: [{source: 'a', each: 'changed'}, {source: 'SIGHUP'}]}", "any[0].each"),
    ] {
        let found = rules(&file(when));
        assert!(found.contains(&(Rule::ImpossibleEvent, format!("jobs[2].when.{place}"))), "{when}: {found:?}");
    }
    for (when, place) in [
        ("{source: 'c', once: 'healthy'}", "source"),
        ("{source: ['a', 'c'], once: 'exitSuccess'}", "source[1]"),
        ("{all: [{source: 'a', once: 'exitSuccess'}, {source: 'c', once: 'exitSuccess'}]}", "all[1].source"),
    ] {
        assert_eq!(rules(&file(when)), [(Rule::UnknownSource, format!("jobs[2].when.{place}"))], "{when}");
    }
}

#[test]
fn each_job_of_a_chain_is_told_what_it_waits_for_in_vain() {
    let text = "{jobs: [
        {name: 'a', exec: 'x', when: {source: 'global', once: 'shutdown'}},
        {name: 'b', exec: 'x', when: {source: 'a', once: 'exitSuccess'}},
        {name: 'c', exec: 'x', when: {any: [{source: 'b', once: 'exitSuccess'}, {source: 'SIGHUP'}]}},
    ]}";
    let at = |job: usize, key: &str| format!("jobs[{job}].when.{key}");
    let wanted = [
        (Rule::ImpossibleEvent, at(0, "once")),
        (Rule::NeverRuns, at(1, "once")),
        (Rule::NeverRuns, at(2, "any[0].once")),
    ];
    assert_eq!(rules(text), wanted);
    let said = found(text);
    assert!(said[2].message.ends_with("this job never starts"), "{said:?}");
    assert!(!said[3].message.contains("this job never starts"), "SIGHUP starts it: {said:?}");
}

/// The clock is no event, but it starts a job, and whoever waits for that job.
#[test]
fn a_cron_job_can_run_and_so_can_who_waits_for_it() {
    let file = |cron: &str, code: &str| {
        format!(
            "{{jobs: [{{name: 'nightly', exec: 'x', when: {{cron: '@daily'}}{cron}}},
              {{name: 'after', exec: 'x', when: {{source: 'nightly', {code}}}}}]}}"
        )
    };
    for code in ["each: 'exitSuccess'", "once: 'exitFailed'"] {
        assert_eq!(rules(&file("", code)), [], "{code}");
    }
    // It stops by itself only when its runs are counted.
    assert_eq!(rules(&file(", restarts: 3", "once: 'stopped'")), []);
    let at = "jobs[1].when.once".to_owned();
    assert_eq!(rules(&file("", "once: 'healthy'")), [(Rule::ImpossibleEvent, at)]);
}

/// Reliability case 32.
#[test]
fn a_circle_is_told_once() {
    let text = "{jobs: [
        {name: 'a', exec: 'x', when: {source: 'c', once: 'exitSuccess'}},
        {name: 'b', exec: 'x', when: {source: 'a', once: 'exitSuccess'}},
        {name: 'c', exec: 'x', when: {source: 'b', once: 'exitFailed'}},
    ]}";
    assert_eq!(rules(text), [(Rule::Circle, "jobs[0].when.once".into())]);
    let only_the_stop =
        "{jobs: [{name: 'a', exec: 'x'}, {name: 'b', exec: 'x', when: {source: 'a', once: 'stopped'}}]}";
    assert_eq!(rules(only_the_stop), []);
}

#[test]
fn a_good_file_is_found_good() {
    let text = "{consul: 'c', jobs: [
        {name: 'setup', exec: 'x'},
        {name: 'app', exec: 'x', critical: true, port: 80, when: {source: 'setup', once: 'exitSuccess'},
         health: {http: '/', interval: 5, ttl: 15, failFast: true}},
        {name: 'reload', exec: 'x', when: {source: 'watch.db', each: 'changed'}},
        {name: 'tick', exec: 'x', when: {interval: '1m'}},
        {name: 'drain', exec: 'x', timeout: '10s', when: {source: 'app', once: 'stopping'}},
        {name: 'hup', exec: 'x', when: {source: 'SIGHUP'}},
        {name: 'broken', exec: 'x', when: {source: 'app', each: 'unhealthy'}},
        {name: 'late', exec: 'x', when: {source: 'setup', once: 'exitFailed', timeout: '1m'}},
        {name: 'given-up', exec: 'x', when: {source: 'late', once: 'timerExpired'}},
      ], watches: [{name: 'db', interval: 5}], telemetry: {}}";
    assert_eq!(found(text), []);
}

/// v3 spec 12.1, rows 24 and 25.
#[test]
fn what_is_kept_for_v3s_sake_is_noted_and_a_start_is_not_told() {
    let job = |name: &str, health: &str| {
        format!("{{name: '{name}', exec: 'x', port: 80, health: {{{health}, interval: 1, ttl: 20}}}}")
    };
    let text = |jobs: [String; 2]| format!("{{consul: 'c', jobs: [{}]}}", jobs.join(", "));
    let both = text([job("aa", "exec: 'x'"), job("bb", "exec: 'x'")]);
    let at = |job: usize| format!("jobs[{job}].health");
    assert_eq!(rules(&both), [(Rule::LateFailure, at(0)), (Rule::LateFailure, at(1)), (Rule::SharedVariable, at(1))]);
    assert_eq!(loaded(&both).diagnostics, []);
    let severity =
        |text: &str| Some(found(text).into_iter().find(|finding| finding.rule == Rule::SharedVariable)?.severity);
    let kills = |name: &str| {
        both.replace(
            &format!("name: '{name}', exec: 'x'"),
            &format!("name: '{name}', exec: ['sh', '-c', 'kill $CONTAINERPILOT_CHECK_PID']"),
        )
    };
    assert_eq!(severity(&both), Some(Severity::Note));
    assert_eq!([severity(&kills("aa")), severity(&kills("bb"))], [Some(Severity::Warning); 2], "which of the two?");
    assert_eq!(rules(&text([job("aa", "exec: 'x', failFast: true"), job("bb", "tcp: 80, failFast: true")])), []);
    let local = "{jobs: [{name: 'aa', exec: 'x', port: 80, register: false, health: {tcp: 80, interval: 1}}]}";
    assert_eq!(rules(local), [], "nobody but pilot is told");
    assert_eq!(
        rules(&text([job("aa", "tcp: 80"), job("bb", "tcp: 80")]).replace("'c'", "false")),
        [],
        "there is no Consul"
    );
}

#[test]
fn a_command_that_only_asks_has_a_native_probe() {
    let hint = |exec: &str| {
        let health = format!("health: {{exec: {exec}, interval: 5, ttl: 15}}");
        let text = format!("{{consul: 'c', jobs: [{{name: 'app', exec: 'x', port: 8080, {health}}}]}}");
        let found = found(&text).into_iter().find(|d| d.rule == Rule::ForkPerProbe);
        found.and_then(|d| d.remedy).map(|r| r.replace("write `", "").replace("` instead of `exec`", ""))
    };
    for (exec, instead) in [
        ("'curl -f http://localhost:8080/health'", r#"http: "/health""#),
        ("'/usr/bin/curl --fail -s -o /dev/null http://127.0.0.1:8080'", r#"http: "/""#),
        ("'curl -fsSL localhost:9000/x?y=1'", r#"http: "http://localhost:9000/x?y=1""#),
        ("'curl http://localhost:8080/x'", r#"http: { url: "/x", status: "100-599" }"#),
        (
            "['curl', '-fk', '-m5', '-H', 'Host: a', 'https://h/x']",
            r#"http: { url: "https://h/x", headers: { "Host": "a" }, insecure: true }, timeout: "5s""#,
        ),
        ("'curl -fI http://h'", r#"http: { url: "http://h/", method: "HEAD" }"#),
        ("'curl --fail --max-time=2.5 http://h/'", r#"http: "http://h/", timeout: "2.5s""#),
        ("'wget -q -O /dev/null http://localhost:8080/ping'", r#"http: "/ping""#),
        ("'wget --quiet --tries=1 --spider http://h:1/'", r#"http: "http://h:1/""#),
        ("'wget -nv -O- -T 3 http://h/'", r#"http: "http://h/", timeout: "3s""#),
        ("['/bin/sh', '-c', 'curl -sf http://localhost:8080/ > /dev/null || exit 1']", r#"http: "/""#),
        ("['bash', '-c', \"wget -qO- 'http://h/'\"]", r#"http: "http://h/""#),
        ("'nc -z localhost 8080'", "tcp: 8080"),
        ("'nc -zv -w 2 db.example 3306'", r#"tcp: "db.example:3306""#),
        (
            "'mysqladmin -h db -P 3307 --user=pilot ping'",
            r#"mysql: { host: "db", port: 3307, user: "pilot", passwordFile: "FILE" }"#,
        ),
    ] {
        assert_eq!(hint(exec).as_deref(), Some(instead), "{exec}");
    }
    for exec in [
        "'/bin/check'",
        "'curl -f'",
        "'curl -f -u a:b http://h/'",
        "'curl -f http://a:b@h/'",
        "'curl -f http://h/ http://i/'",
        "'curl -f --data x http://h/'",
        "'curl -f --unix-socket /s http://h/'",
        "'curl -f -m'",
        "'curl -f ftp://h/'",
        "['sh', '-c', 'curl -f http://h/ | grep ok']",
        "['sh', '-c', 'curl -f http://$HOST/']",
        "['sh', '-c', 'curl -f http://h/ && test -f /x']",
        "'wget --post-data=x http://h/'",
        "'nc localhost 8080'",
        "'mysqladmin -pgeheim ping'",
        "'mysqladmin shutdown'",
    ] {
        assert_eq!(hint(exec), None, "{exec}");
    }
    // What the job listens on counts, whatever it advertises.
    let advertised =
        "{consul: 'c', jobs: [{name: 'app', exec: 'x', port: 8080, advertise: {address: '10.0.0.1', port: 9},
        health: {exec: 'curl -f http://localhost:8080/health', interval: 5, ttl: 15}}]}";
    let found = found(advertised).into_iter().find(|d| d.rule == Rule::ForkPerProbe);
    assert_eq!(found.and_then(|d| d.remedy).as_deref(), Some("write `http: \"/health\"` instead of `exec`"));
}

/// What is proposed is itself a valid check.
#[test]
fn the_proposed_probe_can_be_written() {
    for probe in ["http: { url: \"/x\", status: \"100-599\" }", "tcp: 8080", "http: \"http://h/\", timeout: \"2.5s\""] {
        plan(&format!("{{consul: 'c', jobs: [{{name: 'app', port: 80, health: {{{probe}, interval: 5, ttl: 15}}}}]}}"));
    }
}

#[test]
fn who_waits_for_the_exit_of_a_check_is_not_told_to_do_without_its_process() {
    let text = "{jobs: [{name: 'app', exec: 'x', health: {exec: 'curl -f http://h/', interval: 5, ttl: 15}},
        {name: 'b', exec: 'x', when: {source: 'check.app', each: 'exitFailed'}}]}";
    assert_eq!(rules(text), []);
}

#[test]
fn only_text_can_be_meant_for_a_shell() {
    let file = |exec: &str| format!("{{jobs: [{{name: 'a', exec: {exec}}}]}}");
    for exec in ["'a && b'", "'a | b'", "'a > b'", "\"sh -c 'a b'\"", "'a ; b'"] {
        assert_eq!(rules(&file(exec)), [(Rule::NoShell, "jobs[0].exec".into())], "{exec}");
    }
    for exec in ["'a -x b'", "['a', '&&', 'b']", "['sh', '-c', 'a && b']", "'a --filter=x;y'"] {
        assert_eq!(rules(&file(exec)), [], "{exec}");
    }
}

#[test]
fn a_long_replacement_of_a_version_2_key_is_left_out() {
    let service = "{name: 'app', port: 80, health: 'x', poll: 5, ttl: 10}";
    let text = format!("{{services: [{}]}}", [service; 20].join(", "));
    let remedy = found(&text).remove(0).remedy.unwrap();
    assert_eq!(remedy, "make each service a job: { name, exec, port, health: { exec, interval, ttl } }");
    let strange = "{services: 5, backends: [7], tasks: [{}], preStart: {}, coprocesses: [{name: 'a'}]}";
    assert!(found(strange).iter().all(|d| d.rule == Rule::Version2 && !d.remedy.as_ref().unwrap().contains("Here")));
}
