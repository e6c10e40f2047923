//! What comes in over the control socket, answered at once: nothing here waits.

use std::collections::{BTreeMap, VecDeque};

use nix::sys::signal::Signal;

use super::Supervisor;
use super::reload::Requester;
use crate::runtime::control::explain::{WhyReport, events};
use crate::runtime::control::report::{HealthReport, JobReport};
use crate::runtime::control::status::StatusReport;
use crate::runtime::control::{Answer, Ask, JobAsk, Refusal, Request, Sample, Why};
use crate::runtime::process::reap::Delivery;
use crate::runtime::view::{JobView, render_graph};
use pilot_core::effect::{Input, JobRequest, RunId, Switch};
use pilot_core::nearest::nearest;
use pilot_core::plan::{JobId, OutputMode, Secret};

impl Supervisor {
    pub(super) fn answer(&mut self, Request { ask, answer }: Request, inputs: &mut VecDeque<Input>) {
        let given = match ask {
            // The only one whose answer has to be waited for.
            Ask::Reload(summary) => return self.reload(Requester { answer, summary }),
            Ask::PutEnvironment(variables) => self.put_environment(variables),
            Ask::PutMetrics(samples) => {
                samples.iter().for_each(|sample| self.record(sample));
                Ok(Answer::Done)
            }
            Ask::Maintenance(switch) => {
                let word = match switch {
                    Switch::On => "entering",
                    Switch::Off => "leaving",
                };
                tracing::info!("control: {word} maintenance");
                inputs.push_back(Input::Maintenance(switch));
                Ok(Answer::Done)
            }
            Ask::Jobs => Ok(Answer::Jobs(self.reports())),
            Ask::Status => Ok(Answer::Status(Box::new(StatusReport::new(&self.engine, &self.snapshot())))),
            Ask::Graph(format) => Ok(Answer::Graph(format, render_graph(self.engine.plan(), &self.snapshot(), format))),
            Ask::Job { name, ask } => self.answer_about(&name, ask, inputs),
            Ask::Events { after, count } => Ok(Answer::Events(events(&self.engine, after, count, self.clock.now()))),
            Ask::News => Ok(Answer::News(self.observers.subscribe())),
            Ask::Postmortem(job) => self.postmortem(job.as_deref()),
            Ask::Health => Ok(Answer::Health(HealthReport::new(&self.engine, self.clock.now()))),
        };
        // Who asked may be gone.
        let _ = answer.send(given.unwrap_or_else(Answer::Refused));
    }

    fn answer_about(&mut self, name: &str, ask: JobAsk, inputs: &mut VecDeque<Input>) -> Result<Answer, Refusal> {
        let job = self.job_named(name)?;
        match ask {
            JobAsk::Look => Ok(Answer::Job(Box::new(self.report(job).ok_or_else(|| self.unknown(name))?))),
            JobAsk::Change(request) => self.change(job, request, inputs),
            JobAsk::Signal(signal) => self.signal(name, job, signal),
            JobAsk::Why => Ok(Answer::Why(Box::new(self.why(job).ok_or_else(|| self.unknown(name))?))),
            JobAsk::Lines => self.lines(name, job),
        }
    }

    /// All of it or nothing. v3 skips names that no environment can have, so they are no error.
    fn put_environment(&mut self, variables: BTreeMap<String, Secret>) -> Result<Answer, Refusal> {
        if !self.plan.control.putenv {
            return Err(Refusal::new(Why::Forbidden, "the configuration forbids it (`control.putenv` is false)"));
        }
        let exposed = variables.iter().map(|(name, value)| (name.as_str(), value.expose()));
        if let Some(reason) = self.environment.objection(exposed) {
            return Err(Refusal::new(Why::Unusable, format!("{reason}; nothing was set")));
        }
        for (name, value) in variables {
            self.environment.put(&name, value.expose());
        }
        Ok(Answer::Done)
    }

    fn record(&mut self, Sample { key, value }: &Sample) {
        tracing::debug!("event: {{Metric {key}|{value}}}");
        self.exporter.telemetry.record(key, value);
    }

    pub(super) fn job_named(&self, name: &str) -> Result<JobId, Refusal> {
        let is_it = |id: &&JobId| self.engine.job(**id).is_some_and(|job| job.name == name);
        self.engine.job_ids().iter().find(is_it).copied().ok_or_else(|| self.unknown(name))
    }

    fn unknown(&self, name: &str) -> Refusal {
        let known: Vec<_> = self.engine.plan().jobs.iter().map(|job| job.name.as_str()).collect();
        let meant =
            nearest(name, known.iter().copied()).map(|near| format!(" (did you mean {near:?}?)")).unwrap_or_default();
        let known =
            if known.is_empty() { "there are none".to_owned() } else { format!("there are {}", known.join(", ")) };
        Refusal::new(Why::Unknown, format!("there is no job {name:?}{meant}: {known}"))
    }

    fn run_of(&self, job: JobId) -> Option<RunId> {
        self.engine.run_of(job)
    }

    fn reports(&self) -> Vec<JobReport> {
        self.engine.job_ids().iter().filter_map(|job| self.report(*job)).collect()
    }

    fn report(&self, job: JobId) -> Option<JobReport> {
        self.view_of(job).map(|view| JobReport::from(&view))
    }

    fn why(&self, job: JobId) -> Option<WhyReport> {
        WhyReport::new(&self.engine, job, &self.view_of(job)?, self.clock.now())
    }

    fn view_of(&self, job: JobId) -> Option<JobView> {
        JobView::of(&self.engine, &self.children, job, self.clock.now())
    }

    fn change(&self, job: JobId, request: JobRequest, inputs: &mut VecDeque<Input>) -> Result<Answer, Refusal> {
        let said = self.engine.answer(job, request).map_err(|text| Refusal::new(Why::Conflict, text))?;
        inputs.push_back(Input::Job { job, request });
        Ok(Answer::Said(said))
    }

    /// The rules see what becomes of it as they see every end; there is nothing to decide.
    fn signal(&mut self, name: &str, job: JobId, signal: Signal) -> Result<Answer, Refusal> {
        let Some(run) = self.run_of(job) else {
            return Err(Refusal::new(Why::Conflict, format!("{name} has no process to signal")));
        };
        tracing::info!("sending {signal} to {name}: requested over the control socket");
        match self.signal_run(job, run, signal) {
            Delivery::Sent => Ok(Answer::Said(format!("sent {signal} to {name}"))),
            Delivery::Gone => Err(Refusal::new(Why::Conflict, format!("{name} has no process to signal"))),
            Delivery::NotPermitted => {
                Err(Refusal::new(Why::Conflict, format!("{name} cannot be signalled: {}", Delivery::REMEDY)))
            }
        }
    }

    fn lines(&self, name: &str, job: JobId) -> Result<Answer, Refusal> {
        if self.engine.job(job).is_some_and(|job| job.output == OutputMode::Raw || job.tty) {
            let why = "its output is raw and bypasses pilot; read the container's log instead";
            return Err(Refusal::new(Why::Conflict, format!("there are no log lines of {name}: {why}")));
        }
        Ok(Answer::Lines(self.output.recent(name)))
    }
}
