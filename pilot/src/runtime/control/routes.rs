//! From a request on the socket to a question, and from the answer back to a response. v3 spec 8, and pilot's additions.

use std::sync::Arc;

use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, StatusCode};
use nix::sys::signal::Signal;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use tokio::net::unix::UCred;
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::ask::{Answer, Ask, JobAsk, Refusal, Request as Question, Summary, Why};
use super::{bodies, follow};
use crate::graph::Format;
use crate::runtime::http::{Gone, Lines, Request, Response, json, stream, text};
use crate::runtime::task;
use crate::runtime::telemetry::Meters;

use pilot_core::effect::{JobRequest, Switch};

/// Streamed answers at one time; they have no deadline.
const STREAMS: usize = 8;
/// Lines that `logs` sends when nobody says how many.
const LINES: usize = 20;

/// Answers requests; clones share everything.
#[derive(Clone)]
pub(super) struct Routes {
    requests: mpsc::Sender<Question>,
    meters: Meters,
    streams: Arc<Semaphore>,
}

/// What a path and a method mean.
enum Route<'a> {
    Ping,
    Ask { counted: &'static str, ask: Result<Ask, Refusal> },
    Logs { job: String, query: &'a str },
    Events { query: &'a str },
    WrongMethod { counted: &'static str },
    Nowhere,
}

impl Routes {
    pub(super) fn new(requests: mpsc::Sender<Question>, meters: Meters) -> Self {
        Routes { requests, meters, streams: Arc::new(Semaphore::new(STREAMS)) }
    }

    /// Answers one request of this peer.
    pub(super) async fn answer(self, peer: UCred, request: Request) -> Response {
        if let Err(refusal) = allowed(peer.uid()) {
            tracing::warn!("control: {}", refusal.text);
            return refused(&refusal);
        }
        let (counted, response) = match route(&request) {
            Route::Ping => ("/v3/ping", done()),
            Route::Ask { counted, ask } => {
                let answer = match ask {
                    Ok(ask) => self.ask(ask).await,
                    Err(refusal) => Answer::Refused(refusal),
                };
                (counted, respond(answer))
            }
            Route::Logs { job, query } => (JOBS, self.logs(job, query).await),
            Route::Events { query } => (EVENTS, self.events(query).await),
            Route::WrongMethod { counted } => (counted, text(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n")),
            // v3 does not count what it does not know.
            Route::Nowhere => return text(StatusCode::NOT_FOUND, "404 page not found\n"),
        };
        self.meters.control_request(response.status().as_u16(), counted);
        response
    }

    pub(super) async fn ask(&self, ask: Ask) -> Answer {
        let (answer, answered) = oneshot::channel();
        let gone = || Answer::Refused(Refusal::new(Why::Unavailable, "pilot has ended"));
        if self.requests.send(Question { ask, answer }).await.is_err() {
            return gone();
        }
        answered.await.unwrap_or_else(|_| gone())
    }

    async fn logs(&self, job: String, query: &str) -> Response {
        let (count, follow) = match lines_and_follow(query) {
            Ok(wanted) => wanted,
            Err(refusal) => return refused(&refusal),
        };
        let recent = match self.ask(Ask::Job { name: job, ask: JobAsk::Lines }).await {
            Answer::Lines(recent) => recent,
            other => return respond(other),
        };
        let first = recent.last(count);
        if !follow {
            let body: String = first.lines.iter().map(|line| follow::line_message(line)).collect();
            let mut response = text(StatusCode::OK, body);
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(NDJSON));
            return response;
        }
        self.streamed(|lines| follow::lines(lines, recent, first))
    }

    async fn events(&self, query: &str) -> Response {
        let (count, follow) = match lines_and_follow(query) {
            Ok(wanted) => wanted,
            Err(refusal) => return refused(&refusal),
        };
        if !follow {
            return respond(self.ask(Ask::Events { after: 0, count }).await);
        }
        let news = match self.ask(Ask::News).await {
            Answer::News(news) => news,
            other => return respond(other),
        };
        let routes = self.clone();
        self.streamed(|lines| follow::events(lines, routes, news, count))
    }

    /// An answer that goes on for as long as somebody reads it; at most [`STREAMS`] at one time.
    fn streamed<F>(&self, write: impl FnOnce(Lines) -> F) -> Response
    where
        F: Future<Output = Result<(), Gone>> + Send + 'static,
    {
        let Ok(place) = Arc::clone(&self.streams).try_acquire_owned() else {
            let busy = format!("{STREAMS} clients are following already, which is the limit");
            return refused(&Refusal::new(Why::Unavailable, busy));
        };
        let (lines, response) = stream(NDJSON);
        let writing = write(lines);
        task::spawn("an answer that goes on", async move {
            let _ = writing.await;
            drop(place);
        })
        .detach();
        response
    }
}

const NDJSON: &str = "application/x-ndjson";
/// All requests about jobs are counted together: names would make the counts grow without bound.
const JOBS: &str = "/v3/jobs";
const HEALTH: &str = "/v3/health";
const POSTMORTEM: &str = "/v3/postmortem";
const STATUS: &str = "/v3/status";
const GRAPH: &str = "/v3/graph";
const EVENTS: &str = "/v3/events";
const WHY: &str = "/v3/why/";

/// Root, and the user that pilot runs as. The socket's mode says the same; this also holds where somebody has changed it.
pub(super) fn allowed(uid: u32) -> Result<(), Refusal> {
    let own = nix::unistd::geteuid().as_raw();
    if uid == 0 || uid == own {
        return Ok(());
    }
    Err(Refusal::new(
        Why::Forbidden,
        format!("user {uid} may not use the control socket: only root and user {own} may"),
    ))
}

fn route(request: &Request) -> Route<'_> {
    let post = |counted, ask: &dyn Fn(&Bytes) -> Result<Ask, Refusal>| match *request.method() {
        Method::POST => Route::Ask { counted, ask: ask(request.body()) },
        _ => Route::WrongMethod { counted },
    };
    let get = |counted, ask: &dyn Fn() -> Ask| match *request.method() {
        Method::GET => Route::Ask { counted, ask: Ok(ask()) },
        _ => Route::WrongMethod { counted },
    };
    let unusable = |text: String| Refusal::new(Why::Unusable, text);
    match request.uri().path() {
        "/v3/ping" => Route::Ping,
        "/v3/environ" => post("/v3/environ", &|body| {
            bodies::environment(body)
                .map(Ask::PutEnvironment)
                .map_err(|text| unusable(format!("{text}; nothing was set")))
        }),
        "/v3/metric" => post("/v3/metric", &|body| bodies::metrics(body).map(Ask::PutMetrics).map_err(unusable)),
        "/v3/reload" => post("/v3/reload", &|_| Ok(Ask::Reload(summary_in(request.uri().query())))),
        "/v3/maintenance/enable" => post("/v3/maintenance/enable", &|_| Ok(Ask::Maintenance(Switch::On))),
        "/v3/maintenance/disable" => post("/v3/maintenance/disable", &|_| Ok(Ask::Maintenance(Switch::Off))),
        HEALTH => get(HEALTH, &|| Ask::Health),
        EVENTS if request.method() == Method::GET => Route::Events { query: request.uri().query().unwrap_or_default() },
        EVENTS => Route::WrongMethod { counted: EVENTS },
        path if path.starts_with(WHY) => {
            let name = decoded(&path[WHY.len()..]);
            get("/v3/why", &|| Ask::Job { name: name.clone(), ask: JobAsk::Why })
        }
        POSTMORTEM => get(POSTMORTEM, &|| Ask::Postmortem(None)),
        path if path.strip_prefix(POSTMORTEM).is_some_and(|rest| rest.starts_with('/')) => {
            let name = decoded(&path[POSTMORTEM.len() + 1..]);
            get(POSTMORTEM, &|| Ask::Postmortem(Some(name.clone())))
        }
        STATUS => get(STATUS, &|| Ask::Status),
        GRAPH if request.method() == Method::GET => {
            Route::Ask { counted: GRAPH, ask: graph_format(request.uri().query().unwrap_or_default()).map(Ask::Graph) }
        }
        GRAPH => Route::WrongMethod { counted: GRAPH },
        JOBS => get(JOBS, &|| Ask::Jobs),
        path => {
            let Some((name, verb)) =
                path.strip_prefix("/v3/jobs/").map(|rest| rest.split_once('/').unwrap_or((rest, "")))
            else {
                return Route::Nowhere;
            };
            let name = decoded(name);
            let of_job = |ask| Ask::Job { name: name.clone(), ask };
            let change = |request| post(JOBS, &|_| Ok(of_job(JobAsk::Change(request))));
            match verb {
                "" => get(JOBS, &|| of_job(JobAsk::Look)),
                "start" => change(JobRequest::Start),
                "stop" => change(JobRequest::Stop),
                "restart" => change(JobRequest::Restart),
                "signal" => post(JOBS, &|body| signal_in(body).map(|signal| of_job(JobAsk::Signal(signal)))),
                "logs" if request.method() == Method::GET => {
                    Route::Logs { job: name, query: request.uri().query().unwrap_or_default() }
                }
                "logs" => Route::WrongMethod { counted: JOBS },
                _ => Route::Nowhere,
            }
        }
    }
}

/// A name in a path.
fn decoded(name: &str) -> String {
    percent_decode_str(name).decode_utf8_lossy().into_owned()
}

/// `{"signal": "HUP"}`; with or without `SIG`, in any letter case, or its number.
fn signal_in(body: &[u8]) -> Result<Signal, Refusal> {
    #[derive(Deserialize)]
    struct Body {
        signal: String,
    }
    let unusable = |text: String| Refusal::new(Why::Unusable, text);
    let Ok(Body { signal }) = serde_json::from_slice(body) else {
        return Err(unusable("the body must be like {\"signal\": \"HUP\"}".to_owned()));
    };
    pilot_config::signal(&signal).ok_or_else(|| {
        unusable(format!("{signal:?} is not a signal: write its name, such as HUP, USR1 or TERM, or its number"))
    })
}

/// `format=svg`; text if nothing is said.
fn graph_format(query: &str) -> Result<Format, Refusal> {
    if query.is_empty() {
        return Ok(Format::Text);
    }
    query.strip_prefix("format=").and_then(Format::named).ok_or_else(|| {
        let text = format!("{query} is not supported: use format=NAME with text, mermaid, dot, svg or json");
        Refusal::new(Why::Unusable, text)
    })
}

/// How many lines, and whether those to come as well: `lines=50&follow=true`.
fn lines_and_follow(query: &str) -> Result<(usize, bool), Refusal> {
    let mut wanted = (LINES, false);
    for (key, value) in
        query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")))
    {
        match (key, value.parse::<usize>(), value) {
            ("lines", Ok(count), _) => wanted.0 = count,
            ("follow", _, "true" | "1" | "") => wanted.1 = true,
            ("follow", _, "false" | "0") => wanted.1 = false,
            _ => {
                let text = format!("{key}={value} is not supported: use lines=NUMBER and follow=true");
                return Err(Refusal::new(Why::Unusable, text));
            }
        }
    }
    Ok(wanted)
}

/// v3 ignores whatever it is sent with a reload; so does pilot, but for this.
fn summary_in(query: Option<&str>) -> Summary {
    if query == Some("summary=true") { Summary::Told } else { Summary::Silent }
}

#[cfg(fuzzing)]
pub(super) fn fuzz(data: &[u8]) {
    let _ = signal_in(data);
    if let Ok(query) = std::str::from_utf8(data) {
        let _ = lines_and_follow(query);
    }
}

/// v3's answer to everything that was done.
fn done() -> Response {
    text(StatusCode::OK, "\n")
}

fn respond(answer: Answer) -> Response {
    match answer {
        Answer::Done => done(),
        Answer::Said(said) => text(StatusCode::OK, format!("{said}\n")),
        Answer::Status(status) => json(StatusCode::OK, &status),
        Answer::Graph(format, rendered) => {
            let mut response = text(StatusCode::OK, rendered);
            let kind = match format {
                Format::Text | Format::Mermaid | Format::Dot => None,
                Format::Svg => Some("image/svg+xml"),
                Format::Json => Some("application/json"),
            };
            if let Some(kind) = kind {
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            }
            response
        }
        Answer::Jobs(jobs) => json(StatusCode::OK, &jobs),
        Answer::Job(job) => json(StatusCode::OK, &job),
        Answer::Health(health) => {
            let status = if health.healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
            json(status, &health)
        }
        Answer::Events(events) => json(StatusCode::OK, &events),
        Answer::Postmortem(postmortem) => json(StatusCode::OK, &postmortem),
        Answer::Why(why) => json(StatusCode::OK, &why),
        // Only what is streamed asks for them.
        Answer::Lines(_) | Answer::News(_) => done(),
        Answer::Refused(refusal) => refused(&refusal),
    }
}

fn refused(refusal: &Refusal) -> Response {
    let status = match refusal.why {
        Why::Unknown => StatusCode::NOT_FOUND,
        Why::Unusable => StatusCode::UNPROCESSABLE_ENTITY,
        Why::Forbidden => StatusCode::FORBIDDEN,
        Why::Conflict => StatusCode::CONFLICT,
        Why::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    };
    text(status, format!("{}\n", refusal.text))
}
