//! How long stopping takes at worst: every wait of `stop` with its limit, added up along the order in which jobs stop.
//!
//! An upper bound for the time from the first stop request to the exit, as far as SIGKILL ends what it is sent to and no
//! person starts a hook by hand; a test holds it against random histories.

use std::collections::HashMap;
use std::time::Duration;

use super::order::stop_order;
use crate::event::{Class, Code, Event};
use crate::limits::{HOOK_LIMIT, LEAVE_LIMIT, WITHDRAW_LIMIT};
use crate::plan::{Count, Drain, Job, JobAt, Plan, Start};

/// The worst case of a stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StopPlan {
    /// What each job may take, in the order of the plan.
    pub jobs: Vec<JobStop>,
    /// From the stop request to the exit.
    pub worst: Duration,
    /// Jobs wait for each other's end in a circle: `worst` is then as if all stopped one after the other.
    pub circular: bool,
}

/// The worst case of one job's stop. Times are counted from the stop request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobStop {
    /// Those that must be gone before.
    pub after: Vec<JobAt>,
    /// A hook's own run, or two if one may be under way.
    pub runs: Duration,
    /// When it begins to stop.
    pub begins: Duration,
    /// Waiting for jobs that are hooked on its `stopping`.
    pub hooks: Duration,
    /// Waiting for the catalog.
    pub catalog: Duration,
    /// Waiting for the load balancer.
    pub balancer: Duration,
    /// Serving on.
    pub drain: Duration,
    /// From its stop signal to SIGKILL.
    pub grace: Duration,
    /// When nothing of it is left.
    pub gone: Duration,
}

impl JobStop {
    /// From its first step to the last, by itself.
    pub fn own(&self) -> Duration {
        sum([self.hooks, self.catalog, self.balancer, self.drain, self.grace])
    }
}

/// Limits may be as long as a file says; their sum is never longer than a clock can tell.
fn sum(times: impl IntoIterator<Item = Duration>) -> Duration {
    times.into_iter().fold(Duration::ZERO, Duration::saturating_add)
}

impl StopPlan {
    /// The worst case of a plan.
    pub fn of(plan: &Plan) -> Self {
        let mut adder =
            Adder { plan, order: stop_order(&plan.jobs), known: HashMap::new(), open: Vec::new(), circular: false };
        let stops: Vec<JobStop> = plan.jobs.iter().enumerate().map(|(at, job)| adder.job(JobAt(at), job)).collect();
        let circular = adder.circular;
        let in_order = stops.iter().map(|job| job.gone).max().unwrap_or_default();
        let one_by_one = sum(plan.jobs.iter().enumerate().map(|(at, job)| adder.alone(JobAt(at), job)));
        StopPlan { worst: if circular { in_order.max(one_by_one) } else { in_order }, jobs: stops, circular }
    }
}

/// A moment in a job's stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Moment {
    Begins,
    Signalled,
    Gone,
}

struct Adder<'a> {
    plan: &'a Plan,
    order: Vec<Vec<usize>>,
    /// The latest time of each moment, by job.
    known: HashMap<(JobAt, Moment), Duration>,
    /// What is being added up: whoever comes back to one of these has gone in a circle.
    open: Vec<(JobAt, Moment)>,
    circular: bool,
}

impl Adder<'_> {
    fn job(&mut self, id: JobAt, job: &Job) -> JobStop {
        let begins = self.at(id, Moment::Begins);
        let (catalog, balancer, drain) = (self.catalog(job), balancer(job), drain(job));
        let before = sum([begins, catalog, balancer, drain]);
        JobStop {
            after: self.after(id).iter().copied().map(JobAt).collect(),
            runs: self.runs(id, job),
            begins,
            hooks: self.at(id, Moment::Signalled).saturating_sub(before),
            catalog,
            balancer,
            drain,
            grace: self.grace(job),
            gone: self.at(id, Moment::Gone),
        }
    }

    fn after(&self, id: JobAt) -> &[usize] {
        self.order.get(id.0).map(Vec::as_slice).unwrap_or_default()
    }

    fn at(&mut self, id: JobAt, moment: Moment) -> Duration {
        if let Some(known) = self.known.get(&(id, moment)) {
            return *known;
        }
        if self.open.contains(&(id, moment)) {
            self.circular = true;
            return Duration::ZERO;
        }
        let Some(job) = self.plan.jobs.get(id.0) else { return Duration::ZERO };
        self.open.push((id, moment));
        let at = match moment {
            Moment::Begins => self.begins(id, job),
            Moment::Signalled => {
                let begins = self.at(id, Moment::Begins);
                sum([begins, self.hooks(id, job), self.catalog(job), balancer(job), drain(job)])
            }
            Moment::Gone => self.at(id, Moment::Signalled).saturating_add(self.grace(job)),
        };
        self.open.pop();
        self.known.insert((id, moment), at);
        at
    }

    /// When those that need it are gone, and its own run is over if it is a hook.
    fn begins(&mut self, id: JobAt, job: &Job) -> Duration {
        let before = self.after(id).to_vec();
        let turn = before.into_iter().map(|before| self.at(JobAt(before), Moment::Gone)).max().unwrap_or_default();
        if !job.is_hook() {
            return turn;
        }
        let mut start = Duration::ZERO;
        for event in job.start.events() {
            let late = event.code.class() == Class::Stop && event.code != Code::Stopping;
            let moment = if late { Moment::Signalled } else { Moment::Begins };
            for source in named(self.plan, &event.source).filter(|source| *source != id) {
                start = start.max(self.at(source, moment));
            }
        }
        let run = run(job);
        let earlier = self.runs(id, job).saturating_sub(run);
        turn.max(start.max(earlier).saturating_add(run))
    }

    /// How long it waits for those hooked on its `stopping`.
    fn hooks(&mut self, id: JobAt, job: &Job) -> Duration {
        let begins = self.at(id, Moment::Begins);
        let longest = self.hooked_on(id, job).into_iter().map(|hook| self.at(hook, Moment::Signalled)).max();
        longest.unwrap_or_default().saturating_sub(begins).min(hook_limit(job))
    }

    fn hooked_on(&self, id: JobAt, job: &Job) -> Vec<JobAt> {
        let others = self.plan.jobs.iter().enumerate().map(|(at, other)| (JobAt(at), other));
        let hooks = others.filter(|(at, other)| *at != id && other.waits_for(Code::Stopping, &job.name));
        hooks.map(|(at, _)| at).collect()
    }

    fn runs(&self, id: JobAt, job: &Job) -> Duration {
        let run = run(job);
        match job.start {
            _ if !job.is_hook() => Duration::ZERO,
            // A stop comes once; with a second event one run may be under way and one more be owed when it does.
            Start::Each { .. } if self.sources(id, job) > 1 || self.reruns_by_namesake(id, job) => {
                run.saturating_mul(3)
            }
            Start::Once { .. } if self.reruns_by_namesake(id, job) => run.saturating_mul(2),
            Start::Each { .. } | Start::Once { .. } | Start::Interval(_) | Start::Cron(_) | Start::Never { .. } => run,
        }
    }

    /// How often its events can come while everything stops: two jobs of one name emit each of theirs twice.
    fn sources(&self, id: JobAt, job: &Job) -> usize {
        let named = |event: &Event| named(self.plan, &event.source).filter(|source| *source != id).count().max(1);
        job.start.events().iter().map(named).sum()
    }

    /// Two jobs of one name count each other's exits as their own, and restart by them.
    fn reruns_by_namesake(&self, id: JobAt, job: &Job) -> bool {
        job.restarts != Count::Finite(0) && named(self.plan, &job.name).any(|other| other != id)
    }

    fn catalog(&self, job: &Job) -> Duration {
        if self.plan.registers(job) { WITHDRAW_LIMIT } else { Duration::ZERO }
    }

    fn grace(&self, job: &Job) -> Duration {
        job.stop_timeout.unwrap_or(self.plan.stop_timeout)
    }

    /// All that one job can add when everything comes after everything else.
    fn alone(&self, id: JobAt, job: &Job) -> Duration {
        let hooks = if self.hooked_on(id, job).is_empty() { Duration::ZERO } else { hook_limit(job) };
        sum([self.runs(id, job), hooks, self.catalog(job), balancer(job), drain(job), self.grace(job)])
    }
}

fn balancer(job: &Job) -> Duration {
    if job.balancer.is_some() { LEAVE_LIMIT } else { Duration::ZERO }
}

fn drain(job: &Job) -> Duration {
    job.drain.as_ref().map_or(Duration::ZERO, Drain::longest)
}

fn hook_limit(job: &Job) -> Duration {
    job.stop_timeout.unwrap_or(HOOK_LIMIT)
}

fn run(job: &Job) -> Duration {
    job.timeout.unwrap_or(HOOK_LIMIT)
}

fn named<'a>(plan: &'a Plan, name: &'a str) -> impl Iterator<Item = JobAt> + use<'a> {
    plan.jobs.iter().enumerate().filter(move |(_, job)| job.name == name).map(|(at, _)| JobAt(at))
}
