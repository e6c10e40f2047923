//! Listens, serves, and stops as an orchestrator asks: warned by SIGUSR1 it is not ready and serves on; told to stop it
//! is not ready at once, served a while longer if so configured, then
//! no new connections, and the end when what was begun is finished.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::sleep;
use tracing::{info, warn};

use crate::app::App;
use crate::{connections, web};

/// How long connections may stay open after the last was accepted: the longest request, and a little.
const FINISH: Duration = web::REQUEST.saturating_add(Duration::from_secs(1));

/// Why the application cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("cannot listen on {0}: {1}; set BIND to an address of this machine and PORT to a free port")]
    Listen(SocketAddr, io::Error),
    #[error("cannot wait for signals: {0}")]
    Signals(io::Error),
}

/// Serves until SIGTERM or SIGINT, and until all that is in flight then is finished.
pub async fn until_told_to_stop(app: Arc<App>, listen: SocketAddr, drain: Duration) -> Result<(), ServeError> {
    let terminate = signal(SignalKind::terminate()).map_err(ServeError::Signals)?;
    let interrupt = signal(SignalKind::interrupt()).map_err(ServeError::Signals)?;
    let mut drained = signal(SignalKind::user_defined1()).map_err(ServeError::Signals)?;
    let listener = TcpListener::bind(listen).await.map_err(|error| ServeError::Listen(listen, error))?;
    let address = listener.local_addr().map_err(|error| ServeError::Listen(listen, error))?;
    info!("listening on {address}");

    let warned = tokio::spawn({
        let app = app.clone();
        async move {
            while drained.recv().await.is_some() {
                if !app.draining.swap(true, Ordering::Relaxed) {
                    info!("about to be stopped (SIGUSR1): not ready, still serving");
                }
            }
        }
    });
    let (closed, when_closed) = oneshot::channel();
    let stop = {
        let app = app.clone();
        async move {
            told_to_stop(terminate, interrupt).await;
            app.draining.store(true, Ordering::Relaxed);
            info!(
                "asked to stop: not ready, serving for {} s more, then finishing the requests in flight",
                drain.as_secs()
            );
            sleep(drain).await;
            // The other end is gone only when the server is.
            let _ = closed.send(());
        }
    };
    let server = connections::serve(listener, web::router(app), stop);
    let too_late = async {
        // An error means that the server has ended, which the other branch reports.
        let _ = when_closed.await;
        sleep(FINISH).await;
    };
    tokio::select! {
        () = server => info!("finished"),
        () = too_late => warn!("some connections did not finish within {} s: closing them", FINISH.as_secs()),
    }
    warned.abort();
    Ok(())
}

async fn told_to_stop(mut terminate: Signal, mut interrupt: Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
