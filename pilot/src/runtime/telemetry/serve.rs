//! Listening, and what is answered. Only ever shows: there is nothing on this port that changes anything.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Method, StatusCode};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::{Telemetry, page, status};
use crate::runtime::http::{KeepAlive, Limits, Request, Response, Server, text};
use crate::runtime::snapshot::View;
use pilot_core::plan;

/// v3's attempts to bind, and the pause between two of them.
const ATTEMPTS: u32 = 10;
const PAUSE: Duration = Duration::from_secs(1);
/// The supervisor answers between two steps, which take no time; more is a reason to say so.
const LOOK: Duration = Duration::from_secs(2);

const LIMITS: Limits = Limits {
    body: 4096,
    connections: 32,
    per_second: 100,
    header: Duration::from_secs(10),
    request: Duration::from_secs(10),
    keep_alive: KeepAlive::On,
};

/// A listener at work, or still trying. Dropped, it is gone with all of its connections.
#[derive(Debug)]
pub struct Listening {
    planned: SocketAddr,
    task: JoinHandle<()>,
}

impl Listening {
    /// Whether it listens, or still tries to, where this plan wants it.
    pub fn is_as_planned(&self, plan: &plan::Telemetry) -> bool {
        self.planned == planned(plan) && !self.task.is_finished()
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn planned(plan: &plan::Telemetry) -> SocketAddr {
    SocketAddr::new(plan.address, plan.port)
}

impl Telemetry {
    /// Listens on the one address of the plan, from a task: nobody waits for it. `failed` is called with a sentence if
    /// all attempts to bind were in vain.
    pub fn listen(&self, plan: &plan::Telemetry, failed: impl FnOnce(String) + Send + 'static) -> Listening {
        let (telemetry, address) = (self.clone(), planned(plan));
        let task = tokio::spawn(async move {
            let listener = match bind(address).await {
                Ok(listener) => listener,
                Err(error) => return failed(refused(address, &error)),
            };
            // The real port where any was asked for.
            let address = listener.local_addr().unwrap_or(address);
            tracing::info!("telemetry: serving at {address}");
            let _server = Server::start(listener, LIMITS, move |_, request| {
                let telemetry = telemetry.clone();
                async move { telemetry.answer(&request).await }
            });
            std::future::pending().await
        });
        Listening { planned: address, task }
    }

    async fn answer(&self, request: &Request) -> Response {
        let looks = matches!(*request.method(), Method::GET | Method::HEAD);
        let response = match request.uri().path() {
            "/metrics" if looks => self.metrics(),
            // v3 answers GET only.
            "/status" if *request.method() == Method::GET => self.show(status_answer).await,
            "/" if looks => {
                let pace = page::Pace::wanted(request.uri().query());
                self.show(|view| page_answer(view, pace)).await
            }
            "/status" => not_allowed("GET"),
            "/metrics" | "/" => not_allowed("GET, HEAD"),
            _ => text(StatusCode::NOT_FOUND, "not here; there are /, /metrics and /status\n"),
        };
        with(with(response, CACHE_CONTROL, "no-store"), X_CONTENT_TYPE_OPTIONS, "nosniff")
    }

    fn metrics(&self) -> Response {
        match self.text() {
            Ok(body) => with(text(StatusCode::OK, body), CONTENT_TYPE, prometheus::TEXT_FORMAT),
            Err(error) => unavailable(&format!("the metrics cannot be written: {error}")),
        }
    }

    async fn show(&self, shown: impl FnOnce(&View) -> Response) -> Response {
        match timeout(LOOK, self.0.viewer.look()).await {
            Ok(Some(view)) => shown(&view),
            Ok(None) => unavailable("too many ask at once, or pilot has ended"),
            Err(_) => unavailable("pilot's event loop does not answer"),
        }
    }
}

fn status_answer(view: &View) -> Response {
    match status::json(&view.snapshot) {
        Ok(body) => with(text(StatusCode::OK, body), CONTENT_TYPE, "application/json"),
        Err(error) => unavailable(&format!("the status cannot be written: {error}")),
    }
}

fn page_answer(view: &View, pace: page::Pace) -> Response {
    let response = with(text(StatusCode::OK, page::html(view, pace)), CONTENT_TYPE, "text/html; charset=utf-8");
    let response = with(response, CONTENT_SECURITY_POLICY, page::POLICY);
    with(response, REFERRER_POLICY, "no-referrer")
}

fn not_allowed(allowed: &'static str) -> Response {
    with(text(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n"), ALLOW, allowed)
}

fn unavailable(why: &str) -> Response {
    text(StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n"))
}

fn with(mut response: Response, name: HeaderName, value: &'static str) -> Response {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
    response
}

/// Tries as often as v3 does; whoever waits meanwhile is only this task.
async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    for left in (1..ATTEMPTS).rev() {
        match TcpListener::bind(address).await {
            Ok(listener) => return Ok(listener),
            Err(error) if left == ATTEMPTS - 1 => {
                tracing::warn!(
                    "telemetry: cannot listen on {address} ({error}); trying again every second, {left} times"
                );
            }
            Err(error) => tracing::debug!("telemetry: cannot listen on {address} ({error}); {left} attempts left"),
        }
        sleep(PAUSE).await;
    }
    TcpListener::bind(address).await
}

fn refused(address: SocketAddr, error: &io::Error) -> String {
    let remedy = match error.kind() {
        io::ErrorKind::AddrInUse => "another process listens there: choose another `telemetry.port`",
        io::ErrorKind::PermissionDenied => "ports below 1024 need a capability: choose a higher `telemetry.port`",
        _ => "choose another of the machine's addresses with `telemetry.interfaces`",
    };
    format!("telemetry: cannot listen on {address} after {ATTEMPTS} attempts ({error}); {remedy}")
}
