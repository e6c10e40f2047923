//! Answers as text for people: one function for each kind of report.

mod history;
mod postmortem;
mod status;

pub(super) use history::{event_message, events, why};
pub(super) use postmortem::postmortem;
pub(super) use status::{health, jobs, status};
