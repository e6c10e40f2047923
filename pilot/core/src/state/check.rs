//! The state of a job's health check.

use std::time::Duration;

use crate::effect::RoundId;

#[derive(Clone, Debug, Default)]
pub(crate) struct Check {
    /// The next tick; `None` without a health check.
    pub(crate) next_at: Option<Duration>,
    /// The probe that is under way.
    pub(crate) in_flight: Option<RoundId>,
    /// In a row.
    pub(crate) passes: u32,
    /// In a row.
    pub(crate) failures: u32,
    pub(crate) passed_since_start: bool,
    /// Why the last probe failed; `None` if it passed, or there was none.
    pub(crate) reason: Option<String>,
}

impl Check {
    /// A run has begun: what the last one's checks found is not counted.
    pub(crate) fn forget_results(&mut self) {
        *self = Check { next_at: self.next_at, in_flight: self.in_flight, ..Check::default() };
    }
}
