//! One attempt at a time, and none too soon after a refusal.
//!
//! Servers count what clients do: MySQL blocks a host after 100 log-ins that were broken off (`max_connect_errors`), and locks
//! accounts after some with a wrong password. So an attempt that has reached a server is not broken off at a probe's
//! deadline: the probe has failed then, and the next one waits for the same attempt. And what a server holds against us is
//! done again only after a pause, unless something has changed (the password, the address).

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

use super::finding::Finding;
use super::guard::guarded;
use crate::runtime::task::{self, Task};

/// An attempt without an end is given up after this time, then after twice as long, and so on. A connection may have died
/// without a word, or wait behind a proxy for a server that is gone.
const PATIENCE: Duration = Duration::from_secs(10);
const MOST_PATIENCE: Duration = Duration::from_secs(120);
/// The pause after a refusal, which doubles with each that follows.
const PAUSE: Duration = Duration::from_secs(1);
const MOST_PAUSE: Duration = Duration::from_secs(30);
/// What nobody has asked for so long is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(600);

/// What an attempt has come to.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    /// For who asked.
    pub(super) finding: Finding,
    /// The server counts it as a fault of this client.
    pub(super) held_against_us: bool,
}

impl From<Finding> for Outcome {
    fn from(finding: Finding) -> Self {
        Outcome { finding, held_against_us: false }
    }
}

/// How far an attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// No server knows of it yet.
    Connecting,
    /// A server has accepted the connection.
    LoggingIn,
    /// The user is in.
    Asking,
}

/// Told by an attempt, read by those who wait for it.
#[derive(Clone, Debug)]
pub(super) struct Progress(Arc<Mutex<(Stage, Option<SocketAddr>)>>);

impl Default for Progress {
    fn default() -> Self {
        Progress(Arc::new(Mutex::new((Stage::Connecting, None))))
    }
}

impl Progress {
    /// Connected, to this address if it is one.
    pub(super) fn connected(&self, to: Option<SocketAddr>) {
        *self.lock() = (Stage::LoggingIn, to);
    }

    /// Logged in.
    pub(super) fn asking(&self) {
        self.lock().0 = Stage::Asking;
    }

    fn lock(&self) -> MutexGuard<'_, (Stage, Option<SocketAddr>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an attempt is made with. Another of these is another attempt.
#[derive(Clone, Copy)]
pub(super) struct With<'a> {
    /// A digest of password and certificates.
    pub(super) credentials: [u8; 32],
    /// Where the server may be now.
    pub(super) addresses: &'a [SocketAddr],
}

/// The attempts of everybody who probes; clones share them.
#[derive(Clone, Debug)]
pub(super) struct Attempts<K>(Arc<Mutex<Vec<Slot<K>>>>);

impl<K> Default for Attempts<K> {
    fn default() -> Self {
        Attempts(Arc::default())
    }
}

/// All about one target.
#[derive(Debug)]
struct Slot<K> {
    key: K,
    used: Instant,
    pending: Option<Pending>,
    /// Attempts without an end in a row.
    given_up: u32,
    refused: Option<Refused>,
}

#[derive(Debug)]
struct Pending {
    progress: Progress,
    credentials: [u8; 32],
    /// Until then a server has to accept the connection.
    connect_until: Instant,
    _task: Task,
    end: watch::Receiver<Option<End>>,
}

#[derive(Clone, Debug)]
struct End {
    at: Instant,
    /// `None`: it was given up.
    outcome: Option<Outcome>,
}

#[derive(Debug)]
struct Refused {
    finding: Finding,
    credentials: [u8; 32],
    times: u32,
    until: Instant,
}

impl<K: PartialEq> Attempts<K> {
    /// The finding of this key's attempt, which is begun if there is none; the stage that it has come to if it takes longer
    /// than `until`. `begin` has to connect by then, and gets what it has to tell its progress with.
    pub(super) async fn look<F>(
        &self,
        key: K,
        with: With<'_>,
        until: Instant,
        begin: impl FnOnce(Progress) -> F,
    ) -> Result<Finding, Stage>
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let (progress, mut end) = {
            let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let slot = slot(&mut slots, key);
            slot.settle();
            if let Some(refused) = slot.refused_lately(&with) {
                return Ok(refused);
            }
            let pending = slot.attempt(&with, until, begin);
            (pending.progress.clone(), pending.end.clone())
        };
        match timeout_at(until, end.wait_for(Option::is_some)).await {
            Ok(Ok(end)) => end.as_ref().and_then(|end| end.outcome.as_ref()).map(|outcome| outcome.finding.clone()),
            // Dropped for one to another address, or the deadline.
            Ok(Err(_)) | Err(_) => None,
        }
        .ok_or_else(|| progress.lock().0)
    }
}

fn slot<K: PartialEq>(slots: &mut Vec<Slot<K>>, key: K) -> &mut Slot<K> {
    let now = Instant::now();
    slots.retain(|slot| slot.key == key || now.duration_since(slot.used) < FORGOTTEN);
    let index = slots.iter().position(|slot| slot.key == key).unwrap_or(slots.len());
    if index == slots.len() {
        slots.push(Slot { key, used: now, pending: None, given_up: 0, refused: None });
    }
    let slot = &mut slots[index];
    slot.used = now;
    slot
}

impl<K> Slot<K> {
    /// Takes in what an attempt has come to that has ended.
    fn settle(&mut self) {
        let Some(pending) = &self.pending else { return };
        let Some(End { at, outcome }) = pending.end.borrow().clone() else { return };
        match outcome {
            None => self.given_up = self.given_up.saturating_add(1),
            Some(Outcome { finding, held_against_us: true }) => {
                self.given_up = 0;
                let again = self.refused.take().filter(|before| before.credentials == pending.credentials);
                let times = again.map_or(0, |before| before.times.saturating_add(1));
                let until = at + doubled(PAUSE, times, MOST_PAUSE);
                self.refused = Some(Refused { finding, credentials: pending.credentials, times, until });
            }
            Some(Outcome { held_against_us: false, .. }) => (self.given_up, self.refused) = (0, None),
        }
        self.pending = None;
    }

    fn refused_lately(&self, with: &With<'_>) -> Option<Finding> {
        let refused = self.refused.as_ref()?;
        (refused.credentials == with.credentials && Instant::now() < refused.until).then(|| refused.finding.clone())
    }

    /// The attempt that is under way, or a new one.
    fn attempt<F>(&mut self, with: &With<'_>, until: Instant, begin: impl FnOnce(Progress) -> F) -> &Pending
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let pending = self.pending.take().filter(|pending| pending.still_leads_to(with));
        self.pending.insert(pending.unwrap_or_else(|| {
            let progress = Progress::default();
            let attempt = begin(progress.clone());
            let longest = until.saturating_duration_since(Instant::now()).max(PATIENCE);
            let patience = doubled(longest, self.given_up, MOST_PATIENCE.max(longest));
            let (tell, end) = watch::channel(None);
            let task = task::spawn("an attempt to log in", async move {
                let outcome = timeout(patience, guarded(attempt)).await.ok();
                let _ = tell.send(Some(End { at: Instant::now(), outcome }));
            });
            Pending { progress, credentials: with.credentials, connect_until: until, _task: task, end }
        }))
    }
}

impl Pending {
    fn still_leads_to(&self, with: &With<'_>) -> bool {
        let (stage, to) = *self.progress.lock();
        match stage {
            Stage::Connecting => Instant::now() < self.connect_until,
            Stage::LoggingIn | Stage::Asking => to.is_none_or(|address| with.addresses.contains(&address)),
        }
    }
}

fn doubled(from: Duration, times: u32, most: Duration) -> Duration {
    from.saturating_mul(1_u32.checked_shl(times).unwrap_or(u32::MAX)).min(most)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::time::sleep;

    use super::super::finding::Cause;
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// One target, and how many attempts were begun on it and broken off.
    #[derive(Clone, Default)]
    struct World {
        attempts: Attempts<&'static str>,
        begun: Arc<AtomicUsize>,
        broken_off: Arc<AtomicUsize>,
    }

    /// Counts an attempt that is dropped before its end.
    struct Underway {
        broken_off: Arc<AtomicUsize>,
        ended: bool,
    }

    impl Drop for Underway {
        fn drop(&mut self) {
            self.broken_off.fetch_add(usize::from(!self.ended), Ordering::Relaxed);
        }
    }

    fn found(pass: bool) -> Finding {
        if pass { Finding::pass("fine") } else { Finding::fail(Cause::AuthFailed, "refused") }
    }

    fn address(last: u8) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, last], 3306))
    }

    impl World {
        /// Probes for a second; the server at `at` answers after `silence`.
        async fn probe(
            &self,
            at: SocketAddr,
            password: u8,
            silence: Duration,
            says: Outcome,
        ) -> Result<Finding, Stage> {
            let with = With { credentials: [password; 32], addresses: &[at] };
            let (begun, broken_off) = (Arc::clone(&self.begun), Arc::clone(&self.broken_off));
            let attempt = async move |progress: Progress| {
                begun.fetch_add(1, Ordering::Relaxed);
                let mut underway = Underway { broken_off, ended: false };
                progress.connected(Some(at));
                sleep(silence).await;
                underway.ended = true;
                says
            };
            self.attempts.look("db", with, Instant::now() + SECOND, attempt).await
        }

        fn begun(&self) -> usize {
            self.begun.load(Ordering::Relaxed)
        }

        fn broken_off(&self) -> usize {
            self.broken_off.load(Ordering::Relaxed)
        }
    }

    fn answers() -> Outcome {
        found(true).into()
    }

    fn refuses() -> Outcome {
        Outcome { finding: found(false), held_against_us: true }
    }

    #[tokio::test(start_paused = true)]
    async fn a_frozen_server_sees_a_few_attempts_in_two_minutes_of_probes_each_second() {
        let world = World::default();
        for _ in 0..120 {
            let found = world.probe(address(1), 0, Duration::MAX, answers()).await;
            assert_eq!(found, Err(Stage::LoggingIn));
        }
        assert_eq!((world.begun(), world.broken_off()), (4, 3));
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_that_is_answered_late_is_the_finding_of_the_probe_that_waits_then() {
        let world = World::default();
        let late = Duration::from_millis(3500);
        for _ in 0..3 {
            assert_eq!(world.probe(address(1), 0, late, answers()).await, Err(Stage::LoggingIn));
        }
        assert_eq!(world.probe(address(1), 0, late, answers()).await, Ok(found(true)));
        assert_eq!((world.begun(), world.broken_off()), (1, 0));
        // What was found between two probes is old: it is looked again.
        assert_eq!(world.probe(address(1), 0, SECOND * 2, answers()).await, Err(Stage::LoggingIn));
        sleep(SECOND * 5).await;
        assert_eq!(world.probe(address(1), 0, Duration::ZERO, refuses()).await, Ok(found(false)));
        assert_eq!((world.begun(), world.broken_off()), (3, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_that_leads_elsewhere_is_followed_at_once() {
        let world = World::default();
        assert_eq!(world.probe(address(1), 0, Duration::MAX, answers()).await, Err(Stage::LoggingIn));
        assert_eq!(world.probe(address(2), 0, Duration::ZERO, answers()).await, Ok(found(true)));
        assert_eq!((world.begun(), world.broken_off()), (2, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_asked_for_again_after_longer_and_longer_pauses_and_another_password_at_once() {
        let world = World::default();
        let start = Instant::now();
        let mut asked = Vec::new();
        while start.elapsed() < SECOND * 100 {
            let before = world.begun();
            assert_eq!(world.probe(address(1), 0, Duration::ZERO, refuses()).await, Ok(found(false)));
            if world.begun() > before {
                asked.push(start.elapsed().as_secs());
            }
            sleep(SECOND).await;
        }
        assert_eq!(asked, [0, 1, 3, 7, 15, 31, 61, 91]);
        assert_eq!(world.probe(address(1), 1, Duration::ZERO, answers()).await, Ok(found(true)));
        // Forgiven: the pauses begin with the first again.
        assert_eq!(world.probe(address(1), 0, Duration::ZERO, refuses()).await, Ok(found(false)));
        sleep(SECOND).await;
        assert_eq!(world.probe(address(1), 0, Duration::ZERO, answers()).await, Ok(found(true)));
    }

    #[tokio::test(start_paused = true)]
    async fn two_who_ask_at_the_same_time_share_an_attempt() {
        let world = World::default();
        let half = SECOND / 2;
        let one = world.probe(address(1), 0, half, answers());
        let other = world.probe(address(1), 0, half, answers());
        assert_eq!(tokio::join!(one, other), (Ok(found(true)), Ok(found(true))));
        assert_eq!(world.begun(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_that_reaches_nobody_ends_with_its_probe() {
        let attempts = Attempts::<()>::default();
        let with = With { credentials: [0; 32], addresses: &[] };
        let begun = AtomicUsize::new(0);
        for _ in 0..3 {
            let look = attempts.look((), with, Instant::now() + SECOND, |_| {
                begun.fetch_add(1, Ordering::Relaxed);
                std::future::pending::<Outcome>()
            });
            assert_eq!(look.await, Err(Stage::Connecting));
        }
        assert_eq!(begun.into_inner(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_that_panics_has_failed_and_is_followed_by_another() {
        let attempts = Attempts::default();
        let with = With { credentials: [0; 32], addresses: &[] };
        let broken = attempts.look((), with, Instant::now() + SECOND, |_| async { panic!("on purpose") });
        assert!(!broken.await.unwrap().pass);
        let next = attempts.look((), with, Instant::now() + SECOND, |_| async { answers() });
        assert!(next.await.unwrap().pass);
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_asks_for_is_forgotten() {
        let attempts = Attempts::default();
        let with = With { credentials: [0; 32], addresses: &[] };
        for key in 0..100 {
            let _ = attempts.look(key, with, Instant::now() + SECOND, |_| async { answers() }).await;
        }
        sleep(FORGOTTEN).await;
        let _ = attempts.look(0, with, Instant::now() + SECOND, |_| async { answers() }).await;
        assert_eq!(attempts.0.lock().unwrap().len(), 1);
    }
}
