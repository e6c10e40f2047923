//! What is known of those that have ended: how, for want of memory or not, and what their checks had said.
//!
//! Bounded, and no rule depends on it. Jobs go by their names, so that it outlasts a reload.

mod memory;
mod remains;
mod report;

pub use remains::{End, Remains};
pub use report::{EndReport, JobRemains, Postmortem, ProbeReport};
