//! What `pilot check` finds beside mistakes: a plan that is valid, but in which something can never happen, takes too long,
//! or could be better. Warnings and notes only: ContainerPilot 3 ran such files.
//!
//! Asked for by `check`; a start waits for none of it but the stop budget, and only where one is written.

mod commands;
mod events;
mod hooks;
mod kept;
mod native;
mod roles;
mod stopping;

use std::time::Duration;

use pilot_core::graph::Graph;
use pilot_core::plan::Plan;

use super::document::Document;

/// What the asker wants to know beside what is always looked at.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// The time there is between the request to stop and SIGKILL from outside.
    pub stop_budget: Option<Duration>,
}

/// Reports all that is found.
pub(super) fn find(document: &Document<'_>, question: &Question) {
    let graph = Graph::of(&document.plan);
    events::find(document, &graph);
    hooks::find(document, &graph);
    roles::find(document, &graph);
    commands::find(document, &graph);
    kept::find(document);
    stopping::find(document, question);
}

/// What a start is told as well: whether a stop keeps within the scheduler's patience, where that is written.
pub(super) fn find_at_start(document: &Document<'_>) {
    if document.plan.stop_budget.is_some() {
        stopping::find(document, &Question::default());
    }
}

/// A job's name in quotes.
fn quoted(plan: &Plan, at: pilot_core::graph::JobAt) -> String {
    plan.jobs.get(at.0).map(|job| format!("{:?}", job.name)).unwrap_or_default()
}
