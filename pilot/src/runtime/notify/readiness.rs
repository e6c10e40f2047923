//! What one run has told of its readiness so far, and what a probe finds in that. Times are on the engine's clock.

use std::time::Duration;

use super::message::{Message, Pulse, Readiness};
use pilot_core::effect::Verdict;

/// What one run has told.
#[derive(Debug)]
pub(super) struct RunReadiness {
    /// The longest silence that is allowed once it is ready.
    watchdog: Option<Duration>,
    readiness: Option<Readiness>,
    status: Option<String>,
    /// Its last `WATCHDOG=1`, or when it became ready.
    alive_at: Option<Duration>,
    ill: bool,
}

impl RunReadiness {
    /// A run that has said nothing.
    pub(super) fn new(watchdog: Option<Duration>) -> Self {
        RunReadiness { watchdog, readiness: None, status: None, alive_at: None, ill: false }
    }

    /// Takes a message; true if a probe finds something else now than just before.
    pub(super) fn hear(&mut self, message: Message, now: Duration) -> bool {
        let before = self.trouble(now).is_none();
        let Message { readiness, status, pulse } = message;
        if readiness == Some(Readiness::Ready) && self.readiness != readiness {
            self.alive_at = Some(now);
            self.ill = false;
        }
        self.readiness = readiness.or(self.readiness);
        self.status = status.or(self.status.take());
        match pulse {
            Some(Pulse::Alive) => (self.alive_at, self.ill) = (Some(now), false),
            Some(Pulse::Ill) => self.ill = true,
            None => {}
        }
        before != self.trouble(now).is_none()
    }

    /// What a probe finds.
    pub(super) fn verdict(&self, now: Duration) -> Verdict {
        let status = self.status.as_deref().filter(|status| !status.is_empty());
        match (self.trouble(now), status) {
            (None, status) => Verdict { pass: true, note: status.unwrap_or("ready").to_owned(), exit: None },
            (Some(trouble), None) => failed(&trouble),
            (Some(trouble), Some(status)) => failed(&format!("{trouble}; its status: {status}")),
        }
    }

    /// Why it does not pass, if it does not.
    fn trouble(&self, now: Duration) -> Option<String> {
        match self.readiness {
            None => return Some("it has not said READY=1 yet".to_owned()),
            Some(Readiness::Stopping) => return Some("it says that it is stopping".to_owned()),
            Some(Readiness::Ready) if self.ill => return Some("it says that it is ill (WATCHDOG=trigger)".to_owned()),
            Some(Readiness::Ready) => {}
        }
        let (limit, since) = (self.watchdog?, self.alive_at?);
        let silence = now.saturating_sub(since);
        (silence > limit).then(|| format!("no WATCHDOG=1 for {:.1} s; {limit:?} are allowed", silence.as_secs_f64()))
    }
}

/// A verdict that does not pass.
pub(super) fn failed(note: &str) -> Verdict {
    Verdict { pass: false, note: note.to_owned(), exit: None }
}

#[cfg(test)]
mod tests {
    use super::super::message::parse;
    use super::*;

    /// After these messages, each with its seconds after the first; the verdict at the end and whether each changed it.
    fn after(watchdog: Option<u64>, messages: &[(u64, &str)], at: u64) -> (Verdict, Vec<bool>) {
        let mut readiness = RunReadiness::new(watchdog.map(Duration::from_secs));
        let time = Duration::from_secs;
        let changed =
            messages.iter().map(|(at, text)| readiness.hear(parse(text.as_bytes()).unwrap(), time(*at))).collect();
        (readiness.verdict(time(at)), changed)
    }

    #[test]
    fn a_process_is_ready_from_its_word_on_until_it_says_that_it_stops() {
        for (messages, pass, note, changed) in [
            (&[][..], false, "it has not said READY=1 yet", &[][..]),
            (&[(0, "STATUS=reading")], false, "it has not said READY=1 yet; its status: reading", &[false]),
            (&[(0, "READY=1")], true, "ready", &[true]),
            (&[(0, "READY=1\nSTATUS=12 clients")], true, "12 clients", &[true]),
            (&[(0, "READY=1"), (1, "READY=1"), (2, "STATUS=x")], true, "x", &[true, false, false]),
            (&[(0, "READY=1\nSTATUS=x"), (1, "STATUS=")], true, "ready", &[true, false]),
            (&[(0, "READY=1"), (1, "STOPPING=1")], false, "it says that it is stopping", &[true, true]),
            (&[(0, "READY=1"), (1, "STOPPING=1"), (2, "READY=1")], true, "ready", &[true, true, true]),
            (&[(0, "READY=1"), (1, "RELOADING=1"), (2, "READY=1")], true, "ready", &[true, false, false]),
            (&[(0, "WATCHDOG=1")], false, "it has not said READY=1 yet", &[false]),
        ] {
            let want = (Verdict { pass, note: note.into(), exit: None }, changed.to_vec());
            assert_eq!(after(None, messages, 100), want, "{messages:?}");
        }
    }

    #[test]
    fn a_ready_process_must_say_that_it_is_alive() {
        for (messages, at, pass, note, changed) in [
            (&[(0, "READY=1")][..], 10, true, "ready", &[true][..]),
            (&[(0, "READY=1")], 11, false, "no WATCHDOG=1 for 11.0 s; 10s are allowed", &[true]),
            (&[(0, "READY=1"), (9, "WATCHDOG=1")], 19, true, "ready", &[true, false]),
            (&[(0, "READY=1"), (15, "WATCHDOG=1")], 16, true, "ready", &[true, true]),
            (&[(0, "READY=1"), (9, "READY=1")], 12, false, "no WATCHDOG=1 for 12.0 s; 10s are allowed", &[true, false]),
            (
                &[(0, "READY=1"), (1, "WATCHDOG=trigger")],
                2,
                false,
                "it says that it is ill (WATCHDOG=trigger)",
                &[true, true],
            ),
            (&[(0, "READY=1"), (1, "WATCHDOG=trigger"), (2, "WATCHDOG=1")], 3, true, "ready", &[true, true, true]),
            (&[(0, "STATUS=slow")], 99, false, "it has not said READY=1 yet; its status: slow", &[false]),
        ] {
            let want = (Verdict { pass, note: note.into(), exit: None }, changed.to_vec());
            assert_eq!(after(Some(10), messages, at), want, "{messages:?} at {at}");
        }
    }
}
