//! The connections of one server. When there are too many, the one that has been quiet for the longest time makes room:
//! idle clients never keep out one that asks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::{AbortHandle, Id, JoinSet};
use tokio::time::Instant;

/// What one connection does.
#[derive(Clone, Debug)]
pub(super) struct Activity(Arc<Mutex<State>>);

#[derive(Clone, Copy, Debug)]
struct State {
    /// A complete request is being answered.
    answering: bool,
    /// When a request last began or ended; before the first one, when the connection was accepted.
    last: Instant,
}

impl Activity {
    fn new() -> Self {
        Activity(Arc::new(Mutex::new(State { answering: false, last: Instant::now() })))
    }

    /// Notes that an answer begins, or that it was handed over.
    pub(super) fn set_answering(&self, answering: bool) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = State { answering, last: Instant::now() };
    }

    fn state(&self) -> State {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All of them. Dropped, they are closed.
#[derive(Default)]
pub(super) struct Connections {
    tasks: JoinSet<()>,
    known: HashMap<Id, (AbortHandle, Activity)>,
}

impl Connections {
    /// Makes room for one more of at most `limit`: closes the quietest connection, or waits for an answer to end if all are
    /// being answered.
    pub(super) async fn make_room(&mut self, limit: usize) {
        while let Some(ended) = self.tasks.try_join_next_with_id() {
            self.forget(ended);
        }
        while self.known.len() >= limit {
            let quiet = self.known.iter().map(|(id, (_, activity))| (*id, activity.state()));
            let quietest = quiet.filter(|(_, state)| !state.answering).min_by_key(|(_, state)| state.last);
            match quietest.and_then(|(id, _)| self.known.remove(&id)) {
                Some((task, _)) => task.abort(),
                None => match self.tasks.join_next_with_id().await {
                    Some(ended) => self.forget(ended),
                    None => return,
                },
            }
        }
    }

    /// Serves a connection.
    pub(super) fn serve<F: Future<Output = ()> + Send + 'static>(&mut self, serve: impl FnOnce(Activity) -> F) {
        let activity = Activity::new();
        let task = self.tasks.spawn(serve(activity.clone()));
        self.known.insert(task.id(), (task, activity));
    }

    fn forget(&mut self, ended: Result<(Id, ()), tokio::task::JoinError>) {
        self.known.remove(&ended.map_or_else(|error| error.id(), |(id, ())| id));
    }
}
