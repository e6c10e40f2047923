//! Each job's place in the order of a stop, by its number.

use std::time::Duration;

use super::order::stop_order;
use super::worst_case::{JobStop, StopPlan};
use crate::plan::{JobAt, JobId, Plan};
use crate::state::{ActivePlan, Table, Turn};

/// By the numbers of the active plan: each job's place in the order of a stop.
pub(crate) fn turns(plan: &ActivePlan) -> Table<JobId, Turn> {
    let ids = |places: Vec<usize>| places.into_iter().filter_map(|place| plan.job_ids.get(place).copied()).collect();
    let turns =
        stop_order(&plan.jobs).into_iter().zip(tails(plan)).map(|(after, tail)| Turn { after: ids(after), tail });
    Table::new(plan.job_ids.iter().copied().zip(turns))
}

/// For each job of a plan: how long those take at worst that begin to stop when it is gone.
fn tails(plan: &Plan) -> Vec<Duration> {
    fn tail(stops: &[JobStop], at: JobAt, above: &mut Vec<JobAt>) -> Duration {
        if above.contains(&at) {
            return Duration::ZERO;
        }
        above.push(at);
        let later = stops.iter().enumerate().filter(|(_, stop)| stop.after.contains(&at));
        let longest = later.map(|(other, stop)| stop.own().saturating_add(tail(stops, JobAt(other), above))).max();
        above.pop();
        longest.unwrap_or_default()
    }
    let stops = StopPlan::of(plan).jobs;
    (0..stops.len()).map(|at| tail(&stops, JobAt(at), &mut Vec::new())).collect()
}
