//! How long stopping takes at worst: every wait of `stop` with its limit, added up along the order in which jobs stop.
//!
//! An upper bound for the time from the first stop request to the exit, as far as SIGKILL ends what it is sent to and no
//! person starts a hook by hand; a test holds it against random histories.

use std::time::Duration;

use super::drain::LEAVE_LIMIT;
use super::event::Code;
use super::graph::JobAt;
use super::job::{hooked_on_stop, is_of_a_stop, start_events};
use super::plan::{Drain, Plan, Start};
use super::stop::{HOOK_LIMIT, WITHDRAW_LIMIT};
use super::stop_order::stop_order;

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
        self.hooks + self.catalog + self.balancer + self.drain + self.grace
    }
}

impl StopPlan {
    /// The worst case of a plan.
    pub fn of(plan: &Plan) -> Self {
        let count = plan.jobs.len();
        let mut adder = Adder {
            plan,
            order: stop_order(&plan.jobs),
            known: vec![[None; 3]; count],
            open: Vec::new(),
            circular: false,
        };
        let stops: Vec<JobStop> = jobs(plan).map(|id| adder.job(id)).collect();
        let circular = adder.circular;
        let in_order = stops.iter().map(|job| job.gone).max().unwrap_or_default();
        let one_by_one = jobs(plan).map(|id| adder.alone(id)).sum();
        StopPlan { worst: if circular { in_order.max(one_by_one) } else { in_order }, jobs: stops, circular }
    }
}

/// A moment in a job's stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    Begins,
    Signalled,
    Gone,
}

struct Adder<'a> {
    plan: &'a Plan,
    order: Vec<Vec<usize>>,
    /// The latest time of each moment, by job.
    known: Vec<[Option<Duration>; 3]>,
    /// What is being added up: whoever comes back to one of these has gone in a circle.
    open: Vec<(JobAt, Moment)>,
    circular: bool,
}

impl Adder<'_> {
    fn job(&mut self, id: JobAt) -> JobStop {
        let begins = self.at(id, Moment::Begins);
        let (catalog, balancer, drain) = (self.catalog(id), self.balancer(id), self.drain(id));
        JobStop {
            after: self.order[id.0].iter().copied().map(JobAt).collect(),
            runs: self.runs(id),
            begins,
            hooks: self.at(id, Moment::Signalled).saturating_sub(begins + catalog + balancer + drain),
            catalog,
            balancer,
            drain,
            grace: self.grace(id),
            gone: self.at(id, Moment::Gone),
        }
    }

    fn at(&mut self, id: JobAt, moment: Moment) -> Duration {
        if let Some(known) = self.known[id.0][moment as usize] {
            return known;
        }
        if self.open.contains(&(id, moment)) {
            self.circular = true;
            return Duration::ZERO;
        }
        self.open.push((id, moment));
        let at = match moment {
            Moment::Begins => self.begins(id),
            Moment::Signalled => {
                self.at(id, Moment::Begins) + self.hooks(id) + self.catalog(id) + self.balancer(id) + self.drain(id)
            }
            Moment::Gone => self.at(id, Moment::Signalled) + self.grace(id),
        };
        self.open.pop();
        self.known[id.0][moment as usize] = Some(at);
        at
    }

    /// When those that need it are gone, and its own run is over if it is a hook.
    fn begins(&mut self, id: JobAt) -> Duration {
        let before = self.order[id.0].clone();
        let turn = before.into_iter().map(|before| self.at(JobAt(before), Moment::Gone)).max().unwrap_or_default();
        if !hooked_on_stop(&self.plan.jobs[id.0]) {
            return turn;
        }
        let mut start = Duration::ZERO;
        for event in start_events(&self.plan.jobs[id.0].start) {
            let late = is_of_a_stop(event.code) && event.code != Code::Stopping;
            let moment = if late { Moment::Signalled } else { Moment::Begins };
            for source in jobs(self.plan).filter(|source| self.plan.jobs[source.0].name == event.source) {
                if source != id {
                    start = start.max(self.at(source, moment));
                }
            }
        }
        let run = self.run(id);
        let earlier = self.runs(id) - run;
        turn.max(start.max(earlier) + run)
    }

    /// How long it waits for those hooked on its `stopping`.
    fn hooks(&mut self, id: JobAt) -> Duration {
        let begins = self.at(id, Moment::Begins);
        let longest = self.hooked_on(id).into_iter().map(|hook| self.at(hook, Moment::Signalled)).max();
        longest.unwrap_or_default().saturating_sub(begins).min(self.hook_limit(id))
    }

    fn hooked_on(&self, id: JobAt) -> Vec<JobAt> {
        let name = &self.plan.jobs[id.0].name;
        let is_hook = |hook: &JobAt| {
            let events = start_events(&self.plan.jobs[hook.0].start);
            *hook != id && events.iter().any(|event| event.code == Code::Stopping && event.source == *name)
        };
        jobs(self.plan).filter(is_hook).collect()
    }

    fn hook_limit(&self, id: JobAt) -> Duration {
        self.plan.jobs[id.0].stop_timeout.unwrap_or(HOOK_LIMIT)
    }

    fn run(&self, id: JobAt) -> Duration {
        self.plan.jobs[id.0].timeout.unwrap_or(HOOK_LIMIT)
    }

    fn runs(&self, id: JobAt) -> Duration {
        let job = &self.plan.jobs[id.0];
        match job.start {
            _ if !hooked_on_stop(job) => Duration::ZERO,
            // A stop comes once; with a second event one run may be under way and one more be owed when it does.
            Start::Each { ref events, .. } if events.len() > 1 => self.run(id) * 3,
            Start::Each { .. } | Start::Once { .. } | Start::Interval(_) | Start::Cron(_) | Start::Never { .. } => {
                self.run(id)
            }
        }
    }

    fn catalog(&self, id: JobAt) -> Duration {
        if self.plan.registers(&self.plan.jobs[id.0]) { WITHDRAW_LIMIT } else { Duration::ZERO }
    }

    fn balancer(&self, id: JobAt) -> Duration {
        self.plan.jobs[id.0].balancer.as_ref().map_or(Duration::ZERO, |_| LEAVE_LIMIT)
    }

    fn drain(&self, id: JobAt) -> Duration {
        self.plan.jobs[id.0].drain.as_ref().map_or(Duration::ZERO, Drain::longest)
    }

    fn grace(&self, id: JobAt) -> Duration {
        self.plan.jobs[id.0].stop_timeout.unwrap_or(self.plan.stop_timeout)
    }

    /// All that one job can add when everything comes after everything else.
    fn alone(&self, id: JobAt) -> Duration {
        let hooks = if self.hooked_on(id).is_empty() { Duration::ZERO } else { self.hook_limit(id) };
        self.runs(id) + hooks + self.catalog(id) + self.balancer(id) + self.drain(id) + self.grace(id)
    }
}

fn jobs(plan: &Plan) -> impl Iterator<Item = JobAt> + use<> {
    (0..plan.jobs.len()).map(JobAt)
}
