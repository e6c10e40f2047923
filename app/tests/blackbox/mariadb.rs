//! A real MariaDB server as the application meets it: with a user who has a password.

use pilot_test_support::Authority;
pub use pilot_test_support::MariaDb;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlRow};
use sqlx::{Connection, Executor, FromRow};
use tokio::runtime::Runtime;

pub const PASSWORD: &str = "p@ss w/ord'\"%";

/// A server without a database, and a user `app` who may have `db` and what begins with `app_`; `grants` are more
/// statements, one a line. Not started yet.
pub fn prepared_with(grants: &str) -> MariaDb {
    let password = PASSWORD.replace('\'', "''");
    MariaDb::prepare(&format!(
        "CREATE USER IF NOT EXISTS app@'127.0.0.1' IDENTIFIED BY '{password}';\n\
         GRANT ALL ON db.* TO app@'127.0.0.1';\n\
         GRANT ALL ON `app\\_%`.* TO app@'127.0.0.1';\n{grants}"
    ))
}

/// [`prepared_with`] nothing more.
pub fn prepared() -> MariaDb {
    prepared_with("")
}

/// [`prepared`], and it runs.
pub fn started() -> MariaDb {
    let mut server = prepared();
    server.begin(&[]);
    server
}

/// It speaks TLS, with a certificate of an authority that nobody knows.
pub fn certified(server: MariaDb) -> MariaDb {
    let own = Authority::new(server.scratch.path(), "unknown").certify("server", "IP:127.0.0.1");
    let options = [("cert", own.certificate), ("key", own.key)];
    server.with_options(options.map(|(name, path)| format!("--ssl-{name}={}", path.display())))
}

/// What an application needs to use it.
pub fn environment_of(server: &MariaDb) -> Vec<(&'static str, String)> {
    vec![
        ("DB_HOST", "127.0.0.1".into()),
        ("DB_PORT", server.port().to_string()),
        ("DB_USER", "app".into()),
        ("DB_PASSWD", PASSWORD.into()),
    ]
}

/// One row, asked directly.
pub fn row<R: for<'r> FromRow<'r, MySqlRow> + Send + Unpin>(server: &MariaDb, sql: &'static str) -> R {
    Runtime::new().unwrap().block_on(async {
        let mut connection = connect(server).await;
        sqlx::query_as(sql).fetch_one(&mut connection).await.unwrap()
    })
}

/// Lets every other query for the users wait, until what is returned is dropped.
pub fn lock_users(server: &MariaDb) -> UsersLock {
    let runtime = Runtime::new().unwrap();
    let connection = runtime.block_on(async {
        let mut connection = connect(server).await;
        connection.execute("LOCK TABLES users WRITE").await.unwrap();
        connection
    });
    UsersLock { _connection: connection, _runtime: runtime }
}

async fn connect(server: &MariaDb) -> MySqlConnection {
    let options = MySqlConnectOptions::new().host("127.0.0.1").port(server.port());
    let options = options.username("app").password(PASSWORD).database("db");
    MySqlConnection::connect_with(&options).await.unwrap()
}

/// The lock belongs to the connection, and the connection to the runtime.
pub struct UsersLock {
    _connection: MySqlConnection,
    _runtime: Runtime,
}

/// The borrowed form that starting an instance takes.
pub fn borrowed<'a>(environment: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    environment.iter().map(|(name, value)| (*name, value.as_str())).collect()
}
