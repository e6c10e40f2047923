//! The application and the probe on a real MySQL 9: `caching_sha2_password`, as on RDS. reliability.md, section 2, case 27.

use nix::sys::signal::Signal;
use pilot_tests::command::{Finished, run};
use pilot_tests::mariadb::{PASSWORD, USER};
use pilot_tests::pilot::jobs;
use pilot_tests::{Mysql9, Pilot, SOON, Scratch, fixture, http, ports, processes, tools};
use serde_json::{Value, json};

fn mysql(port: u16, more: &Value) -> Value {
    let mut probe = json!({ "host": "127.0.0.1", "port": port, "user": USER, "passwordEnv": "DB_PASSWORD" });
    more.as_object().unwrap().iter().for_each(|(key, value)| probe[key] = value.clone());
    probe
}

#[test]
fn the_application_starts_with_it_stores_users_in_it_and_comes_back_with_it() {
    let database = Mysql9::start();
    let port = ports::free();
    let db = json!({ "DB_HOST": "127.0.0.1", "DB_PORT": database.port().to_string(), "DB_USER": USER, "DB_NAME": "db",
        "DB_PASSWD": PASSWORD, "BIND": "127.0.0.1", "PORT": port.to_string() });
    let mut config = jobs(json!([
        { "name": "app", "exec": tools::app(), "restarts": "unlimited", "when": { "source": "watch.db", "once": "healthy" },
          "health": { "http": format!("http://127.0.0.1:{port}/ready"), "interval": "200ms" } },
    ]));
    config["watches"] =
        json!([{ "name": "db", "interval": "200ms", "mysql": mysql(database.port(), &json!({ "role": "writer" })) }]);
    let mut start = Pilot::with(&config).env("DB_PASSWORD", PASSWORD);
    for (name, value) in db.as_object().unwrap() {
        start = start.env(name, value.as_str().unwrap());
    }
    let mut pilot = start.start();
    pilot.wait_for_event("StatusHealthy app");
    let created = http::request(port, "POST", "/create", "username=ada").unwrap();
    assert_eq!(created.status, 302, "{created:?}");
    assert!(created.head.contains("/success"), "{created:?}");
    assert!(http::get(port, "/users").unwrap().body.contains("\"ada\""));

    let app = pilot.child_running(&tools::app());
    processes::signal(app, Signal::SIGKILL);
    pilot.wait_for_count("app.Run start", 2);
    pilot.wait("the application to serve the row again", SOON, |_| {
        http::get(port, "/users").is_ok_and(|answer| answer.body.contains("\"ada\"")).then_some(())
    });
    assert_eq!(pilot.stop(), 0);
    assert!(!pilot.log().contains(PASSWORD), "{}", pilot.log());
}

#[test]
fn the_probe_logs_in_by_caching_sha2_over_tls_and_says_what_it_finds() {
    let database = Mysql9::start();
    let port = database.port();
    let scratch = Scratch::new();
    let wrong = scratch.write("wrong", "n0t-the-password\n");
    let here = format!("MySQL at 127.0.0.1:{port}");
    let ca = database.ca_file();
    let cases = [
        ("preferred", json!({}), None),
        ("required", json!({ "tls": "required" }), None),
        ("verified", json!({ "tls": "verify-ca", "caFile": ca }), None),
        ("writer", json!({ "role": "writer" }), None),
        // Its certificate names no host.
        ("identity", json!({ "tls": "verify-identity", "caFile": ca }), Some("TLS failed (".to_owned())),
        ("replica", json!({ "role": "replica" }), Some(format!("{here} is writable, not a replica"))),
        (
            "denied",
            // Unverified it is asked for the password itself, and fails for that.
            json!({ "passwordFile": wrong, "passwordEnv": null, "tls": "verify-ca", "caFile": ca }),
            Some(format!("login refused by {here}: 1045 ")),
        ),
    ];
    let list: Vec<Value> = cases
        .iter()
        .map(|(name, more, _)| {
            let health = json!({ "mysql": mysql(port, more), "interval": "200ms", "timeout": "5s" });
            json!({ "name": name, "exec": [fixture(), "forever"], "health": health })
        })
        .collect();
    let mut pilot = Pilot::with(&jobs(list.into())).env("DB_PASSWORD", PASSWORD).start();
    for (name, _, failure) in &cases {
        match failure {
            None => pilot.wait_for_event(&format!("StatusHealthy {name}")),
            Some(words) => pilot.wait_for(&format!("{name} is unhealthy: {words}")),
        };
    }

    assert!(database.sql("SET GLOBAL super_read_only = 1"));
    pilot.wait_for(&format!("writer is unhealthy: {here} is read-only, not a writer"));
    pilot.wait_for(&format!("replica is healthy again: {here} answers and is read-only"));
    assert!(database.sql("SET GLOBAL super_read_only = 0, GLOBAL read_only = 0"));
    pilot.wait_for("writer is healthy again");
    assert_eq!(pilot.stop(), 0);
    let log = pilot.log();
    assert!(!log.contains(PASSWORD) && !log.contains("n0t-the-password"), "{log}");
}

#[test]
fn an_unverified_server_gets_no_password_and_the_probe_says_what_to_set() {
    let database = Mysql9::start();
    let here = format!("MySQL at 127.0.0.1:{}", database.port());
    // The server keeps a digest of those who have logged in, and asks others for the whole password.
    assert!(database.sql(&format!("CREATE USER newcomer@'%' IDENTIFIED BY '{PASSWORD}'")));
    let checked = |name: &str, more: &Value| {
        let mut probe = mysql(database.port(), more);
        probe["user"] = json!("newcomer");
        json!({ "name": name, "exec": [fixture(), "forever"],
                "health": { "mysql": probe, "interval": "200ms", "timeout": "5s" } })
    };
    let unverified = ["disabled", "preferred", "required"];
    let list: Vec<Value> = unverified.iter().map(|tls| checked(tls, &json!({ "tls": tls }))).collect();
    let mut pilot = Pilot::with(&jobs(list.into())).env("DB_PASSWORD", PASSWORD).start();
    for tls in unverified {
        pilot.wait_for(&format!(
            "{tls} is unhealthy: {here} wants the password itself (new there, or wrong), sent over verified TLS only: set tls to verify-ca or verify-identity, and caFile"
        ));
    }
    assert_eq!(pilot.stop(), 0);

    // Verified it is sent, and then the server knows its digest; also without TLS, until it forgets.
    let verified = checked("verified", &json!({ "tls": "verify-ca", "caFile": database.ca_file() }));
    let mut pilot = Pilot::with(&jobs(json!([verified]))).env("DB_PASSWORD", PASSWORD).start();
    pilot.wait_for_event("StatusHealthy verified");
    assert_eq!(pilot.stop(), 0);
    let list = json!([checked("app", &json!({ "tls": "disabled" }))]);
    let mut pilot = Pilot::with(&jobs(list)).env("DB_PASSWORD", PASSWORD).start();
    pilot.wait_for_event("StatusHealthy app");
    assert!(database.sql("SET GLOBAL require_secure_transport = 1"));
    pilot.wait_for_count("event: {StatusUnhealthy app}", 3);
    assert_eq!(pilot.stop(), 0);
}

/// `app` with these words, this user and these variables; TLS without a name, for the server's certificate has none.
fn app(database: &Mysql9, words: &[&str], user: (&str, &str), more: &[(&str, &str)]) -> Finished {
    let mut app = std::process::Command::new(tools::app());
    let own = [("DB_HOST", "127.0.0.1"), ("DB_USER", user.0), ("DB_PASSWD", user.1), ("DB_TLS", "required")];
    let port = database.port().to_string();
    run(app.args(words).env_clear().env("DB_PORT", port).envs(own).envs(more.iter().copied()))
}

/// `app logins` as the administrator: what it says.
fn logins(database: &Mysql9, words: &[&str], app_password: &str) -> String {
    let more = [("DB_NAME", "app"), ("APP_USER", "app"), ("APP_PASSWD", app_password), ("REVIEW_USER", "review")];
    let more = [&more[..], &[("REVIEW_PASSWD", "of-the-branches")]].concat();
    let said = app(database, &[&["logins"], words].concat(), (USER, PASSWORD), &more).success();
    assert!(!said.contains(app_password) && !said.contains("of-the-branches"), "a password is told: {said}");
    said
}

#[test]
fn the_users_that_it_makes_let_each_branch_make_its_schema_and_no_other() {
    let database = Mysql9::start();
    let said = logins(&database, &[], "it's-secret");
    assert!(said.contains("app is as it should be") && said.contains("review is as it should be"), "{said}");

    let migrate = |user: &str, name: &str, tls: &str| {
        let password = if user == "app" { "it's-secret" } else { "of-the-branches" };
        app(&database, &["migrate"], (user, password), &[("DB_NAME", name), ("DB_TLS", tls)])
    };
    for (user, name) in [("app", "app"), ("review", "app_fix_1"), ("review", "app_master_2")] {
        migrate(user, name, "required").success();
    }
    for (user, name, tls) in [
        ("review", "app", "required"),
        ("app", "app_fix_1", "required"),
        ("review", "appendix", "required"),
        ("app", "app", "disabled"),
    ] {
        let said = migrate(user, name, tls).failure();
        assert!(said.contains("the server refuses DB_USER"), "{user} on {name}: {said}");
    }
}

#[test]
fn a_changed_password_works_next_to_the_old_one_until_that_is_discarded() {
    let database = Mysql9::start();
    let lets_in = |password: &str| app(&database, &["migrate"], ("app", password), &[("DB_NAME", "app")]).succeeded();
    logins(&database, &[], "first");
    assert!(lets_in("first") && !lets_in("second"));

    let said = logins(&database, &[], "second");
    assert!(said.contains("app has a new password") && said.contains("review is as it should be"), "{said}");
    // Again: nothing is to be changed, and the one before is not forgotten for it.
    assert!(logins(&database, &[], "second").contains("app is as it should be"));
    assert!(lets_in("first") && lets_in("second"));

    assert!(logins(&database, &["discard-old"], "second").contains("app is refused with an older password"));
    assert!(!lets_in("first") && lets_in("second"));
}

#[test]
fn who_may_not_make_users_is_told_so_and_no_password_is() {
    let database = Mysql9::start();
    logins(&database, &[], "secret-word");
    let more = [("DB_NAME", "app"), ("APP_USER", "other"), ("APP_PASSWD", "other-word")];
    for (user, password) in [("app", "secret-word"), ("app", "wrong-word")] {
        let said = app(&database, &["logins"], (user, password), &more).failure();
        assert!(said.contains("the database's users are not as they should be") && said.contains("denied"), "{said}");
        assert!(!said.contains("-word"), "{said}");
    }
}
