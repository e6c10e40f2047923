//! The counters that `/metrics` shows to Prometheus, and the layer that counts every request.
//! No label takes a value from the outside that is not known here: the number of series is bounded.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder};

use crate::app::App;

/// The counters of one instance.
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    in_flight: IntGauge,
    connections: IntGauge,
    connections_idle: IntGauge,
    pub users_created: IntCounter,
}

impl Metrics {
    pub fn new() -> Self {
        let requests = Opts::new("app_http_requests_total", "Requests answered, by route, method and status");
        let metrics = Self {
            registry: Registry::new(),
            requests: valid(IntCounterVec::new(requests, &["route", "method", "status"])),
            in_flight: valid(IntGauge::new("app_http_requests_in_flight", "Requests being answered now")),
            connections: valid(IntGauge::new("app_db_connections", "Open connections to the database")),
            connections_idle: valid(IntGauge::new("app_db_connections_idle", "Open connections that are not in use")),
            users_created: valid(IntCounter::new("app_users_created_total", "Users stored by this instance")),
        };
        valid(metrics.registry.register(Box::new(metrics.requests.clone())));
        valid(metrics.registry.register(Box::new(metrics.in_flight.clone())));
        valid(metrics.registry.register(Box::new(metrics.connections.clone())));
        valid(metrics.registry.register(Box::new(metrics.connections_idle.clone())));
        valid(metrics.registry.register(Box::new(metrics.users_created.clone())));
        metrics
    }

    /// Requests being answered now, without the one that asks.
    pub fn others_in_flight(&self) -> i64 {
        (self.in_flight.get() - 1).max(0)
    }

    /// All of them in Prometheus' text format. `open` and `idle` are the connections of the pool.
    pub fn text(&self, (open, idle): (u32, usize)) -> prometheus::Result<String> {
        self.connections.set(open.into());
        self.connections_idle.set(i64::try_from(idle).unwrap_or(i64::MAX));
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

/// The names above are constants: that they are valid is proved by every start and every test.
#[allow(clippy::expect_used)]
fn valid<T>(metric: prometheus::Result<T>) -> T {
    metric.expect("the names of the metrics are valid and differ")
}

/// Counts a request while it is answered, and its answer.
pub async fn count(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("other".to_owned(), |path| path.as_str().to_owned());
    let method = known(request.method());
    let in_flight = InFlight::new(&app.metrics.in_flight);
    let response = next.run(request).await;
    drop(in_flight);
    app.metrics.requests.with_label_values(&[route.as_str(), method, response.status().as_str()]).inc();
    response
}

/// A client may send any word as a method.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// One request in flight. It ends when this is dropped, which also happens when the client goes away.
struct InFlight(IntGauge);

impl InFlight {
    fn new(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}
