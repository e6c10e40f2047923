//! Every task of pilot is started here, so that none ends unseen: a panic in one is caught, logged once with its place,
//! counted, and told to whoever waits for the task; a task that has to be there always starts again.
//!
//! `tokio::spawn` and its relatives appear nowhere else (`pilot/clippy.toml`). A panic is a defect of pilot, or of a
//! library that met an answer it did not expect. It must cost one finding, never the container.

#![allow(clippy::disallowed_methods)] // The one place for them.

use std::any::Any;
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// The pause before a task starts again after its first panic; it doubles with each that follows.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Panics of this process so far.
static PANICS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// Whether somebody catches what panics now.
    static CAUGHT: Cell<bool> = const { Cell::new(false) };
    /// The last panic that was caught, with its place, which only the hook is told.
    static LAST: RefCell<Option<Panic>> = const { RefCell::new(None) };
}

/// What a panic said, and where: `index out of bounds (src/wire.rs:12:5)`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Panic(String);

impl Panic {
    /// Of work that the end of its runtime has cut off.
    pub(super) fn ending() -> Self {
        Panic("pilot is ending".to_owned())
    }

    fn new(payload: &(dyn Any + Send), place: Option<&panic::Location<'_>>) -> Self {
        let message = payload.downcast_ref::<&str>().copied();
        let message = message.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        // What a library puts into it may come from a peer.
        let message: String = message.unwrap_or("no message").chars().filter(|c| !c.is_control()).take(200).collect();
        Panic(place.map_or_else(|| message.clone(), |place| format!("{message} ({place})")))
    }
}

/// The panics of this process so far, those in libraries' own tasks included.
pub fn panics() -> u64 {
    PANICS.load(Ordering::Relaxed)
}

/// Has panics counted, and those that are caught here told by whoever caught them instead of on stderr.
pub fn install_panic_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let default = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            PANICS.fetch_add(1, Ordering::Relaxed);
            if CAUGHT.get() {
                let panic = Panic::new(info.payload(), info.location());
                LAST.with(|last| last.replace(Some(panic)));
            } else {
                default(info);
            }
        }));
    });
}

/// Calls `f`; a panic in it is the error.
pub fn catch<T>(f: impl FnOnce() -> T) -> Result<T, Panic> {
    let before = CAUGHT.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(f));
    CAUGHT.set(before);
    result.map_err(|payload| {
        let told = LAST.with(RefCell::take).unwrap_or_else(|| Panic::new(&*payload, None));
        // Even its payload could panic when it is dropped.
        std::mem::forget(payload);
        told
    })
}

/// The same for a future: after a panic it is dropped and never polled again.
pub async fn caught<F: Future>(future: F) -> Result<F::Output, Panic> {
    let mut future = Some(Box::pin(future));
    poll_fn(move |context| {
        let Some(running) = &mut future else { return Poll::Pending };
        let done = match catch(|| running.as_mut().poll(context)) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(output)) => Ok(output),
            Err(panic) => Err(panic),
        };
        let gone = future.take();
        let _ = catch(|| drop(gone));
        Poll::Ready(done)
    })
    .await
}

/// A task that was started here. Dropped, it is ended.
#[must_use = "a task ends when this is dropped: keep it, or `detach` it"]
#[derive(Debug)]
pub struct Task(Option<JoinHandle<()>>);

impl Task {
    /// Lets it go on by itself.
    pub fn detach(mut self) {
        self.0 = None;
    }

    /// Ends it, and comes back when everything it had is closed.
    pub async fn end(mut self) {
        if let Some(task) = self.0.take() {
            task.abort();
            let _ = task.await;
        }
    }

    /// Whether it is over.
    pub fn is_finished(&self) -> bool {
        self.0.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

/// For what runs inside of a task, one of many: a panic in it is logged, and the end of nothing else.
pub async fn guarded(name: &'static str, work: impl Future<Output = ()>) {
    if let Err(panic) = caught(work).await {
        say(name, &panic);
    }
}

fn say(name: &str, panic: &Panic) {
    tracing::error!("{name} has panicked: {panic}; this is a defect of pilot, please report it");
}

/// Starts a task that has something to do and ends. A panic in it is logged.
pub fn spawn(name: impl Into<Cow<'static, str>>, work: impl Future<Output = ()> + Send + 'static) -> Task {
    spawn_or(name, work, |_| {})
}

/// The same; `lost` tells whoever waits for the task that it has panicked.
pub fn spawn_or(
    name: impl Into<Cow<'static, str>>,
    work: impl Future<Output = ()> + Send + 'static,
    lost: impl FnOnce(&Panic) + Send + 'static,
) -> Task {
    let name = name.into();
    let task = tokio::spawn(async move {
        if let Err(panic) = caught(work).await {
            say(&name, &panic);
            let _ = catch(|| lost(&panic));
        }
    });
    Task(Some(task))
}

/// Work for which there is a task as long as it is wanted. What it knows is in `self` and outlasts a panic.
pub trait Service: Send + 'static {
    /// Does its work; returns when it is wanted no longer.
    fn run(&mut self) -> impl Future<Output = ()> + Send;

    /// It has panicked and starts again after a pause: tells whoever waits for it.
    fn panicked(&mut self, _panic: &Panic) {}
}

/// Starts a task that is there until its work says that it is done: after a panic it starts again, later each time.
pub fn keep(name: impl Into<Cow<'static, str>>, mut service: impl Service) -> Task {
    let name = name.into();
    let task = tokio::spawn(async move {
        let mut pause = FIRST_PAUSE;
        loop {
            let began = Instant::now();
            let Err(panic) = caught(service.run()).await else { return };
            if began.elapsed() > LONGEST_PAUSE {
                pause = FIRST_PAUSE;
            }
            tracing::error!(
                "{name} has panicked: {panic}; this is a defect of pilot, please report it; {name} starts again in {pause:?}"
            );
            let _ = catch(|| service.panicked(&panic));
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    });
    Task(Some(task))
}

/// Does work that blocks on a thread for that. The error is a panic in it, which is logged, or the end of the runtime.
pub async fn blocking<T: Send + 'static>(
    name: impl Into<Cow<'static, str>>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Panic> {
    let done = tokio::task::spawn_blocking(move || catch(work)).await;
    let done = done.unwrap_or_else(|_| Err(Panic::ending()));
    done.inspect_err(|panic| say(&name.into(), panic))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;

    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_told_with_its_place_counted_and_nobody_elses() {
        install_panic_hook();
        let before = panics();
        let (told, mut heard) = mpsc::unbounded_channel();
        let task = spawn_or("a probe", async { panic!("boom\n{}", 7) }, move |panic| {
            told.send(panic.to_string()).unwrap();
        });
        let said = heard.recv().await.unwrap();
        assert!(said.starts_with("boom7 (") && said.contains("task.rs:"), "{said}");
        while !task.is_finished() {
            tokio::task::yield_now().await;
        }
        assert_eq!(panics(), before + 1);
        assert_eq!(catch(|| 7), Ok(7));
    }

    /// Panics at every second run.
    struct Stumbling {
        runs: Arc<AtomicUsize>,
        known: Vec<usize>,
        told: Arc<AtomicUsize>,
    }

    impl Service for Stumbling {
        async fn run(&mut self) {
            let run = self.runs.fetch_add(1, Ordering::SeqCst);
            self.known.push(run);
            tokio::task::yield_now().await;
            assert!(run >= 3, "run {run} stumbles");
            assert_eq!(self.known, [0, 1, 2, 3], "what it knows outlasts its panics");
        }

        fn panicked(&mut self, _: &Panic) {
            self.told.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_starts_again_after_a_growing_pause_and_keeps_what_it_knows() {
        let (runs, told) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let service = Stumbling { runs: Arc::clone(&runs), known: Vec::new(), told: Arc::clone(&told) };
        let began = Instant::now();
        let task = keep("a watch", service);
        while !task.is_finished() {
            sleep(Duration::from_millis(100)).await;
        }
        assert_eq!((runs.load(Ordering::SeqCst), told.load(Ordering::SeqCst)), (4, 3));
        assert!(began.elapsed() >= Duration::from_secs(1 + 2 + 4), "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn work_on_a_thread_that_panics_is_an_error() {
        assert_eq!(blocking("reading", || 7).await, Ok(7));
        let failed = blocking("reading", || panic!("boom")).await;
        assert!(failed.unwrap_err().to_string().contains("boom"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_ends_when_it_is_dropped_unless_it_is_let_go() {
        let (said, mut heard) = mpsc::unbounded_channel();
        let late = |word: &'static str| {
            let said = said.clone();
            spawn("late", async move {
                sleep(Duration::from_secs(1)).await;
                let _ = said.send(word);
            })
        };
        late("let go").detach();
        drop(late("dropped"));
        drop(said);
        assert_eq!((heard.recv().await, heard.recv().await), (Some("let go"), None));
    }
}
