//! Where a key belongs that is written where nobody knows it.

use super::{
    address, balancer, consul, control, document, health, jobs, logging, mysql, probe, restarts, service, telemetry,
    watches, when,
};

/// Also those whose keys are all known elsewhere: without them another would be taken for the only one.
const HOMES: [(&str, &[&str]); 19] = [
    ("the file itself", document::KEYS),
    ("`consul`", consul::KEYS),
    ("`consul.tls`", consul::TLS_KEYS),
    ("`logging`", logging::KEYS),
    ("`control`", control::KEYS),
    ("`telemetry`", telemetry::KEYS),
    ("`telemetry.metrics[]`", telemetry::METRIC_KEYS),
    ("`jobs[]`", jobs::KEYS),
    ("`when`", when::KEYS),
    ("`when.all[]`", when::WAIT_KEYS),
    ("`restarts`", restarts::KEYS),
    ("`health`", health::KEYS),
    ("`http`", probe::HTTP_KEYS),
    ("`mysql`", mysql::KEYS),
    ("`services[]`", service::KEYS),
    ("`advertise`", address::KEYS),
    ("`loadBalancer`", balancer::KEYS),
    ("`drain`", balancer::DRAIN_KEYS),
    ("`watches[]`", watches::KEYS),
];

/// The one place that knows this key; `None` if there are several, for then nobody knows what was meant.
pub(super) fn home_of(key: &str) -> Option<&'static str> {
    let mut homes = HOMES.iter().filter(|(_, keys)| keys.contains(&key)).map(|(home, _)| *home);
    homes.next().filter(|_| homes.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::knowers_of;

    #[test]
    fn who_is_said_to_know_a_key_is_the_only_one_in_the_reference() {
        let keys = HOMES.iter().flat_map(|(_, keys)| *keys);
        let wrong: Vec<_> = keys.filter(|key| home_of(key).is_some() != (knowers_of(key) == 1)).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }
}
