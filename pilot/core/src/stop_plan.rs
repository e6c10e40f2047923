//! How long stopping takes at worst: every wait of `stop` with its limit, added up along the order in which jobs stop.
//!
//! An upper bound for the time from the first stop request to the exit, as far as SIGKILL ends what it is sent to and no
//! person starts a hook by hand; a test holds it against random histories.

use std::collections::BTreeMap;
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
            named: BTreeMap::new(),
            hooks: BTreeMap::new(),
            known: vec![[Known::Not; 3]; count],
            circular: false,
        };
        for id in jobs(plan) {
            adder.named.entry(&plan.jobs[id.0].name).or_default().push(id);
            let events = start_events(&plan.jobs[id.0].start).iter();
            for event in events.filter(|event| event.code == Code::Stopping) {
                let hooks = adder.hooks.entry(&event.source).or_default();
                // Two events of one source hook a job once.
                if hooks.last() != Some(&id) {
                    hooks.push(id);
                }
            }
        }
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

/// What is known of a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Not,
    /// It is being added up: whoever comes back to it has gone in a circle.
    Open,
    Latest(Duration),
}

struct Adder<'a> {
    plan: &'a Plan,
    order: Vec<Vec<usize>>,
    named: BTreeMap<&'a str, Vec<JobAt>>,
    /// Who is hooked on the `stopping` of each name.
    hooks: BTreeMap<&'a str, Vec<JobAt>>,
    /// The latest time of each moment, by job.
    known: Vec<[Known; 3]>,
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

    /// The latest time of a moment. Not by recursion: thousands of jobs may stop one after the other.
    fn at(&mut self, id: JobAt, moment: Moment) -> Duration {
        let mut steps = vec![(id, moment)];
        while let Some((id, moment)) = steps.last().copied() {
            match self.known[id.0][moment as usize] {
                Known::Latest(_) => {
                    steps.pop();
                }
                Known::Not => {
                    self.known[id.0][moment as usize] = Known::Open;
                    let needed = self.needed(id, moment);
                    // The first of them is the next to be looked at.
                    steps.extend(needed.into_iter().rev().filter(|(id, moment)| self.is_new(*id, *moment)));
                }
                Known::Open => {
                    let at = self.added(id, moment);
                    self.known[id.0][moment as usize] = Known::Latest(at);
                    steps.pop();
                }
            }
        }
        self.latest(id, moment)
    }

    /// Whether a moment is still to be added up. One that is being added up leads back to itself.
    fn is_new(&mut self, id: JobAt, moment: Moment) -> bool {
        let known = self.known[id.0][moment as usize];
        self.circular |= known == Known::Open;
        known == Known::Not
    }

    fn latest(&self, id: JobAt, moment: Moment) -> Duration {
        match self.known[id.0][moment as usize] {
            Known::Latest(at) => at,
            Known::Not | Known::Open => Duration::ZERO,
        }
    }

    /// What must be known to add up a moment.
    fn needed(&self, id: JobAt, moment: Moment) -> Vec<(JobAt, Moment)> {
        match moment {
            Moment::Begins => {
                let before = self.order[id.0].iter().map(|before| (JobAt(*before), Moment::Gone));
                before.chain(self.sources(id)).collect()
            }
            Moment::Signalled => {
                let hooks = self.hooked_on(id).map(|hook| (hook, Moment::Signalled));
                std::iter::once((id, Moment::Begins)).chain(hooks).collect()
            }
            Moment::Gone => vec![(id, Moment::Signalled)],
        }
    }

    /// A moment, from what it needs.
    fn added(&self, id: JobAt, moment: Moment) -> Duration {
        match moment {
            Moment::Begins => self.begins(id),
            Moment::Signalled => {
                self.latest(id, Moment::Begins) + self.hooks(id) + self.catalog(id) + self.balancer(id) + self.drain(id)
            }
            Moment::Gone => self.latest(id, Moment::Signalled) + self.grace(id),
        }
    }

    /// The moments of others that a hook waits for.
    fn sources(&self, id: JobAt) -> Vec<(JobAt, Moment)> {
        let job = &self.plan.jobs[id.0];
        let mut sources = Vec::new();
        if hooked_on_stop(job) {
            for event in start_events(&job.start) {
                let late = is_of_a_stop(event.code) && event.code != Code::Stopping;
                let moment = if late { Moment::Signalled } else { Moment::Begins };
                let named = self.named.get(event.source.as_str()).into_iter().flatten();
                sources.extend(named.filter(|source| **source != id).map(|source| (*source, moment)));
            }
        }
        sources
    }

    /// When those that need it are gone, and its own run is over if it is a hook.
    fn begins(&self, id: JobAt) -> Duration {
        let before = self.order[id.0].iter();
        let turn = before.map(|before| self.latest(JobAt(*before), Moment::Gone)).max().unwrap_or_default();
        if !hooked_on_stop(&self.plan.jobs[id.0]) {
            return turn;
        }
        let sources = self.sources(id).into_iter();
        let start = sources.map(|(source, moment)| self.latest(source, moment)).max().unwrap_or_default();
        let run = self.run(id);
        let earlier = self.runs(id) - run;
        turn.max(start.max(earlier) + run)
    }

    /// How long it waits for those hooked on its `stopping`.
    fn hooks(&self, id: JobAt) -> Duration {
        let begins = self.latest(id, Moment::Begins);
        let longest = self.hooked_on(id).map(|hook| self.latest(hook, Moment::Signalled)).max();
        longest.unwrap_or_default().saturating_sub(begins).min(self.hook_limit(id))
    }

    fn hooked_on(&self, id: JobAt) -> impl Iterator<Item = JobAt> {
        let hooks = self.hooks.get(self.plan.jobs[id.0].name.as_str()).into_iter().flatten();
        hooks.copied().filter(move |hook| *hook != id)
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
        let hooks = if self.hooked_on(id).next().is_none() { Duration::ZERO } else { self.hook_limit(id) };
        self.runs(id) + hooks + self.catalog(id) + self.balancer(id) + self.drain(id) + self.grace(id)
    }
}

fn jobs(plan: &Plan) -> impl Iterator<Item = JobAt> + use<> {
    (0..plan.jobs.len()).map(JobAt)
}
