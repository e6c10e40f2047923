//! Whether there is enough time to stop.

use std::time::Duration;

use pilot_core::graph::JobAt;
use pilot_core::stop::worst_case::StopPlan;

use super::super::diagnostic::{Rule, Severity};
use super::super::document::Document;
use super::super::loose::Field;
use super::{Question, quoted};

pub(super) fn find(document: &Document<'_>, question: &Question) {
    let stop = StopPlan::of(&document.plan);
    // Whoever says how much time there is asks whether it is enough. The file's own budget is kept: it shortens drains.
    let (severity, budget) = match (question.stop_budget, document.plan.stop_budget) {
        (Some(asked), _) => (Severity::Error, asked),
        (None, Some(budget)) => (Severity::Warning, budget),
        (None, None) => return,
    };
    if stop.worst <= budget {
        return;
    }
    let complaint = format!("stopping can take {}, and there are {}", seconds(stop.worst), seconds(budget));
    let Longest { place, remedy } = longest(document, &stop, severity);
    place.find(severity, Rule::StopPlan, &complaint, remedy);
}

/// Where most of the time is, and what to do about it.
struct Longest<'a> {
    place: Field<'a>,
    remedy: String,
}

/// A drain, a hook without a limit of its own, or the longest grace.
fn longest<'a>(document: &Document<'a>, stop: &StopPlan, severity: Severity) -> Longest<'a> {
    let places = || stop.jobs.iter().enumerate();
    let name = |index: usize| quoted(&document.plan, JobAt(index));
    let unlimited = |index: usize| document.plan.jobs.get(index).is_some_and(|job| job.timeout.is_none());
    let drain = places().filter(|(_, job)| job.drain > job.grace).max_by_key(|(_, job)| job.drain);
    let hook =
        places().filter(|(index, job)| unlimited(*index) && job.runs > Duration::ZERO).max_by_key(|(_, job)| job.runs);
    let at_all = places().max_by_key(|(_, job)| (job.runs, job.grace));
    match (drain, hook, at_all) {
        (Some((index, job)), ..) => {
            let shorter = format!("write a shorter `drain` for {}, which has {}", name(index), seconds(job.drain));
            let remedy = match severity {
                Severity::Error => format!("{shorter}, or grant more time where the container is described"),
                Severity::Warning | Severity::Note => {
                    format!("drains are cut short to stay within it; {shorter}, or a longer `stopBudget`")
                }
            };
            Longest { place: place(document, index, "drain"), remedy }
        }
        (None, Some((index, job)), _) => {
            let time = seconds(job.runs);
            let remedy = format!("limit the run of {}, for which there are {time}: `timeout: \"10s\"`", name(index));
            Longest { place: place(document, index, "timeout"), remedy }
        }
        (None, None, Some((index, job))) => {
            let key = if job.runs > job.grace { "timeout" } else { "stopTimeout" };
            let time = seconds(job.runs + job.grace);
            let remedy = format!("shorten `timeout` or `stopTimeout`; most of it is {} with {time}", name(index));
            Longest { place: place(document, index, key), remedy }
        }
        (None, None, None) => Longest { place: document.root.clone(), remedy: "shorten `stopTimeout`".to_owned() },
    }
}

/// Where a job's key is written, or the job, spoken of as the whole.
fn place<'a>(document: &Document<'a>, index: usize, key: &str) -> Field<'a> {
    let found = document.jobs.get(index).unwrap_or(&document.root).within(&[key]);
    Field { who: String::new(), name: String::new(), ..found }
}

/// `37s`, `2.5s`.
fn seconds(time: Duration) -> String {
    format!("{}s", time.as_secs_f64())
}
