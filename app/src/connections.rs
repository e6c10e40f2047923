//! Accepts connections and serves them, and lets no peer hold one for nothing: requests that begin and go no further must
//! not keep those out that the load balancer sends. Bodies and answers are bounded in [`web`](crate::web).

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tower_service::Service;
use tracing::{debug, warn};

/// The most connections at a time.
const MOST: u64 = 4096;
/// Files that are not connections of clients: the database's, the log, the listener.
const OTHER_FILES: u64 = 64;
/// From the connection to the end of its first request's head.
const FIRST_HEAD: Duration = Duration::from_secs(10);
/// From one answer to the end of the next request's head. Longer than a load balancer keeps idle connections (an ALB: 60 s
/// unless set otherwise): were it shorter, the balancer would send requests into connections that are being closed.
const NEXT_HEAD: Duration = Duration::from_secs(75);
/// The pause after a failed `accept`: out of files or memory, trying at once would only burn the processor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop` is done, then closes the listener and waits for what is in flight.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    let mut places = Places::new(most());
    let graceful = GracefulShutdown::new();
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &mut places) => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, peer)) => converse(stream, peer, router.clone(), &graceful),
            Err(error) => {
                warn!("cannot accept a connection: {error}");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    graceful.shutdown().await;
}

async fn accept(listener: &TcpListener, places: &mut Places) -> io::Result<(TcpStream, Arc<Peer>)> {
    let (stream, _) = listener.accept().await?;
    // Without it small answers wait for the acknowledgement of those before.
    stream.set_nodelay(true)?;
    Ok((stream, places.take().await))
}

fn converse(stream: TcpStream, peer: Arc<Peer>, router: Router, graceful: &GracefulShutdown) {
    let service = service_fn({
        let peer = peer.clone();
        move |request: Request<Incoming>| {
            peer.asked.store(true, Ordering::Relaxed);
            router.clone().call(request)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(NEXT_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = &mut connection => ended,
            () = peer.overdue() => return debug!("closed a connection that had brought no request"),
        };
        if let Err(error) = ended {
            debug!("a connection ended: {error}");
        }
    });
}

/// One connection, from the server's side.
struct Peer {
    /// Whether a whole head of a request has come.
    asked: AtomicBool,
    /// The place is needed for another.
    evicted: Notify,
    /// Given back when the connection's task ends.
    _place: OwnedSemaphorePermit,
}

impl Peer {
    /// Ends when the connection is to be closed for bringing no request.
    async fn overdue(&self) {
        let _ = timeout(FIRST_HEAD, self.evicted.notified()).await;
        if self.asked.load(Ordering::Relaxed) {
            std::future::pending().await
        }
    }
}

/// A bound on connections. When it is reached, the oldest connection that has brought no request makes room for the next.
struct Places {
    free: Arc<Semaphore>,
    /// Those that may not have asked yet, the oldest first.
    silent: VecDeque<Weak<Peer>>,
}

impl Places {
    fn new(most: usize) -> Self {
        Places { free: Arc::new(Semaphore::new(most)), silent: VecDeque::new() }
    }

    async fn take(&mut self) -> Arc<Peer> {
        self.silent.retain(|peer| peer.upgrade().is_some_and(|peer| !peer.asked.load(Ordering::Relaxed)));
        if self.free.available_permits() == 0
            && let Some(peer) = self.silent.pop_front().and_then(|peer| peer.upgrade())
        {
            peer.evicted.notify_one();
        }
        let place = match self.free.clone().acquire_owned().await {
            Ok(place) => place,
            // The semaphore is never closed.
            Err(_) => std::future::pending().await,
        };
        let peer = Arc::new(Peer { asked: AtomicBool::new(false), evicted: Notify::new(), _place: place });
        self.silent.push_back(Arc::downgrade(&peer));
        peer
    }
}

/// As many connections as there may be files open, after the limit has been raised as far as it goes.
fn most() -> usize {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return 256 };
    let wanted = hard.min(MOST + OTHER_FILES);
    let files = if wanted > soft && setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).is_ok() { wanted } else { soft };
    usize::try_from(files.saturating_sub(OTHER_FILES).clamp(16, MOST)).unwrap_or(256)
}
