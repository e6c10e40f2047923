//! A real MySQL 9 in a directory of its own: `caching_sha2_password`, TLS from the start, as on RDS.

use std::fs::File;
use std::process::{Command, Stdio};

use crate::mariadb::{PASSWORD, USER};
use crate::scratch::Scratch;
use crate::wait::{SOON, until};
use crate::{Running, ports, tools};

/// A MySQL 9 server with a database `db`; dropping it kills it.
#[derive(Debug)]
pub struct Mysql9 {
    scratch: Scratch,
    port: u16,
    process: Option<Running>,
}

impl Mysql9 {
    /// Initialises a data directory, starts the server and waits until the user [`USER`] can log in.
    pub fn start() -> Mysql9 {
        let mut server = Mysql9 { scratch: Scratch::new(), port: ports::free(), process: None };
        let sql = format!(
            "CREATE DATABASE db;\nCREATE USER '{USER}'@'%' IDENTIFIED BY '{PASSWORD}';\nGRANT ALL ON *.* TO '{USER}'@'%' WITH GRANT OPTION;\n"
        );
        server.scratch.write("init.sql", &sql);
        let status = server.mysqld("install.log").arg("--initialize-insecure").status().expect("mysqld can be started");
        assert!(status.success(), "mysqld: {}", server.scratch.lines("install.log").join("\n"));
        let init = format!("--init-file={}", server.scratch.file("init.sql"));
        let child = server.mysqld("server.log").arg(init).spawn().expect("mysqld can be started");
        server.process = Some(Running(child));
        until("MySQL 9 to let the probe's user in", SOON * 4, || server.sql("SELECT 1").then_some(()));
        server
    }

    fn mysqld(&self, log: &str) -> Command {
        let log = File::create(self.scratch.path().join(log)).expect("a log file can be made");
        let mut command = Command::new(tools::mysql9("mysqld"));
        command.args(["--no-defaults", "--bind-address=127.0.0.1", "--mysqlx=OFF", "--secure-file-priv=NULL"]);
        command.args(["--innodb-buffer-pool-size=16M", "--innodb-redo-log-capacity=8M", "--performance-schema=OFF"]);
        command.arg(format!("--lc-messages-dir={}", tools::mysql9("usr/share/mysql")));
        command.arg(format!("--port={}", self.port));
        for (option, file) in [("datadir", "data"), ("socket", "sock"), ("pid-file", "pid")] {
            command.arg(format!("--{option}={}", self.scratch.file(file)));
        }
        if nix::unistd::geteuid().is_root() {
            command.arg("--user=root");
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        command
    }

    /// Port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The authority that its certificate is from; the certificate names no host.
    pub fn ca_file(&self) -> String {
        self.scratch.file("data/ca.pem")
    }

    /// Runs a statement as the probe's user; whether it worked.
    pub fn sql(&self, statement: &str) -> bool {
        Command::new(tools::mysql9("mysql"))
            .args(["--no-defaults", "-h127.0.0.1", "-u", USER, "-e", statement])
            .arg(format!("-P{}", self.port))
            .env("MYSQL_PWD", PASSWORD)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }
}
