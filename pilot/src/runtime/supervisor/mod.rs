//! The loop: takes what happens to the engine, performs what the engine wants, until it wants to exit.
//!
//! One thread, nothing in it waits: processes are started and signalled at once, everything slower is a task that
//! reports back through a channel. Who has something to say gets its turn (`turn`); what belongs together is one part:
//! probes, watches, the catalog, target groups, the control plane, telemetry, and the observers, who change nothing.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;

use super::children::Children;
use super::environment::Environment;
use super::notify::Notices;
use super::notify::host::Host;
use super::output::Output;
use super::process::init::Setup;
use super::process::limits::make_room_for;
use super::process::orphans;
use super::process::signals::Signals;
use super::task;
use super::telemetry::Meters;
use pilot_core::effect::{Effect, Input};
use pilot_core::engine::Engine;
use pilot_core::plan::Plan;

mod catalog;
mod clock;
mod control_plane;
mod effects;
mod emergency;
mod observers;
mod probes;
mod reload;
mod requests;
mod target_groups;
mod telemetry;
#[cfg(test)]
pub(in crate::runtime) mod tests;
mod turn;
mod watches;

use catalog::Catalog;
use clock::Clock;
use control_plane::ControlPlane;
use observers::Observers;
use probes::Probes;
use reload::Loaded;
#[cfg(feature = "aws")]
use target_groups::TargetGroups;
use telemetry::{Exporter, Otherwise};
use watches::Watches;

pub use emergency::BROKEN;
pub use reload::{Configuration, Loader};

/// What tasks report.
#[derive(Debug)]
enum Report {
    Input(Input),
    /// Telemetry cannot be served, and why.
    CannotServe(String, Otherwise),
    /// Why the catalog cannot be asked for this watch; `None`: it can.
    WatchTrouble(String, Option<String>),
    Loaded(Box<Result<Loaded, String>>),
    /// A defect of the loop itself, for tests.
    #[cfg(test)]
    Panic,
}

/// Where tasks report.
type Reporter = mpsc::UnboundedSender<Report>;

/// One pilot at work.
pub struct Supervisor {
    plan: Arc<Plan>,
    engine: Engine,
    clock: Clock,
    signals: Signals,
    /// Children have ended that are not reaped yet, and no signal will tell of them again.
    unreaped: bool,
    /// When it was last looked which process groups are left.
    looked_at_groups: Instant,
    output: Output,
    children: Children,
    environment: Environment,
    notices: Notices,
    probes: Probes,
    watches: Watches,
    catalog: Catalog,
    #[cfg(feature = "aws")]
    target_groups: TargetGroups,
    control: ControlPlane,
    exporter: Exporter,
    observers: Observers,
    reports: mpsc::UnboundedReceiver<Report>,
    reporter: Reporter,
    host: Host,
    /// pilot's exit code, if it stops because of a failure of its own.
    failure: Option<u8>,
}

impl Supervisor {
    /// Everything is ready, nothing is started. `load` reads the configuration again when a reload is asked for.
    pub fn new(plan: Plan, load: Arc<Loader>, signals: Signals, output: Output, setup: Setup) -> Self {
        let plan = Arc::new(plan);
        let (reporter, reports) = mpsc::unbounded_channel();
        let meters = Meters::default();
        Supervisor {
            engine: Engine::new(Arc::clone(&plan), seed()),
            clock: Clock::new(),
            signals,
            unreaped: false,
            looked_at_groups: Instant::now(),
            output,
            children: Children::new(setup.listen_fds > 0),
            environment: Environment::new(&plan),
            notices: Notices::default(),
            probes: Probes::new(),
            watches: Watches::default(),
            catalog: Catalog::new(&plan, meters.clone()),
            #[cfg(feature = "aws")]
            target_groups: TargetGroups::default(),
            control: ControlPlane::new(load, Arc::clone(&plan)),
            exporter: Exporter::new(meters.clone()),
            observers: Observers::new(meters),
            reports,
            reporter,
            host: Host::of_this_process(),
            failure: None,
            plan,
        }
    }

    /// Runs until everything has ended; returns the exit code. A defect of the loop ends the jobs before it ends pilot.
    pub async fn run(mut self) -> u8 {
        match task::caught(self.supervise()).await {
            Ok(code) => code,
            Err(panic) => self.break_off(&panic).await,
        }
    }

    async fn supervise(&mut self) -> u8 {
        if let Err(code) = self.open_control().await {
            return code;
        }
        make_room_for(self.plan.jobs.len());
        let mut inputs = VecDeque::from([Input::Startup]);
        self.serve_telemetry(Otherwise::Stop);
        self.follow_watches();
        let code = loop {
            if let ControlFlow::Break(code) = self.settle(&mut inputs) {
                break code;
            }
            self.observers.begin();
            if let ControlFlow::Break(code) = self.turn(&mut inputs).await {
                break code;
            }
        };
        self.close_control().await;
        orphans::end(self.plan.stop_timeout, &mut self.signals).await;
        let code = self.failure.unwrap_or(code);
        if code != 0 {
            self.leave_last_words(code);
        }
        code
    }

    /// Hands all inputs to the engine and does what it wants, until nothing is left to do. The exit code, if that is it.
    fn settle(&mut self, inputs: &mut VecDeque<Input>) -> ControlFlow<u8> {
        while let Some(input) = inputs.pop_front() {
            if self.repeat_after_pause(&input, inputs) {
                continue;
            }
            let probed = if let Input::Probed { round, .. } = &input { Some(*round) } else { None };
            self.note_instances(&input);
            for effect in self.engine.handle(input, self.clock.now()) {
                if let Effect::Exit(code) = effect {
                    return ControlFlow::Break(code);
                }
                self.perform(effect, inputs);
            }
            // Of a job that is gone the engine says nothing more.
            if let Some(round) = probed {
                self.probes.ended(round);
            }
            self.observers.stepped(&self.engine);
        }
        self.host.tell(&self.engine, self.clock.now());
        ControlFlow::Continue(())
    }
}

/// Differs from container to container and from start to start; only spreads delays.
fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id())
}
