//! `app drop NAME`: the database of a branch goes with the branch. What it may not drop is the server's matter: its user has
//! no right over another's. The name is said once more, so that a command never means what the environment happens to say.

use std::time::Duration;

use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Connection, Executor};
use tokio::time::timeout;
use tracing::info;

use crate::mysql;
use crate::settings::Database;

/// The longest that it may take; a statement that still uses a table holds it up.
const LIMIT: Duration = Duration::from_secs(60);

/// Why the database is still there.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("DB_NAME is {0}, so that is what could be dropped")]
    OtherName(String),
    #[error("SQLite has no databases to drop: remove the file")]
    Sqlite,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error("no answer within {} s", LIMIT.as_secs())]
    TimedOut,
}

/// Drops the database `name`, if it is the configured one; that it is not there is no failure.
pub async fn run(database: Database, name: &str) -> Result<(), Failure> {
    let Database::MySql(options) = database else { return Err(Failure::Sqlite) };
    let configured = options.get_database().unwrap_or_default().to_owned();
    if configured != name {
        return Err(Failure::OtherName(configured));
    }
    let drop = async {
        let mut connection = MySqlConnection::connect_with(&options.database(mysql::OPEN_TO_ALL)).await?;
        let statement = format!("DROP DATABASE IF EXISTS {}", mysql::quoted(name));
        connection.execute(AssertSqlSafe(statement)).await?;
        // It is done; how the server takes leave is its matter.
        let _ = connection.close().await;
        Ok::<(), sqlx::Error>(())
    };
    timeout(LIMIT, drop).await.map_err(|_| Failure::TimedOut)??;
    info!("the database {name} is gone");
    Ok(())
}
