//! What is known of jobs that have ended: how, whether the kernel killed them for memory, and what their checks had said.
//!
//! Bounded, and no rule depends on it. Jobs go by their names, so that it outlasts a reload.

mod memory;
mod recorder;
mod report;

pub use recorder::{End, Recorder};
pub use report::{EndReport, JobPostmortem, Postmortem, ProbeReport};
