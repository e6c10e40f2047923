//! The two languages of the engine's border: what it is told ([`Input`]) and what it asks for ([`Effect`]).

use std::sync::Arc;
use std::time::Duration;

use super::event::Event;
use super::exit::Exit;
use super::plan::{JobId, Level, Plan, ServiceId, WatchId};
use super::step::Step;

/// One execution of a job; never reused within one engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub u64);

/// One probe of a job's health; never reused within one engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoundId(pub u64);

/// Something that happened outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Everything is listening; jobs may start. Exactly once, first.
    Startup,
    /// SIGTERM or SIGINT. The second one hurries the stop.
    Stop,
    /// A signal that jobs may wait for.
    Signal(UserSignal),
    /// Maintenance was switched on or off.
    Maintenance(Switch),
    /// A new configuration was read. Answered with `PlanActivated`, at once or when the old processes are gone; not at all if
    /// another one or a stop comes first.
    Reload(Arc<Plan>),
    /// A person wants something of a job. What becomes of it says [`super::engine::Engine::answer`].
    Job {
        /// The job.
        job: JobId,
        /// What is wanted.
        request: JobRequest,
    },
    /// The time asked for by `next_timeout` has come.
    Tick,
    /// The same, and the wall clock shows this: wanted instead of a tick while a job goes by the clock.
    Clock {
        /// Since 1970.
        utc: Duration,
    },
    /// The process of this run could not be started.
    StartFailed {
        /// The job.
        job: JobId,
        /// The run.
        run: RunId,
        /// What a shell would exit with: 127 not found, 126 not executable.
        code: u8,
        /// A sentence.
        reason: String,
    },
    /// The main process of this run has ended.
    Exited {
        /// The job.
        job: JobId,
        /// The run.
        run: RunId,
        /// How it ended.
        exit: Exit,
        /// Whether members of its process group are left; `GroupGone` follows then.
        leftovers: bool,
    },
    /// The last member of an ended run's process group is gone.
    GroupGone {
        /// The job.
        job: JobId,
        /// The run.
        run: RunId,
    },
    /// A probe is over.
    Probed {
        /// The job.
        job: JobId,
        /// The probe.
        round: RoundId,
        /// What it found.
        verdict: Verdict,
    },
    /// The process of a job has said something that changes its health: look now instead of at the next tick.
    Notified {
        /// The job.
        job: JobId,
    },
    /// The passing instances of a watched service, in the order of their ids.
    Instances {
        /// The watch.
        watch: WatchId,
        /// Advertised addresses.
        instances: Vec<Instance>,
    },
    /// What a probing watch found.
    WatchProbed {
        /// The watch.
        watch: WatchId,
        /// Whether it passed.
        pass: bool,
        /// One line for people.
        note: String,
    },
    /// What the load balancer says of a job's target, or that it cannot be asked.
    Target {
        /// The job.
        job: JobId,
        /// It sends traffic there.
        healthy: bool,
        /// Its word for the state; `None`: it could not be asked.
        state: Option<String>,
    },
    /// A job's target is out of its group, or everything that could be done for it was.
    LeftGroup {
        /// The job.
        job: JobId,
    },
    /// The load balancer has finished with a job's target.
    GroupDrained {
        /// The job.
        job: JobId,
    },
    /// How many requests a draining job still works on.
    InFlight {
        /// The job.
        job: JobId,
        /// `None`: nobody can tell.
        count: Option<u64>,
    },
    /// A service of a job is out of the catalog, or everything that could be done for it was.
    Withdrawn {
        /// The job.
        job: JobId,
        /// The service.
        service: ServiceId,
    },
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}

/// What a person may want of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobRequest {
    /// Run it now, whatever it waits for.
    Start,
    /// Take it down, in the steps of every stop, and leave it down.
    Stop,
    /// End its run, if there is one, and run it again.
    Restart,
}

/// Signals that are events. v3 spec 1.7.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UserSignal {
    /// SIGHUP
    Hup,
    /// SIGUSR2
    Usr2,
}

impl UserSignal {
    /// The source of its event.
    pub fn name(self) -> &'static str {
        match self {
            UserSignal::Hup => "SIGHUP",
            UserSignal::Usr2 => "SIGUSR2",
        }
    }
}

/// What a probe found.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Whether it passed.
    pub pass: bool,
    /// One line for people: goes into the check's output in the catalog.
    pub note: String,
    /// How the process of an exec probe ended; its exit is an event of its own.
    pub exit: Option<Exit>,
}

/// One instance of a watched service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instance {
    /// Id in the catalog.
    pub id: String,
    /// Advertised address.
    pub address: String,
    /// Advertised port.
    pub port: u16,
}

/// Something to be done outside. None of it may wait inside the engine; results come back as [`Input`]s.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Start a run; answers with `StartFailed`, or later `Exited`.
    Start {
        /// The job.
        job: JobId,
        /// The run.
        run: RunId,
        /// The event that caused it, unless it is a restart.
        cause: Option<Event>,
    },
    /// Signal a run's whole process group.
    Signal {
        /// The job.
        job: JobId,
        /// The run.
        run: RunId,
        /// The signal.
        signal: StopSignal,
    },
    /// Start a probe of the job's health; answers with `Probed` within the check's time limit.
    Probe {
        /// The job.
        job: JobId,
        /// The probe.
        round: RoundId,
    },
    /// End a probe; no answer is wanted.
    CancelProbe {
        /// The job.
        job: JobId,
        /// The probe.
        round: RoundId,
    },
    /// What the catalog should say about the job's services from now on.
    Announce {
        /// The job.
        job: JobId,
        /// What the catalog is to say.
        announcement: Announcement,
    },
    /// Take the job's services out of the catalog; answers with `Withdrawn` for each. Nothing passing may be written
    /// after it.
    Withdraw {
        /// The job.
        job: JobId,
    },
    /// Put (mode `self`) the job's target into its group, or get ready to take it out (mode `drain`).
    EnterGroup {
        /// The job.
        job: JobId,
    },
    /// Take the job's target out of its group; answers with `LeftGroup`. It is not put in again by itself after that.
    LeaveGroup {
        /// The job.
        job: JobId,
    },
    /// The job's drain begins: tell its process, if it wants to know.
    Drain {
        /// The job.
        job: JobId,
    },
    /// Count what a draining job still works on; answers with `InFlight`.
    CountInFlight {
        /// The job.
        job: JobId,
    },
    /// The plan of the last `Reload` is the active one: numbers that are no longer there have nothing alive, and the settings
    /// and watches that differ are to be brought in line. What comes after it belongs to the new plan.
    PlanActivated,
    /// An event was on the bus.
    Published(Event),
    /// A run has ended, or could not be started: for those who count and remember. What follows from it comes after it.
    RunEnded {
        /// The job.
        job: JobId,
        /// The job's name: a reload may have removed it in the same step.
        name: String,
        /// The run.
        run: RunId,
        /// How; what a shell would say if it could not be started.
        exit: Exit,
        /// After this time.
        lasted: Duration,
        /// Why it could not be started, if so.
        unstarted: Option<String>,
        /// The job was on its way down.
        stopping: bool,
    },
    /// A probe of the job's health is over: for those who count and remember.
    ProbeEnded {
        /// The job.
        job: JobId,
        /// The job's name.
        name: String,
        /// The probe.
        round: RoundId,
        /// What it found.
        verdict: Verdict,
    },
    /// A step of a job's way out is over.
    StepOver {
        /// The job.
        job: JobId,
        /// The step.
        step: Step,
        /// How long it took.
        took: Duration,
    },
    /// A line for the log.
    Say {
        /// How grave it is.
        level: Level,
        /// The job it is about, if it is about one.
        job: Option<JobId>,
        /// The line.
        text: String,
    },
    /// Everything has ended; leave with this code. The last effect there is.
    Exit(u8),
}

/// Signals that end a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopSignal {
    /// The job's stop signal, SIGTERM if it names no other.
    Terminate,
    /// SIGKILL
    Kill,
}

/// What the catalog is told of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Announcement {
    /// Register the services that have an `initial_status` with it.
    Initial,
    /// A heartbeat: registered and passing.
    Passing {
        /// The check's output.
        output: String,
    },
    /// Critical, at once.
    Failing {
        /// The check's output.
        output: String,
    },
}
