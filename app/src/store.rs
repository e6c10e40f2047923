//! Where the users are kept: MySQL (or MariaDB), or a SQLite file when no database is configured.
//! Values reach the database only as bound parameters, and nothing waits for a database longer than it says here.

use std::time::Duration;

use serde::Serialize;
use sqlx::mysql::{MySqlPool, MySqlPoolOptions};
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};
use sqlx::{Connection, FromRow};
use time::OffsetDateTime;
use tokio::time::timeout;

use crate::settings::Database;
use crate::username::Username;

/// The most connections one instance opens.
const CONNECTIONS: u32 = 10;
/// The longest wait for a connection.
const ACQUIRE: Duration = Duration::from_secs(2);
/// The longest wait for an answer, the connection included.
const ANSWER: Duration = Duration::from_secs(4);
/// The longest wait for the answer that `/ready` gives on.
const CHECK: Duration = Duration::from_millis(1500);
/// The longest wait for a connection to show that it can be used again, and for the pool to close.
const RELEASE: Duration = Duration::from_secs(1);

/// The users, in whichever database was configured.
pub enum Store {
    MySql(MySqlPool),
    Sqlite(SqlitePool),
}

/// A stored user.
#[derive(FromRow, Serialize)]
pub struct User {
    pub id: i64,
    pub username: String,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

/// Why the store gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("no answer within {} s", .0.as_secs_f32())]
    TimedOut(Duration),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Store {
    /// Opens no connection yet: the database may come later.
    pub fn open(database: Database) -> Self {
        match database {
            Database::MySql(options) => Self::MySql(
                MySqlPoolOptions::new()
                    .max_connections(CONNECTIONS)
                    .acquire_timeout(ACQUIRE)
                    .test_before_acquire(true)
                    // When a request is given up, its connection may be waiting for a server that is gone, and
                    // would keep its place in the pool until the kernel notices, which takes minutes.
                    .after_release(|connection, _| {
                        Box::pin(async {
                            match timeout(RELEASE, connection.ping()).await {
                                Ok(answer) => answer.map(|()| true),
                                Err(_) => Err(sqlx::Error::PoolTimedOut),
                            }
                        })
                    })
                    .connect_lazy_with(options),
            ),
            Database::Sqlite(options) => Self::Sqlite(
                SqlitePoolOptions::new()
                    .max_connections(CONNECTIONS)
                    .acquire_timeout(ACQUIRE)
                    .connect_lazy_with(options.busy_timeout(ACQUIRE)),
            ),
        }
    }

    /// Stores a user. Names need not be unique.
    pub async fn add_user(&self, username: &Username) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO users (username) VALUES (?)";
        within(ANSWER, async {
            match self {
                Self::MySql(pool) => sqlx::query(SQL).bind(username.as_str()).execute(pool).await.map(drop),
                Self::Sqlite(pool) => sqlx::query(SQL).bind(username.as_str()).execute(pool).await.map(drop),
            }
        })
        .await
    }

    /// At most `limit` users with an id greater than `after`, in the order of their ids.
    pub async fn users_after(&self, after: i64, limit: u8) -> Result<Vec<User>, StoreError> {
        const SQL: &str = "SELECT id, username, created_at FROM users WHERE id > ? ORDER BY id LIMIT ?";
        within(ANSWER, async {
            match self {
                Self::MySql(pool) => sqlx::query_as(SQL).bind(after).bind(limit).fetch_all(pool).await,
                Self::Sqlite(pool) => sqlx::query_as(SQL).bind(after).bind(limit).fetch_all(pool).await,
            }
        })
        .await
    }

    /// Whether the database answers a question about the users, soon.
    pub async fn check(&self) -> Result<(), StoreError> {
        const SQL: &str = "SELECT 1 FROM users LIMIT 1";
        within(CHECK, async {
            match self {
                Self::MySql(pool) => sqlx::query(SQL).fetch_optional(pool).await.map(drop),
                Self::Sqlite(pool) => sqlx::query(SQL).fetch_optional(pool).await.map(drop),
            }
        })
        .await
    }

    /// How many connections are open, and how many of them are idle.
    pub fn connections(&self) -> (u32, usize) {
        match self {
            Self::MySql(pool) => (pool.size(), pool.num_idle()),
            Self::Sqlite(pool) => (pool.size(), pool.num_idle()),
        }
    }

    /// Takes leave of the database, but does not wait for one that does not answer.
    pub async fn close(&self) {
        let closed = async {
            match self {
                Self::MySql(pool) => pool.close().await,
                Self::Sqlite(pool) => pool.close().await,
            }
        };
        // Late or not, the process ends next.
        let _ = timeout(RELEASE, closed).await;
    }
}

async fn within<T>(limit: Duration, answer: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, StoreError> {
    Ok(timeout(limit, answer).await.map_err(|_| StoreError::TimedOut(limit))??)
}
