//! Between those who log and the one thread that writes: bounded, counts what it has to drop, says so later.
//!
//! The reader of the children's pipes waits here for room; pilot's own thread never does.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use super::format::{Field, Frame, Layout};
use super::sink::Sink;
use pilot_core::plan::{Level, LogFormat};

/// Children's lines wait while this many bytes are queued.
const MAX_BYTES: usize = 256 * 1024;

/// Beyond [`MAX_BYTES`], for pilot's own lines only: they must not be lost because a child is noisy.
const RESERVE: usize = 256 * 1024;

/// Whole lines, ready to be written.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub(super) bytes: Vec<u8>,
    pub(super) count: u64,
    /// How many lost lines this line reports.
    reports: u64,
}

/// What the writer is to do next.
#[derive(Debug)]
pub(super) enum Item {
    /// Write these.
    Lines(Lines),
    /// Close and open the log file again.
    Reopen,
    /// Write there from now on.
    Redirect(Sink),
}

/// See the module.
#[derive(Debug)]
pub(super) struct Queue {
    layout: RwLock<Layout>,
    /// A [`Level`]; what is finer is not for the log.
    level: AtomicU8,
    patience: Duration,
    state: Mutex<State>,
    work: Condvar,
    room: Condvar,
}

#[derive(Debug, Default)]
struct State {
    items: VecDeque<Item>,
    bytes: usize,
    /// An emptied buffer to be used again.
    spare: Option<Vec<u8>>,
    /// Since when the writer tries to write the next byte; `None`: it has nothing to write.
    trying_since: Option<Instant>,
    /// Nobody takes what the writer has: children's lines are dropped instead of waiting.
    stalled: bool,
    /// The last write failed, so saying what was lost would be lost too.
    failing: bool,
    lost: u64,
    /// Lost and not reported yet, and why.
    unsaid: u64,
    cause: Option<Cause>,
    closed: bool,
    done: bool,
}

/// Why lines were lost.
#[derive(Clone, Debug)]
enum Cause {
    Burst,
    Stalled(Duration),
    Failed(String),
}

impl Queue {
    pub(super) fn new(layout: Layout, level: Level, patience: Duration) -> Queue {
        Queue {
            layout: RwLock::new(layout),
            level: AtomicU8::new(level as u8),
            patience,
            state: Mutex::default(),
            work: Condvar::new(),
            room: Condvar::new(),
        }
    }

    /// Lines that are made from now on have this format and at least this level.
    pub(super) fn set(&self, format: LogFormat, level: Level) {
        self.layout.write().unwrap_or_else(PoisonError::into_inner).format = format;
        self.level.store(level as u8, Ordering::Relaxed);
    }

    /// Whether lines of this level are for the log.
    pub(super) fn admits(&self, level: Level) -> bool {
        level as u8 <= self.level.load(Ordering::Relaxed)
    }

    pub(super) fn frame(&self, now: SystemTime, level: Level, fields: &[Field]) -> Frame {
        self.layout.read().unwrap_or_else(PoisonError::into_inner).frame(now, level, fields)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic while it was held leaves counters that are a little off, no more.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn lost(&self) -> u64 {
        self.state().lost
    }

    /// For the reader: waits for room as long as the writer makes progress. Leaves an empty buffer behind.
    pub(super) fn push_waiting(&self, lines: &mut Lines) {
        if lines.count == 0 {
            return;
        }
        let mut state = self.state();
        while !state.stalled && !state.closed && state.bytes >= MAX_BYTES {
            let tried = state.trying_since.map_or(Duration::ZERO, |since| since.elapsed());
            if tried >= self.patience {
                state.stalled = true;
            } else {
                let left = self.patience - tried;
                state = self.room.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
        if state.stalled || state.closed {
            state.lose(lines.count, Cause::Burst);
            lines.bytes.clear();
            lines.count = 0;
        } else {
            let empty = Lines { bytes: state.spare.take().unwrap_or_default(), ..Lines::default() };
            self.push(&mut state, std::mem::replace(lines, empty));
        }
    }

    /// For pilot's own lines: never waits.
    pub(super) fn push_or_lose(&self, lines: Lines) {
        let mut state = self.state();
        if state.closed || state.bytes + lines.bytes.len() > MAX_BYTES + RESERVE {
            state.stalled |= state.trying_since.is_some_and(|since| since.elapsed() >= self.patience);
            state.lose(lines.count, Cause::Burst);
        } else {
            self.push(&mut state, lines);
        }
    }

    /// An error as JSON, whatever the format is.
    pub(super) fn push_last(&self, message: &str, field: Field) {
        if self.admits(Level::Error) {
            let layout = self.layout.read().unwrap_or_else(PoisonError::into_inner);
            let mut bytes = Vec::new();
            layout
                .frame_in(LogFormat::Json, SystemTime::now(), Level::Error, &[field])
                .put(&mut bytes, message.as_bytes());
            self.push_or_lose(Lines::one(bytes));
        }
    }

    fn push(&self, state: &mut State, lines: Lines) {
        if let Some(report) = self.report(state) {
            state.push(report);
        }
        state.push(lines);
        self.work.notify_one();
    }

    pub(super) fn push_reopen(&self) {
        let mut state = self.state();
        // Several in a row are one; so the queue stays bounded whatever signals come.
        if !matches!(state.items.back(), Some(Item::Reopen)) {
            state.items.push_back(Item::Reopen);
            self.work.notify_one();
        }
    }

    /// What is in the queue already still goes to the old destination.
    pub(super) fn push_redirect(&self, sink: Sink) {
        let mut state = self.state();
        match state.items.back_mut() {
            Some(Item::Redirect(last)) => *last = sink,
            _ => state.items.push_back(Item::Redirect(sink)),
        }
        self.work.notify_one();
    }

    /// The line that says what was lost, once there is hope that it is read.
    fn report(&self, state: &mut State) -> Option<Lines> {
        if state.unsaid == 0 || state.stalled || state.failing {
            return None;
        }
        let reports = std::mem::take(&mut state.unsaid);
        let cause = match state.cause.take().unwrap_or(Cause::Burst) {
            Cause::Burst => "they came faster than they could be written".to_owned(),
            Cause::Stalled(time) => format!("nobody read pilot's output for {} s", time.as_secs_f32().round()),
            Cause::Failed(error) => format!("writing them failed: {error}"),
        };
        let mut bytes = Vec::new();
        let noun = if reports == 1 { "line was" } else { "lines were" };
        let message = format!("{reports} {noun} lost: {cause}");
        self.record(Level::Warn, &[], &message, &mut bytes);
        Some(Lines { bytes, count: 1, reports })
    }

    /// One of pilot's own lines.
    pub(super) fn record(&self, level: Level, fields: &[Field], message: &str, out: &mut Vec<u8>) {
        self.frame(SystemTime::now(), level, fields).put_own(out, message.as_bytes());
    }

    /// For the writer: the next thing to do; waits for it. `None`: all is done.
    pub(super) fn next(&self) -> Option<Item> {
        let mut state = self.state();
        state.trying_since = None;
        loop {
            let item = match state.items.pop_front() {
                Some(item) => Some(item),
                None => self.report(&mut state).map(Item::Lines),
            };
            match item {
                Some(Item::Lines(lines)) => {
                    state.bytes = state.bytes.saturating_sub(lines.bytes.len());
                    state.trying_since = Some(Instant::now());
                    self.room.notify_all();
                    return Some(Item::Lines(lines));
                }
                Some(other @ (Item::Reopen | Item::Redirect(_))) => return Some(other),
                None if state.closed => {
                    state.done = true;
                    self.room.notify_all();
                    return None;
                }
                None => state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// For the writer: somebody took some bytes.
    pub(super) fn progress(&self) {
        let mut state = self.state();
        let since = state.trying_since.replace(Instant::now());
        state.failing = false;
        if state.stalled {
            state.stalled = false;
            state.cause = Some(Cause::Stalled(since.map_or(self.patience, |since| since.elapsed())));
        }
    }

    /// For the writer: these are written; their buffer may be used again.
    pub(super) fn written(&self, lines: Lines) {
        let mut buffer = lines.bytes;
        // One huge line must not hold memory for ever.
        if (4096..=4 * MAX_BYTES).contains(&buffer.capacity()) {
            buffer.clear();
            self.state().spare = Some(buffer);
        }
    }

    /// For the writer: writing failed with `left` lines of these unwritten.
    pub(super) fn failed(&self, lines: &Lines, left: u64, error: &std::io::Error) {
        let mut state = self.state();
        state.failing = true;
        // Not stalled: nothing holds up the writer, it throws away as fast as lines come.
        state.stalled = false;
        let cause = Cause::Failed(error.to_string());
        if lines.reports > 0 {
            state.unsaid += lines.reports;
            state.cause = Some(cause);
        } else {
            state.lose(left, cause.clone());
            state.cause = Some(cause);
        }
    }

    /// For the reader: nothing more will come from children.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.work.notify_one();
    }

    /// Whether the writer came to the end before `until`.
    pub(super) fn wait_until_done(&self, until: Instant) -> bool {
        let mut state = self.state();
        while !state.done {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.room.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

impl State {
    fn push(&mut self, lines: Lines) {
        self.bytes += lines.bytes.len();
        self.items.push_back(Item::Lines(lines));
    }

    fn lose(&mut self, count: u64, cause: Cause) {
        self.lost += count;
        self.unsaid += count;
        self.cause.get_or_insert(cause);
    }
}

impl Lines {
    /// One line of pilot's own.
    pub(super) fn one(bytes: Vec<u8>) -> Lines {
        Lines { bytes, count: 1, reports: 0 }
    }
}
