//! The embedded default: a file, which several processes may share.

use std::thread;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection, query_scalar};

use crate::instance::Instance;

#[test]
fn processes_started_together_on_one_file_migrate_it_once_and_lose_no_user() {
    let directory = tempfile::tempdir().unwrap();
    thread::scope(|scope| {
        for process in 0..6 {
            let directory = directory.path();
            scope.spawn(move || {
                let app = Instance::start_ready(directory, &[]);
                for number in 0..20 {
                    assert_eq!(app.create(&format!("user{process}-{number}")), "/success");
                }
                assert!(!app.log().contains("WARN"), "{}", app.log());
            });
        }
    });
    let app = Instance::start_ready(directory.path(), &[]);
    let mut names = app.usernames();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 120);
    let options = SqliteConnectOptions::new().filename(directory.path().join("app.sqlite"));
    let migrations: i64 = tokio::runtime::Runtime::new().unwrap().block_on(async {
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        query_scalar("SELECT COUNT(*) FROM _sqlx_migrations WHERE success").fetch_one(&mut connection).await.unwrap()
    });
    assert_eq!(migrations, 1);
}

#[test]
fn users_outlive_the_process_in_the_file_that_was_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("other.sqlite");
    let environment = [("SQLITE_FILE", file.to_str().unwrap())];
    assert_eq!(Instance::start_ready(directory.path(), &environment).create("ada"), "/success");
    assert_eq!(Instance::start_ready(directory.path(), &environment).usernames(), ["ada"]);
    assert!(file.is_file());
}

#[test]
fn a_forgotten_host_is_warned_of_because_the_users_go_to_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let app = Instance::start_ready(directory.path(), &[("DB_USER", "app"), ("DB_PASSWD", "s3cret")]);
    assert!(app.log().contains("DB_USER is set, but DB_HOST is not"), "{}", app.log());
    assert!(!app.log().contains("s3cret"));
}
