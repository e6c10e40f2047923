//! The small web application that the images run: who is greeted, who is stored, and how it is watched.
//! It keeps nothing of its own between requests, so any number of instances may run on one database.
//! It starts, and tells that it is alive, without its database; `/ready` says when the database is there.

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
    let settings = match Settings::from_env() {
        Ok(settings) => settings,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
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
