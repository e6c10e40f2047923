//! The small web application that the images run: who is greeted, who is stored, and how it is watched.
//! It keeps nothing of its own between requests, so any number of instances may run on one database.
//! It starts, and tells that it is alive, without its database; `/ready` says when the database is there.
//! `app migrate` brings the database to what this version needs and ends: deployments do that first, in one place.

mod app;
mod metrics;
mod migrations;
mod paging;
mod serve;
mod settings;
mod store;
mod username;
mod web;

use std::process::ExitCode;
use std::sync::Arc;

use settings::Settings;
use tracing::{error, info};

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_max_level(tracing::Level::INFO).with_target(false).init();
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    let only_migrate = match words.as_slice() {
        [] => false,
        [word] if word == "migrate" => true,
        _ => {
            eprintln!("app takes no words, or `migrate`; its settings come by environment");
            return ExitCode::from(2);
        }
    };
    let settings = match Settings::from_env() {
        Ok(settings) => settings,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    if only_migrate {
        return match migrations::once(&store::Store::open(settings.database)).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                error!("the database is not migrated: {error}");
                ExitCode::FAILURE
            }
        };
    }
    match run(settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(settings: Settings) -> Result<(), serve::ServeError> {
    info!("version {}, {}", env!("GIT_HASH"), settings.database);
    let app = Arc::new(app::App::new(store::Store::open(settings.database)));
    let migrations = tokio::spawn(migrations::keep_trying(app.clone()));
    let result = serve::until_told_to_stop(app.clone(), settings.listen, settings.drain).await;
    migrations.abort();
    app.store.close().await;
    result
}
