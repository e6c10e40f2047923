//! A probe that panics has failed, and whoever waits for it is told so.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use super::finding::{Cause, Finding};

/// What `look` finds; a failure if it panics. The panic itself has been said on stderr by then.
pub(super) async fn guarded<T: From<Finding>>(look: impl Future<Output = T>) -> T {
    let mut look = pin!(look);
    std::future::poll_fn(|context| {
        // A future that has panicked is never polled again.
        catch_unwind(AssertUnwindSafe(|| look.as_mut().poll(context))).unwrap_or_else(|_| {
            let note = "the probe itself broke: a defect of pilot, please report it";
            Poll::Ready(Finding::fail(Cause::ServerError, note).into())
        })
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_failed_finding() {
        let finding: Finding = guarded(async {
            tokio::task::yield_now().await;
            panic!("on purpose")
        })
        .await;
        assert!(!finding.pass && finding.note.contains("a defect of pilot"), "{finding:?}");
        assert!(guarded(async { Finding::pass("fine") }).await.pass);
    }
}
