//! What is known of every MySQL server.

use sqlx::mysql::MySqlDatabaseError;

/// A connection has to name a database; this one is on every server, and open to everybody.
pub const OPEN_TO_ALL: &str = "information_schema";

/// Its numbers for a database that is not there, a user who may not log in, and one who may not into this database.
pub const UNKNOWN_DATABASE: u16 = 1049;
pub const ACCESS_DENIED: u16 = 1045;
pub const DATABASE_DENIED: u16 = 1044;

/// The server's number of an error, if it is the server's.
pub fn number(error: &sqlx::Error) -> Option<u16> {
    Some(error.as_database_error()?.try_downcast_ref::<MySqlDatabaseError>()?.number())
}

/// A database's name as a statement writes it.
pub fn quoted(database: &str) -> String {
    format!("`{}`", database.replace('`', "``"))
}
