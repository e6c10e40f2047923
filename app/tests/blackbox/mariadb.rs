//! A real MariaDB server in a directory of its own, on a port of its own, with a user who has a password.

use std::io::Read;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{Connection, Executor, FromRow, mysql::MySqlRow};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{eventually, ports};

pub const PASSWORD: &str = "p@ss w/ord'\"%";
const INSTALL: &str = "this test needs a MariaDB server: apt-get install mariadb-server";

/// The server; it may be stopped and started again.
pub struct MariaDb {
    pub directory: TempDir,
    pub port: u16,
    options: Vec<String>,
    child: Option<Child>,
}

impl MariaDb {
    /// A new server without a database, and a user `app` who may have `db` and what begins with `app_`. Not started yet.
    pub fn prepare() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let server = Self { port: ports::free(), directory, options: Vec::new(), child: None };
        let output = Command::new("mariadb-install-db")
            .args(["--no-defaults", "--user=root", "--auth-root-authentication-method=normal", "--skip-test-db"])
            .arg(format!("--datadir={}", server.path("data").display()))
            .env("TMPDIR", server.path(""))
            .output()
            .expect(INSTALL);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let password = PASSWORD.replace('\'', "''");
        let users = format!(
            "CREATE USER IF NOT EXISTS app@'127.0.0.1' IDENTIFIED BY '{password}';\n\
             GRANT ALL ON db.* TO app@'127.0.0.1';\n\
             GRANT ALL ON `app\\_%`.* TO app@'127.0.0.1';\n"
        );
        std::fs::write(server.path("init.sql"), users).unwrap();
        server
    }

    /// [`prepare`](Self::prepare) and [`start`](Self::start).
    pub fn started() -> Self {
        let mut server = Self::prepare();
        server.start();
        server
    }

    pub fn with_options(mut self, options: impl IntoIterator<Item = String>) -> Self {
        self.options.extend(options);
        self
    }

    /// It speaks TLS, with a certificate that nobody has signed.
    pub fn certified(self) -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".into()]).unwrap();
        let (certificate, key) = (self.path("certificate.pem"), self.path("key.pem"));
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let options = [("cert", certificate), ("key", key)];
        self.with_options(options.map(|(name, path)| format!("--ssl-{name}={}", path.display())))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Starts it and waits until it greets.
    pub fn start(&mut self) {
        let log = std::fs::File::options().create(true).append(true).open(self.path("server.log")).unwrap();
        let child = Command::new("mariadbd")
            .args(["--no-defaults", "--user=root", "--bind-address=127.0.0.1", "--skip-name-resolve"])
            .arg("--innodb-buffer-pool-size=16M")
            .arg(format!("--port={}", self.port))
            .arg(format!("--datadir={}", self.path("data").display()))
            .arg(format!("--socket={}", self.path("socket").display()))
            .arg(format!("--pid-file={}", self.path("pid").display()))
            .arg(format!("--init-file={}", self.path("init.sql").display()))
            .args(&self.options)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect(INSTALL);
        self.child = Some(child);
        eventually("MariaDB greets", || {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
            stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
            stream.read_exact(&mut [0]).ok()
        });
    }

    /// Ends it at once, as a failing machine would.
    pub fn crash(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Lets it keep its connections but answer nothing.
    pub fn freeze(&self) {
        self.signal(Signal::SIGSTOP);
    }

    pub fn thaw(&self) {
        self.signal(Signal::SIGCONT);
    }

    fn signal(&self, signal: Signal) {
        let pid = self.child.as_ref().unwrap().id();
        kill(Pid::from_raw(pid.try_into().unwrap()), signal).unwrap();
    }

    /// What an application needs to use it.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("DB_HOST", "127.0.0.1".into()),
            ("DB_PORT", self.port.to_string()),
            ("DB_USER", "app".into()),
            ("DB_PASSWD", PASSWORD.into()),
        ]
    }

    /// One row, asked directly.
    pub fn row<R: for<'r> FromRow<'r, MySqlRow> + Send + Unpin>(&self, sql: &'static str) -> R {
        Runtime::new().unwrap().block_on(async {
            let mut connection = self.connect().await;
            sqlx::query_as(sql).fetch_one(&mut connection).await.unwrap()
        })
    }

    /// Lets every other query for the users wait, until what is returned is dropped.
    pub fn lock_users(&self) -> UsersLock {
        let runtime = Runtime::new().unwrap();
        let connection = runtime.block_on(async {
            let mut connection = self.connect().await;
            connection.execute("LOCK TABLES users WRITE").await.unwrap();
            connection
        });
        UsersLock { _connection: connection, _runtime: runtime }
    }

    async fn connect(&self) -> MySqlConnection {
        let options = MySqlConnectOptions::new().host("127.0.0.1").port(self.port);
        let options = options.username("app").password(PASSWORD).database("db");
        MySqlConnection::connect_with(&options).await.unwrap()
    }
}

/// The lock belongs to the connection, and the connection to the runtime.
pub struct UsersLock {
    _connection: MySqlConnection,
    _runtime: Runtime,
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        self.crash();
    }
}

/// The borrowed form that starting an instance takes.
pub fn borrowed<'a>(environment: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    environment.iter().map(|(name, value)| (*name, value.as_str())).collect()
}
