//! What is known: the data below the rules. Nothing here decides anything, and nothing here knows the engine.

mod active_plan;
mod check;
mod clock;
mod draining;
mod job;
mod lifecycle;
mod owed;
mod phase;
mod record;
mod table;
mod target;

pub(crate) use active_plan::ActivePlan;
pub(crate) use check::Check;
pub(crate) use clock::{Clock, CronTimes, Ticks};
pub use draining::Draining;
pub use job::{Job, State, Status};
pub(crate) use lifecycle::{Lifecycle, Turn};
pub(crate) use owed::Owed;
pub use phase::{Activity, Phase, Run, StopStep, Stopping, Why};
pub(crate) use record::Record;
pub(crate) use table::Table;
pub use target::Target;
