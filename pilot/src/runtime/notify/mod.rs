//! What jobs' processes say of their own readiness: the sd_notify(3) protocol, on one datagram socket of pilot.
//!
//! Everything that arrives is hostile until its sender is known to belong to a run of today that was asked to speak: the
//! kernel tells who sent it. The rest is ignored and counted. Nothing here decides what readiness means; it is told to the
//! engine as the verdict of a probe.

mod client;
pub mod host;
pub mod message;
mod readiness;
mod sender;
mod socket;

pub use client::{ClientError, tell};

use std::collections::{HashMap, VecDeque};
use std::ffi::OsString;
use std::io;
use std::time::{Duration, Instant};

use nix::unistd::Pid;

use pilot_core::effect::{Input, RunId, Verdict};
use pilot_core::plan::{JobId, NotifyProbe};
use readiness::RunReadiness;
use sender::{Sender, Senders};
use socket::{Datagram, Socket};

/// What one turn of the loop gives to messages at most, so that whoever floods the socket holds up nothing else.
const TURN: Duration = Duration::from_millis(1);
/// Messages that wait to be looked at. As many as the kernel queues on a generously configured machine
/// (net.unix.max_dgram_qlen).
const WAITING: usize = 512;

/// Every run that was asked to tell of its readiness, and what it told.
#[derive(Debug, Default)]
pub struct Notices {
    /// Bound when the first such run starts.
    socket: Option<Socket>,
    runs: HashMap<RunId, Run>,
    /// The first process of each of them that goes on, which leads its group.
    leaders: HashMap<Pid, RunId>,
    /// Those that are over. What they told is kept until the engine has heard of their end.
    over: Vec<RunId>,
    senders: Senders,
    /// Received, and whose they are is not known yet.
    waiting: VecDeque<(Pid, Vec<u8>)>,
    ignored: u64,
}

#[derive(Debug)]
struct Run {
    job: JobId,
    leader: Pid,
    readiness: RunReadiness,
}

impl Notices {
    /// What a process has to know in order to speak. Binds the socket if nobody has spoken yet.
    ///
    /// # Errors
    /// When no socket can be made.
    pub fn variables(&mut self, probe: &NotifyProbe) -> io::Result<Vec<(OsString, OsString)>> {
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None => Socket::bind()?,
        };
        let address = socket.address().into();
        self.socket = Some(socket);
        let mut variables = vec![("NOTIFY_SOCKET".into(), address)];
        if let Some(watchdog) = probe.watchdog {
            variables.push(("WATCHDOG_USEC".into(), watchdog.as_micros().to_string().into()));
        }
        Ok(variables)
    }

    /// A run that was asked to speak has started.
    pub fn started(&mut self, (job, run): (JobId, RunId), leader: Pid, probe: &NotifyProbe) {
        self.runs.insert(run, Run { job, leader, readiness: RunReadiness::new(probe.watchdog) });
        self.leaders.insert(leader, run);
    }

    /// A run is over: what else arrives in its name is not its own.
    pub fn ended(&mut self, run: RunId) {
        if let Some(Run { leader, .. }) = self.runs.get(&run) {
            self.leaders.remove(leader);
            self.over.push(run);
        }
    }

    /// The engine has heard of all ends so far: nothing is kept of those runs.
    pub fn forget_ended(&mut self) {
        for run in self.over.drain(..) {
            self.runs.remove(&run);
        }
    }

    /// What a probe finds at time `now` of the engine.
    pub fn verdict(&self, run: Option<RunId>, now: Duration) -> Verdict {
        let run = run.and_then(|run| self.runs.get(&run));
        run.map_or_else(|| readiness::failed("its process has ended"), |run| run.readiness.verdict(now))
    }

    /// Messages that were not taken: of strangers, or unreadable.
    pub fn ignored(&self) -> u64 {
        self.ignored
    }

    /// Waits until there is something to take. Safe to cancel; never ends as long as nobody was asked to speak.
    pub async fn arrival(&self) {
        match &self.socket {
            Some(_) if !self.waiting.is_empty() => {}
            Some(socket) => socket.arrival().await,
            None => std::future::pending().await,
        }
    }

    /// Takes what has arrived, as much of it as belongs into one turn, and tells for which jobs it changes something.
    pub fn take(&mut self, now: Duration) -> Vec<Input> {
        let began = Instant::now();
        let mut changed = Vec::new();
        while began.elapsed() < TURN {
            let (sender, content) = match self.waiting.pop_front() {
                Some(waiting) => waiting,
                None => match self.receive() {
                    Some(Some(message)) => message,
                    Some(None) => continue,
                    None => break,
                },
            };
            let run = match self.senders.of(sender, &self.leaders) {
                Sender::Run(run) => run,
                Sender::Stranger => {
                    self.ignore_stranger(sender);
                    continue;
                }
            };
            changed.extend(self.hear(sender, run, &content, now));
        }
        changed
    }

    /// Takes all that has arrived, to be called before a dead child is reaped: its last word is heard before its number is
    /// free for others. Messages of which it is not plain whose they are wait for [`Notices::take`].
    pub fn last_words(&mut self, now: Duration) -> Vec<Input> {
        let mut changed = Vec::new();
        for _ in 0..WAITING {
            let (sender, content) = match self.receive() {
                Some(Some(message)) => message,
                Some(None) => continue,
                None => break,
            };
            match sender::run_of_group(sender, &self.leaders) {
                Some(run) => changed.extend(self.hear(sender, run, &content, now)),
                None if self.waiting.len() < WAITING => self.waiting.push_back((sender, content)),
                None => self.ignore_stranger(sender),
            }
        }
        changed
    }

    /// The next datagram; inside: the message in it and who sent it, if it is one.
    fn receive(&mut self) -> Option<Option<(Pid, Vec<u8>)>> {
        let arrived = self.socket.as_ref().and_then(Socket::receive)?;
        match arrived {
            Datagram::Message { sender, content } => return Some(Some((sender, content))),
            // `systemd-notify` waits until the descriptor in it is closed, which it is.
            Datagram::WithDescriptors { content } if content == b"BARRIER=1" => {}
            Datagram::WithDescriptors { .. } => self.ignore(|| "it carries descriptors".to_owned()),
            Datagram::Nameless => self.ignore(|| "the kernel does not say who sent it".to_owned()),
            Datagram::TooLong => self.ignore(|| "it is longer than 4096 bytes".to_owned()),
        }
        Some(None)
    }

    fn hear(&mut self, sender: Pid, run: RunId, content: &[u8], now: Duration) -> Option<Input> {
        let message = match message::parse(content) {
            Ok(message) => message,
            Err(complaint) => {
                self.ignore(|| format!("process {sender} sent one that {complaint}"));
                return None;
            }
        };
        let run = self.runs.get_mut(&run)?;
        run.readiness.hear(message, now).then_some(Input::Notified { job: run.job })
    }

    fn ignore_stranger(&mut self, sender: Pid) {
        self.ignore(|| format!("process {sender} belongs to no job that was asked to tell of its readiness"));
    }

    /// Said at the 1st, 2nd, 4th, 8th, ...: a flood is no reason to flood the log.
    fn ignore(&mut self, why: impl FnOnce() -> String) {
        self.ignored = self.ignored.saturating_add(1);
        if self.ignored.is_power_of_two() {
            tracing::warn!("a readiness message is ignored: {} ({} so far)", why(), self.ignored);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::supervisor::tests::some_job;

    #[test]
    fn nothing_is_kept_of_runs_that_are_over() {
        let mut notices = Notices::default();
        let (probe, job) = (NotifyProbe { watchdog: None }, some_job());
        for number in 0..100_000 {
            let (run, leader) = (RunId(number), Pid::from_raw(2 + i32::try_from(number % 30_000).unwrap()));
            notices.started((job, run), leader, &probe);
            notices.ended(run);
            assert!(!notices.verdict(Some(run), Duration::ZERO).note.contains("has ended"), "its last word counts");
            notices.forget_ended();
        }
        assert_eq!((notices.runs.len(), notices.leaders.len(), notices.over.len()), (0, 0, 0));
    }
}
