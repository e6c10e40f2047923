//! The status page, kept for a moment: however many look at it at one time, it is rendered once.

use std::time::Duration;

use hyper::body::Bytes;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::page::Refresh;

/// For so long a page is good enough for everybody who asks.
pub(super) const FRESH: Duration = Duration::from_secs(1);

/// The last page of each kind, and when it was made.
#[derive(Default)]
pub(super) struct Pages {
    auto: Mutex<Option<(Instant, Bytes)>>,
    off: Mutex<Option<(Instant, Bytes)>>,
}

impl Pages {
    /// The page that was made last, or a new one. Who comes while it is made waits for it.
    pub(super) async fn get<F>(&self, refresh: Refresh, make: impl FnOnce() -> F) -> Result<Bytes, String>
    where
        F: Future<Output = Result<String, String>>,
    {
        let kept = match refresh {
            Refresh::Auto => &self.auto,
            Refresh::Off => &self.off,
        };
        let mut kept = kept.lock().await;
        if let Some((_, page)) = kept.as_ref().filter(|(made, _)| made.elapsed() < FRESH) {
            return Ok(page.clone());
        }
        let page = Bytes::from(make().await?);
        *kept = Some((Instant::now(), page.clone()));
        Ok(page)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_page_is_made_once_for_all_who_ask_within_a_moment() {
        let (pages, made) = (Pages::default(), AtomicUsize::new(0));
        let make = || async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            Ok(format!("page {}", made.fetch_add(1, Ordering::Relaxed)))
        };
        let ask = || pages.get(Refresh::Auto, make);
        let (one, two, three) = tokio::join!(ask(), ask(), ask());
        assert_eq!(
            (one.as_deref(), two.as_deref(), three.as_deref()),
            (Ok(&b"page 0"[..]), Ok(&b"page 0"[..]), Ok(&b"page 0"[..]))
        );
        tokio::time::sleep(FRESH).await;
        assert_eq!(ask().await.as_deref(), Ok(&b"page 1"[..]));
        assert_eq!(
            pages.get(Refresh::Off, make).await.as_deref(),
            Ok(&b"page 2"[..]),
            "the other kind is another page"
        );
    }
}
