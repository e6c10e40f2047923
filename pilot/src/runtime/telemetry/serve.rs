//! Listening, and what is answered. Only ever shows: there is nothing on this port that changes anything.

use std::io;
use std::net::SocketAddr;
use std::sync::PoisonError;
use std::time::Duration;

use hyper::body::Bytes;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Method, StatusCode};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

use super::{Telemetry, host, page, status};
use crate::runtime::http::{KeepAlive, Limits, Request, Response, Server, text};
use crate::runtime::task::{self, Task};
use crate::runtime::view::View;
use pilot_core::plan;

/// v3's attempts to bind, and the pause between two of them.
const ATTEMPTS: u32 = 10;
const PAUSE: Duration = Duration::from_secs(1);
/// The supervisor answers between two steps, which take no time; more is a reason to say so.
const VIEW_TIMEOUT: Duration = Duration::from_secs(2);

const LIMITS: Limits = Limits {
    body: 4096,
    connections: 256,
    requests: 16,
    connections_per_second: 2000,
    requests_per_second: 100,
    header: Duration::from_secs(10),
    request: Duration::from_secs(10),
    keep_alive: KeepAlive::On,
};

/// A listener at work, or still trying. Dropped, it is gone with all of its connections.
#[derive(Debug)]
pub struct Listening {
    planned: SocketAddr,
    task: Task,
}

impl Listening {
    /// Whether it listens, or still tries to, where this plan wants it.
    pub fn is_as_planned(&self, plan: &plan::Telemetry) -> bool {
        self.planned == planned(plan) && !self.task.is_finished()
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
        let task = task::keep("telemetry", Listen { telemetry, address, failed: Some(Box::new(failed)) });
        Listening { planned: address, task }
    }

    async fn answer(&self, request: &Request) -> Response {
        let response = if self.is_asked(request) { self.show_path(request).await } else { wrong_host() };
        with(with(response, CACHE_CONTROL, "no-store"), X_CONTENT_TYPE_OPTIONS, "nosniff")
    }

    /// Whether the request is for this server, and not for a name that somebody has pointed here.
    fn is_asked(&self, request: &Request) -> bool {
        let header = request.headers().get(HOST).map(|host| host.to_str().unwrap_or_default());
        let hosts = self.0.hosts.read().unwrap_or_else(PoisonError::into_inner);
        host::is_ours(
            header.or(request.uri().authority().map(|authority| authority.as_str())),
            &self.0.own_name,
            &hosts,
        )
    }

    async fn show_path(&self, request: &Request) -> Response {
        let looks = matches!(*request.method(), Method::GET | Method::HEAD);
        match request.uri().path() {
            "/metrics" if looks => self.metrics(),
            // v3 answers GET only.
            "/status" if *request.method() == Method::GET => self.show(status_answer).await,
            "/" if looks => self.page(page::Refresh::from_query(request.uri().query())).await,
            "/status" => not_allowed("GET"),
            "/metrics" | "/" => not_allowed("GET, HEAD"),
            _ => text(StatusCode::NOT_FOUND, "not found; there are /, /metrics and /status\n"),
        }
    }

    /// The page is made once for all who ask within [`page_cache::FRESH`], and not on the loop's thread.
    async fn page(&self, refresh: page::Refresh) -> Response {
        let made = self.0.pages.get(refresh, || async {
            let view = self.view().await.map_err(str::to_owned)?;
            let html = task::blocking("rendering the page", move || page::html(&view, refresh)).await;
            html.map_err(|panic| format!("the page cannot be rendered: {panic}"))
        });
        match made.await {
            Ok(html) => page_answer(html),
            Err(why) => unavailable(&why),
        }
    }

    fn metrics(&self) -> Response {
        match self.text() {
            Ok(body) => with(text(StatusCode::OK, body), CONTENT_TYPE, prometheus::TEXT_FORMAT),
            Err(error) => unavailable(&format!("the metrics cannot be written: {error}")),
        }
    }

    async fn show(&self, shown: impl FnOnce(&View) -> Response) -> Response {
        match self.view().await {
            Ok(view) => shown(&view),
            Err(why) => unavailable(why),
        }
    }

    async fn view(&self) -> Result<View, &'static str> {
        match timeout(VIEW_TIMEOUT, self.0.viewer.look()).await {
            Ok(Some(view)) => Ok(view),
            Ok(None) => Err("too many requests at once, or pilot has ended"),
            Err(_) => Err("pilot's event loop does not answer"),
        }
    }
}

/// Binds, and serves for as long as it is there.
struct Listen {
    telemetry: Telemetry,
    address: SocketAddr,
    failed: Option<Box<dyn FnOnce(String) + Send>>,
}

impl task::Service for Listen {
    async fn run(&mut self) {
        let listener = match bind(self.address).await {
            Ok(listener) => listener,
            Err(error) => {
                let failed = self.failed.take();
                return failed.into_iter().for_each(|failed| failed(refused(self.address, &error)));
            }
        };
        // The real port where any was asked for.
        let address = listener.local_addr().unwrap_or(self.address);
        tracing::info!("telemetry: serving at {address}");
        let telemetry = self.telemetry.clone();
        let _server = Server::start("telemetry's listener", listener, LIMITS, move |_, request| {
            let telemetry = telemetry.clone();
            async move { telemetry.answer(&request).await }
        });
        std::future::pending().await
    }
}

fn status_answer(view: &View) -> Response {
    match status::json(&view.snapshot) {
        Ok(body) => with(text(StatusCode::OK, body), CONTENT_TYPE, "application/json"),
        Err(error) => unavailable(&format!("the status cannot be written: {error}")),
    }
}

fn page_answer(html: Bytes) -> Response {
    let response = with(text(StatusCode::OK, html), CONTENT_TYPE, "text/html; charset=utf-8");
    let response = with(response, CONTENT_SECURITY_POLICY, page::POLICY);
    with(response, REFERRER_POLICY, "no-referrer")
}

fn not_allowed(allowed: &'static str) -> Response {
    with(text(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n"), ALLOW, allowed)
}

fn wrong_host() -> Response {
    let why = "the Host of this request is not a name of this server; add it to `telemetry.hosts`\n";
    text(StatusCode::FORBIDDEN, why)
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
