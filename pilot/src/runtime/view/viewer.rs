//! How a task gets to see what the supervisor sees: it asks, and is handed a view.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::Snapshot;
use pilot_core::engine::Engine;
use pilot_core::history::{Entry, EntryId};
use pilot_core::plan::Plan;

/// Requests for a view that may wait at one time; more are refused.
const MAX_WAITING: usize = 16;
/// Entries of the history in one view, at most.
const MAX_EVENTS: usize = 50;

/// What a viewer is given. Nothing in it is copied or written out before somebody looks.
#[derive(Clone, Debug)]
pub struct View {
    /// What there is.
    pub snapshot: Snapshot,
    /// The active plan, for its graph: the commands and environments in it are to be shown nowhere.
    pub plan: Arc<Plan>,
    /// The last entries of the history, oldest first.
    pub events: Vec<Arc<Entry>>,
}

impl View {
    /// What there is now, and what led to it.
    pub fn new(engine: &Engine, snapshot: Snapshot) -> Self {
        let all = engine.history().after(EntryId(0));
        let older = engine.history().count().saturating_sub(MAX_EVENTS);
        View { snapshot, plan: Arc::clone(engine.plan()), events: all.skip(older).cloned().collect() }
    }

    /// On the engine's clock.
    pub fn now(&self) -> Duration {
        self.snapshot.uptime
    }
}

/// Asks the supervisor for views, from any task.
#[derive(Clone, Debug)]
pub struct Viewer(mpsc::Sender<oneshot::Sender<View>>);

/// The supervisor's end: whoever is in it waits for a view.
pub type Viewers = mpsc::Receiver<oneshot::Sender<View>>;

impl Viewer {
    /// A viewer and the supervisor's end of it.
    pub fn new() -> (Self, Viewers) {
        let (sender, viewers) = mpsc::channel(MAX_WAITING);
        (Viewer(sender), viewers)
    }

    /// What there is now; `None` if too many ask at once, or if pilot has ended.
    pub async fn look(&self) -> Option<View> {
        let (sender, view) = oneshot::channel();
        self.0.try_send(sender).ok()?;
        view.await.ok()
    }
}
