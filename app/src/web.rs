//! The routes and what they answer. What a client sends wrong is answered with a 4xx and a sentence: axum's own for
//! the form and the query, which name the field. What the database does wrong never becomes a 500 either.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Form, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use tracing::error;

use crate::app::App;
use crate::metrics;
use crate::paging::Paging;
use crate::store::User;
use crate::username::Username;

/// The largest body, in bytes: the longest name takes less than 800.
const BODY: usize = 4096;
/// The longest that a request may take, the arrival of its body included.
pub const REQUEST: Duration = Duration::from_secs(10);

/// All routes.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get("Hello, World!"))
        .route("/success", get("Success!"))
        .route("/fail", get("Something went wrong."))
        .route("/create", post(create))
        .route("/users", get(users))
        .route("/health", get("Alive."))
        .route("/ready", get(ready))
        .route("/in-flight", get(in_flight))
        .route("/version", get(version))
        .route("/metrics", get(metrics_text))
        .fallback(async || (StatusCode::NOT_FOUND, "There is no such page."))
        .method_not_allowed_fallback(async || (StatusCode::METHOD_NOT_ALLOWED, "This page has no such method."))
        .layer(DefaultBodyLimit::max(BODY))
        .layer(middleware::from_fn(in_time))
        .layer(middleware::from_fn_with_state(app.clone(), metrics::count))
        .with_state(app)
}

#[derive(Deserialize)]
struct NewUser {
    username: Username,
}

async fn create(State(app): State<Arc<App>>, Form(new): Form<NewUser>) -> impl IntoResponse {
    let page = match app.store.add_user(&new.username).await {
        Ok(()) => {
            app.metrics.users_created.inc();
            "/success"
        }
        Err(error) => {
            error!("could not store a user: {error}");
            "/fail"
        }
    };
    (StatusCode::FOUND, [(header::LOCATION, page)])
}

/// A page of users; `next` is the `after` of the following page, if there is one.
#[derive(Serialize)]
struct UsersPage {
    users: Vec<User>,
    next: Option<i64>,
}

async fn users(State(app): State<Arc<App>>, Query(paging): Query<Paging>) -> Response {
    // One more than the page holds tells whether another page follows.
    match app.store.users_after(paging.after(), paging.limit() + 1).await {
        Ok(mut users) => {
            let limit = usize::from(paging.limit());
            let more = users.len() > limit;
            users.truncate(limit);
            let next = users.last().filter(|_| more).map(|user| user.id);
            Json(UsersPage { users, next }).into_response()
        }
        Err(error) => {
            error!("could not list the users: {error}");
            (StatusCode::SERVICE_UNAVAILABLE, "The database does not answer; try again later.").into_response()
        }
    }
}

async fn ready(State(app): State<Arc<App>>) -> Response {
    match app.ready().await {
        Ok(()) => "Ready.".into_response(),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason.to_string()).into_response(),
    }
}

/// How many other requests are being answered now: who wants to stop this instance waits for 0.
async fn in_flight(State(app): State<Arc<App>>) -> String {
    app.metrics.others_in_flight().to_string()
}

/// Which program this is, and since when it runs.
#[derive(Serialize)]
struct Version {
    git_hash: &'static str,
    #[serde(with = "time::serde::rfc3339")]
    started_at: OffsetDateTime,
}

async fn version(State(app): State<Arc<App>>) -> Json<Version> {
    Json(Version { git_hash: env!("GIT_HASH"), started_at: app.started_at })
}

async fn metrics_text(State(app): State<Arc<App>>) -> Response {
    match app.metrics.text(app.store.connections()) {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// A client that sends its body too slowly does not hold the instance, least of all while it stops.
async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(REQUEST, next.run(request)).await {
        Ok(response) => response,
        Err(_) => (StatusCode::REQUEST_TIMEOUT, "The request took too long to arrive.").into_response(),
    }
}
