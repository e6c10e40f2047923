//! Whether there is enough time to stop.

use std::time::Duration;

use crate::core::graph::JobAt;
use crate::core::stop_plan::StopPlan;

use super::super::diagnostic::{Rule, Severity};
use super::super::document::Document;
use super::{Question, quoted};

pub(super) fn find(document: &Document<'_>, question: &Question) {
    let stop = StopPlan::of(&document.plan);
    let Some(budget) = question.stop_budget.or(document.plan.stop_budget).filter(|budget| stop.worst > *budget) else {
        return;
    };
    let complaint = format!("stopping can take {}, and there are {}", seconds(stop.worst), seconds(budget));
    document.root.find(Severity::Warning, Rule::StopPlan, &complaint, remedy(document, &stop));
}

/// Where most of the time is: a hook without a limit of its own, or the longest grace.
fn remedy(document: &Document<'_>, stop: &StopPlan) -> String {
    let places = || stop.jobs.iter().enumerate();
    let unlimited = |index: usize| document.plan.jobs.get(index).is_some_and(|job| job.timeout.is_none());
    let drain = places().filter(|(_, job)| job.drain > job.grace).max_by_key(|(_, job)| job.drain);
    if let Some((index, job)) = drain {
        return format!(
            "drains are cut short to stay within it; write a shorter `drain.max` for {}, which has {}, or a longer `stopBudget`",
            quoted(&document.plan, JobAt(index)),
            seconds(job.drain)
        );
    }
    let hook =
        places().filter(|(index, job)| unlimited(*index) && job.runs > Duration::ZERO).max_by_key(|(_, job)| job.runs);
    let longest = places().max_by_key(|(_, job)| (job.runs, job.grace));
    match (hook, longest) {
        (Some((index, job)), _) => format!(
            "limit the run of {}, for which there are {}: `timeout: \"10s\"`",
            quoted(&document.plan, JobAt(index)),
            seconds(job.runs)
        ),
        (None, Some((index, job))) => format!(
            "shorten `timeout` or `stopTimeout`; most of it is {} with {}",
            quoted(&document.plan, JobAt(index)),
            seconds(job.runs + job.grace)
        ),
        (None, None) => "shorten `stopTimeout`".to_owned(),
    }
}

/// `37s`, `2.5s`.
fn seconds(time: Duration) -> String {
    format!("{}s", time.as_secs_f64())
}
