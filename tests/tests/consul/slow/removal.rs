//! What takes minutes because Consul does; `make test-slow`. The same rules against an agent that is told to remove a service
//! are in `pilot/tests/consul/`, in seconds.

use std::time::Duration;

use pilot_tests::{Consul, Pilot, SOON, fixture, ports};
use serde_json::json;

use crate::observer;

// v3 spec 12.1, row 3 (#553): v3 never registers again. The shortest time that Consul knows is a minute, and it looks
// every 30 seconds.
#[test]
fn services_that_consul_removed_because_they_were_critical_for_too_long_stay_away_until_they_pass() {
    let consul = Consul::start();
    let port = ports::free();
    let mut pilot = Pilot::run(&json!({
        "consul": consul.address(), "logging": { "level": "DEBUG" }, "stopTimeout": 2,
        "jobs": [{
            "name": "app", "port": port, "interfaces": "static:127.0.0.1",
            "exec": [fixture(), "http", port.to_string(), "{{ .PILOT_TEST_DIR }}/says"],
            "health": { "http": "/", "interval": "100ms", "ttl": 5, "failFast": true },
            "consul": { "deregisterCriticalServiceAfter": "1m" },
            "services": [{ "name": "twin", "port": 9, "consul": { "deregisterCriticalServiceAfter": "1m" } }],
        }],
    }));
    let statuses = |consul: &Consul| {
        let checks = observer::checks(consul).into_values();
        let mut all: Vec<String> = checks.map(|check| check.status.unwrap()).collect();
        all.sort();
        all
    };
    pilot.wait("both to pass", SOON, |_| (statuses(&consul) == ["passing", "passing"]).then_some(()));
    pilot.scratch.write("says", "500");
    pilot.wait("both to fail", SOON, |_| (statuses(&consul) == ["critical", "critical"]).then_some(()));
    pilot.wait("Consul to remove both", Duration::from_secs(150), |_| statuses(&consul).is_empty().then_some(()));
    let failures = pilot.count_events("StatusUnhealthy app");
    pilot.wait("ten more failures", SOON, |pilot| {
        assert_eq!(statuses(&consul), Vec::<String>::new(), "they stay away");
        (pilot.count_events("StatusUnhealthy app") >= failures + 10).then_some(())
    });
    pilot.scratch.write("says", "200");
    pilot.wait("both to be back", SOON, |_| (statuses(&consul) == ["passing", "passing"]).then_some(()));
    assert_eq!(pilot.stop(), 0);
}
