//! Waiting for a condition with a deadline: the only kind of waiting that the tests do.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// The deadline for anything that should happen "now"; generous, because test machines are busy.
pub const SOON: Duration = Duration::from_secs(15);

/// Asks `condition` again and again until it gives an answer; panics with `what` when `deadline` has passed.
#[track_caller]
pub fn until<T>(what: &str, deadline: Duration, condition: impl FnMut() -> Option<T>) -> T {
    until_or(deadline, condition, || what.to_owned())
}

/// The same; what it panics with is made then, of what is there then.
#[track_caller]
pub fn until_or<T>(deadline: Duration, mut condition: impl FnMut() -> Option<T>, what: impl FnOnce() -> String) -> T {
    let started = Instant::now();
    loop {
        let asked = Instant::now();
        if let Some(answer) = condition() {
            return answer;
        }
        if started.elapsed() >= deadline {
            panic!("waited {deadline:?} in vain for: {}", what());
        }
        // What is slow to ask (a program is started for it) is asked less often.
        sleep(asked.elapsed().max(Duration::from_millis(5)));
    }
}
