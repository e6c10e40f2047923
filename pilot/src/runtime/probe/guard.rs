//! A probe that panics has failed, and whoever waits for it is told so.

use super::finding::Finding;
use crate::runtime::task::caught;

/// What `look` finds; a failure if it panics.
pub(super) async fn guarded<T: From<Finding>>(look: impl Future<Output = T>) -> T {
    caught(look).await.unwrap_or_else(|panic| Finding::panicked(&panic).into())
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
