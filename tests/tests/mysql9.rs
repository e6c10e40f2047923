//! The application and the probe on a real MySQL 9: `caching_sha2_password`, as on RDS. reliability.md, section 2, case 27.

#![allow(clippy::unwrap_used)] // A test that fails should fail loudly.

use nix::sys::signal::Signal;
use pilot_tests::command::run;
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
            json!({ "passwordFile": wrong, "passwordEnv": null }),
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
fn without_tls_the_probe_sends_no_password_and_says_what_to_set() {
    let database = Mysql9::start();
    let here = format!("MySQL at 127.0.0.1:{}", database.port());
    // The server keeps a digest of those who have logged in, and asks others for the whole password.
    assert!(database.sql(&format!("CREATE USER newcomer@'%' IDENTIFIED BY '{PASSWORD}'")));
    let probe = mysql(database.port(), &json!({ "tls": "disabled", "user": "newcomer" }));
    let health = json!({ "mysql": probe, "interval": "200ms", "timeout": "5s" });
    let mut pilot = Pilot::with(&jobs(json!([{ "name": "app", "exec": [fixture(), "forever"], "health": health }])))
        .env("DB_PASSWORD", PASSWORD)
        .start();
    pilot.wait_for(&format!("app is unhealthy: {here} wants the password over TLS: set tls to required"));
    assert!(database.sql("SET GLOBAL require_secure_transport = 1"));
    pilot.wait_for_count("event: {StatusUnhealthy app}", 3);
    assert_eq!(pilot.stop(), 0);
}

#[test]
fn what_the_stacks_documentation_says_to_the_database_lets_each_branch_make_its_schema_and_no_other() {
    let database = Mysql9::start();
    let documentation = std::fs::read_to_string(tools::repository().join("docs/stacks.md")).unwrap();
    let (sql, _) = documentation.split_once("```sql").unwrap().1.split_once("```").unwrap();
    assert_eq!(sql.matches('…').count(), 2, "{sql}");
    assert!(database.sql(&sql.replace('…', PASSWORD)), "{sql}");

    let migrate = |user: &str, name: &str, tls: &str| {
        let mut app = std::process::Command::new(tools::app());
        let own =
            [("DB_HOST", "127.0.0.1"), ("DB_USER", user), ("DB_PASSWD", PASSWORD), ("DB_NAME", name), ("DB_TLS", tls)];
        run(app.arg("migrate").env_clear().env("DB_PORT", database.port().to_string()).envs(own))
    };
    for (user, name) in [("app", "app"), ("review", "app_fix_1"), ("review", "app_master_2")] {
        migrate(user, name, "required").well();
    }
    for (user, name, tls) in [
        ("review", "app", "required"),
        ("app", "app_fix_1", "required"),
        ("review", "appendix", "required"),
        ("app", "app", "disabled"),
    ] {
        let said = migrate(user, name, tls).badly();
        assert!(said.contains("the server refuses DB_USER"), "{user} on {name}: {said}");
    }
}
