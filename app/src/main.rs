//! The small web application that the images run: who is greeted, who is stored, and how it is watched.
//! It keeps nothing of its own between requests, so any number of instances may run on one database.
//! It starts, and tells that it is alive, without its database; `/ready` says when the database is there.
//! `app migrate` brings the database to what this version needs and ends: deployments do that first, in one place.
//! `app logins` makes the users that it logs in as: an administrator does that once, and when a password has changed.
//! `app drop NAME` takes its database away, when a branch goes.

mod app;
mod connections;
mod discard;
mod logins;
mod metrics;
mod migrations;
mod mysql;
mod paging;
mod serve;
mod settings;
mod store;
mod username;
mod web;

use std::process::ExitCode;
use std::sync::Arc;

use logins::Task;
use settings::{Logins, SettingError, Settings};
use tracing::{error, info};

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_max_level(tracing::Level::INFO).with_target(false).init();
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    let words: Vec<_> = words.iter().map(|word| word.to_str().unwrap_or_default()).collect();
    let done = match words.as_slice() {
        [] => serve().await,
        ["migrate"] => migrate().await,
        ["logins"] => make_logins(Task::Make).await,
        ["logins", "discard-old"] => make_logins(Task::DiscardOld).await,
        ["drop", name] => drop_database(name).await,
        _ => {
            eprintln!(
                "app takes no arguments but `migrate`, `logins [discard-old]` or `drop NAME`; its settings come from environment variables"
            );
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Settings(error)) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
        Err(failure) => {
            error!("{failure}");
            ExitCode::FAILURE
        }
    }
}

/// Why the program ends before it is told to, or without having done what it was to do.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Settings(#[from] SettingError),
    #[error(transparent)]
    Serve(#[from] serve::ServeError),
    #[error("the database is not migrated: {0}")]
    Migration(#[from] migrations::Failure),
    #[error("the database is still there: {0}")]
    Drop(#[from] discard::Failure),
    #[error("the database's users are not as they should be: {0}")]
    Logins(#[from] logins::Failure),
}

async fn migrate() -> Result<(), Failure> {
    Ok(migrations::once(&store::Store::open(Settings::from_env()?.database)).await?)
}

async fn make_logins(task: Task) -> Result<(), Failure> {
    Ok(logins::run(Logins::from_env()?, task).await?)
}

async fn drop_database(name: &str) -> Result<(), Failure> {
    Ok(discard::run(Settings::from_env()?.database, name).await?)
}

async fn serve() -> Result<(), Failure> {
    let settings = Settings::from_env()?;
    info!("version {}, {}", env!("GIT_HASH"), settings.database);
    let app = Arc::new(app::App::new(store::Store::open(settings.database)));
    let migrations = tokio::spawn(migrations::keep_trying(app.clone()));
    let result = serve::until_told_to_stop(app.clone(), settings.listen, settings.drain).await;
    migrations.abort();
    app.store.close().await;
    Ok(result?)
}
