//! Where a key belongs that is written where nobody knows it.

use super::{balancer, consul, control, document, health, jobs, mysql, telemetry, watches, when};

const HOMES: [(&str, &[&str]); 11] = [
    ("the file itself", document::KEYS),
    ("`consul`", consul::KEYS),
    ("`control`", control::KEYS),
    ("`telemetry`", telemetry::KEYS),
    ("`jobs[]`", jobs::KEYS),
    ("`when`", when::KEYS),
    ("`health`", health::KEYS),
    ("`mysql`", mysql::KEYS),
    ("`loadBalancer`", balancer::KEYS),
    ("`drain`", balancer::DRAIN_KEYS),
    ("`watches[]`", watches::KEYS),
];

/// The one place that knows this key; `None` if there are several, for then nobody knows what was meant.
pub(super) fn home_of(key: &str) -> Option<&'static str> {
    let mut homes = HOMES.iter().filter(|(_, keys)| keys.contains(&key)).map(|(home, _)| *home);
    homes.next().filter(|_| homes.next().is_none())
}
