//! Starts that wait for the end of the run that is going.

use crate::event::Event;
use crate::history::Cause;

/// What follows the run that is going, however it ends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Owed {
    /// Starts that events or ticks have asked for.
    pub(crate) starts: u64,
    /// The event that asked for the last of them.
    pub(crate) event: Option<Event>,
    /// And what caused that.
    pub(crate) cause: Option<Cause>,
    /// A person has ended the run that is going, and gets another one.
    pub(crate) by_person: bool,
}
