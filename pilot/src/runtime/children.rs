//! The table of children: which process belongs to which run or probe, and what becomes of it.
//!
//! Starts and signals them, turns reaped processes into inputs. Decides nothing.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::environment::Environment;
use super::notify::Notices;
use super::output::{Label, Output};
use super::process::child_spec::{ChildSpec, Failure, Report, spawn_with};
use super::process::left_group::LeftGroup;
use super::process::reap::{Delivery, Ended, reap, signal_group};
use super::process::spawn::{Launch, SpawnError, Stdio};
use super::process::terminal;
use super::scope::{self, Variables};
use pilot_core::effect::{Input, RoundId, RunId, Verdict};
use pilot_core::engine::Engine;
use pilot_core::event::Event;
use pilot_core::exit::Exit;
use pilot_core::plan::{Command, Job, JobId, NotifyProbe, OutputMode, Probe, ProcessSettings};

/// A check's process has to have ended so long after SIGTERM, and after SIGKILL.
const END_LIMIT: Duration = Duration::from_secs(1);
/// Processes of one job's check that may be left over; with this many the check fails without starting another.
const MOST_LEFTOVERS: usize = 4;
/// Children that are reaped in one turn of the loop.
const REAPED_AT_ONCE: usize = 64;

/// Whose a child is.
#[derive(Debug)]
enum Owner {
    Run {
        job: JobId,
        run: RunId,
        name: String,
        /// It has the terminal.
        tty: bool,
        report: Option<Report>,
    },
    Probe {
        job: JobId,
        round: RoundId,
        name: String,
        report: Option<Report>,
    },
    /// Of a probe that is over without it: its end is of no interest, but it is ours to reap.
    Leftover(Leftover),
}

#[derive(Debug)]
struct Leftover {
    /// `check.` and its job.
    name: String,
    asked: Asked,
    since: Instant,
}

/// How a leftover was asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Terminate,
    Kill,
    /// By SIGKILL, and it has not; said in the log.
    InVain,
}

/// Every child that pilot started and that is not gone.
#[derive(Debug)]
pub struct Children {
    /// pilot was handed sockets, which its jobs inherit.
    pass_sockets: bool,
    owners: HashMap<Pid, Owner>,
    groups: HashMap<RunId, Pid>,
    /// Ended runs of which members of the group are left.
    lingering: Vec<(JobId, RunId, LeftGroup)>,
}

impl Children {
    /// No child yet. With `pass_sockets` the jobs are told of the sockets that pilot was handed (`LISTEN_FDS`).
    pub fn new(pass_sockets: bool) -> Self {
        Children { pass_sockets, owners: HashMap::new(), groups: HashMap::new(), lingering: Vec::new() }
    }

    /// Starts a job's process.
    ///
    /// # Errors
    /// Why there is none.
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
        let spec = ChildSpec::of(&settings.process);
        let spec = if self.pass_sockets { spec.with_passed_sockets() } else { spec };
        let variables = environment.snapshot(cause);
        let who = Who {
            settings: &settings.process,
            spec,
            to_it,
            mode: settings.output,
            label: Label::Job(settings.name.clone()),
            tty: settings.tty,
        };
        let (pid, report) = start(command, variables, who, output)?;
        environment.process_started(&settings.name, pid);
        self.owners.insert(pid, Owner::Run { job, run, name: settings.name.clone(), tty: settings.tty, report });
        self.groups.insert(run, pid);
        if let Some(probe) = notify {
            notices.started((job, run), pid, probe);
        }
        Ok(())
    }

    /// Starts the process of an exec probe, set up as its job's is.
    ///
    /// # Errors
    /// Why there is none; also when too many of those before have not ended.
    pub fn start_probe(
        &mut self,
        settings: &Job,
        (job, round): (JobId, RoundId),
        (command, mode): (&Command, OutputMode),
        environment: &mut Environment,
        output: &Output,
    ) -> Result<(), SpawnError> {
        let name = format!("check.{}", settings.name);
        if self.leftovers().filter(|leftover| leftover.name == name).count() >= MOST_LEFTOVERS {
            let reason = "several of its earlier processes have not ended";
            return Err(SpawnError::Exhausted { program: command.program.clone(), reason });
        }
        let settings = &settings.process;
        let (spec, label) = (ChildSpec::of(settings), Label::Check(name.clone()));
        let who = Who { settings, spec, to_it: Vec::new(), mode, label, tty: false };
        let (pid, report) = start(command, environment.snapshot(None), who, output)?;
        environment.process_started(&name, pid);
        self.owners.insert(pid, Owner::Probe { job, round, name, report });
        Ok(())
    }

    /// The main process of a run, which leads its group; also when only others of the group are left.
    pub fn process_of(&self, run: RunId) -> Option<Pid> {
        self.groups.get(&run).copied()
    }

    /// The process of a run of this job that the engine has given up, and that is still there.
    pub fn left_behind(&self, name: &str, engine: &Engine) -> Option<Pid> {
        self.owners.iter().find_map(|(pid, owner)| match owner {
            Owner::Run { job, run, name: this, .. } if this == name && engine.run_of(*job) != Some(*run) => Some(*pid),
            Owner::Run { .. } | Owner::Probe { .. } | Owner::Leftover(_) => None,
        })
    }

    /// Signals a run's group, or what is left of it.
    pub fn signal_run(&mut self, run: RunId, signal: Signal) -> Delivery {
        if let Some((.., left)) = self.lingering.iter_mut().find(|(_, this, _)| *this == run) {
            return left.signal(signal);
        }
        let leader = self.groups.get(&run).filter(|leader| self.owners.contains_key(leader));
        leader.map_or(Delivery::Gone, |leader| signal_group(*leader, signal))
    }

    /// Signals everything that is known of, whatever it belongs to.
    pub fn signal_all(&mut self, signal: Signal) {
        for leader in self.owners.keys() {
            signal_group(*leader, signal);
        }
        for (.., left) in &mut self.lingering {
            left.signal(signal);
        }
    }

    /// A probe's time is over: its group is killed, and its end tells nothing any more. `None`: it has ended.
    pub fn give_up_probe(&mut self, round: RoundId, environment: &mut Environment) -> Option<Delivery> {
        self.leave_probe(round, Asked::Kill, environment)
    }

    /// Nobody wants to know a probe's result any more.
    pub fn forget_probe(&mut self, round: RoundId, environment: &mut Environment) {
        let _ = self.leave_probe(round, Asked::Terminate, environment);
    }

    fn leave_probe(&mut self, round: RoundId, asked: Asked, environment: &mut Environment) -> Option<Delivery> {
        let is_it = |owner: &Owner| matches!(owner, Owner::Probe { round: this, .. } if *this == round);
        let (pid, owner) = self.owners.iter_mut().find(|(_, owner)| is_it(owner))?;
        let Owner::Probe { name, .. } = owner else { return None };
        let name = std::mem::take(name);
        environment.process_ended(&name);
        *owner = Owner::Leftover(Leftover { name, asked, since: Instant::now() });
        Some(signal_group(*pid, if asked == Asked::Terminate { Signal::SIGTERM } else { Signal::SIGKILL }))
    }

    fn leftovers(&self) -> impl Iterator<Item = &Leftover> {
        self.owners.values().filter_map(|owner| match owner {
            Owner::Leftover(leftover) => Some(leftover),
            Owner::Run { .. } | Owner::Probe { .. } => None,
        })
    }

    /// How many processes of checks even SIGKILL has not ended.
    pub fn unended(&self) -> usize {
        self.leftovers().filter(|leftover| leftover.asked == Asked::InVain).count()
    }

    /// When [`Children::press_leftovers`] has something to do.
    pub fn next_look_at_leftovers(&self) -> Option<Instant> {
        let open = self.leftovers().filter(|leftover| leftover.asked != Asked::InVain);
        open.map(|leftover| leftover.since + END_LIMIT).min()
    }

    /// Kills what ignores SIGTERM, and says what not even that ends.
    pub fn press_leftovers(&mut self, now: Instant) {
        let mut unended = self.unended();
        for (pid, owner) in &mut self.owners {
            let Owner::Leftover(leftover) = owner else { continue };
            if leftover.since + END_LIMIT > now || leftover.asked == Asked::InVain {
                continue;
            }
            leftover.since = now;
            if leftover.asked == Asked::Terminate {
                leftover.asked = Asked::Kill;
                signal_group(*pid, Signal::SIGKILL);
            } else {
                leftover.asked = Asked::InVain;
                unended += 1;
                tracing::error!(
                    "process {pid} of {} has not ended {END_LIMIT:?} after SIGKILL ({unended} such processes now); checking goes on",
                    leftover.name
                );
            }
        }
    }

    /// Reaps what has ended, as much of it as belongs into one turn of the loop, and says what that means, after what the
    /// dead had still to say. True: there may be more.
    pub fn reap(&mut self, environment: &mut Environment, notices: &mut Notices, now: Duration) -> (Vec<Input>, bool) {
        notices.forget_ended();
        let (mut inputs, mut ended) = (Vec::new(), Vec::new());
        let Children { owners, lingering, .. } = self;
        let is_leader = |pid| {
            inputs.extend(notices.last_words(now));
            for (.., left) in lingering.iter_mut() {
                left.before_the_end_of(pid);
            }
            owners.contains_key(&pid)
        };
        let reaped = reap(REAPED_AT_ONCE, is_leader, |end| ended.push(end));
        inputs.extend(ended.into_iter().filter_map(|end| self.ended(end, environment)));
        self.collect_gone_groups(&mut inputs);
        (inputs, reaped == REAPED_AT_ONCE)
    }

    /// Whether there is any of them, or anything of their groups.
    pub fn any(&self) -> bool {
        !self.owners.is_empty() || !self.groups.is_empty()
    }

    /// Whether [`Children::reap`] must be called again soon although no signal will tell.
    pub fn has_lingering_groups(&self) -> bool {
        !self.lingering.is_empty()
    }

    fn ended(&mut self, end: Ended, environment: &mut Environment) -> Option<Input> {
        let Ended { pid, exit, left } = end;
        let leftovers = left.is_some();
        match self.owners.remove(&pid)? {
            Owner::Run { job, run, name, tty, report } => {
                environment.process_ended(&name);
                if tty {
                    terminal::take_back();
                }
                match left {
                    Some(left) => self.lingering.push((job, run, left)),
                    None => drop(self.groups.remove(&run)),
                }
                // It has the pipe to itself: until it is its program there is nobody else in its group.
                Some(match report.and_then(Report::failure) {
                    Some(Failure { code, reason }) => Input::StartFailed { job, run, code, reason },
                    None => Input::Exited { job, run, exit, leftovers },
                })
            }
            Owner::Probe { job, round, name, report } => {
                environment.process_ended(&name);
                // v3 ends what a check left behind; what ignores SIGTERM must not pile up, check after check.
                if let Some(mut left) = left {
                    left.signal(Signal::SIGKILL);
                }
                let verdict = match report.and_then(Report::failure) {
                    Some(Failure { code, reason }) => {
                        Verdict { pass: false, note: reason, exit: Some(Exit::Code(code)) }
                    }
                    None => verdict(exit),
                };
                Some(Input::Probed { job, round, verdict })
            }
            Owner::Leftover(_) => {
                if let Some(mut left) = left {
                    left.signal(Signal::SIGKILL);
                }
                None
            }
        }
    }

    fn collect_gone_groups(&mut self, inputs: &mut Vec<Input>) {
        let Children { lingering, groups, .. } = self;
        lingering.retain_mut(|(job, run, left)| {
            let alive = left.is_alive();
            if !alive {
                groups.remove(run);
                inputs.push(Input::GroupGone { job: *job, run: *run });
            }
            alive
        });
    }
}

fn verdict(exit: Exit) -> Verdict {
    let pass = exit == Exit::Code(0);
    // What v3 sends.
    let note = if pass { "ok".to_owned() } else { exit.to_string() };
    Verdict { pass, note, exit: Some(exit) }
}

/// How this job's process is to tell of its readiness, if it is.
fn asked_to_notify(job: &Job) -> Option<&NotifyProbe> {
    match job.health.as_ref()?.probe.as_ref()? {
        Probe::Notify(probe) => Some(probe),
        Probe::Exec(_) | Probe::Http(_) | Probe::Tcp(_) | Probe::Mysql(_) => None,
    }
}

/// What a process is started for, and how.
struct Who<'a> {
    settings: &'a ProcessSettings,
    spec: ChildSpec,
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
    let Who { settings, spec, to_it, mode, label, tty } = who;
    let env = &scope::narrowed(pilots, to_it, settings);
    if mode == OutputMode::Raw || tty {
        let stdio = Stdio::Inherit;
        return spawn_with(spec, settings, Launch { command, env, stdio, tty });
    }
    let (ends, unread) = output.pipes().map_err(|_| SpawnError::Exhausted {
        program: command.program.clone(),
        reason: "no descriptor is left for its output",
    })?;
    let stdio = Stdio::Wrapped { stdout: ends.stdout, stderr: ends.stderr };
    let (pid, report) = spawn_with(spec, settings, Launch { command, env, stdio, tty })?;
    unread.attach(label, pid.as_raw());
    Ok((pid, report))
}
