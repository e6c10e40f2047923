//! How a job's process is set up: user, folder, environment, limits, stop signal, and readiness that it tells itself.

use std::time::Duration;

use super::*;
use pilot_core::plan::{
    Account, HealthCheck, Identity, Inherit, Limit, NotifyProbe, Probe, ProcessSettings, Resource, Secret,
    SignalNumber, UNLIMITED, Variable, WithoutRights,
};

/// The settings of `{name: "x", exec: "a", …}`.
fn settings(members: &str) -> ProcessSettings {
    job(&format!("name: 'x', exec: 'a', {members}")).process
}

fn settings_refused(cases: &[(&str, &str)]) {
    for (members, message) in cases {
        let text = with_job(&format!("name: 'x', exec: 'a', {members}"));
        assert_eq!(error(&text), format!("job \"x\": {message}"), "{members}");
    }
}

fn name(name: &str) -> Option<Account> {
    Some(Account::Name(name.into()))
}

fn number(number: u32) -> Option<Account> {
    Some(Account::Number(number))
}

#[test]
fn without_settings_everything_is_pilots() {
    assert_eq!(settings(""), ProcessSettings::default());
    let nothing =
        "user: null, cwd: null, env: {}, envFile: [], inheritEnv: true, limits: {}, umask: null, uid: 0, gid: 0";
    assert_eq!(settings(nothing), ProcessSettings::default());
    assert_eq!(ProcessSettings::default().stop_signal, SignalNumber(15));
}

#[test]
fn user_and_group_are_names_or_numbers() {
    for (members, user, group) in [
        ("user: 'nginx'", name("nginx"), None),
        ("user: 101, group: '0'", number(101), number(0)),
        ("user: '0101', group: '_www-data.1$'", number(101), name("_www-data.1$")),
        ("group: 'adm'", None, name("adm")),
    ] {
        let wanted = Identity { user, group, without_rights: WithoutRights::Fail };
        assert_eq!(settings(members).identity, wanted, "{members}");
    }
    settings_refused(&[
        ("user: 'nginx:nginx'", "user is not the name of a user: \"nginx:nginx\""),
        ("group: '1a'", "group is not the name of a group: \"1a\""),
        ("user: 1.5", "user is not the name of a user: 1.5"),
        ("user: -1", "user is not the name of a user: -1"),
        ("user: 4294967295", "user must be a number from 0 to 4294967294, not 4294967295"),
        ("user: ['a']", "user must be text, not a list"),
        ("user: 'root', uid: 0", "uid stands beside `user`, which says the same"),
        ("group: 5, gid: 5", "gid stands beside `group`, which says the same"),
    ]);
}

/// v3 spec, appendix D.
#[test]
fn uid_and_gid_of_the_community_patches_are_numbers_that_count_only_with_rights() {
    let identity = |members: &str| settings(members).identity;
    let patched = |user, group| Identity { user, group, without_rights: WithoutRights::RunAsPilot };
    assert_eq!(identity("uid: 1000, gid: 50"), patched(number(1000), number(50)));
    assert_eq!(identity("uid: '1000', gid: 0"), patched(number(1000), None));
    assert_eq!(identity("gid: 7"), patched(None, number(7)));
    settings_refused(&[
        ("uid: -1", "uid must be a number from 0 to 4294967294, not -1"),
        ("uid: 4294967295", "uid must be a number from 0 to 4294967294, not 4294967295"),
        ("gid: 'adm'", "gid must be a whole number, not \"adm\""),
    ]);
}

#[test]
fn the_environment_is_texts_files_and_what_is_taken_away() {
    let env = settings("env: {A: 'x', B: 8000, C: true, D: null, E: {file: '/run/secrets/e'}, F: ''}");
    let value = |text: &str| Variable::Value(Secret::new(text));
    let want = [
        ("A", value("x")),
        ("B", value("8000")),
        ("C", value("true")),
        ("D", Variable::Removed),
        ("E", Variable::File("/run/secrets/e".into())),
        ("F", value("")),
    ];
    assert_eq!(env.variables, want.map(|(name, variable)| (name.to_owned(), variable)).into());
    assert!(!format!("{:?}", settings("env: {A: 'hunter2'}")).contains("hunter2"));
    settings_refused(&[
        ("env: 'A=hunter2'", "env must be an object of texts, not text"),
        ("env: {'A=B': 'x'}", "env.A=B is not the name of a variable"),
        ("env: {'': 'x'}", "env. is not the name of a variable"),
        ("env: {A: ['x']}", "env.A must be text, not a list"),
        ("env: {A: 'x\\u0000'}", "env.A contains a NUL byte, which no process can be given"),
        ("env: {A: {}}", "env.A.file is needed"),
        ("env: {A: {file: ''}}", "env.A.file is not a path: \"\""),
        ("env: {A: {path: '/x', file: '/x'}}", "env.A.path is not a known key"),
    ]);
}

#[test]
fn environment_files_are_one_or_several() {
    assert_eq!(settings("envFile: '/etc/app.env'").env_files, ["/etc/app.env"].map(std::path::PathBuf::from));
    assert_eq!(settings("envFile: ['/a', '/b']").env_files, ["/a", "/b"].map(std::path::PathBuf::from));
    settings_refused(&[
        ("envFile: ''", "envFile is not a path: \"\""),
        ("envFile: ['/a', {}]", "envFile[1] must be text, not an object"),
    ]);
}

#[test]
fn what_is_inherited_is_all_nothing_or_named() {
    assert_eq!(settings("inheritEnv: true").inherit, Inherit::All);
    assert_eq!(settings("inheritEnv: false").inherit, Inherit::Only(vec![]));
    assert_eq!(settings("inheritEnv: ['LANG', 'TZ']").inherit, Inherit::Only(vec!["LANG".into(), "TZ".into()]));
    settings_refused(&[
        ("inheritEnv: 'LANG'", "inheritEnv must be true or false, not \"LANG\""),
        ("inheritEnv: ['A=1']", "inheritEnv[0] is not the name of a variable"),
    ]);
}

#[test]
fn limits_are_a_number_unlimited_or_soft_and_hard() {
    let limit = |resource, soft, hard| Limit { resource, soft, hard };
    let text = "limits: {stack: {soft: 8388608}, NOFILE: 65536, core: 'unlimited', nproc: {soft: '5', hard: 'Unlimited'}, cpu: 0}";
    assert_eq!(
        settings(text).limits,
        [
            limit(Resource::Core, Some(UNLIMITED), Some(UNLIMITED)),
            limit(Resource::Cpu, Some(0), Some(0)),
            limit(Resource::Nofile, Some(65536), Some(65536)),
            limit(Resource::Nproc, Some(5), Some(UNLIMITED)),
            limit(Resource::Stack, Some(8_388_608), None),
        ]
    );
    for (name, resource) in Resource::ALL {
        assert_eq!(settings(&format!("limits: {{{name}: 1}}")).limits, [limit(resource, Some(1), Some(1))]);
        assert_eq!(resource.name(), name);
    }
    settings_refused(&[
        ("limits: {nofiles: 1}", "limits.nofiles is not a known key"),
        ("limits: {nofile: -1}", "limits.nofile must be a whole number from 0 or \"unlimited\", not -1"),
        ("limits: {nofile: 1.5}", "limits.nofile must be a whole number from 0 or \"unlimited\", not 1.5"),
        ("limits: {nofile: '1G'}", "limits.nofile must be a whole number from 0 or \"unlimited\", not \"1G\""),
        ("limits: {nofile: {soft: 5, hard: 4}}", "limits.nofile has a soft limit above the hard one"),
        ("limits: {nofile: {}}", "limits.nofile names no limit"),
        ("limits: [1]", "limits must be an object, not a list"),
    ]);
}

#[test]
fn a_umask_is_octal_digits_as_at_a_shell() {
    for (text, mask) in [("'027'", 0o27), ("27", 0o27), ("'0077'", 0o77), ("0", 0), ("'777'", 0o777)] {
        assert_eq!(settings(&format!("umask: {text}")).umask, Some(mask));
    }
    settings_refused(&[
        ("umask: '028'", "umask must be octal digits up to 777, not \"028\""),
        ("umask: '1000'", "umask must be octal digits up to 777, not \"1000\""),
        ("umask: ''", "umask must be octal digits up to 777, not \"\""),
        ("umask: -1", "umask must be octal digits up to 777, not -1"),
    ]);
}

#[test]
fn a_stop_signal_is_a_name_or_a_number() {
    for (text, number) in
        [("'SIGQUIT'", 3), ("'quit'", 3), ("'Int'", 2), ("15", 15), ("'1'", 1), ("'SIGWINCH'", 28), ("'sigkill'", 9)]
    {
        assert_eq!(settings(&format!("stopSignal: {text}")).stop_signal, SignalNumber(number), "{text}");
    }
    settings_refused(&[
        ("stopSignal: 'SIGQIUT'", "stopSignal does not know the signal \"SIGQIUT\""),
        ("stopSignal: 0", "stopSignal does not know the signal 0"),
        ("stopSignal: 99", "stopSignal does not know the signal 99"),
        ("stopSignal: 'SIGSIGTERM'", "stopSignal does not know the signal \"SIGSIGTERM\""),
    ]);
    let found = loaded(&with_job("name: 'x', exec: 'a', stopSignal: 'qiut'")).diagnostics.remove(0);
    assert_eq!(found.remedy.as_deref(), Some("did you mean \"SIGQUIT\"?"));
}

#[test]
fn the_folder_and_new_privileges() {
    assert_eq!(settings("cwd: '/srv/app'").cwd, Some("/srv/app".into()));
    assert!(settings("noNewPrivileges: true").no_new_privileges);
    settings_refused(&[
        ("cwd: ''", "cwd is not a path: \"\""),
        ("cwd: '/a\\u0000'", "cwd is not a path: \"/a\\0\""),
        ("noNewPrivileges: 'perhaps'", "noNewPrivileges must be true or false, not \"perhaps\""),
    ]);
}

#[test]
fn settings_of_a_job_without_a_program_have_no_effect() {
    let text = with_job("name: 'x', user: 'nginx', stopSignal: 'QUIT'");
    let want = ["user", "stopSignal"].map(|key| format!("job \"x\": {key} has no effect: the job runs no program"));
    assert_eq!(warnings(&text), want);
}

#[test]
fn a_process_can_tell_that_it_is_ready() {
    let health = |members: &str| -> HealthCheck {
        job(&format!("name: 'x', exec: 'a', health: {{interval: 5, {members}}}")).health.unwrap()
    };
    let plain = health("notify: true");
    assert_eq!(plain.probe, Some(Probe::Notify(NotifyProbe { watchdog: None })));
    assert_eq!(plain.start_grace, Duration::from_secs(90), "as systemd");
    let full = health("notify: {watchdog: '30s'}, startGrace: '5m'");
    assert_eq!(full.probe, Some(Probe::Notify(NotifyProbe { watchdog: Some(Duration::from_secs(30)) })));
    assert_eq!(full.start_grace, Duration::from_secs(300));
    assert_eq!(health("notify: false").probe, None);
    assert_eq!(health("tcp: 1").start_grace, Duration::ZERO);
    settings_refused(&[
        ("health: {interval: 5, notify: 'x'}", "health.notify must be true or false, not \"x\""),
        (
            "health: {interval: 5, notify: {watchdog: 0}}",
            "health.notify.watchdog must be at least 1 millisecond, not 0",
        ),
        ("health: {interval: 5, notify: {ready: 1}}", "health.notify.ready is not a known key"),
        ("health: {interval: 5, notify: true, tcp: 1}", "health.notify stands beside `tcp`, and a check has one probe"),
        ("health: {notify: true}", "health.interval is needed"),
    ]);
    job_refused(&[
        (
            "name: 'x', health: {interval: 5, notify: true}",
            "job \"x\": health.notify waits for word from the job's process, and the job runs no program",
        ),
        ("name: 'app', exec: 'a', port: 1, health: {interval: 5, notify: true}", "job \"app\": health.ttl is needed"),
    ]);
    refused(&[(
        "{consul: 'c', watches: [{name: 'db', interval: 1, notify: true}]}",
        "watch \"db\": notify is not a known key",
    )]);
}

#[test]
fn a_value_of_the_environment_is_not_shown_beside_a_mistake() {
    for text in [
        "{ jobs: [{ name: 'a', exec: 'b', env: { DB: 'hunter2', 'A=B': '' } }] }",
        "{ jobs: [{ name: 'a', exec: 'b', env: { DB: ['hunter2'] } }] }",
        "{ jobs: [{ name: 'a', exec: 'b', env: 'DB=hunter2' }] }",
        "{ jobs: [{ name: 'a', exec: 'b', env: { DB: 'hunter2' }, user: 'a b' }] }",
    ] {
        let loaded = loaded(text);
        let report = loaded.report(text);
        assert!(!loaded.diagnostics.is_empty() && !report.contains("hunter2"), "{report}");
    }
}
