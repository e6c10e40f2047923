//! Accepting, and the life of one connection.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Either, LengthLimitError, Limited};
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::{Mutex, Semaphore, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::connections::{Activity, Connections};
use super::response::{Response, text};
use super::{KeepAlive, Limits, Listener, Request};
use crate::runtime::net::rate::RateLimit;
use crate::runtime::task::{self, Task};

/// After a failed accept (no descriptor is left), before the next one.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Of a request's line and headers, in bytes; hyper's least.
const HEADER_SIZE: usize = 8192;

/// A server at work. Dropped, it is gone with all of its connections, whatever their clients do.
#[derive(Debug)]
pub struct Server(Task);

impl Server {
    /// Serves from now on, on tasks of the current runtime. `handle` is called once a request; up to [`Limits::requests`] of
    /// them are under way at one time.
    pub fn start<L, H, F>(name: &'static str, listener: L, limits: Limits, handle: H) -> Self
    where
        L: Listener + Sync,
        H: Fn(L::Peer, Request) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response> + Send + 'static,
    {
        let accepts = RateLimit::new(limits.connections_per_second, limits.connections_per_second);
        let (connections, turns) = (Connections::default(), Turns::new(limits));
        Server(task::keep(name, Accept { listener, limits, handle, connections, accepts, turns }))
    }

    /// Stops at once, whatever clients do, and comes back when the listening socket is closed.
    pub async fn stop(self) {
        self.0.end().await;
    }
}

/// Takes connections. Those that are served outlast a panic in it.
struct Accept<L, H> {
    listener: L,
    limits: Limits,
    handle: H,
    connections: Connections,
    accepts: RateLimit,
    turns: Turns,
}

impl<L, H, F> task::Service for Accept<L, H>
where
    L: Listener + Sync,
    H: Fn(L::Peer, Request) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    async fn run(&mut self) {
        let Accept { listener, limits, handle, connections, accepts, turns } = self;
        let limits = *limits;
        loop {
            accepts.take().await;
            match listener.next().await {
                Ok((stream, peer)) => {
                    connections.make_room(limits.connections).await;
                    let (handle, turns) = (handle.clone(), turns.clone());
                    connections.serve(|activity| {
                        let serve = move |request| handle(peer.clone(), request);
                        task::guarded("serving a connection", connection(stream, (limits, turns, activity), serve))
                    });
                }
                Err(_) => sleep(ACCEPT_PAUSE).await,
            }
        }
    }
}

/// What requests of all connections wait for before they are answered.
#[derive(Clone)]
struct Turns {
    places: Arc<Semaphore>,
    rate: Arc<Mutex<RateLimit>>,
}

impl Turns {
    fn new(limits: Limits) -> Self {
        let rate = RateLimit::new(limits.requests_per_second, limits.requests_per_second);
        Turns { places: Arc::new(Semaphore::new(limits.requests)), rate: Arc::new(Mutex::new(rate)) }
    }

    /// Answers when it is this request's turn, if that comes before `until`.
    async fn answer<F: Future<Output = Response>>(&self, until: Instant, handle: impl FnOnce() -> F) -> Response {
        let turn = async {
            self.rate.lock().await.take().await;
            self.places.acquire().await
        };
        match timeout_at(until, turn).await {
            Ok(Ok(_place)) => handle().await,
            Ok(Err(_)) | Err(_) => text(StatusCode::SERVICE_UNAVAILABLE, "too many requests at once\n"),
        }
    }
}

/// Serves one connection until it ends, or until its request has taken too long.
async fn connection<S, H, F>(stream: S, (limits, turns, activity): (Limits, Turns, Activity), handle: H)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    H: Fn(Request) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    let (deadline, mut watched) = watch::channel(Some(Instant::now() + limits.header + limits.request));
    let deadline = &deadline;
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let (handle, turns, activity) = (handle.clone(), turns.clone(), activity.clone());
        async move {
            let until = Instant::now() + limits.request;
            deadline.send_replace(Some(until));
            let response = match complete(request, limits.body, until).await {
                Ok(request) => {
                    activity.set_answering(true);
                    turns.answer(until, || handle(request)).await
                }
                Err(refusal) => refusal,
            };
            // A streamed answer goes on for as long as somebody reads it: it does not make room.
            activity.set_answering(matches!(response.body(), Either::Right(_)));
            if matches!(response.body(), Either::Right(_)) {
                deadline.send_replace(None);
            }
            Ok::<_, Infallible>(response)
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header)
        .keep_alive(limits.keep_alive == KeepAlive::On)
        // A script that pipes its request through socat has nothing more to say and still wants the answer.
        .half_close(true)
        .max_buf_size(HEADER_SIZE)
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // A client that breaks off, or speaks something else than HTTP, is its own affair.
        _ = served => {}
        () = passed(&mut watched) => {}
    }
}

/// Comes back when the deadline has passed, which may be moved or taken away meanwhile.
async fn passed(deadline: &mut watch::Receiver<Option<Instant>>) {
    loop {
        let at = *deadline.borrow_and_update();
        tokio::select! {
            () = async { match at { Some(at) => sleep_until(at).await, None => std::future::pending().await } } => return,
            changed = deadline.changed() => if changed.is_err() { return },
        }
    }
}

/// The request with its body, or the answer to one that has too much of it.
async fn complete(request: hyper::Request<Incoming>, limit: usize, until: Instant) -> Result<Request, Response> {
    let (head, body) = request.into_parts();
    match timeout_at(until, Limited::new(body, limit).collect()).await {
        Ok(Ok(body)) => Ok(Request::from_parts(head, body.to_bytes())),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(text(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is longer than {limit} bytes\n")))
        }
        Ok(Err(error)) => Err(text(StatusCode::BAD_REQUEST, format!("the body cannot be read: {error}\n"))),
        Err(_) => Err(text(StatusCode::REQUEST_TIMEOUT, "the body did not come in time\n")),
    }
}
