//! The table of children: which process belongs to which run or probe, and what becomes of it.
//!
//! Starts and signals them, turns reaped processes into inputs. Decides nothing.

use std::collections::HashMap;
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::environment::Environment;
use super::output::{Label, Output};
use super::process::reap::{Ended, group_alive, reap, signal_group};
use super::process::socket_activation;
use super::process::spawn::{Launch, SpawnError, Stdio, spawn};
use crate::core::effect::{Input, RoundId, RunId, Verdict};
use crate::core::event::Event;
use crate::core::exit::Exit;
use crate::core::plan::{Command, Job, JobId, OutputMode};

/// Whose a child is.
#[derive(Debug)]
enum Owner {
    Run {
        job: JobId,
        run: RunId,
        name: String,
    },
    Probe {
        job: JobId,
        round: RoundId,
        name: String,
        timed_out: Option<Duration>,
    },
    /// A probe that was given up; its end is of no interest, but it is ours to reap.
    Forgotten,
}

/// Every child that pilot started and that is not gone.
#[derive(Debug)]
pub struct Children {
    /// pilot was handed sockets, which its jobs inherit.
    pass_sockets: bool,
    owners: HashMap<Pid, Owner>,
    groups: HashMap<RunId, Pid>,
    /// Ended runs of which members of the group are left.
    lingering: Vec<(JobId, RunId, Pid)>,
}

impl Children {
    /// No child yet. With `pass_sockets` the jobs are told of the sockets that pilot was handed (`LISTEN_FDS`).
    pub fn new(pass_sockets: bool) -> Self {
        Children { pass_sockets, owners: HashMap::new(), groups: HashMap::new(), lingering: Vec::new() }
    }

    /// Starts a job's process.
    pub fn start_run(
        &mut self,
        settings: &Job,
        (job, run): (JobId, RunId),
        cause: Option<&Event>,
        environment: &mut Environment,
        output: &Output,
    ) -> Result<(), SpawnError> {
        let Some(command) = &settings.exec else { return Ok(()) };
        let wrapped = self.pass_sockets.then(|| socket_activation::wrapped(command));
        let command = wrapped.as_ref().unwrap_or(command);
        let label = Label::Job(settings.name.clone());
        let variables = environment.snapshot(cause);
        let pid = start(command, &variables, settings.output, label, settings.tty, output)?;
        environment.process_started(&settings.name, pid);
        self.owners.insert(pid, Owner::Run { job, run, name: settings.name.clone() });
        self.groups.insert(run, pid);
        Ok(())
    }

    /// Starts the process of an exec probe.
    pub fn start_probe(
        &mut self,
        settings: &Job,
        (job, round): (JobId, RoundId),
        (command, mode): (&Command, OutputMode),
        environment: &mut Environment,
        output: &Output,
    ) -> Result<(), SpawnError> {
        let name = format!("check.{}", settings.name);
        let variables = environment.snapshot(None);
        let pid = start(command, &variables, mode, Label::Check(name.clone()), false, output)?;
        environment.process_started(&name, pid);
        self.owners.insert(pid, Owner::Probe { job, round, name, timed_out: None });
        Ok(())
    }

    /// The main process of a run, which leads its group; also when only others of the group are left.
    pub fn process_of(&self, run: RunId) -> Option<Pid> {
        self.groups.get(&run).copied()
    }

    /// Signals a run's group, or what is left of it.
    pub fn signal_run(&mut self, run: RunId, signal: Signal) {
        if let Some(group) = self.groups.get(&run) {
            signal_group(*group, signal);
        }
    }

    /// A probe's time is over: its group is killed, its end will be reported as a failure.
    pub fn probe_timed_out(&mut self, round: RoundId, limit: Duration) {
        for (pid, owner) in &mut self.owners {
            if let Owner::Probe { round: this, timed_out, .. } = owner
                && *this == round
            {
                *timed_out = Some(limit);
                signal_group(*pid, Signal::SIGKILL);
            }
        }
    }

    /// Nobody wants to know a probe's result any more.
    pub fn forget_probe(&mut self, round: RoundId) {
        for (pid, owner) in &mut self.owners {
            if matches!(owner, Owner::Probe { round: this, .. } if *this == round) {
                *owner = Owner::Forgotten;
                signal_group(*pid, Signal::SIGTERM);
            }
        }
    }

    /// Reaps everything that has ended and says what that means.
    pub fn reap(&mut self, environment: &mut Environment) -> Vec<Input> {
        let mut ended = Vec::new();
        reap(|pid| self.owners.contains_key(&pid), |end| ended.push(end));
        let mut inputs: Vec<Input> = ended.into_iter().filter_map(|end| self.ended(end, environment)).collect();
        self.collect_gone_groups(&mut inputs);
        inputs
    }

    /// Whether [`Children::reap`] must be called again soon although no signal will tell.
    pub fn has_lingering_groups(&self) -> bool {
        !self.lingering.is_empty()
    }

    fn ended(&mut self, end: Ended, environment: &mut Environment) -> Option<Input> {
        let Ended { pid, exit, group_left } = end;
        match self.owners.remove(&pid)? {
            Owner::Run { job, run, name } => {
                environment.process_ended(&name);
                if group_left {
                    self.lingering.push((job, run, pid));
                } else {
                    self.groups.remove(&run);
                }
                Some(Input::Exited { job, run, exit, leftovers: group_left })
            }
            Owner::Probe { job, round, name, timed_out } => {
                environment.process_ended(&name);
                // v3 ends what a check left behind; what ignores SIGTERM must not pile up, check after check.
                if group_left {
                    signal_group(pid, Signal::SIGKILL);
                }
                Some(Input::Probed { job, round, verdict: verdict(exit, timed_out) })
            }
            Owner::Forgotten => {
                signal_group(pid, Signal::SIGKILL);
                None
            }
        }
    }

    fn collect_gone_groups(&mut self, inputs: &mut Vec<Input>) {
        let Children { lingering, groups, .. } = self;
        lingering.retain(|(job, run, group)| {
            let alive = group_alive(*group);
            if !alive {
                groups.remove(run);
                inputs.push(Input::GroupGone { job: *job, run: *run });
            }
            alive
        });
    }
}

fn verdict(exit: Exit, timed_out: Option<Duration>) -> Verdict {
    let pass = exit == Exit::Code(0) && timed_out.is_none();
    let note = match timed_out {
        Some(limit) => format!("no result within {limit:?}"),
        // What v3 sends.
        None if pass => "ok".to_owned(),
        None => exit.to_string(),
    };
    let exit = if timed_out.is_some() { Exit::Signal(Signal::SIGKILL as i32) } else { exit };
    Verdict { pass, note, exit: Some(exit) }
}

fn start(
    command: &Command,
    env: &[(std::ffi::OsString, std::ffi::OsString)],
    mode: OutputMode,
    label: Label,
    tty: bool,
    output: &Output,
) -> Result<Pid, SpawnError> {
    if mode == OutputMode::Raw || tty {
        return spawn(Launch { command, env, stdio: Stdio::Inherit, tty });
    }
    let (ends, unread) = output.pipes().map_err(|_| SpawnError::Exhausted {
        program: command.program.clone(),
        reason: "no descriptor is left for its output",
    })?;
    let stdio = Stdio::Wrapped { stdout: ends.stdout, stderr: ends.stderr };
    let pid = spawn(Launch { command, env, stdio, tty })?;
    unread.attach(label, pid.as_raw());
    Ok(pid)
}
