//! Every fixed limit of the rules, in one place.

use std::time::Duration;

/// A hook that has no limit of its own is given up after this: the longest stop ECS allows on Fargate.
pub const HOOK_LIMIT: Duration = Duration::from_secs(120);
/// The catalog may delay a job's stop by this, however many services it has.
pub const WITHDRAW_LIMIT: Duration = Duration::from_secs(2);
/// A departure from a target group takes no longer: one look and one call with its retries.
pub const LEAVE_LIMIT: Duration = Duration::from_secs(8);
/// What is left of a stop budget for pilot itself when everything else has used its part.
pub const MARGIN: Duration = Duration::from_secs(2);
/// Entries of the history that are kept.
pub const KEPT_ENTRIES: usize = 512;

/// After a second stop request: from a process's SIGTERM to its SIGKILL.
pub(crate) const HURRIED_GRACE: Duration = Duration::from_secs(1);
/// After a second stop request the load balancer is still told, within this time.
pub(crate) const HURRIED_LEAVE: Duration = Duration::from_secs(2);
/// What SIGKILL did not end in this time (uninterruptible sleep) is left to the kernel.
pub(crate) const KILL_LIMIT: Duration = Duration::from_secs(2);
/// From one count of what is in flight to the next.
pub(crate) const COUNT_EVERY: Duration = Duration::from_millis(500);
/// From one line about a drain to the next.
pub(crate) const TELL_EVERY: Duration = Duration::from_secs(5);
/// While a cron job waits, the wall clock is read at least this often, because clocks are set.
pub(crate) const CLOCK_EVERY: Duration = Duration::from_secs(60);
/// A clock that is put back further than this was wrong before: a job that names its times goes by the new one. (A job that
/// goes by the clock's face does so after [`CLOCK_EVERY`] already: it would stand still otherwise.)
pub(crate) const CLOCK_CORRECTION: Duration = Duration::from_secs(3 * 60 * 60);
/// A successful run of this length is no crash loop, whatever its `reset_after` (v3 files loop on short tasks).
pub(crate) const HONEST_RUN: Duration = Duration::from_secs(1);
/// Steps of one story in the history.
pub(crate) const STORY_STEPS: usize = 16;
/// The engine asks for its next tick no later than this, so that nobody has to add a time limit of centuries to a clock.
pub(crate) const LONGEST_SLEEP: Duration = Duration::from_secs(24 * 60 * 60);
