//! Who is there for what: the job whose end is the container's end, and watches that nobody waits for.

use pilot_core::event::Code;
use pilot_core::graph::{Graph, Node, WatchAt};
use pilot_core::plan::{Condition, Count, Job, OnImpossible, Start};

use super::super::diagnostic::{Rule, Severity};
use super::super::document::Document;

pub(super) fn find(document: &Document<'_>, graph: &Graph) {
    let jobs = || document.plan.jobs.iter().zip(&document.jobs);
    for (_, place) in jobs().filter(|(job, _)| job.critical && !ends(job)) {
        place.within(&["critical"]).find(
            Severity::Warning,
            Rule::CriticalNeverEnds,
            "has no effect: the job never ends by itself, so that its end cannot be the container's",
            "limit its restarts, for example `restarts: { max: 10 }`, or remove `critical`".to_owned(),
        );
    }
    let runs_something = jobs().any(|(job, _)| job.exec.is_some());
    if runs_something && !jobs().any(|(job, _)| job.critical) {
        document.root.within(&["jobs"]).find(
            Severity::Note,
            Rule::NoCriticalJob,
            "have none that is critical: when one has ended for good pilot goes on with the others, and exits 0 after the last",
            "write `critical: true` into the job that the container is there for".to_owned(),
        );
    }
    for (job, place) in jobs() {
        if job.critical
            && ends(job)
            && let Some((waiting, _)) = jobs().find(|(other, _)| needs_success_of(other, job))
        {
            let (name, waiting) = (&job.name, &waiting.name);
            let complaint =
                format!("ends the container when it succeeds: {waiting} waits for that and would never run");
            let remedy = format!(
                "write `critical: true` into {waiting} instead: then a failure of {name} ends the container, with 1"
            );
            place.within(&["critical"]).find(Severity::Warning, Rule::DeadEnd, &complaint, remedy);
        }
        // In a file for ContainerPilot nothing is critical, and the commonest pattern is no news.
        let written = place.within(&["when"]).value.member("onImpossible").is_some();
        let told_of = jobs().any(|(job, _)| job.critical) && job.on_impossible == OnImpossible::Wait && !written;
        if told_of
            && let Some((source, _)) = jobs().find(|(source, _)| !source.critical && needs_success_of(job, source))
        {
            let name = &source.name;
            let complaint =
                format!("waits for ever if {name} fails: `pilot health` fails then, and the container goes on");
            let remedy =
                "write `onImpossible: \"exit\"` into it to end the container, or \"wait\" if that is meant".to_owned();
            place.within(&["when"]).find(Severity::Note, Rule::DeadEnd, &complaint, remedy);
        }
    }
    for (index, place) in document.watches.iter().enumerate() {
        if graph.starts_of(Node::Watch(WatchAt(index))).next().is_none() {
            let name = document.plan.watches.get(index).map(|watch| watch.name.as_str()).unwrap_or_default();
            let remedy =
                format!("start a job by it: `when: {{ source: \"watch.{name}\", each: \"changed\" }}`, or remove it");
            place.find(Severity::Note, Rule::UnusedWatch, "starts nobody: no job waits for its events", remedy);
        }
    }
}

/// Whether a job starts only after another one, which ends some time, has succeeded.
fn needs_success_of(job: &Job, source: &Job) -> bool {
    let starts_once = matches!(job.start, Start::Once { when: Condition::All(_), timeout: None });
    starts_once && source.restarts != Count::Unlimited && job.waits_for(Code::ExitSuccess, &source.name)
}

/// Whether a job can come to its end without being asked to.
fn ends(job: &Job) -> bool {
    let counted = job.restarts != Count::Unlimited;
    match job.start {
        Start::Once { .. } | Start::Interval(_) | Start::Cron(_) => counted,
        Start::Each { ref timeout, .. } => timeout.is_some(),
        Start::Never { timeout } => timeout.is_some(),
    }
}
