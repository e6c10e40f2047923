//! Lines: pilot's own and its children's, in v3's three formats, written without ever holding up the supervisor.
//!
//! Two threads do the work: one reads the children's pipes and puts lines together, one writes. The thread that calls
//! [`Output`] or logs through `tracing` only ever puts something into a bounded queue. v3 spec section 4.
//!
//! What is promised: lines of different writers never mix; a line of any length comes out (longer than [`MAX_LINE`] in
//! marked pieces); an unterminated last line comes out at the end of its pipe or of pilot; nothing is lost while
//! somebody reads pilot's output, for children wait; when nobody has read a byte for [`STALL_TIMEOUT`] lines are discarded
//! and counted instead, so that children and pilot go on, and one line says how many once reading resumes.

mod format;
mod queue;
mod reader;
mod recent;
mod records;
mod sink;
mod time;

#[cfg(test)]
mod tests;

use std::fs::OpenOptions;
use std::io::{self, PipeWriter, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::SigSet;
use nix::unistd::pipe2;

use self::format::Layout;
use self::queue::Queue;
use self::reader::{Inbox, LastWords, Reader, Stream};
use self::recent::Recents;
pub use self::recent::{KEPT, Piece, Recent};
pub use self::records::Records;
use self::sink::Sink;
pub use self::time::local_zone;
use pilot_core::plan::{Level, LogOutput, Logging};

/// Bytes of a line that are written as one. What is longer becomes several lines, all but the last marked: `[partial]`
/// before the message in the default format, a field `partial` that is true in the others.
pub const MAX_LINE: usize = 256 * 1024;

/// Without a byte taken for this long, whoever reads pilot's output counts as gone.
pub const STALL_TIMEOUT: Duration = Duration::from_secs(5);

/// Why logging could not be started.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The file named by `logging.output`.
    #[error("cannot open the log file {}: {error}; its folder must exist and be writable", path.display())]
    File {
        /// Its path.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// No descriptor or thread left.
    #[error("cannot start logging: {0}")]
    System(#[from] io::Error),
}

/// Whose lines they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Label {
    /// A job's; its name, shown as `job`.
    Job(String),
    /// A health check's; `check.<job>`, shown as `check`.
    Check(String),
}

/// The write ends for a child, for [`crate::runtime::process::spawn::Stdio::Wrapped`]. To be closed after the start.
#[derive(Debug)]
pub struct ChildEnds {
    /// Becomes descriptor 1.
    pub stdout: OwnedFd,
    /// Becomes descriptor 2.
    pub stderr: OwnedFd,
}

/// The other ends: give them to [`Output`] with [`Unread::attach`] once the child has a number. Dropped, they close.
#[derive(Debug)]
pub struct Unread<'a> {
    output: &'a Output,
    ends: [OwnedFd; 2],
}

/// The running output. Clones are handles to the same one.
#[derive(Clone, Debug)]
pub struct Output {
    queue: Arc<Queue>,
    inbox: Arc<Mutex<Inbox>>,
    recents: Arc<Recents>,
    wake: Arc<PipeWriter>,
    idle: Arc<Mutex<Idle>>,
}

/// A destination of log lines, open and not written to yet.
#[derive(Debug)]
pub struct Destination(Sink);

/// The work of the two threads, for as long as they are not started.
#[derive(Debug)]
struct Idle {
    reader: Option<Reader>,
    sink: Option<Sink>,
    /// It was said that there are no threads.
    said: bool,
}

impl Output {
    /// [`Output::open`] and [`Output::begin`].
    pub fn start(logging: &Logging) -> Result<Output, OutputError> {
        let output = Output::open(logging)?;
        output.begin()?;
        Ok(output)
    }

    /// Opens the destination. Lines wait until [`Output::begin`].
    pub fn open(logging: &Logging) -> Result<Output, OutputError> {
        let layout = Layout { format: logging.format, zone: LazyLock::new(time::local_zone) };
        let Destination(sink) = Destination::open(&logging.output)?;
        Ok(Output::of(layout, logging.level, sink, STALL_TIMEOUT)?)
    }

    fn of(layout: Layout, level: Level, sink: Sink, patience: Duration) -> io::Result<Output> {
        let queue = Arc::new(Queue::new(layout, level, patience));
        let inbox = Arc::new(Mutex::new(Inbox::default()));
        let (woken, wake) = io::pipe()?;
        let reader = Reader::new(woken, Arc::clone(&inbox), Arc::clone(&queue));
        let idle = Arc::new(Mutex::new(Idle { reader: Some(reader), sink: Some(sink), said: false }));
        Ok(Output { queue, inbox, recents: Arc::default(), wake: Arc::new(wake), idle })
    }

    /// Starts both threads, which have all signals blocked; does nothing when they run. After an error (the system has no
    /// thread to give) it may be called again. Apart from [`Output::open`], because the first job need not wait for it.
    pub fn begin(&self) -> io::Result<()> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = Arc::clone(&self.queue);
        let begun = spawn_thread("output-read", &mut idle.reader, Reader::run)
            .and_then(|()| spawn_thread("output-write", &mut idle.sink, move |sink| sink.run(&queue)));
        if let Err(error) = &begun
            && !std::mem::replace(&mut idle.said, true)
        {
            last_resort(&format!(
                "pilot: the system has no thread for the log ({error}; see pids.max and ulimit -u): all lines wait until it has"
            ));
        }
        begun
    }

    /// Two pipes for a child that is about to be started.
    pub fn pipes(&self) -> io::Result<(ChildEnds, Unread<'_>)> {
        let (read_out, stdout) = pipe2(OFlag::O_CLOEXEC)?;
        let (read_err, stderr) = pipe2(OFlag::O_CLOEXEC)?;
        for end in [&read_out, &read_err] {
            fcntl(end, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        }
        Ok((ChildEnds { stdout, stderr }, Unread { output: self, ends: [read_out, read_err] }))
    }

    /// What pilot's own log statements go to: give it to `tracing::subscriber::set_global_default`.
    pub fn records(&self) -> Records {
        Records::new(Arc::clone(&self.queue))
    }

    /// Lines that are made from now on have this level and format, and go to the destination if there is a new one.
    /// Returns at once.
    pub fn change(&self, logging: &Logging, destination: Option<Destination>) {
        if let Some(Destination(sink)) = destination {
            self.queue.push_redirect(sink);
        }
        self.queue.set(logging.format, logging.level);
        // Each log statement remembers whether it is wanted.
        tracing::callsite::rebuild_interest_cache();
    }

    /// Closes and reopens the log file, if it is one (SIGUSR1, v3 spec 4.1). Returns at once.
    pub fn reopen(&self) {
        self.queue.push_reopen();
    }

    /// The last lines of a job whose output is wrapped, also when its lines are not shown.
    pub fn recent(&self, job: &str) -> Arc<Recent> {
        self.recents.of(job)
    }

    /// The last `count` lines of a job; none of a job whose output bypasses pilot.
    pub fn last_lines(&self, job: &str, count: usize) -> Vec<String> {
        self.recents.of(job).last(count).lines
    }

    /// The very last line, an error in JSON whatever the format: a message, and a field with a value that is JSON. It is
    /// made at the end of [`Output::finish`], when all that jobs have written is known.
    pub fn last_words(&self, make: impl FnOnce() -> (String, &'static str, String) + Send + 'static) {
        self.tell_reader(|inbox| inbox.last_words = Some(LastWords(Box::new(make))));
    }

    /// Forgets the last lines of the jobs that are not to be kept.
    pub fn retain_recent(&self, keep: impl Fn(&str) -> bool) {
        self.recents.retain(keep);
    }

    /// Lines lost so far, pilot's own and its children's.
    pub fn lost(&self) -> u64 {
        self.queue.lost()
    }

    /// Writes what has been logged and what is still in the pipes, unterminated lines included, and stops. True: all of
    /// it was handed over; false: the deadline came first. Call it last: later lines are lost.
    pub fn finish(&self, deadline: Duration) -> bool {
        let until = Instant::now() + deadline;
        // Without threads the wait ends with the deadline.
        let _ = self.begin();
        self.tell_reader(|inbox| inbox.finish_by = Some(until));
        self.queue.wait_until_done(until)
    }

    /// The reader takes all that is in the inbox on one wake-up, so only the first one since then writes to the pipe.
    fn tell_reader(&self, change: impl FnOnce(&mut Inbox)) {
        let mut inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut inbox);
        if !inbox.announced {
            inbox.announced = (&*self.wake).write(&[1]).is_ok();
        }
    }
}

impl Destination {
    /// Opens it. May wait: a log file may be on a slow file system, or be a pipe that nobody reads.
    pub fn open(output: &LogOutput) -> Result<Destination, OutputError> {
        Ok(Destination(match output {
            LogOutput::Stdout => Sink::descriptor(io::stdout().as_fd().try_clone_to_owned()?),
            LogOutput::Stderr => Sink::descriptor(io::stderr().as_fd().try_clone_to_owned()?),
            LogOutput::File(path) => {
                let opened = OpenOptions::new().append(true).create(true).open(path);
                let file = opened.map_err(|error| OutputError::File { path: path.clone(), error })?;
                Sink::file(file, path.clone())
            }
        }))
    }
}

impl Unread<'_> {
    /// From now on what the child writes is logged, with these fields.
    pub fn attach(self, label: Label, pid: i32) {
        let recent = match &label {
            Label::Job(name) => Some(self.output.recents.of(name)),
            Label::Check(_) => None,
        };
        self.output.tell_reader(|inbox| {
            inbox.streams.extend(self.ends.map(|end| Stream::new(end, &label, pid, recent.clone())));
        });
    }
}

/// A line on stderr by the thread that calls, for when no other can write. Never waits: nobody may read it.
fn last_resort(line: &str) {
    let stderr = io::stderr();
    let mut room = [PollFd::new(stderr.as_fd(), PollFlags::POLLOUT)];
    if poll(&mut room, PollTimeout::ZERO).is_ok_and(|ready| ready > 0) {
        // A pipe with room takes as much as this at once.
        let _ = nix::unistd::write(&stderr, format!("{line}\n").as_bytes());
    }
}

/// A thread for the work, if there is any; work for which there is no thread stays where it is.
fn spawn_thread<T: Send + 'static>(
    name: &str,
    work: &mut Option<T>,
    run: impl FnOnce(T) + Send + 'static,
) -> io::Result<()> {
    if work.is_none() {
        return Ok(());
    }
    let shared = Arc::new(Mutex::new(work.take()));
    let take = |shared: &Mutex<Option<T>>| shared.lock().unwrap_or_else(PoisonError::into_inner).take();
    let theirs = Arc::clone(&shared);
    let start = move || {
        let _ = SigSet::all().thread_block();
        take(&theirs).map(run);
    };
    let spawned = thread::Builder::new().name(name.to_owned()).spawn(start);
    if spawned.is_err() {
        *work = take(&shared);
    }
    spawned.map(drop)
}
