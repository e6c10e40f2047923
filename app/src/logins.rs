//! `app logins`: the administrator makes the users that the application logs in as, each for its own databases, with the
//! passwords that their secrets say now. Run again, it changes nothing but a password that has changed in its secret.

use std::time::Duration;

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use tokio::time::timeout;
use tracing::info;

use crate::mysql;
use crate::settings::{Login, Logins};

/// The longest that all of it may take: a dozen statements.
const LIMIT: Duration = Duration::from_secs(60);

/// What to do with the users.
#[derive(Clone, Copy)]
pub enum Task {
    /// Each is there, logs in with its password, and may use its databases. MySQL takes the password before too.
    Make,
    /// From now on the password before is refused.
    DiscardOld,
}

/// Why the users are not as they should be.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("{0}: {1}")]
    Database(String, sqlx::Error),
    #[error(
        "'{0}'@'%' has its password, and is refused with it: a user {0} of one host goes before it, or there is no TLS (DB_TLS)"
    )]
    Refused(String),
    #[error("no answer within {} s", LIMIT.as_secs())]
    TimedOut,
}

/// Does it, for one user after the other.
pub async fn run(logins: Logins, task: Task) -> Result<(), Failure> {
    timeout(LIMIT, all(logins, task)).await.map_err(|_| Failure::TimedOut)?
}

async fn all(Logins { administrator, logins }: Logins, task: Task) -> Result<(), Failure> {
    // sqlx logs statements that take long, and passwords are in these.
    let options = administrator.disable_statement_logging().database(mysql::OPEN_TO_ALL);
    let failed = |what: &str, error| Failure::Database(what.to_owned(), error);
    let mut connection =
        MySqlConnection::connect_with(&options).await.map_err(|error| failed("the administrator", error))?;
    let version: String = sqlx::query_scalar("SELECT VERSION()")
        .fetch_one(&mut connection)
        .await
        .map_err(|error| failed("the server's version", error))?;
    // There, a user has one password.
    let keeps_old = !version.contains("MariaDB");
    for login in &logins {
        let outcome = match task {
            Task::Make => make(&mut connection, &options, login, keeps_old).await?,
            Task::DiscardOld if keeps_old => {
                let statement = format!("ALTER USER {} DISCARD OLD PASSWORD", account(login));
                execute(&mut connection, login, statement).await?;
                "is refused with an older password"
            }
            Task::DiscardOld => "has one password only",
        };
        info!("{} {outcome}", login.user);
    }
    // Everything is done; how the server takes leave is its matter.
    let _ = connection.close().await;
    Ok(())
}

async fn make(
    connection: &mut MySqlConnection,
    administrator: &MySqlConnectOptions,
    login: &Login,
    keeps_old: bool,
) -> Result<&'static str, Failure> {
    let (account, password) = (account(login), login.password.replace('\'', "''"));
    execute(connection, login, format!("CREATE USER IF NOT EXISTS {account} IDENTIFIED BY '{password}' REQUIRE SSL"))
        .await?;
    let mut outcome = "is as it should be";
    if !logs_in(administrator, login).await? {
        let retain = if keeps_old { " RETAIN CURRENT PASSWORD" } else { "" };
        let statement = format!("ALTER USER {account} IDENTIFIED BY '{password}'{retain} REQUIRE SSL");
        execute(connection, login, statement).await?;
        if !logs_in(administrator, login).await? {
            return Err(Failure::Refused(login.user.clone()));
        }
        outcome = "has a new password; the one before is good until `app logins discard-old`";
    }
    execute(connection, login, format!("GRANT ALL ON {}.* TO {account}", mysql::quoted(&login.databases))).await?;
    Ok(outcome)
}

async fn execute(connection: &mut MySqlConnection, login: &Login, statement: String) -> Result<(), Failure> {
    let done = connection.execute(AssertSqlSafe(statement)).await;
    done.map(drop).map_err(|error| Failure::Database(login.user.clone(), error))
}

async fn logs_in(administrator: &MySqlConnectOptions, login: &Login) -> Result<bool, Failure> {
    match MySqlConnection::connect_with(&administrator.clone().username(&login.user).password(&login.password)).await {
        Ok(connection) => {
            let _ = connection.close().await;
            Ok(true)
        }
        Err(error) if mysql::number(&error) == Some(mysql::ACCESS_DENIED) => Ok(false),
        Err(error) => Err(Failure::Database(login.user.clone(), error)),
    }
}

/// From wherever a task gets its address. What a name may be made of is checked where it is read.
fn account(login: &Login) -> String {
    format!("'{}'@'%'", login.user)
}
