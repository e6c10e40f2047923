//! What is told of a job's health is the same everywhere, whatever the job does: `pilot jobs`, `status`, `health`, `/status`,
//! the page, the catalog.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::runtime::children::Children;
use crate::runtime::control::report::HealthReport;
use crate::runtime::control::status::StatusReport;
use crate::runtime::telemetry::{page, status};
use crate::runtime::view::{Snapshot, View};
use pilot_config::{Interfaces, Surroundings, load};
use pilot_core::effect::{Announcement, Effect, Input, JobRequest, RunId, StopSignal, Switch, Verdict};
use pilot_core::engine::Engine;
use pilot_core::exit::Exit;
use pilot_core::plan::JobId;
use pilot_core::state::State;

/// An engine with one job that has a check and a service, and what stands for the world outside it.
struct Rig {
    engine: Engine,
    app: JobId,
    now: Duration,
    run: Option<RunId>,
    check_passes: bool,
    /// The process ends like this as soon as it is started.
    crashes: Option<Exit>,
    /// The process ignores its stop signal.
    deaf: bool,
    announced: Vec<Announcement>,
}

impl Rig {
    fn new(start: &str, restarts: &str) -> Self {
        let text = format!(
            "{{consul: 'localhost:8500', jobs: [
               {{name: 'app', exec: 'x', port: 80, interfaces: ['static:10.0.0.7'], {start}
                 restarts: {restarts}, health: {{exec: 'y', interval: 1, ttl: 3}}}},
               {{name: 'keep', exec: 'x'}}]}}"
        );
        let around =
            Surroundings { hostname: "box".into(), interfaces: Interfaces::new(Vec::new), ..Surroundings::default() };
        let loaded = load("x", &text, &around);
        let plan = loaded.plan.clone().unwrap_or_else(|| panic!("{}", loaded.report(&text)));
        let engine = Engine::new(Arc::new(plan), 1);
        let (app, now) = (engine.job_ids()[0], Duration::ZERO);
        Rig { engine, app, now, run: None, check_passes: true, crashes: None, deaf: false, announced: Vec::new() }
    }

    fn started(mut self) -> Self {
        self.give(Input::Startup);
        self
    }

    fn give(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            for effect in self.engine.handle(input, self.now) {
                match effect {
                    Effect::Start { job, run, .. } if job == self.app => {
                        self.run = Some(run);
                        let ends = |exit| Input::Exited { job, run, exit, leftovers: false };
                        inputs.extend(self.crashes.map(ends));
                    }
                    Effect::Signal { job, run, signal: StopSignal::Terminate } if !self.deaf => {
                        inputs.push_back(Input::Exited { job, run, exit: Exit::Signal(15), leftovers: false });
                    }
                    Effect::Probe { job, round } => {
                        let note = if self.check_passes { "ok" } else { "refused" };
                        let verdict = Verdict { pass: self.check_passes, note: note.into(), exit: None };
                        inputs.push_back(Input::Probed { job, round, verdict });
                    }
                    Effect::Withdraw { job } => {
                        let services = self.engine.job(job).unwrap().registered_services();
                        inputs.extend(services.map(|(service, _)| Input::Withdrawn { job, service }));
                    }
                    Effect::Announce { announcement, .. } => self.announced.push(announcement),
                    _ => {}
                }
            }
        }
    }

    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while self.now < until {
            self.now += Duration::from_millis(100);
            self.give(Input::Tick);
        }
    }

    fn ends(&mut self, exit: Exit) {
        let run = self.run.unwrap();
        self.give(Input::Exited { job: self.app, run, exit, leftovers: false });
    }

    /// The state, and the health that every surface shows.
    fn shown(&self) -> (State, String) {
        let snapshot = Snapshot::take(&self.engine, &Children::new(false), self.now, |_| None);
        let job = snapshot.jobs[0].clone();
        let report = StatusReport::new(&self.engine, &snapshot);
        let v3: serde_json::Value = serde_json::from_slice(&status::json(&snapshot).unwrap()).unwrap();
        let word = report.jobs[0].health.clone().unwrap();
        assert_eq!(report.services[0].health, word, "pilot status, services");
        assert_eq!(v3["Services"][0]["Status"], *word, "/status");
        let page = page::html(&View::new(&self.engine, snapshot), page::Refresh::Off);
        let row = page.split("<td data-label=\"Job\">app</td>").nth(1).unwrap().split("</tr>").next().unwrap();
        assert!(row.contains(&format!("<span class=\"{word}\">{word}</span>")), "{word}: {row}");
        let health = HealthReport::new(&self.engine, self.now);
        assert_eq!(health.healthy, word != "unhealthy", "pilot health says {health:?}, the others {word}");
        if let Some(reason) = &job.reason {
            assert!(row.contains(reason), "the page gives the reason");
            let noted = health.jobs.iter().any(|job| job.note.contains(reason));
            assert!(noted || word != "unhealthy", "pilot health gives the reason");
        }
        (job.state, word)
    }
}

#[test]
fn everybody_tells_the_same_of_a_job_whatever_it_does() {
    let second = Duration::from_secs(1);
    let running = || {
        let mut rig = Rig::new("", "'never'").started();
        rig.pass(second * 2);
        assert_eq!(rig.shown(), (State::Running, "healthy".to_owned()));
        rig
    };
    let is = |rig: &Rig, state, word: &str| assert_eq!(rig.shown(), (state, word.to_owned()));

    is(&Rig::new("when: {source: 'keep', once: 'exitSuccess'},", "'never'").started(), State::Waiting, "unknown");
    is(&Rig::new("", "'never'").started(), State::Running, "unknown");

    let mut failing = running();
    failing.check_passes = false;
    failing.pass(second * 2);
    is(&failing, State::Running, "unhealthy");

    let mut ended = running();
    ended.ends(Exit::Code(0));
    is(&ended, State::Ended, "unknown");
    let mut failed = running();
    failed.ends(Exit::Code(3));
    is(&failed, State::Ended, "unhealthy");

    let mut stopped = running();
    stopped.give(Input::Job { job: stopped.app, request: JobRequest::Stop });
    stopped.pass(second);
    is(&stopped, State::Stopped, "unknown");

    for check_passes in [true, false] {
        let mut stopping = running();
        (stopping.deaf, stopping.check_passes) = (true, check_passes);
        stopping.pass(second * 2);
        stopping.give(Input::Job { job: stopping.app, request: JobRequest::Stop });
        stopping.pass(second);
        is(&stopping, State::Stopping, "unknown");
    }

    let mut maintained = running();
    maintained.give(Input::Maintenance(Switch::On));
    is(&maintained, State::Running, "maintenance");
}

/// Its check may pass: somebody else may answer on the port.
#[test]
fn a_job_that_waits_to_be_restarted_is_unhealthy_everywhere_and_the_catalog_hears_nothing_else() {
    let mut rig = Rig::new("", "'unlimited'").started();
    rig.pass(Duration::from_secs(2));
    rig.crashes = Some(Exit::Code(1));
    rig.ends(Exit::Code(1));
    let mut waited = 0;
    for _ in 0..600 {
        if rig.engine.jobs()[0].state() == State::Restarting {
            assert_eq!(rig.shown(), (State::Restarting, "unhealthy".to_owned()));
            waited += 1;
            rig.announced.clear();
            rig.pass(Duration::from_millis(100));
            assert!(rig.announced.is_empty(), "{:?}", rig.announced);
        } else {
            rig.pass(Duration::from_millis(100));
        }
    }
    assert!(waited > 100, "{waited}");
}
