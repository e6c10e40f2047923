//! The thread that writes. May be blocked for ever by whoever does not read; nobody waits for it without a deadline.
//!
//! To pipes, terminals and sockets it writes at most [`ATOM`] bytes at a time, cut at line ends, when poll says there is
//! room: the kernel takes such a piece whole, so a raw child's lines on the same pipe never land inside one of ours, and
//! every piece that is taken is progress that can be seen.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::queue::{Item, Lines, Queue};
use pilot_core::plan::Level;

/// PIPE_BUF: what is written to a pipe in one piece or not at all.
const ATOM: usize = 4096;

/// Where lines go.
#[derive(Debug)]
pub(super) struct Sink {
    file: File,
    /// Of a log file that can be reopened.
    path: Option<PathBuf>,
    piece: usize,
    /// A failed write left the beginning of a line behind.
    torn: bool,
}

impl Sink {
    /// pilot's stdout or stderr, whatever it is.
    pub(super) fn descriptor(fd: OwnedFd) -> Sink {
        let file = File::from(fd);
        let regular = file.metadata().is_ok_and(|meta| meta.is_file());
        Sink { file, path: None, piece: if regular { usize::MAX } else { ATOM }, torn: false }
    }

    /// A log file, open for append.
    pub(super) fn file(file: File, path: PathBuf) -> Sink {
        Sink { path: Some(path), ..Sink::descriptor(file.into()) }
    }

    /// Writes what comes until the queue is closed.
    pub(super) fn run(mut self, queue: &Queue) {
        while let Some(item) = queue.next() {
            match item {
                Item::Lines(lines) => self.write(lines, queue),
                Item::Redirect(sink) => self = sink,
                Item::Reopen => {
                    if let Some(complaint) = self.reopen(queue) {
                        self.write(complaint, queue);
                    }
                }
            }
        }
    }

    fn write(&mut self, lines: Lines, queue: &Queue) {
        let mut left = lines.bytes.as_slice();
        while !left.is_empty() {
            let piece = if self.torn { b"\n" } else { left.get(..cut(left, self.piece)).unwrap_or(left) };
            match self.write_piece(piece) {
                Ok(written) => {
                    queue.progress();
                    if !std::mem::take(&mut self.torn) {
                        left = left.get(written..).unwrap_or_default();
                    }
                }
                Err(error) => {
                    let done = lines.bytes.len() - left.len();
                    self.torn |= done > 0 && lines.bytes.get(done - 1) != Some(&b'\n');
                    let lost = memchr::memchr_iter(b'\n', left).count();
                    queue.failed(&lines, u64::try_from(lost).unwrap_or(u64::MAX), &error);
                    return;
                }
            }
        }
        queue.written(lines);
    }

    fn write_piece(&self, piece: &[u8]) -> io::Result<usize> {
        loop {
            if self.piece == ATOM {
                // An error here shows again in the write.
                let _ = poll(&mut [PollFd::new(self.file.as_fd(), PollFlags::POLLOUT)], PollTimeout::NONE);
            }
            match (&self.file).write(piece) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                result => return result,
            }
        }
    }

    /// Follows a rotation. If that fails, the old file is as good as any, and gets a line about it.
    fn reopen(&mut self, queue: &Queue) -> Option<Lines> {
        let path = self.path.as_ref()?;
        match OpenOptions::new().append(true).create(true).open(path) {
            Ok(file) => {
                *self = Sink::file(file, path.clone());
                None
            }
            Err(error) => {
                let mut bytes = Vec::new();
                let message = format!("cannot reopen {}: {error}; logging goes on in the old file", path.display());
                queue.record(Level::Error, &[], &message, &mut bytes);
                Some(Lines::one(bytes))
            }
        }
    }
}

/// How much of it to write: up to the last line end within `most`, or `most` of a longer line.
fn cut(bytes: &[u8], most: usize) -> usize {
    match bytes.get(..most) {
        Some(front) if bytes.len() > most => memchr::memrchr(b'\n', front).map_or(most, |end| end + 1),
        _ => bytes.len(),
    }
}
