//! `app migrate`: once, before a deployment, and what the version before it does with the tables afterwards.

use std::path::Path;

use pilot_test_support::Scratch;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection, Executor};

use crate::instance::{Instance, program};
use crate::mariadb::{PASSWORD, borrowed, environment_of, prepared_with, row};

/// The exit code and all that it said.
fn app(directory: &Path, words: &[&str]) -> (Option<i32>, String) {
    app_with(directory, &[], words)
}

fn app_with(directory: &Path, environment: &[(&str, &str)], words: &[&str]) -> (Option<i32>, String) {
    let output = program(directory, environment).args(words).output().unwrap();
    (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

fn execute(directory: &Path, sql: &str) {
    let options = SqliteConnectOptions::new().filename(directory.join("app.sqlite"));
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        connection.execute(AssertSqlSafe(sql)).await.unwrap();
    });
}

#[test]
fn it_makes_the_tables_and_ends_and_may_be_run_again() {
    let directory = Scratch::new();
    for _ in 0..2 {
        let (code, said) = app(directory.path(), &["migrate"]);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("the database is migrated") && !said.contains("listening"), "{said}");
    }
    execute(directory.path(), "INSERT INTO users (username) VALUES ('ada')");
}

#[test]
fn a_migration_that_fails_is_told_at_once() {
    let directory = Scratch::new();
    assert_eq!(app(directory.path(), &["migrate"]).0, Some(0));
    execute(directory.path(), "UPDATE _sqlx_migrations SET checksum = x'00'");
    let (code, said) = app(directory.path(), &["migrate"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("the database is not migrated") && said.contains("modified"), "{said}");
}

#[test]
fn a_version_serves_on_tables_that_a_newer_one_has_migrated() {
    let directory = Scratch::new();
    assert_eq!(app(directory.path(), &["migrate"]).0, Some(0));
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                 VALUES (9999, 'newer', TRUE, x'00', 1)";
    execute(directory.path(), newer);
    let instance = Instance::start_ready(directory.path(), &[]);
    assert_eq!(instance.create("ada"), "/success");
    assert_eq!(app(directory.path(), &["migrate"]).0, Some(0));
}

#[test]
fn a_database_that_is_not_there_is_made_if_the_user_may_and_otherwise_the_reason_is_told_at_once() {
    let mut server = prepared_with("GRANT SELECT ON seen.* TO app@'127.0.0.1';\n");
    server.begin(&[]);
    let directory = server.scratch.path();
    let migrate = |name: &str, password: &str| {
        let mut environment = environment_of(&server);
        environment.retain(|(name, _)| *name != "DB_PASSWD");
        environment.extend([("DB_NAME", name.to_owned()), ("DB_PASSWD", password.to_owned())]);
        app_with(directory, &borrowed(&environment), &["migrate"])
    };
    // Production, and two branches, one of them twice and one with a name that has to be quoted.
    for (name, makes) in [("db", true), ("app_fix_1", true), ("app_fix_1", false), ("app_`; DROP", true)] {
        let (code, said) = migrate(name, PASSWORD);
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(said.contains("created the missing database"), makes, "{said}");
    }
    let names = "SELECT GROUP_CONCAT(table_schema ORDER BY table_schema) FROM information_schema.tables WHERE table_name = 'users'";
    assert_eq!(row::<(String,)>(&server, names).0, "app_fix_1,app_`; DROP,db");

    let refused = "the server refuses DB_USER";
    let not_made = "the database seen is not there, and DB_USER cannot make it";
    for (name, password, reason) in
        [("other", PASSWORD, refused), ("app_fix_1", "wrong", refused), ("seen", PASSWORD, not_made)]
    {
        let (code, said) = migrate(name, password);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(reason) && said.contains("denied"), "{said}");
        assert!(!said.contains("cannot migrate the database yet") && !said.contains(password), "{said}");
    }
}

#[test]
fn other_words_are_not_taken() {
    let directory = Scratch::new();
    for words in [&["migrat"][..], &["migrate", "now"], &["--help"]] {
        let (code, said) = app(directory.path(), words);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("`migrate`"), "{said}");
    }
}
