//! A real MariaDB: late, busy with ten instances at once, killed, frozen, and back.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::eventually;
use crate::instance::Instance;
use crate::mariadb::{PASSWORD, borrowed, environment_of, lock_users, prepared, row, started};

#[test]
fn ten_instances_started_together_make_the_database_and_migrate_it_once_and_all_become_ready() {
    let database = started();
    let environment = environment_of(&database);
    // All connect to a frozen server: when it goes on, all ten are at the same point.
    database.freeze();
    let apps: Vec<Instance> =
        (0..10).map(|_| Instance::start(database.scratch.path(), &borrowed(&environment))).collect();
    database.thaw();
    for app in &apps {
        app.wait_ready();
        assert_eq!(app.create("ada"), "/success");
        // On a slow machine, a connection may have been given up; but no instance saw another one's half work.
        let log = app.log();
        let failed = log.lines().find(|line| line.contains("cannot migrate") && !line.contains("no connection"));
        assert_eq!(failed, None);
        assert!(!log.contains(PASSWORD));
    }
    assert_eq!(apps[0].usernames().len(), 10);
    assert_eq!(row::<(i64, i64)>(&database, "SELECT COUNT(*), MIN(success) FROM _sqlx_migrations"), (1, 1));
}

#[test]
fn users_are_stored_and_paged_as_on_sqlite() {
    let database = started();
    let mut environment = environment_of(&database);
    // The password from a file this time.
    std::fs::write(database.scratch.path().join("password"), format!("{PASSWORD}\n")).unwrap();
    environment.retain(|(name, _)| *name != "DB_PASSWD");
    environment.push(("DB_PASSWD_FILE", database.scratch.path().join("password").to_str().unwrap().to_owned()));
    let app = Instance::start_ready(database.scratch.path(), &borrowed(&environment));
    let longest = "🦀".repeat(64);
    for name in ["Ada", "Ada", "'; DROP TABLE users; --", &longest] {
        assert_eq!(app.create(&name.replace(';', "%3B")), "/success");
    }
    assert_eq!(app.usernames(), ["Ada", "Ada", "'; DROP TABLE users; --", &longest]);
    let page = app.get("/users?limit=3").json();
    assert_eq!(page["next"], page["users"][2]["id"]);
    let created = page["users"][0]["created_at"].as_str().unwrap();
    // Whatever the server's time zone, this is UTC.
    let now = time::OffsetDateTime::now_utc();
    let days = [now.date().to_string(), (now - time::Duration::MINUTE).date().to_string()];
    assert!(created.ends_with('Z') && days.iter().any(|day| created.starts_with(day)), "{created}");
}

#[test]
fn an_application_that_is_there_before_its_database_lives_and_waits_for_it() {
    let mut database = prepared();
    let environment = environment_of(&database);
    let app = Instance::start(database.scratch.path(), &borrowed(&environment));
    assert_eq!(app.get("/health").status, 200);
    let answer = app.get("/ready");
    assert_eq!(answer.status, 503);
    assert!(answer.body.starts_with("Not ready: the database has not been reached"), "{answer:?}");
    assert_eq!(app.create("ada"), "/fail");
    assert!(app.log().contains("could not store a user: "), "{}", app.log());
    assert_eq!(app.get("/users").status, 503);
    database.begin(&[]);
    app.wait_ready();
    assert_eq!(app.create("ada"), "/success");
}

#[test]
fn a_database_that_is_killed_and_comes_back_is_used_again() {
    let mut database = started();
    let environment = environment_of(&database);
    let app = Instance::start_ready(database.scratch.path(), &borrowed(&environment));
    assert_eq!(app.create("before"), "/success");
    database.kill();
    let asked = Instant::now();
    let answer = app.get("/ready");
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    assert_eq!((answer.status, answer.body.as_str()), (503, "Not ready: the database does not answer."));
    assert_eq!(app.create("during"), "/fail");
    assert_eq!(app.get("/health").status, 200);
    database.begin(&[]);
    app.wait_ready();
    assert_eq!(app.create("after"), "/success");
    assert_eq!(app.usernames(), ["before", "after"]);
    // Every look failed alike; one line tells it.
    assert_eq!(app.log().matches("the database does not answer: ").count(), 1, "{}", app.log());
    assert_eq!(app.log().matches("the database answers again").count(), 1, "{}", app.log());
}

#[test]
fn a_database_that_hangs_holds_nobody_and_its_connections_are_replaced() {
    const WAITING: &str = "SELECT COUNT(*) FROM information_schema.processlist WHERE state LIKE 'Waiting for table%'";
    let database = started();
    let environment = environment_of(&database);
    let mut app = Instance::start_ready(database.scratch.path(), &borrowed(&environment));
    let lock = lock_users(&database);
    std::thread::scope(|scope| {
        // As many as the pool has connections: each is in the middle of a query when the server freezes.
        for _ in 0..10 {
            scope.spawn(|| {
                let asked = Instant::now();
                assert_eq!(app.create("during"), "/fail");
                assert!(asked.elapsed() < Duration::from_secs(15), "{:?}", asked.elapsed());
            });
        }
        eventually("ten queries wait", || (row::<(i64,)>(&database, WAITING) == (10,)).then_some(()));
        database.freeze();
        let asked = Instant::now();
        assert_eq!(app.get("/ready").status, 503);
        assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    });
    // The server is still frozen, yet no connection waits for it.
    eventually("the pool is empty", || (app.metric("app_db_connections") == Some(0.0)).then_some(()));
    database.thaw();
    drop(lock);
    app.wait_ready();
    assert_eq!(app.create("after"), "/success");
    // Nor does the end of the application wait for it.
    database.freeze();
    app.signal(Signal::SIGTERM);
    assert_eq!(app.wait_exit_code(), Some(0));
    database.thaw();
}
