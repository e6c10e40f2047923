//! A real MySQL-protocol server in a directory of its own.

use std::fs::File;
use std::process::{Child, Command, Stdio};

use crate::scratch::Scratch;
use crate::wait::{SOON, until};
use crate::{ports, tools};

/// The user that probes log in as.
pub const USER: &str = "probe";
/// Its password: odd enough to be found if it ever leaks into a log.
pub const PASSWORD: &str = "s3cr3t-w0rd-that-must-not-leak";

/// A MariaDB server; dropping it kills it.
#[derive(Debug)]
pub struct MariaDb {
    scratch: Scratch,
    port: u16,
    child: Option<Child>,
}

impl MariaDb {
    /// Initialises a data directory, starts the server and waits until it takes connections.
    #[allow(clippy::expect_used)]
    pub fn start() -> MariaDb {
        let mut server = MariaDb { scratch: Scratch::new(), port: ports::free(), child: None };
        let data = server.scratch.file("data");
        let sql = format!(
            "CREATE DATABASE db;\nCREATE USER '{USER}'@'%' IDENTIFIED BY '{PASSWORD}';\nGRANT ALL ON *.* TO '{USER}'@'%';\n"
        );
        server.scratch.write("init.sql", &sql);
        let log = File::create(server.scratch.path().join("install.log")).expect("a log file can be made");
        let mut install = Command::new(tools::find(&["mariadb-install-db", "mysql_install_db"]));
        install.args(["--no-defaults", "--skip-test-db", "--auth-root-authentication-method=normal"]);
        install.arg(format!("--datadir={data}")).args(as_user());
        // Its temporary tables are named after its process number, which is another's too in another PID namespace.
        install.env("TMPDIR", std::path::Path::new(&data).parent().unwrap_or(std::path::Path::new("/tmp")));
        let errors = log.try_clone().expect("a descriptor can be copied");
        let status = install.stdout(log).stderr(errors).status().expect("mariadb-install-db can be started");
        assert!(status.success(), "mariadb-install-db: {}", server.scratch.lines("install.log").join("\n"));
        server.begin(&[&format!("--init-file={}", server.scratch.file("init.sql"))]);
        until("the probe's user to be created", SOON, || server.sql("SELECT 1").then_some(()));
        server
    }

    /// Starts the server on its data directory with extra options.
    #[allow(clippy::expect_used)]
    pub fn begin(&mut self, options: &[&str]) {
        let log = File::create(self.scratch.path().join("server.log")).expect("a log file can be made");
        let child = Command::new(tools::find(&["mariadbd", "mysqld"]))
            .args(["--no-defaults", "--bind-address=127.0.0.1", "--skip-name-resolve"])
            .arg(format!("--datadir={}", self.scratch.file("data")))
            .arg(format!("--socket={}", self.scratch.file("sock")))
            .arg(format!("--pid-file={}", self.scratch.file("pid")))
            .arg(format!("--port={}", self.port))
            .args(as_user())
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("mariadbd can be started");
        self.child = Some(child);
        until("MariaDB to take connections", SOON * 2, || {
            std::net::TcpStream::connect(("127.0.0.1", self.port)).ok().map(drop)
        });
    }

    /// Its data directory.
    pub fn data(&self) -> String {
        self.scratch.file("data")
    }

    /// Port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Runs a statement as the probe's user through the command-line client; whether it worked.
    pub fn sql(&self, statement: &str) -> bool {
        Command::new(tools::find(&["mariadb", "mysql"]))
            .args(["--no-defaults", "-h127.0.0.1", "-u", USER, "-e", statement])
            .arg(format!("-P{}", self.port))
            .env("MYSQL_PWD", PASSWORD)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    /// Sends the server a signal.
    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        if let Some(pid) = self.child.as_ref().and_then(|child| i32::try_from(child.id()).ok()) {
            crate::processes::signal(pid, signal);
        }
    }

    /// Kills the server; its data stays.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The server refuses to run as root unless it is told so.
fn as_user() -> Option<&'static str> {
    nix::unistd::geteuid().is_root().then_some("--user=root")
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        self.kill();
    }
}
