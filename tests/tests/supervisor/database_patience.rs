//! What a database server holds against its clients: log-ins that are broken off, and wrong passwords. A probe must not be
//! what locks the application out. docs/reference/configuration/health.md, mysql.

use std::process::Command;
use std::time::Duration;

use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::Signal;
use pilot_tests::command::run;
use pilot_tests::mariadb::{PASSWORD, USER};
use pilot_tests::pilot::jobs;
use pilot_tests::{MariaDb, Pilot, Scratch, fixture, tools};
use serde_json::{Value, json};

const ADDRESS: &str = "10.77.9.1";

/// Moves this thread to a network of its own, where this machine has an address that a server does not take for local, and
/// a name for it: only clients with a name are counted.
fn with_an_address(scratch: &Scratch) {
    unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS).unwrap();
    let hosts = scratch.write("hosts", &format!("127.0.0.1 localhost\n{ADDRESS} client.test\n"));
    for words in [
        "ip link set lo up",
        &format!("ip addr add {ADDRESS}/32 dev lo"),
        "mount --make-rprivate /",
        &format!("mount --bind {hosts} /etc/hosts"),
    ] {
        let (program, words) = words.split_once(' ').unwrap();
        run(Command::new(tools::find(&[program])).args(words.split(' '))).success();
    }
}

fn checked(mysql: &Value) -> Value {
    json!({ "name": "app", "exec": [fixture(), "forever"],
            "health": { "mysql": mysql, "interval": "100ms", "timeout": "100ms" } })
}

#[test]
fn a_database_that_was_frozen_lets_this_host_in_when_it_goes_on() {
    let scratch = Scratch::new();
    with_an_address(&scratch);
    let mut database = MariaDb::start();
    database.kill();
    database.begin(&["--skip-name-resolve=OFF", "--bind-address=0.0.0.0", "--max-connect-errors=3"]);
    let mysql = json!({ "host": ADDRESS, "port": database.port(), "user": USER, "passwordEnv": "DB_PASSWORD" });
    let mut pilot = Pilot::with(&jobs(json!([checked(&mysql)]))).env("DB_PASSWORD", PASSWORD).start();
    pilot.wait_for_event("StatusHealthy app");

    database.signal(Signal::SIGSTOP);
    pilot.wait_for("app is unhealthy: timed out after 100ms connecting to MySQL at");
    pilot.wait_for_count("event: {StatusUnhealthy app}", 20);
    let before = pilot.count_events("StatusHealthy app");
    database.signal(Signal::SIGCONT);
    pilot.wait_for("app is healthy again");
    pilot.wait_for_count("event: {StatusHealthy app}", before + 5);
    assert_eq!(pilot.count("1129"), 0, "{}", pilot.log());
    assert_eq!(pilot.stop(), 0);
}

#[test]
fn a_wrong_password_is_tried_seldom_enough_that_the_account_is_not_locked_and_the_right_one_at_once() {
    let mut database = MariaDb::start();
    database.kill();
    database.begin(&["--max-password-errors=5"]);
    let scratch = Scratch::new();
    let file = scratch.write("password", "n0t-the-password\n");
    let mysql = json!({ "host": "127.0.0.1", "port": database.port(), "user": USER, "passwordFile": file });
    let mut pilot = Pilot::run(&jobs(json!([checked(&mysql)])));
    pilot.wait_for("app is unhealthy: login refused by MySQL at");
    pilot.wait_for_count("event: {StatusUnhealthy app}", 20);
    scratch.write("password", &format!("{PASSWORD}\n"));
    pilot.wait_for_within("app is healthy again", Duration::from_secs(5));
    assert_eq!(pilot.stop(), 0);
}
