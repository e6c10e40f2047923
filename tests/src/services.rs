//! Jobs that are services in Consul.

use crate::{Consul, Pilot, SOON, fixture, ports};
use serde_json::{Value, json};

/// pilot's name for a job's service.
pub fn id(job: &str) -> String {
    format!("{job}-{}", std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim())
}

/// A configuration at debug level whose jobs have two seconds to end.
pub fn config(consul: &str, jobs: Value) -> Value {
    json!({ "consul": consul, "logging": { "level": "DEBUG" }, "stopTimeout": 2, "jobs": jobs })
}

/// A service that answers HTTP as the file `<name>.says` tells it, checked every 100 ms, good for 2 s.
pub fn app(name: &str) -> Value {
    let port = ports::free();
    json!({
        "name": name, "port": port, "interfaces": "static:127.0.0.1", "restarts": "unlimited",
        "exec": [fixture(), "http", port.to_string(), format!("{{{{ .PILOT_TEST_DIR }}}}/{name}.says")],
        "health": { "http": "/", "interval": "100ms", "ttl": 2 },
    })
}

/// [`app`] with more keys; those of `health` are added to it.
pub fn app_with(name: &str, more: &Value) -> Value {
    let mut job = app(name);
    for (key, value) in more.as_object().unwrap() {
        if key == "health" {
            value.as_object().unwrap().iter().for_each(|(key, value)| job["health"][key] = value.clone());
        } else {
            job[key] = value.clone();
        }
    }
    job
}

/// Lets an [`app`] mark a file at its SIGTERM and end this many milliseconds later.
pub fn end_slowly(job: &mut Value, mark: &str, ms: u32) {
    let words = job["exec"].as_array_mut().unwrap();
    words.splice(1..1, [json!("on-term"), json!(mark), json!(ms.to_string()), json!("0")]);
}

/// The status of a service's first instance; empty without one.
pub fn status(consul: &Consul, service: &str) -> String {
    consul.instances(service).first().map(|(_, status)| status.clone()).unwrap_or_default()
}

/// Waits until that is its status.
#[track_caller]
pub fn wait_for_status(consul: &Consul, pilot: &mut Pilot, service: &str, wanted: &str) {
    pilot.wait(&format!("{service} to be {wanted} in Consul"), SOON, |_| {
        (status(consul, service) == wanted).then_some(())
    });
}
