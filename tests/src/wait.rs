//! Waiting for a condition with a deadline: the only kind of waiting that the tests do.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// The deadline for anything that should happen "now"; generous, because test machines are busy.
pub const SOON: Duration = Duration::from_secs(15);

/// Asks `condition` again and again until it gives an answer; panics with `what` when `deadline` has passed.
#[track_caller]
#[allow(clippy::panic)]
pub fn until<T>(what: &str, deadline: Duration, mut condition: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = condition() {
            return answer;
        }
        assert!(started.elapsed() < deadline, "waited {deadline:?} in vain for: {what}");
        sleep(Duration::from_millis(5));
    }
}
