//! What every request can reach: the store, the counters and whether this instance may be sent requests.

use std::sync::atomic::{AtomicBool, Ordering};

use time::OffsetDateTime;
use tracing::{info, warn};

use crate::metrics::Metrics;
use crate::store::Store;

/// One instance of the application; shared by all requests.
pub struct App {
    pub store: Store,
    pub metrics: Metrics,
    pub started_at: OffsetDateTime,
    /// Set once, when the tables are what this version needs.
    pub migrated: AtomicBool,
    /// Set once, when the instance was told to stop, or that it soon will be.
    pub draining: AtomicBool,
    /// What the last look at the database said; only to log its changes and not every look.
    reachable: AtomicBool,
}

/// Why an instance is not ready. The sentences go to whoever asked; the database's own words go to the log.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    #[error("Not ready: this instance is about to stop.")]
    Draining,
    #[error("Not ready: the database has not been reached and migrated since the start.")]
    NotMigrated,
    #[error("Not ready: the database does not answer.")]
    Unreachable,
}

impl App {
    pub fn new(store: Store) -> Self {
        Self {
            store,
            metrics: Metrics::new(),
            started_at: OffsetDateTime::now_utc(),
            migrated: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            reachable: AtomicBool::new(true),
        }
    }

    /// Whether requests should be sent to this instance now. Answers within two seconds.
    pub async fn ready(&self) -> Result<(), NotReady> {
        if self.draining.load(Ordering::Relaxed) {
            return Err(NotReady::Draining);
        }
        if !self.migrated.load(Ordering::Relaxed) {
            return Err(NotReady::NotMigrated);
        }
        let answer = self.store.check().await;
        let was_reachable = self.reachable.swap(answer.is_ok(), Ordering::Relaxed);
        match answer {
            Ok(()) if !was_reachable => info!("the database answers again: ready"),
            Err(ref error) if was_reachable => warn!("the database does not answer: {error}; not ready until it does"),
            Ok(()) | Err(_) => {}
        }
        answer.map_err(|_| NotReady::Unreachable)
    }
}
