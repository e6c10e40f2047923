//! One dependency outside: what was seen last, and which events a new sight causes. v3 spec section 7.

use std::time::Duration;

use crate::effect::Instance;
use crate::event::Code;
use crate::state::Status;

/// Why a watch on a service is unhealthy.
pub(crate) const NO_INSTANCE: &str = "no instance passes its checks";

/// What is remembered between two sights. Empty at first: absence alone is no event.
#[derive(Clone, Debug)]
pub struct Watch {
    seen: Vec<(String, u16)>,
    passing: bool,
    spoke: bool,
    status: Status,
    since: Duration,
    reason: Option<String>,
}

impl Watch {
    /// A watch that has seen nothing.
    pub(crate) fn new() -> Self {
        Watch {
            seen: Vec::new(),
            passing: false,
            spoke: false,
            status: Status::Unknown,
            since: Duration::ZERO,
            reason: None,
        }
    }

    /// What the last sight showed; unknown until the first one.
    pub fn status(&self) -> Status {
        self.status
    }

    /// Since when, as the engine counts time.
    pub fn since(&self) -> Duration {
        self.since
    }

    /// Addresses and ports of the instances that were seen last; none for a probe.
    pub fn instances(&self) -> &[(String, u16)] {
        &self.seen
    }

    /// Why it is unhealthy; `None` if it is not, or nothing is known yet.
    pub fn failing_reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// A new set of instances; compared by address and port, in the order of their ids.
    pub(crate) fn see(&mut self, mut instances: Vec<Instance>, now: Duration) -> &'static [Code] {
        instances.sort();
        self.turn(!instances.is_empty(), now);
        self.reason = instances.is_empty().then(|| NO_INSTANCE.to_owned());
        let seen: Vec<_> = instances.into_iter().map(|instance| (instance.address, instance.port)).collect();
        if seen == self.seen {
            return &[];
        }
        self.seen = seen;
        self.spoke = true;
        if self.seen.is_empty() { &[Code::Changed, Code::Unhealthy] } else { &[Code::Changed, Code::Healthy] }
    }

    /// The result of a probe; a repeated result is no event.
    pub(crate) fn probed(&mut self, pass: bool, note: &str, now: Duration) -> &'static [Code] {
        self.turn(pass, now);
        self.reason = (!pass).then(|| note.to_owned());
        if std::mem::replace(&mut self.passing, pass) == pass {
            return &[];
        }
        self.spoke = true;
        if pass { &[Code::Changed, Code::Healthy] } else { &[Code::Changed, Code::Unhealthy] }
    }

    /// What still holds of all that it has said: the events that one who comes late has to be told.
    pub(crate) fn standing(&self) -> &'static [Code] {
        match (self.passing || !self.seen.is_empty(), self.spoke) {
            (true, _) => &[Code::Changed, Code::Healthy],
            (false, true) => &[Code::Unhealthy],
            (false, false) => &[],
        }
    }

    fn turn(&mut self, healthy: bool, now: Duration) {
        let status = if healthy { Status::Healthy } else { Status::Unhealthy };
        if self.status != status {
            (self.status, self.since) = (status, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instances(names: &[&str]) -> Vec<Instance> {
        names.iter().map(|id| Instance { id: (*id).into(), address: format!("10.0.0.{id}"), port: 80 }).collect()
    }

    /// v3 spec, appendix A.
    #[test]
    fn only_a_different_set_of_instances_is_an_event() {
        let mut watch = Watch::new();
        let healthy: &[Code] = &[Code::Changed, Code::Healthy];
        let unhealthy: &[Code] = &[Code::Changed, Code::Unhealthy];
        let steps: [(&[&str], &[Code]); 11] = [
            (&[], &[]),
            (&["1", "2"], healthy),
            (&[], unhealthy),
            (&["1", "2"], healthy),
            (&["2", "1"], &[]),
            (&["1"], healthy),
            (&["1"], &[]),
            (&["2"], healthy),
            (&[], unhealthy),
            (&[], &[]),
            (&["1"], healthy),
        ];
        for (now, events) in steps {
            assert_eq!(watch.see(instances(now), Duration::ZERO), events, "{now:?}");
        }
    }

    #[test]
    fn absence_at_first_is_no_event_but_it_is_known_and_since_when() {
        let mut watch = Watch::new();
        let at = Duration::from_secs;
        let mut look = |now: &[&str], second| {
            watch.see(instances(now), at(second));
            (watch.status(), watch.since().as_secs(), watch.instances().len())
        };
        assert_eq!(look(&[], 1), (Status::Unhealthy, 1, 0));
        assert_eq!(look(&["1"], 2), (Status::Healthy, 2, 1));
        assert_eq!(look(&["1", "2"], 3), (Status::Healthy, 2, 2), "healthy since its first instance");
    }

    #[test]
    fn a_probing_watch_speaks_at_transitions_only() {
        let mut watch = Watch::new();
        let healthy: &[Code] = &[Code::Changed, Code::Healthy];
        let unhealthy: &[Code] = &[Code::Changed, Code::Unhealthy];
        for (pass, events) in [(false, &[][..]), (true, healthy), (true, &[]), (false, unhealthy), (false, &[])] {
            assert_eq!(watch.probed(pass, "", Duration::ZERO), events);
        }
    }
}
