//! Brings the database to what this version needs: once, however many instances start together, and as soon as its server
//! is there. The SQL is embedded in the program; what was applied is written in `_sqlx_migrations`.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlPool};
use sqlx::pool::PoolConnection;
use sqlx::sqlite::SqlitePool;
use sqlx::{AssertSqlSafe, Connection, Executor, MySql};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tracing::{info, warn};

use crate::app::App;
use crate::mysql;
use crate::store::Store;

/// Both are run under a lock taken here; sqlx's own is not used, see [`migrate_mysql`] and [`migrate_sqlite`].
/// Migrations that this version does not know are a newer version's, which is being deployed or was put back: this one
/// serves on its tables, or it would die with the deployment.
static MYSQL: Migrator = Migrator { locking: false, ignore_missing: true, ..sqlx::migrate!("migrations/mysql") };
static SQLITE: Migrator = Migrator { locking: false, ignore_missing: true, ..sqlx::migrate!("migrations/sqlite") };

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// The longest that one attempt may take; a database that is gone without a word does not hold it for ever.
const ATTEMPT: Duration = Duration::from_secs(600);

/// How long [`once`] waits for a database that cannot be reached, or in which another is migrating.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why an attempt to migrate failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("no connection: {0}")]
    Connection(#[from] sqlx::Error),
    #[error("the server refuses DB_USER: {0}")]
    Refused(sqlx::Error),
    #[error("the database {0} is not there, and DB_USER cannot make it: {1}")]
    NotMade(String, sqlx::Error),
    #[error("another instance is still migrating")]
    Locked,
    #[error(transparent)]
    Migration(#[from] MigrateError),
    #[error("reading the server's answer panicked, as the message before this says")]
    Panicked,
    #[error("it took longer than {} s", ATTEMPT.as_secs())]
    TimedOut,
}

/// Tries until the tables are there, with growing pauses, and then lets `/ready` say so.
pub async fn keep_trying(app: Arc<App>) {
    let mut pause = FIRST_PAUSE;
    while let Err(failure) = supervised_attempt(&app).await {
        warn!("cannot migrate the database: {failure}; trying again in {} s", pause.as_secs_f32());
        sleep(pause).await;
        pause = LONGEST_PAUSE.min(pause * 2);
    }
    app.migrated.store(true, Ordering::Relaxed);
    info!("the database is reachable and migrated: ready");
}

/// Migrates and comes back. A migration that fails is told at once; what may pass is tried again for a minute.
pub async fn once(store: &Store) -> Result<(), Failure> {
    let given_up = Instant::now() + PATIENCE;
    loop {
        match attempt(store).await {
            Err(failure @ (Failure::Connection(_) | Failure::Locked)) if Instant::now() < given_up => {
                warn!("cannot migrate the database yet: {failure}");
                sleep(FIRST_PAUSE * 4).await;
            }
            Ok(()) => {
                info!("the database is migrated");
                return Ok(());
            }
            Err(failure) => return Err(failure),
        }
    }
}

/// A task of its own: a panic while a server's bytes are read is a failed attempt, and not the end of all attempts.
async fn supervised_attempt(app: &Arc<App>) -> Result<(), Failure> {
    let app = app.clone();
    let mut running = JoinSet::new();
    running.spawn(async move { attempt(&app.store).await });
    match running.join_next().await {
        Some(Ok(result)) => result,
        Some(Err(_)) | None => Err(Failure::Panicked),
    }
}

async fn attempt(store: &Store) -> Result<(), Failure> {
    let migration = async {
        match store {
            Store::MySql(pool) => migrate_mysql(pool).await,
            Store::Sqlite(pool) => migrate_sqlite(pool).await,
        }
    };
    timeout(ATTEMPT, migration).await.map_err(|_| Failure::TimedOut)?
}

/// sqlx asks for its lock with a negative timeout, which means "wait" to MySQL, but MariaDB answers NULL at once and
/// sqlx does not look: there, instances would migrate together. So the lock is taken here, with a limit.
/// It belongs to this connection, which is not given back to the pool: however this ends, the lock ends with it.
async fn migrate_mysql(pool: &MySqlPool) -> Result<(), Failure> {
    let mut connection = connect(pool).await?.detach();
    // Names of locks are the whole server's, and at most 64 characters. MySQL 9.6 and later have no MD5 and no SHA1.
    let locked: Option<i64> =
        sqlx::query_scalar("SELECT GET_LOCK(CONCAT('app_migrations_', LEFT(SHA2(DATABASE(), 256), 32)), 10)")
            .fetch_one(&mut connection)
            .await?;
    if locked != Some(1) {
        return Err(Failure::Locked);
    }
    Ok(MYSQL.run_direct(None, &mut connection, false).await?)
}

/// A connection to the database, which is made first if it is not there and the user may: who gives a branch a stack of its
/// own need not reach the database's server.
async fn connect(pool: &MySqlPool) -> Result<PoolConnection<MySql>, Failure> {
    match pool.acquire().await {
        Ok(connection) => return Ok(connection),
        Err(error) => match mysql::number(&error) {
            Some(mysql::UNKNOWN_DATABASE) => make_database(&pool.connect_options()).await?,
            Some(mysql::ACCESS_DENIED | mysql::DATABASE_DENIED) => return Err(Failure::Refused(error)),
            _ => return Err(Failure::Connection(error)),
        },
    }
    Ok(pool.acquire().await?)
}

async fn make_database(options: &MySqlConnectOptions) -> Result<(), Failure> {
    let name = options.get_database().unwrap_or_default();
    let mut connection = MySqlConnection::connect_with(&options.clone().database(mysql::OPEN_TO_ALL)).await?;
    let statement = format!("CREATE DATABASE IF NOT EXISTS {} CHARACTER SET utf8mb4", mysql::quoted(name));
    let made = connection.execute(AssertSqlSafe(statement)).await;
    made.map_err(|error| Failure::NotMade(name.to_owned(), error))?;
    info!("created the missing database {name}");
    Ok(connection.close().await?)
}

/// SQLite has no named locks and sqlx takes none: the whole migration is one transaction that is a writer from its
/// beginning, which only one process can have; the others wait for it.
async fn migrate_sqlite(pool: &SqlitePool) -> Result<(), Failure> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    SQLITE.run_direct(None, &mut *transaction, false).await?;
    Ok(transaction.commit().await?)
}
