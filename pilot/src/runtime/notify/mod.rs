//! What jobs' processes say of their own readiness: the sd_notify(3) protocol, on one datagram socket of pilot.
//!
//! Everything that arrives is hostile until its sender is known to belong to a run of today that was asked to speak: the
//! kernel tells who sent it. The rest is ignored and counted. Nothing here decides what readiness means; it is told to the
//! engine as the verdict of a probe.

mod client;
pub mod message;
mod sender;
mod socket;
mod told;

pub use client::{ClientError, tell};

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::time::Instant;

use nix::unistd::Pid;

use pilot_core::effect::{Input, RunId, Verdict};
use pilot_core::plan::{JobId, NotifyProbe};
use socket::{Datagram, Socket};
use told::Told;

/// Messages taken in one turn of the loop at most, so that whoever floods the socket holds up nothing else. As many as the
/// kernel queues on a generously configured machine (net.unix.max_dgram_qlen).
const BURST: usize = 512;

/// Every run that was asked to tell of its readiness, and what it told.
#[derive(Debug, Default)]
pub struct Notices {
    /// Bound when the first such run starts.
    socket: Option<Socket>,
    runs: HashMap<RunId, Run>,
    ignored: u64,
}

#[derive(Debug)]
struct Run {
    job: JobId,
    /// Its first process and the name of its group; `None` when that has ended.
    leader: Option<Pid>,
    told: Told,
}

impl Notices {
    /// What a process has to know in order to speak. Binds the socket if nobody has spoken yet.
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
        self.runs.retain(|_, run| run.leader.is_some());
        self.runs.insert(run, Run { job, leader: Some(leader), told: Told::new(probe.watchdog) });
    }

    /// A run is over: what else arrives in its name is not its own.
    pub fn ended(&mut self, run: RunId) {
        if let Some(run) = self.runs.get_mut(&run) {
            run.leader = None;
        }
    }

    /// What a probe finds now.
    pub fn verdict(&self, run: Option<RunId>) -> Verdict {
        let run = run.and_then(|run| self.runs.get(&run));
        run.map_or_else(|| told::failed("its process has ended"), |run| run.told.verdict(Instant::now()))
    }

    /// Messages that were not taken: of strangers, or unreadable.
    pub fn ignored(&self) -> u64 {
        self.ignored
    }

    /// Waits until something has arrived. Safe to cancel; never ends as long as nobody was asked to speak.
    pub async fn arrival(&self) {
        match &self.socket {
            Some(socket) => socket.arrival().await,
            None => std::future::pending().await,
        }
    }

    /// Takes what has arrived, and tells for which jobs it changes something. Call it before a dead child is reaped: then
    /// its last word is heard before its number is free for others.
    pub fn take(&mut self) -> Vec<Input> {
        let mut changed = Vec::new();
        for _ in 0..BURST {
            let Some(arrived) = self.socket.as_ref().and_then(Socket::receive) else { break };
            changed.extend(self.hear(&arrived));
        }
        changed
    }

    fn hear(&mut self, arrived: &Datagram) -> Option<Input> {
        let (sender, content) = match arrived {
            Datagram::Message { sender, content } => (*sender, content.as_slice()),
            // `systemd-notify` waits until the descriptor in it is closed, which it is.
            Datagram::WithDescriptors { content } if content == b"BARRIER=1" => return None,
            Datagram::WithDescriptors { .. } => return self.ignore("it carries descriptors"),
            Datagram::Nameless => return self.ignore("the kernel does not say who sent it"),
            Datagram::TooLong => return self.ignore("it is longer than 4096 bytes"),
        };
        let leaders: HashMap<Pid, RunId> =
            self.runs.iter().filter_map(|(run, state)| Some((state.leader?, *run))).collect();
        let Some(run) = sender::leader_of(sender, |pid| leaders.contains_key(&pid)).and_then(|pid| leaders.get(&pid))
        else {
            return self.ignore(&format!("process {sender} belongs to no job that was asked to tell of its readiness"));
        };
        let message = match message::parse(content) {
            Ok(message) => message,
            Err(complaint) => return self.ignore(&format!("process {sender} sent one that {complaint}")),
        };
        let run = self.runs.get_mut(run)?;
        run.told.hear(message, Instant::now()).then_some(Input::Notified { job: run.job })
    }

    /// Said at the 1st, 2nd, 4th, 8th, ...: a flood is no reason to flood the log.
    fn ignore(&mut self, why: &str) -> Option<Input> {
        self.ignored = self.ignored.saturating_add(1);
        if self.ignored.is_power_of_two() {
            tracing::warn!("a readiness message is ignored: {why} ({} so far)", self.ignored);
        }
        None
    }
}
