//! What is left to do when the loop itself has a defect: nothing decides any more, and the jobs must not outlive that.
//!
//! Every process group has its SIGTERM and, after the time that the plan gives a stop, SIGKILL; everything is reaped, the
//! services are taken out of the catalog, and pilot ends with a code of its own, so that whoever runs the container starts
//! it again.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::Supervisor;
use crate::runtime::process::orphans;
use crate::runtime::process::signals::Arrived;
use crate::runtime::task::{self, Panic};

/// pilot's exit code when it has ended because of a defect of its own: `EX_SOFTWARE` of sysexits(3).
pub const BROKEN: u8 = 70;

/// How often it is looked whether everything has ended.
const REAP_INTERVAL: Duration = Duration::from_millis(20);

impl Supervisor {
    /// The loop has panicked: ends everything without it. pilot's exit code.
    pub(super) async fn break_off(&mut self, panic: &Panic) -> u8 {
        tracing::error!(
            fatal = true,
            "pilot has panicked: {panic}; this is a defect of pilot, please report it; all jobs are stopped, exit code {BROKEN}"
        );
        let _ = self.output.begin();
        // What is broken may be in the way here as well.
        if let Err(panic) = task::caught(self.end_groups()).await {
            tracing::error!("ending the jobs has panicked too: {panic}; what is left is swept up");
        }
        orphans::end(Duration::ZERO, &mut self.signals).await;
        let _ = task::catch(|| self.leave_last_words(BROKEN));
        BROKEN
    }

    async fn end_groups(&mut self) {
        self.catalog.leave();
        self.close_control().await;
        self.children.signal_all(Signal::SIGTERM);
        let mut kill_at = Instant::now() + self.plan.stop_timeout;
        while self.children.any() {
            let now = Instant::now();
            if now >= kill_at {
                break;
            }
            tokio::select! {
                arrived = self.signals.next() => if arrived == Arrived::Stop { kill_at = now },
                () = tokio::time::sleep(REAP_INTERVAL) => {}
            }
            drop(self.reap_children());
        }
        self.children.signal_all(Signal::SIGKILL);
    }
}
