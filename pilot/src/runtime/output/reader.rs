//! The thread that reads children's pipes, puts lines together and hands them on in large pieces.
//!
//! May wait (for pipes, for room in the queue); nobody waits for it. Memory is one read buffer, and per stream the
//! unfinished line, at most [`MAX_LINE`].

use std::fmt;
use std::fs::File;
use std::io::{ErrorKind, PipeReader, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::format::{Field, Frame, Value};
use super::queue::{Lines, Queue};
use super::recent::Recent;
use super::{Label, MAX_LINE};
use pilot_core::plan::Level;

/// The most that is read from one stream in its turn: what a pipe holds.
const TURN: usize = 64 * 1024;

/// Lines are handed on when there are this many bytes of them, and at the end of each round.
const HANDFUL: usize = 128 * 1024;

/// What other threads leave for the reader.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    pub(super) streams: Vec<Stream>,
    /// Read what is there and stop, by then.
    pub(super) finish_by: Option<Instant>,
    pub(super) last_words: Option<LastWords>,
    /// A byte in the wake-up pipe tells the reader to look here.
    pub(super) announced: bool,
}

/// Makes the message of the last line, and the name and JSON value of its field.
pub(super) struct LastWords(pub(super) Box<dyn FnOnce() -> (String, &'static str, String) + Send>);

impl fmt::Debug for LastWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LastWords")
    }
}

/// One pipe of one child.
#[derive(Debug)]
pub(super) struct Stream {
    pipe: File,
    fields: Vec<Field>,
    /// The beginning of a line whose end has not come yet.
    held: Vec<u8>,
    /// Where its job's last lines are kept.
    recent: Option<Arc<Recent>>,
}

/// Whether there may be more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    More,
    Empty,
    Ended,
}

impl Stream {
    /// The descriptor must be non-blocking.
    pub(super) fn new(end: OwnedFd, label: &Label, pid: i32, recent: Option<Arc<Recent>>) -> Stream {
        let (key, name) = match label {
            Label::Job(name) => ("job", name),
            Label::Check(name) => ("check", name),
        };
        let fields = vec![
            Field { key: key.to_owned(), value: Value::Text(name.clone()) },
            Field { key: "pid".to_owned(), value: Value::Bare(pid.to_string()) },
        ];
        Stream { pipe: File::from(end), fields, held: Vec::new(), recent }
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Reader {
    woken: PipeReader,
    inbox: Arc<Mutex<Inbox>>,
    streams: Vec<Stream>,
    finish_by: Option<Instant>,
    buffer: Vec<u8>,
    lines: Splitter,
}

impl Reader {
    pub(super) fn new(woken: PipeReader, inbox: Arc<Mutex<Inbox>>, queue: Arc<Queue>) -> Reader {
        let lines = Splitter { queue, ready: Lines::default() };
        Reader { woken, inbox, streams: Vec::new(), finish_by: None, buffer: vec![0; MAX_LINE + TURN], lines }
    }

    pub(super) fn run(mut self) {
        while self.finish_by.is_none() {
            let (news, ready) = self.wait();
            let mut turn = ready.into_iter();
            self.streams.retain_mut(|stream| {
                !turn.next().unwrap_or(false) || self.lines.take_turn(stream, &mut self.buffer) != Turn::Ended
            });
            self.lines.hand_on();
            if news {
                self.open_inbox();
            }
        }
        self.drain();
    }

    /// Whether there is something in the inbox, and for each stream whether there is something to read.
    fn wait(&self) -> (bool, Vec<bool>) {
        let mut polled = vec![PollFd::new(self.woken.as_fd(), PollFlags::POLLIN)];
        polled.extend(self.streams.iter().map(|stream| PollFd::new(stream.pipe.as_fd(), PollFlags::POLLIN)));
        if poll(&mut polled, PollTimeout::NONE).is_err() {
            return (false, Vec::new());
        }
        let mut ready = polled.iter().map(|polled| polled.any().unwrap_or(true));
        (ready.next().unwrap_or(false), ready.collect())
    }

    fn open_inbox(&mut self) {
        let mut inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        // Never blocks: there is exactly one byte for each time it was announced.
        if std::mem::take(&mut inbox.announced) {
            let _ = self.woken.read(&mut [0]);
        }
        self.streams.append(&mut inbox.streams);
        self.finish_by = inbox.finish_by;
    }

    /// Reads what is in the pipes; unfinished lines are lines now. A writer that never stops is cut off by the deadline.
    fn drain(mut self) {
        for mut stream in std::mem::take(&mut self.streams) {
            while self.lines.take_turn(&mut stream, &mut self.buffer) == Turn::More
                && self.finish_by.is_some_and(|by| Instant::now() < by)
            {}
            self.lines.last(&mut stream);
        }
        self.lines.hand_on();
        let words = self.inbox.lock().unwrap_or_else(PoisonError::into_inner).last_words.take();
        if let Some(LastWords(make)) = words {
            let (message, key, json) = make();
            self.lines.queue.push_last(&message, Field { key: key.to_owned(), value: Value::Bare(json) });
        }
        self.lines.queue.close();
    }
}

/// Turns bytes into lines.
#[derive(Debug)]
struct Splitter {
    queue: Arc<Queue>,
    ready: Lines,
}

impl Splitter {
    /// Reads once. The held beginning of a line goes first into the buffer, so that every line is in one piece there.
    fn take_turn(&mut self, stream: &mut Stream, buffer: &mut [u8]) -> Turn {
        let held = stream.held.len();
        let (front, space) = buffer.split_at_mut(held);
        let read = match stream.pipe.read(space) {
            Ok(0) => {
                self.last(stream);
                return Turn::Ended;
            }
            Ok(read) => read,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => return Turn::Empty,
            Err(_) => {
                self.last(stream);
                return Turn::Ended;
            }
        };
        if !self.queue.admits(Level::Info) && stream.recent.is_none() {
            // The level hides children's lines: pipes are only kept empty.
            stream.held.clear();
            return Turn::More;
        }
        front.copy_from_slice(&stream.held);
        let bytes = buffer.get(..held + read).unwrap_or_default();
        let rest = self.split(&stream.fields, bytes, held);
        if let Some(recent) = &stream.recent {
            recent.push(bytes.get(..bytes.len() - rest.len()).unwrap_or_default());
        }
        if rest.is_empty() && stream.held.capacity() > TURN {
            stream.held = Vec::new();
        }
        stream.held.clear();
        stream.held.extend_from_slice(rest);
        Turn::More
    }

    /// Puts all whole lines into `ready` and returns what is left. There is no line end in the first `known` bytes.
    fn split<'b>(&mut self, fields: &[Field], bytes: &'b [u8], known: usize) -> &'b [u8] {
        let now = SystemTime::now();
        let frame = self.queue.frame(now, Level::Info, fields);
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', bytes.get(known..).unwrap_or_default()) {
            let line = bytes.get(start..known + end).unwrap_or_default();
            let line = self.cut(fields, now, line);
            self.put(&frame, line.strip_suffix(b"\r").unwrap_or(line));
            start = known + end + 1;
        }
        self.cut(fields, now, bytes.get(start..).unwrap_or_default())
    }

    /// Puts pieces of a line that is too long and returns its end, which is at most [`MAX_LINE`].
    fn cut<'b>(&mut self, fields: &[Field], now: SystemTime, line: &'b [u8]) -> &'b [u8] {
        if line.len() <= MAX_LINE {
            return line;
        }
        let mut fields = fields.to_vec();
        fields.insert(1, Field { key: "partial".to_owned(), value: Value::Bare("true".to_owned()) });
        let frame = self.queue.frame(now, Level::Info, &fields);
        let mut left = line;
        while left.len() > MAX_LINE {
            // Not within a character.
            let inside = |at: &usize| left.get(*at).is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000);
            let at = (MAX_LINE - 3..=MAX_LINE).rev().find(|at| !inside(at)).unwrap_or(MAX_LINE);
            let (piece, rest) = left.split_at(at);
            self.put(&frame, piece);
            left = rest;
        }
        left
    }

    fn put(&mut self, frame: &Frame, message: &[u8]) {
        if !self.queue.admits(Level::Info) {
            return;
        }
        frame.put(&mut self.ready.bytes, message);
        self.ready.count += 1;
        if self.ready.bytes.len() >= HANDFUL {
            self.hand_on();
        }
    }

    fn hand_on(&mut self) {
        self.queue.push_waiting(&mut self.ready);
    }

    /// An unterminated line at the end of a stream.
    fn last(&mut self, stream: &mut Stream) {
        let held = std::mem::take(&mut stream.held);
        if !held.is_empty() {
            if let Some(recent) = &stream.recent {
                recent.push(&[held.as_slice(), b"\n"].concat());
            }
            let frame = self.queue.frame(SystemTime::now(), Level::Info, &stream.fields);
            self.put(&frame, held.strip_suffix(b"\r").unwrap_or(&held));
        }
    }
}
