//! How a job's process is set up: as whom, where, with which environment and limits, and what it is stopped with.
//!
//! Its health check runs the same way. What is read at each start (accounts, files) is only named here.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Secret;

/// The settings of one job's process. The default is ContainerPilot 3's: everything is pilot's own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProcessSettings {
    /// The user and group it runs as.
    pub identity: Identity,
    /// Working directory; `None` is pilot's.
    pub cwd: Option<PathBuf>,
    /// Which of pilot's own environment variables it gets.
    pub inherit: Inherit,
    /// Files of `NAME=value` lines, read at each start; a later one goes before an earlier one.
    pub env_files: Vec<PathBuf>,
    /// Its own variables; they go before everything else.
    pub variables: BTreeMap<String, Variable>,
    /// Resource limits that differ from pilot's.
    pub limits: Vec<Limit>,
    /// File mode creation mask; `None` is pilot's.
    pub umask: Option<u32>,
    /// No program it executes may gain rights (set-user-ID bits and file capabilities have no effect).
    pub no_new_privileges: bool,
    /// What asks its group to end.
    pub stop_signal: SignalNumber,
}

/// The user and group a process runs as.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// `None`: pilot's user.
    pub user: Option<Account>,
    /// `None`: the user's own group, or pilot's without a user.
    pub group: Option<Account>,
    /// When pilot may not change to them.
    pub without_rights: WithoutRights,
}

/// A user or a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Account {
    /// Looked up in `/etc/passwd` or `/etc/group` at each start.
    Name(String),
    /// Needs no entry anywhere.
    Number(u32),
}

/// What happens to a job with another identity when pilot may not change it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum WithoutRights {
    /// The start fails: `user` and `group`.
    #[default]
    Fail,
    /// It runs as pilot does: `uid` and `gid` of ContainerPilot's community patches (v3 spec, appendix D).
    RunAsPilot,
}

/// Which of pilot's own environment variables a process gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Inherit {
    /// All of them, as in ContainerPilot 3.
    #[default]
    All,
    /// These, if they are set, besides `PATH` and what pilot itself says to its jobs.
    Only(Vec<String>),
}

/// One environment variable of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Variable {
    /// The job does not have it, whoever else set it.
    Removed,
    /// This value; it may be a secret.
    Value(Secret),
    /// The content of a file, without the line ends at its end; read at each start.
    File(PathBuf),
}

/// A resource limit. [`UNLIMITED`] is the kernel's word for none; `None` leaves what pilot has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// Of what.
    pub resource: Resource,
    /// What is enforced; the process may raise it up to `hard`.
    pub soft: Option<u64>,
    /// How far `soft` may be raised.
    pub hard: Option<u64>,
}

/// No limit: `RLIM_INFINITY`.
pub const UNLIMITED: u64 = u64::MAX;

/// What a [`Limit`] is a limit of: setrlimit(2), which also says in which unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // the names are setrlimit(2)'s
pub enum Resource {
    As,
    Core,
    Cpu,
    Data,
    Fsize,
    Locks,
    Memlock,
    Msgqueue,
    Nice,
    Nofile,
    Nproc,
    Rss,
    Rtprio,
    Rttime,
    Sigpending,
    Stack,
}

impl Resource {
    /// Every resource with its name in a configuration.
    pub const ALL: [(&'static str, Resource); 16] = [
        ("as", Resource::As),
        ("core", Resource::Core),
        ("cpu", Resource::Cpu),
        ("data", Resource::Data),
        ("fsize", Resource::Fsize),
        ("locks", Resource::Locks),
        ("memlock", Resource::Memlock),
        ("msgqueue", Resource::Msgqueue),
        ("nice", Resource::Nice),
        ("nofile", Resource::Nofile),
        ("nproc", Resource::Nproc),
        ("rss", Resource::Rss),
        ("rtprio", Resource::Rtprio),
        ("rttime", Resource::Rttime),
        ("sigpending", Resource::Sigpending),
        ("stack", Resource::Stack),
    ];

    /// Its name in a configuration.
    pub fn name(self) -> &'static str {
        Resource::ALL.iter().find(|(_, other)| *other == self).map_or("", |(name, _)| name)
    }
}

/// A signal by its number on this machine; the default is SIGTERM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalNumber(pub i32);

impl Default for SignalNumber {
    fn default() -> Self {
        SignalNumber(15)
    }
}
