//! An environment's first deployment as the stacks make it: a fresh server with users and grants and no schema, `app logins`,
//! and the configuration that the image has. And what a fail-over of that server does to an instance later.

use std::process::Command;
use std::time::Duration;

use pilot_tests::command::run;
use pilot_tests::{Authority, MariaDb, Pilot, SOON, Scratch, http, ports, tools, until};

/// Of the administrator, production and the branches under review; what RDS and the secrets of `database.yaml` hold.
const PASSWORDS: [&str; 3] = ["an-administrators-password", "productions-own-password", "a-password-of-branches"];

/// A server as RDS is made: TLS by an authority of its own, an administrator, nothing else.
fn fresh_server(folder: &Scratch) -> MariaDb {
    Authority::new(folder.path(), "rds").certify("server", "DNS:localhost,IP:127.0.0.1");
    let administrator = PASSWORDS[0];
    folder.write(
        "init.sql",
        &format!(
            "DROP DATABASE IF EXISTS db;\nCREATE USER IF NOT EXISTS 'admin'@'%' IDENTIFIED BY '{administrator}';\n\
             GRANT ALL ON *.* TO 'admin'@'%' WITH GRANT OPTION;\n"
        ),
    );
    let mut server = MariaDb::start();
    server.kill();
    begin(&mut server, folder);
    server
}

fn begin(server: &mut MariaDb, folder: &Scratch) {
    let option = |name: &str, file: &str| format!("--{name}={}", folder.file(file));
    let options = [
        option("init-file", "init.sql"),
        option("ssl-cert", "server.cert"),
        option("ssl-key", "server.key"),
        option("ssl-ca", "rds.ca"),
    ];
    server.begin(&options.each_ref().map(String::as_str));
}

/// What `logins.yaml` has the task do, until it succeeds: the server may still be running its first statements.
fn make_users(server: &MariaDb, folder: &Scratch) {
    until("the database's users to be made", SOON, || {
        let mut logins = Command::new(tools::app());
        logins.arg("logins").env_clear();
        logins.envs(database(server, folder, "admin", PASSWORDS[0], "app"));
        logins.env("APP_USER", "app").env("APP_PASSWD", PASSWORDS[1]);
        logins.env("REVIEW_USER", "review").env("REVIEW_PASSWD", PASSWORDS[2]);
        run(&mut logins).succeeded().then_some(())
    });
}

/// The variables of the task definitions.
fn database(server: &MariaDb, folder: &Scratch, user: &str, password: &str, name: &str) -> Vec<(String, String)> {
    let port = server.port().to_string();
    let ca = folder.file("rds.ca");
    [
        ("DB_HOST", "localhost"),
        ("DB_PORT", &port),
        ("DB_USER", user),
        ("DB_PASSWD", password),
        ("DB_NAME", name),
        ("DB_TLS", "verify-identity"),
        ("DB_CA_FILE", &ca),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .to_vec()
}

/// The image's first process, with its own configuration.
fn task(port: u16, variables: &[(String, String)]) -> Pilot {
    let config = std::fs::read_to_string(tools::repository().join("image/pilot.json5")).unwrap();
    let config = config.replace("\"/bin/app\"", &format!("{:?}", tools::app()));
    let config = config.replace("/run/pilot/pilot.socket", "{{ .PILOT_TEST_DIR }}/control.socket");
    let mut start = Pilot::with_text(&config).env("BIND", "127.0.0.1").env("PORT", &port.to_string());
    for (name, value) in variables {
        start = start.env(name, value);
    }
    start.start()
}

fn status(port: u16, path: &str) -> Option<u16> {
    http::get(port, path).ok().map(|answer| answer.status)
}

#[test]
fn production_and_a_branch_become_ready_on_a_server_that_has_no_schema() {
    let folder = Scratch::new();
    let server = fresh_server(&folder);
    make_users(&server, &folder);
    for (user, password, name) in [("app", PASSWORDS[1], "app"), ("review", PASSWORDS[2], "app_fix_1")] {
        let port = ports::free();
        let mut pilot = task(port, &database(&server, &folder, user, password, name));
        pilot.wait(&format!("{name} to be ready"), SOON * 2, |_| (status(port, "/ready") == Some(200)).then_some(()));
        pilot.wait("pilot to say so", SOON, |pilot| (pilot.ask(&["health", "--ready"]).code == 0).then_some(()));
        let created = http::request(port, "POST", "/create", "username=ada").unwrap();
        assert!(created.head.contains("/success"), "{created:?}");
        assert_eq!(pilot.stop(), 0);
        assert!(!pilot.log().contains(password), "{}", pilot.log());

        // A branch's goes with its stack, by a task with the same variables; a slip of the name drops nothing.
        let drop = |name: &str| {
            let mut drop = Command::new(tools::app());
            drop.args(["drop", name]).env_clear();
            run(drop.envs(database(&server, &folder, user, password, "app_fix_1")))
        };
        let slip = drop("app").failure();
        assert!(slip.contains("DB_NAME is app_fix_1, so that is what could be dropped"), "{slip}");
        if user == "review" {
            assert!(drop("app_fix_1").success().contains("the database app_fix_1 is gone"));
            drop("app_fix_1").success();
        } else {
            let refused = drop("app_fix_1").failure();
            assert!(refused.contains("Access denied"), "{refused}");
        }
    }
}

#[test]
fn a_branch_never_reaches_productions_tables() {
    let folder = Scratch::new();
    let server = fresh_server(&folder);
    make_users(&server, &folder);
    let port = ports::free();
    let mut pilot = task(port, &database(&server, &folder, "review", PASSWORDS[2], "app"));
    pilot.wait_for("the server refuses DB_USER");
    assert_eq!(status(port, "/ready"), Some(503));
}

#[test]
fn a_database_that_fails_over_leaves_the_instance_running_and_not_ready() {
    let folder = Scratch::new();
    let mut server = fresh_server(&folder);
    make_users(&server, &folder);
    let port = ports::free();
    let mut pilot = task(port, &database(&server, &folder, "app", PASSWORDS[1], "app"));
    pilot.wait("the instance to be ready", SOON * 2, |_| (status(port, "/ready") == Some(200)).then_some(()));
    pilot.wait("pilot to say so", SOON, |pilot| (pilot.ask(&["health"]).code == 0).then_some(()));
    let running = pilot.child_running(&tools::app());

    server.kill();
    pilot.wait("the instance to say that it is not ready", SOON, |_| {
        (status(port, "/ready") == Some(503)).then_some(())
    });
    pilot.wait_for("watch db fails: ");
    // As long as three container checks and three of the load balancer's take to replace a task: 30 s at most.
    let until = std::time::Instant::now() + Duration::from_secs(8);
    while std::time::Instant::now() < until {
        assert_eq!(pilot.ask(&["health"]).code, 0, "ECS would replace the task\n{}", pilot.log());
        assert_eq!(status(port, "/health"), Some(200), "so would the load balancer\n{}", pilot.log());
        std::thread::sleep(Duration::from_millis(250));
    }

    begin(&mut server, &folder);
    pilot.wait("the instance to be ready again", SOON * 2, |_| (status(port, "/ready") == Some(200)).then_some(()));
    assert_eq!(pilot.child_running(&tools::app()), running, "it was restarted\n{}", pilot.log());
    assert_eq!(pilot.stop(), 0);
}
