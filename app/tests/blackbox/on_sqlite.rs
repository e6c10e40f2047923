//! The embedded default: a file, which several processes may share.

use std::thread;

use pilot_test_support::Scratch;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection, Executor, query_scalar};

use crate::instance::Instance;

#[test]
fn processes_started_together_on_one_file_migrate_it_once() {
    // Who migrates first is chance, so several times.
    for _ in 0..8 {
        let directory = Scratch::new();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let options = SqliteConnectOptions::new().filename(directory.path().join("app.sqlite")).create_if_missing(true);
        let mut connection = runtime.block_on(SqliteConnection::connect_with(&options)).unwrap();
        // While the test is the writer, all wait; when it is no more, all are at the same point.
        runtime.block_on(connection.execute("BEGIN EXCLUSIVE")).unwrap();
        let apps: Vec<Instance> = (0..6).map(|_| Instance::start(directory.path(), &[])).collect();
        runtime.block_on(connection.execute("ROLLBACK")).unwrap();
        for app in &apps {
            app.wait_ready();
            // On a slow machine, the wait may have been given up; but none saw another one's half work.
            let log = app.log();
            let failed = log.lines().find(|line| line.contains("cannot migrate") && !line.contains("is locked"));
            assert_eq!(failed, None);
        }
        let count = query_scalar("SELECT COUNT(*) FROM _sqlx_migrations WHERE success").fetch_one(&mut connection);
        assert_eq!(runtime.block_on(count).map(|count: i64| count).unwrap(), 1);
    }
}

#[test]
fn processes_that_write_one_file_together_lose_no_user() {
    let directory = Scratch::new();
    let apps: Vec<Instance> = (0..6).map(|_| Instance::start_ready(directory.path(), &[])).collect();
    thread::scope(|scope| {
        for (process, app) in apps.iter().enumerate() {
            scope.spawn(move || {
                for number in 0..20 {
                    assert_eq!(app.create(&format!("user{process}-{number}")), "/success");
                }
            });
        }
    });
    let mut names = apps[0].usernames();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 120);
}

#[test]
fn users_outlive_the_process_in_the_file_that_was_named() {
    let directory = Scratch::new();
    let file = directory.path().join("other.sqlite");
    let environment = [("SQLITE_FILE", file.to_str().unwrap())];
    assert_eq!(Instance::start_ready(directory.path(), &environment).create("ada"), "/success");
    assert_eq!(Instance::start_ready(directory.path(), &environment).usernames(), ["ada"]);
    assert!(file.is_file());
}

#[test]
fn a_forgotten_host_is_warned_of_because_the_users_go_to_a_file() {
    let directory = Scratch::new();
    let app = Instance::start_ready(directory.path(), &[("DB_USER", "app"), ("DB_PASSWD", "s3cret")]);
    assert!(app.log().contains("DB_USER is set, but DB_HOST is not"), "{}", app.log());
    assert!(!app.log().contains("s3cret"));
}
