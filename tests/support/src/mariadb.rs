//! A real MySQL-protocol server in a directory of its own.

use std::fs::File;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;

use crate::command::{Finished, run};
use crate::running::Running;
use crate::scratch::Scratch;
use crate::wait::{SOON, until_or};
use crate::{ports, tools};

/// The user that probes log in as.
pub const USER: &str = "probe";
/// Its password: odd enough to be found if it ever leaks into a log.
pub const PASSWORD: &str = "s3cr3t-w0rd-that-must-not-leak";

/// A MariaDB server; dropping it kills it.
#[derive(Debug)]
pub struct MariaDb {
    /// Its own directory, also for files that its options name.
    pub scratch: Scratch,
    port: u16,
    options: Vec<String>,
    process: Option<Running>,
}

impl MariaDb {
    /// A running server with a database `db` and the user [`USER`], who may do everything.
    #[track_caller]
    pub fn start() -> MariaDb {
        let mut server = MariaDb::prepare(&format!(
            "CREATE DATABASE IF NOT EXISTS db;\n\
             CREATE USER IF NOT EXISTS '{USER}'@'%' IDENTIFIED BY '{PASSWORD}';\n\
             GRANT ALL ON *.* TO '{USER}'@'%';\n"
        ));
        server.begin(&[]);
        server
    }

    /// A server with an empty data directory that is not started yet. Each start runs these statements, one a line, as
    /// root, who has no password.
    #[track_caller]
    pub fn prepare(sql: &str) -> MariaDb {
        let scratch = Scratch::new();
        scratch.write("init.sql", sql);
        let mut install = Command::new(tools::find(&["mariadb-install-db", "mysql_install_db"]));
        install.args(["--no-defaults", "--skip-test-db", "--auth-root-authentication-method=normal"]);
        install.arg(format!("--datadir={}", scratch.file("data"))).args(as_user());
        // Its temporary tables are named after its process number, which is another's too in another PID namespace.
        run(install.env("TMPDIR", scratch.path())).success();
        MariaDb { scratch, port: ports::free(), options: Vec::new(), process: None }
    }

    /// With these options at each start.
    pub fn with_options(mut self, options: impl IntoIterator<Item = String>) -> MariaDb {
        self.options.extend(options);
        self
    }

    /// Starts the server on its data directory, with more options for this once, and waits until it takes connections.
    #[track_caller]
    pub fn begin(&mut self, options: &[&str]) {
        self.kill();
        let log = File::create(self.scratch.file("server.log")).expect("a log file can be made");
        let mut server = Command::new(tools::find(&["mariadbd", "mysqld"]));
        server.args(["--no-defaults", "--bind-address=127.0.0.1", "--skip-name-resolve"]);
        server.args([format!("--port={}", self.port), "--innodb-buffer-pool-size=16M".to_owned()]);
        for (option, file) in
            [("datadir", "data"), ("socket", "socket"), ("pid-file", "pid"), ("init-file", "init.sql")]
        {
            server.arg(format!("--{option}={}", self.scratch.file(file)));
        }
        server.args(as_user()).args(&self.options).args(options);
        server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.process = Some(Running(server.spawn().expect("mariadbd can be started")));
        // Not by a connection, which the server would count as one that was aborted. Its init file has been run by then.
        let log = || self.scratch.lines("server.log").join("\n");
        until_or(
            SOON * 4,
            || log().contains("ready for connections").then_some(()),
            || format!("MariaDB to take connections; it said:\n{}", log()),
        );
    }

    /// Kills the server, as a failing machine would; its data stays.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Lets it keep its connections but answer nothing, until [`MariaDb::thaw`].
    pub fn freeze(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Ends a [`MariaDb::freeze`].
    pub fn thaw(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Sends the server a signal; it has to run.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        self.process.as_ref().expect("the server runs").signal(signal);
    }

    /// Its data directory.
    pub fn data(&self) -> String {
        self.scratch.file("data")
    }

    /// Its unix socket.
    pub fn socket(&self) -> String {
        self.scratch.file("socket")
    }

    /// Port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Runs statements as root with the command-line client; rows are lines, columns are parted by tabs.
    pub fn query(&self, sql: &str) -> Finished {
        let mut client = Command::new(tools::find(&["mariadb", "mysql"]));
        client.args(["--no-defaults", "--user=root", "--skip-column-names", "--batch", "-e", sql]);
        run(client.arg(format!("--socket={}", self.socket())))
    }
}

/// The server refuses to run as root unless it is told so.
fn as_user() -> Option<&'static str> {
    nix::unistd::geteuid().is_root().then_some("--user=root")
}
