//! The thread on which HTTP clients work: a peer that sends without end keeps it busy, and never the one that serves signals, timers
//! and the control socket.
//!
//! Started when it is needed first. Where no thread can be had, its work is done in place.

use std::future::Future;
use std::sync::OnceLock;

use tokio::runtime::{Builder, Handle};
use tokio::task::JoinHandle;

use crate::runtime::task::{Panic, caught};

static HANDLE: OnceLock<Option<Handle>> = OnceLock::new();

fn handle() -> Option<&'static Handle> {
    let start = || {
        let runtime = Builder::new_current_thread().enable_all().build().ok()?;
        let handle = runtime.handle().clone();
        let work = move || runtime.block_on(std::future::pending::<()>());
        std::thread::Builder::new().name("http-clients".to_owned()).spawn(work).ok()?;
        Some(handle)
    };
    HANDLE.get_or_init(start).as_ref()
}

/// Does work on that thread. Whoever drops the future ends the work.
///
/// # Errors
/// A panic in it.
pub(crate) async fn on_client_thread<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Panic> {
    let Some(handle) = handle() else { return caught(work).await };
    let mut task = AbortedWhenDropped(handle.spawn(caught(work)));
    (&mut task.0).await.unwrap_or_else(|_| Err(Panic::ending()))
}

struct AbortedWhenDropped<T>(JoinHandle<T>);

impl<T> Drop for AbortedWhenDropped<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn work_that_never_yields_does_not_keep_the_caller_from_its_timers() {
        let busy = on_client_thread(async { std::thread::sleep(Duration::from_millis(500)) });
        let mut ticks = 0;
        let count = async {
            loop {
                tokio::time::sleep(Duration::from_millis(10)).await;
                ticks += 1;
            }
        };
        tokio::select! {
            done = busy => done.unwrap(),
            () = count => {}
        }
        assert!(ticks > 10, "{ticks}");
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_ends_and_a_panic_is_an_error() {
        let alive = Arc::new(());
        let held = Arc::clone(&alive);
        let work = on_client_thread(async move {
            let _held = held;
            std::future::pending::<()>().await;
        });
        assert!(tokio::time::timeout(Duration::from_millis(50), work).await.is_err());
        while Arc::strong_count(&alive) > 1 {
            tokio::task::yield_now().await;
        }
        assert!(on_client_thread(async { panic!("boom") }).await.is_err());
    }
}
