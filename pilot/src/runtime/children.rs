//! The table of children: which process belongs to which run or probe, and what becomes of it.
//!
//! Starts and signals them, turns reaped processes into inputs. Decides nothing.

use std::collections::HashMap;
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::environment::Environment;
use super::notify::Notices;
use super::output::{Label, Output};
use super::process::preparation::{Failure, Preparation, Report, spawn_prepared};
use super::process::reap::{Ended, group_alive, reap, signal_group};
use super::process::spawn::{Launch, SpawnError, Stdio};
use super::scope::{self, Variables};
use pilot_core::effect::{Input, RoundId, RunId, Verdict};
use pilot_core::event::Event;
use pilot_core::exit::Exit;
use pilot_core::plan::{Command, Job, JobId, NotifyProbe, OutputMode, Probe, ProcessSettings};

/// Whose a child is.
#[derive(Debug)]
enum Owner {
    Run {
        job: JobId,
        run: RunId,
        name: String,
        report: Option<Report>,
    },
    Probe {
        job: JobId,
        round: RoundId,
        name: String,
        timed_out: Option<Duration>,
        report: Option<Report>,
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
        notices: &mut Notices,
        output: &Output,
    ) -> Result<(), SpawnError> {
        let Some(command) = &settings.exec else { return Ok(()) };
        let notify = asked_to_notify(settings);
        let to_it = notify.map_or_else(|| Ok(Vec::new()), |probe| notices.variables(probe)).map_err(|_| {
            let reason = "there is no socket for it to tell of its readiness";
            SpawnError::Exhausted { program: command.program.clone(), reason }
        })?;
        let preparation = Preparation::of(&settings.process);
        let preparation = if self.pass_sockets { preparation.with_passed_sockets() } else { preparation };
        let variables = environment.snapshot(cause);
        let who = Who {
            settings: &settings.process,
            preparation,
            to_it,
            mode: settings.output,
            label: Label::Job(settings.name.clone()),
            tty: settings.tty,
        };
        let (pid, report) = start(command, variables, who, output)?;
        environment.process_started(&settings.name, pid);
        self.owners.insert(pid, Owner::Run { job, run, name: settings.name.clone(), report });
        self.groups.insert(run, pid);
        if let Some(probe) = notify {
            notices.started((job, run), pid, probe);
        }
        Ok(())
    }

    /// Starts the process of an exec probe, set up as its job's is.
    pub fn start_probe(
        &mut self,
        settings: &Job,
        (job, round): (JobId, RoundId),
        (command, mode): (&Command, OutputMode),
        environment: &mut Environment,
        output: &Output,
    ) -> Result<(), SpawnError> {
        let name = format!("check.{}", settings.name);
        let settings = &settings.process;
        let (preparation, label) = (Preparation::of(settings), Label::Check(name.clone()));
        let who = Who { settings, preparation, to_it: Vec::new(), mode, label, tty: false };
        let (pid, report) = start(command, environment.snapshot(None), who, output)?;
        environment.process_started(&name, pid);
        self.owners.insert(pid, Owner::Probe { job, round, name, timed_out: None, report });
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

    /// A probe's time is over: its group is killed, its end will be reported as a failure. Gives its job, if it was still
    /// going.
    pub fn probe_timed_out(&mut self, round: RoundId, limit: Duration) -> Option<JobId> {
        self.owners.iter_mut().find_map(|(pid, owner)| match owner {
            Owner::Probe { job, round: this, timed_out, .. } if *this == round => {
                *timed_out = Some(limit);
                signal_group(*pid, Signal::SIGKILL);
                Some(*job)
            }
            Owner::Probe { .. } | Owner::Run { .. } | Owner::Forgotten => None,
        })
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

    /// Reaps everything that has ended and says what that means, after what the dead had still to say.
    pub fn reap(&mut self, environment: &mut Environment, notices: &mut Notices) -> Vec<Input> {
        let (mut inputs, mut ended) = (Vec::new(), Vec::new());
        let is_leader = |pid| {
            inputs.extend(notices.take());
            self.owners.contains_key(&pid)
        };
        reap(is_leader, |end| ended.push(end));
        inputs.extend(ended.into_iter().filter_map(|end| self.ended(end, environment)));
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
            Owner::Run { job, run, name, report } => {
                environment.process_ended(&name);
                if group_left {
                    self.lingering.push((job, run, pid));
                } else {
                    self.groups.remove(&run);
                }
                // It has the pipe to itself: until it is its program there is nobody else in its group.
                Some(match report.and_then(Report::failure) {
                    Some(Failure { code, reason }) => Input::StartFailed { job, run, code, reason },
                    None => Input::Exited { job, run, exit, leftovers: group_left },
                })
            }
            Owner::Probe { job, round, name, timed_out, report } => {
                environment.process_ended(&name);
                // v3 ends what a check left behind; what ignores SIGTERM must not pile up, check after check.
                if group_left {
                    signal_group(pid, Signal::SIGKILL);
                }
                let verdict = match report.and_then(Report::failure) {
                    Some(Failure { code, reason }) => {
                        Verdict { pass: false, note: reason, exit: Some(Exit::Code(code)) }
                    }
                    None => verdict(exit, timed_out),
                };
                Some(Input::Probed { job, round, verdict })
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

/// How this job's process is to tell of its readiness, if it is.
fn asked_to_notify(job: &Job) -> Option<&NotifyProbe> {
    match job.health.as_ref()?.probe.as_ref()? {
        Probe::Notify(probe) => Some(probe),
        Probe::Exec(_) | Probe::Http(_) | Probe::Tcp(_) | Probe::Mysql(_) => None,
    }
}

/// For whom a process is started, and how.
struct Who<'a> {
    settings: &'a ProcessSettings,
    preparation: Preparation,
    /// Variables for it alone.
    to_it: Variables,
    mode: OutputMode,
    label: Label,
    tty: bool,
}

fn start(
    command: &Command,
    pilots: Variables,
    who: Who<'_>,
    output: &Output,
) -> Result<(Pid, Option<Report>), SpawnError> {
    let Who { settings, preparation, to_it, mode, label, tty } = who;
    let env = &scope::narrowed(pilots, to_it, settings);
    if mode == OutputMode::Raw || tty {
        let stdio = Stdio::Inherit;
        return spawn_prepared(preparation, settings, Launch { command, env, stdio, tty });
    }
    let (ends, unread) = output.pipes().map_err(|_| SpawnError::Exhausted {
        program: command.program.clone(),
        reason: "no descriptor is left for its output",
    })?;
    let stdio = Stdio::Wrapped { stdout: ends.stdout, stderr: ends.stderr };
    let (pid, report) = spawn_prepared(preparation, settings, Launch { command, env, stdio, tty })?;
    unread.attach(label, pid.as_raw());
    Ok((pid, report))
}
