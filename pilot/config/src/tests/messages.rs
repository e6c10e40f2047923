//! The words: what a person reads, to the letter.

use super::*;

/// The report of a text is exactly this.
fn reads(text: &str, report: &str) {
    let found = loaded(text).report(text);
    assert_eq!(found, report, "\n{found}");
}

#[test]
fn a_misspelled_key() {
    reads(
        "{\n  jobs: [\n    { name: \"app\", helth: {} },\n  ],\n}",
        r#"error: job "app": helth is not a known key
 --> pilot.json5:3:20
  |
3 |     { name: "app", helth: {} },
  |                    ^
  = did you mean `health`?
"#,
    );
}

#[test]
fn a_key_of_another_place() {
    reads(
        "{ control: { path: '/run/s' } }",
        r#"error: control.path is not a known key
 --> pilot.json5:1:14
  |
1 | { control: { path: '/run/s' } }
  |              ^
  = known here: socket, putenv
"#,
    );
    let remedy =
        |text: &str| loaded(text).diagnostics.into_iter().next().and_then(|found| found.remedy).unwrap_or_default();
    for (text, home) in [
        ("{ jobs: [{ name: 'app', exec: 'x', overlap: 'skip' }] }", "`when`"),
        ("{ jobs: [{ name: 'app', exec: 'x', health: { tcp: 80, interval: 1, cron: '* * * * *' } }] }", "`when`"),
        ("{ jobs: [{ name: 'app', exec: 'x', stopBudget: 3 }] }", "the file itself"),
        ("{ consul: { restarts: 3 } }", "`jobs[]`"),
    ] {
        let remedy = remedy(text);
        assert!(remedy.starts_with(&format!("it belongs to {home}; known here: ")), "{text}: {remedy}");
    }
    assert!(remedy("{ control: { interval: 3 } }").starts_with("known here: "), "it could be any of three");
}

#[test]
fn a_value_out_of_range() {
    reads(
        "{ jobs: [{\n  name: 'app',\n  health: { exec: 'true', interval: 10, ttl: 0 },\n}] }",
        r#"error: job "app": health.ttl must be at least 1 second, not 0
 --> pilot.json5:3:46
  |
3 |   health: { exec: 'true', interval: 10, ttl: 0 },
  |                                              ^
  = write `ttl: 30`
"#,
    );
}

#[test]
fn a_missing_comma() {
    reads(
        "{\n  consul: 'c'\n  jobs: [],\n}",
        r#"error: a comma is missing before this
 --> pilot.json5:3:3
  |
3 |   jobs: [],
  |   ^
  = write `,` after the value before it
"#,
    );
}

#[test]
fn text_without_quotes() {
    reads(
        "{ consul: consul:8500 }",
        r#"error: text must stand in quotes
 --> pilot.json5:1:11
  |
1 | { consul: consul:8500 }
  |           ^
  = write "consul:8500"
"#,
    );
}

#[test]
fn a_brace_that_is_not_closed() {
    reads(
        "{ jobs: [{ name: 'a',\n health: {exec: 'b' ]\n}",
        r#"error: `]` stands where the object that begins in line 2 is still open
 --> pilot.json5:2:21
  |
2 |  health: {exec: 'b' ]
  |                     ^
  = write `}` first, or remove the `]`
"#,
    );
}

#[test]
fn consul_that_is_needed_and_not_there() {
    reads(
        "{\n  jobs: [{ name: 'app', port: 80, health: { tcp: 80, interval: 5, ttl: 15 } }],\n}",
        r#"error: consul is missing, but job "app" has a port and is registered there
 --> pilot.json5:1:1
  |
1 | {
  | ^
  = add `consul: "localhost:8500"`, or `consul: false` to run without a catalog
"#,
    );
}

#[test]
fn a_file_of_version_2() {
    reads(
        "{ consul: 'c',\n  preStart: 'setup.sh',\n}",
        r#"error: preStart is a key of ContainerPilot 2, which ContainerPilot 3 and pilot do not know
 --> pilot.json5:2:3
  |
2 |   preStart: 'setup.sh',
  |   ^
  = make it a job with `exec`, and start the main job with `when: { source: "preStart", once: "exitSuccess" }`. Here: jobs: [{ name: "preStart", exec: "setup.sh" }]
"#,
    );
}

#[test]
fn an_event_that_does_not_exist() {
    reads(
        "{ jobs: [{ name: 'a', when: { source: 'a', once: 'exitsucces' } }] }",
        r#"error: job "a": when.once does not know the event "exitsucces"
 --> pilot.json5:1:50
  |
1 | { jobs: [{ name: 'a', when: { source: 'a', once: 'exitsucces' } }] }
  |                                                  ^
  = did you mean "exitSuccess"?
"#,
    );
}

#[test]
fn a_signal_that_is_called_an_event() {
    reads(
        "{ jobs: [{ name: 'a', when: { source: 'SIGHUP', each: 'signal' } }] }",
        r#"error: job "a": when.each does not know the event "signal"
 --> pilot.json5:1:55
  |
1 | { jobs: [{ name: 'a', when: { source: 'SIGHUP', each: 'signal' } }] }
  |                                                       ^
  = to start on a signal write `source: "SIGHUP"` alone
"#,
    );
}

#[test]
fn a_duration_without_a_unit() {
    reads(
        "{ jobs: [{ name: 'a', timeout: 1.5 }] }",
        r#"error: job "a": timeout has a number without a unit: 1.5
 --> pilot.json5:1:32
  |
1 | { jobs: [{ name: 'a', timeout: 1.5 }] }
  |                                ^
  = write a unit after each number: "1.5s", "1h30m"; only whole seconds go without
"#,
    );
}

#[test]
fn an_address_without_a_mask() {
    reads(
        "{ consul: 'c', jobs: [{ name: 'app', port: 80, interfaces: '10.1.0.5',\n  health: { interval: 1, ttl: 3 } }] }",
        r#"error: job "app": interfaces is an address without a mask: "10.1.0.5"
 --> pilot.json5:1:60
  |
1 | { consul: 'c', jobs: [{ name: 'app', port: 80, interfaces: '10.1.0.5',
  |                                                            ^
  = write "static:10.1.0.5" for exactly this address, or a network such as "10.1.0.5/16"
"#,
    );
}

#[test]
fn a_job_that_never_starts_is_a_warning() {
    reads(
        "{ jobs: [{ name: 'a', when: { once: 'startup' } }] }",
        r#"warning: job "a": when.once has no source, so the job never starts
 --> pilot.json5:1:37
  |
1 | { jobs: [{ name: 'a', when: { once: 'startup' } }] }
  |                                     ^
  = add `source: "global"`
"#,
    );
}

#[test]
fn a_restart_policy_that_is_none() {
    reads(
        "{ jobs: [{ name: 'a', restarts: 'always' }] }",
        r#"error: job "a": restarts cannot be "always"
 --> pilot.json5:1:33
  |
1 | { jobs: [{ name: 'a', restarts: 'always' }] }
  |                                 ^
  = write "unlimited"
"#,
    );
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_the_file() {
    reads(
        "{
  consul: 5,
  jobs: [
    { name: 'app', exec: '', port: 80000 },
    { exec: 'b', restarts: -1 },
  ],
  watch: [],
}",
        r#"error: consul must be an address or an object, not 5
 --> pilot.json5:2:11
  |
2 |   consul: 5,
  |           ^
  = write "localhost:8500", "https://consul:8501", "unix:///path", an object, or false to run without Consul

error: job "app": health is needed: a job with a port is registered in Consul, which has to know when it is well
 --> pilot.json5:4:5
  |
4 |     { name: 'app', exec: '', port: 80000 },
  |     ^
  = add `health: { tcp: PORT, interval: 10, ttl: 30 }` or another check, or remove the port

error: job "app": exec is empty
 --> pilot.json5:4:26
  |
4 |     { name: 'app', exec: '', port: 80000 },
  |                          ^
  = write "program argument" or ["program", "argument"], or leave it out

error: job "app": port must be a port from 0 to 65535, not 80000
 --> pilot.json5:4:36
  |
4 |     { name: 'app', exec: '', port: 80000 },
  |                                    ^
  = write the port it listens on

error: jobs[1].name is needed
 --> pilot.json5:5:5
  |
5 |     { exec: 'b', restarts: -1 },
  |     ^
  = write `name: "app"`: other jobs refer to it

error: jobs[1].restarts cannot be -1
 --> pilot.json5:5:28
  |
5 |     { exec: 'b', restarts: -1 },
  |                            ^
  = write a number, "unlimited" or "never"

error: watch is not a known key
 --> pilot.json5:7:3
  |
7 |   watch: [],
  |   ^
  = did you mean `watches`?
"#,
    );
}

#[test]
fn a_secret_beside_a_mistake_is_not_shown() {
    for text in [
        "{ consul: { address: 'c', token: 'hunter2', x: 1 } }",
        "{ consul: { address: 'c', token: 'hunter2' x: 1 } }",
        "{ consul: 'c', jobs: [{ name: 'a', health: { interval: 0, mysql: 'mysql://u:hunter2@db:x' } }] }",
        "{ jobs: [{ name: 'a', health: { interval: 0, http: { url: 'http://h', headers: { 'a b': 'hunter2' } } } }] }",
        "{ jobs: [{ name: 'a', health: { interval: 0, mysql: { host: 'h', password: \"hunter2\", port: 0 } } }] }",
        "{ consul: { token: hunter2 } }",
        "{ consul: { token: 'hunter2 } }",
    ] {
        let loaded = loaded(text);
        let report = loaded.report(text);
        assert!(!loaded.diagnostics.is_empty() && !report.contains("hunter2"), "{report}");
        assert!(!format!("{:?}", loaded.diagnostics).contains("hunter2"));
    }
}

#[test]
fn the_path_of_a_mistake_can_be_followed() {
    let text = "{ jobs: [{ name: 'a' }, { name: 'b', when: { any: [{ source: 'a', once: 'x' }] } }] }";
    assert_eq!(loaded(text).diagnostics[0].path, "jobs[1].when.any[0].once");
}

#[test]
fn a_rendered_text_is_said_to_be_one() {
    let mut loaded = loaded("{ x: 1 }");
    loaded.rendered = Some("{ x: 1 }".into());
    let report = loaded.report("{ x: {{ .ONE }} }");
    assert!(
        report.ends_with("\nLines are those of the rendered template, with values of variables masked; `pilot -template` prints them.\n"),
        "{report}"
    );
    assert!(!loaded.report("{ x: 1 }").contains("template"));
}
