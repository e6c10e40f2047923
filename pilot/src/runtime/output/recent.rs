//! The last lines of each job, kept for those who ask later: `pilot logs`, a post-mortem.
//!
//! At most [`KEPT`] bytes a job, nothing before its first line. The reader's thread writes, and never waits for those
//! who read.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Bytes of whole lines that are kept of each job.
pub const KEPT: usize = 16 * 1024;

/// The last lines of one job, over all of its runs, stdout and stderr.
#[derive(Debug, Default)]
pub struct Recent {
    kept: Mutex<Kept>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Kept {
    /// Whole lines with their ends. Only of a line that is longer than all of this the beginning is missing.
    bytes: VecDeque<u8>,
    /// Bytes that were ever written: the place behind the last one kept.
    end: u64,
}

/// Lines, and where those after them begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Without their ends; what is not UTF-8 is replaced.
    pub lines: Vec<String>,
    /// For [`Recent::after`].
    pub next: u64,
    /// Lines before these were asked for and are not kept any more.
    pub gap: bool,
}

impl Recent {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds whole lines.
    pub(in crate::runtime) fn push(&self, lines: &[u8]) {
        if lines.is_empty() {
            return;
        }
        let mut kept = self.kept();
        let tail = whole_lines(lines, KEPT);
        let surplus = (kept.bytes.len() + tail.len()).saturating_sub(KEPT);
        if surplus > 0 {
            let from_there = kept.bytes.iter().skip(surplus - 1);
            let line_end = from_there.clone().position(|byte| *byte == b'\n');
            let gone = line_end.map_or(kept.bytes.len(), |end| surplus + end);
            kept.bytes.drain(..gone);
        }
        let needed = kept.bytes.len() + tail.len();
        if needed > kept.bytes.capacity() {
            // Grown by doubling, it would end beyond what is promised.
            let more = needed.next_power_of_two().min(KEPT) - kept.bytes.len();
            kept.bytes.reserve_exact(more);
        }
        kept.bytes.extend(tail);
        kept.end += lines.len() as u64;
        drop(kept);
        self.news.notify_waiters();
    }

    /// The last `count` lines, as far as they are kept.
    pub fn last(&self, count: usize) -> Piece {
        let kept = self.kept();
        let mut lines = lines_of(kept.bytes.iter().copied().collect());
        lines.drain(..lines.len().saturating_sub(count));
        Piece { lines, next: kept.end, gap: false }
    }

    /// The lines from a place on, as soon as there are any.
    pub async fn after(&self, place: u64) -> Piece {
        loop {
            let mut news = std::pin::pin!(self.news.notified());
            news.as_mut().enable();
            if let Some(piece) = self.from(place) {
                return piece;
            }
            news.await;
        }
    }

    fn from(&self, place: u64) -> Option<Piece> {
        let kept = self.kept();
        let new = kept.end.saturating_sub(place);
        if new == 0 {
            return None;
        }
        let new = usize::try_from(new).unwrap_or(usize::MAX);
        let known = kept.bytes.len().saturating_sub(new);
        let bytes = kept.bytes.iter().skip(known).copied().collect();
        Some(Piece { lines: lines_of(bytes), next: kept.end, gap: new > kept.bytes.len() })
    }
}

/// The end of `lines` that is at most so long, whole lines if there is one.
fn whole_lines(lines: &[u8], limit: usize) -> &[u8] {
    if lines.len() <= limit {
        return lines;
    }
    // One byte more: a line that begins just there is whole.
    let tail = lines.get(lines.len() - limit - 1..).unwrap_or_default();
    match memchr::memchr(b'\n', tail) {
        Some(end) if end + 1 < tail.len() => tail.get(end + 1..).unwrap_or_default(),
        _ => tail.get(1..).unwrap_or_default(),
    }
}

fn lines_of(bytes: Vec<u8>) -> Vec<String> {
    let text = String::from_utf8_lossy(&bytes);
    text.lines().map(str::to_owned).collect()
}

/// The last lines of all jobs.
#[derive(Debug, Default)]
pub(super) struct Recents(Mutex<HashMap<String, Arc<Recent>>>);

impl Recents {
    fn jobs(&self) -> MutexGuard<'_, HashMap<String, Arc<Recent>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A job's, which begin here if there were none.
    pub(super) fn of(&self, job: &str) -> Arc<Recent> {
        let mut jobs = self.jobs();
        match jobs.get(job) {
            Some(recent) => Arc::clone(recent),
            None => Arc::clone(jobs.entry(job.to_owned()).or_default()),
        }
    }

    /// Forgets the jobs that are not to be kept.
    pub(super) fn retain(&self, keep: impl Fn(&str) -> bool) {
        self.jobs().retain(|job, _| keep(job));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(recent: &Recent, count: usize) -> Vec<String> {
        recent.last(count).lines
    }

    #[test]
    fn the_last_lines_are_whole_lines_in_their_order() {
        let recent = Recent::default();
        assert_eq!(lines(&recent, 5), Vec::<String>::new());
        recent.push(b"one\r\ntwo\n");
        recent.push(b"three \xff\n");
        assert_eq!(lines(&recent, 5), ["one", "two", "three \u{fffd}"]);
        assert_eq!(lines(&recent, 2), ["two", "three \u{fffd}"]);
        assert_eq!(lines(&recent, 0), Vec::<String>::new());
    }

    #[test]
    fn however_much_is_written_only_so_much_is_kept() {
        let recent = Recent::default();
        for number in 0..10_000 {
            recent.push(format!("line {number:06}\n").as_bytes());
        }
        let kept = lines(&recent, usize::MAX);
        assert_eq!(kept.len(), KEPT / 12);
        assert_eq!(kept.last().unwrap(), "line 009999");
        assert_eq!(kept[0].len(), 11, "the oldest one is whole");
        let batch: String = (0..10_000).map(|number| format!("more {number:06}\n")).collect();
        recent.push(batch.as_bytes());
        let kept = lines(&recent, usize::MAX);
        assert_eq!((kept.len(), kept[0].len()), (KEPT / 12, 11));
        assert!(recent.kept().bytes.capacity() <= KEPT);
    }

    #[test]
    fn of_a_line_that_is_longer_than_all_the_end_is_kept() {
        let recent = Recent::default();
        recent.push(b"before\n");
        recent.push(format!("{}end\n", "x".repeat(KEPT)).as_bytes());
        let kept = lines(&recent, 9);
        assert_eq!((kept.len(), kept[0].len()), (1, KEPT - 1));
        assert!(kept[0].ends_with("xend"));
    }

    #[tokio::test]
    async fn who_follows_gets_each_line_once_and_learns_of_a_gap() {
        let recent = Arc::new(Recent::default());
        recent.push(b"old\n");
        let mut next = recent.last(0).next;
        let writer = Arc::clone(&recent);
        std::thread::spawn(move || {
            for number in 0..500 {
                writer.push(format!("{number}\n").as_bytes());
            }
        });
        let mut seen = Vec::new();
        while seen.len() < 500 {
            let piece = recent.after(next).await;
            assert!(!piece.gap);
            seen.extend(piece.lines);
            next = piece.next;
        }
        assert_eq!(seen, (0..500).map(|number| number.to_string()).collect::<Vec<_>>());
        recent.push("y\n".repeat(KEPT).as_bytes());
        let piece = recent.after(next).await;
        assert!(piece.gap);
        assert_eq!(piece.lines.len(), KEPT / 2);
    }

    #[test]
    fn jobs_that_are_gone_can_be_forgotten() {
        let recents = Recents::default();
        recents.of("a").push(b"line\n");
        recents.of("b").push(b"line\n");
        recents.retain(|job| job == "a");
        assert_eq!(lines(&recents.of("a"), 1), ["line"]);
        assert_eq!(lines(&recents.of("b"), 1), Vec::<String>::new());
    }
}
