//! One dependency outside: what was seen last, and which events a new sight causes. v3 spec section 7.

use super::effect::Instance;
use super::event::Code;

/// What is remembered between two sights. Empty at first: absence alone is no event.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    seen: Vec<(String, u16)>,
    passing: bool,
    spoke: bool,
}

impl Watch {
    /// A new set of instances; compared by address and port, in the order of their ids.
    pub(super) fn see(&mut self, mut instances: Vec<Instance>) -> &'static [Code] {
        instances.sort();
        let now: Vec<_> = instances.into_iter().map(|instance| (instance.address, instance.port)).collect();
        if now == self.seen {
            return &[];
        }
        self.seen = now;
        self.spoke = true;
        if self.seen.is_empty() { &[Code::Changed, Code::Unhealthy] } else { &[Code::Changed, Code::Healthy] }
    }

    /// The result of a probe; a repeated result is no event.
    pub(super) fn probed(&mut self, pass: bool) -> &'static [Code] {
        if std::mem::replace(&mut self.passing, pass) == pass {
            return &[];
        }
        self.spoke = true;
        if pass { &[Code::Changed, Code::Healthy] } else { &[Code::Changed, Code::Unhealthy] }
    }

    /// What still holds of all that it has said: the events that one who comes late has to be told.
    pub(super) fn standing(&self) -> &'static [Code] {
        match (self.passing || !self.seen.is_empty(), self.spoke) {
            (true, _) => &[Code::Changed, Code::Healthy],
            (false, true) => &[Code::Unhealthy],
            (false, false) => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instances(names: &[&str]) -> Vec<Instance> {
        names.iter().map(|id| Instance { id: (*id).into(), address: format!("10.0.0.{id}"), port: 80 }).collect()
    }

    #[test]
    fn only_a_different_set_of_instances_is_an_event() {
        let mut watch = Watch::default();
        let healthy: &[Code] = &[Code::Changed, Code::Healthy];
        let unhealthy: &[Code] = &[Code::Changed, Code::Unhealthy];
        let steps: [(&[&str], &[Code]); 8] = [
            (&[], &[]),
            (&["1", "2"], healthy),
            (&["2", "1"], &[]),
            (&["1"], healthy),
            (&["2"], healthy),
            (&[], unhealthy),
            (&[], &[]),
            (&["1"], healthy),
        ];
        for (now, events) in steps {
            assert_eq!(watch.see(instances(now)), events, "{now:?}");
        }
    }

    #[test]
    fn a_probing_watch_speaks_at_transitions_only() {
        let mut watch = Watch::default();
        let healthy: &[Code] = &[Code::Changed, Code::Healthy];
        let unhealthy: &[Code] = &[Code::Changed, Code::Unhealthy];
        for (pass, events) in [(false, &[][..]), (true, healthy), (true, &[]), (false, unhealthy), (false, &[])] {
            assert_eq!(watch.probed(pass), events);
        }
    }
}
