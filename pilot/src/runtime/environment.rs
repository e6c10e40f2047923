//! The environment children get: pilot's own, and what it knows about jobs and watches. v3 spec 1.5.
//!
//! A child gets a snapshot at the moment it is started. pilot's own environment is never changed.

use std::collections::BTreeMap;
use std::ffi::OsString;

use nix::unistd::Pid;

use crate::core::effect::Instance;
use crate::core::event::{Code, Event};
use crate::core::plan::Plan;

/// What children inherit.
#[derive(Debug)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
}

impl Environment {
    /// pilot's own environment, its process number and the advertised address of every job with a service (its first one's).
    pub fn new(plan: &Plan) -> Self {
        let mut environment = Environment { variables: std::env::vars_os().collect() };
        environment.set("CONTAINERPILOT_PID", std::process::id().to_string());
        for job in &plan.jobs {
            if let Some(service) = job.services.first() {
                let name = format!("CONTAINERPILOT_{}_IP", upper(&job.name));
                environment.set(&name, service.address.to_string());
            }
        }
        environment
    }

    /// A job or check has started; children started later can find it.
    pub fn process_started(&mut self, name: &str, pid: Pid) {
        self.set(&pid_variable(name), pid.to_string());
    }

    /// It has ended.
    pub fn process_ended(&mut self, name: &str) {
        self.variables.remove(&OsString::from(pid_variable(name)));
    }

    /// The instances behind a watch, as `address:port` separated by commas.
    pub fn watch_saw(&mut self, watch: &str, instances: &[Instance]) {
        let addresses: Vec<String> = instances
            .iter()
            .map(|Instance { address, port, .. }| match address.contains(':') {
                true => format!("[{address}]:{port}"),
                false => format!("{address}:{port}"),
            })
            .collect();
        self.set(&format!("PILOT_WATCH_{}", upper(watch)), addresses.join(","));
    }

    /// The complete environment of a child, with the event that caused it.
    pub fn snapshot(&self, cause: Option<&Event>) -> Vec<(OsString, OsString)> {
        let mut variables: Vec<_> = self.variables.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        if let Some(event) = cause {
            variables.push(("PILOT_EVENT".into(), name_in_configuration(event.code).into()));
            variables.push(("PILOT_SOURCE".into(), event.source.clone().into()));
        }
        variables
    }

    fn set(&mut self, name: &str, value: String) {
        self.variables.insert(name.into(), value.into());
    }
}

fn upper(name: &str) -> String {
    name.to_uppercase().replace(['-', '.'], "_")
}

fn name_in_configuration(code: Code) -> &'static str {
    Code::SELECTABLE.iter().find(|(_, other)| *other == code).map_or("signal", |(name, _)| name)
}

/// v3's rule for `CONTAINERPILOT_<NAME>_PID`: last path element, without its extension, every run of other characters
/// than letters and digits one `_`, upper case. All checks share one name, as in v3.
fn pid_variable(name: &str) -> String {
    let base = name.rsplit('/').next().unwrap_or(name);
    let base = match base.rfind('.') {
        Some(dot) => base.replacen(&base[dot..], "", 1),
        None => base.to_owned(),
    };
    let mut variable = String::from("CONTAINERPILOT_");
    for character in base.chars() {
        if character.is_ascii_alphanumeric() {
            variable.extend(character.to_uppercase());
        } else if !variable.ends_with('_') || variable == "CONTAINERPILOT_" {
            variable.push('_');
        }
    }
    variable.push_str("_PID");
    variable
}

#[cfg(test)]
mod tests {
    use super::*;

    /// v3 spec 1.5 and appendix A.
    #[test]
    fn process_variables_are_named_as_in_v3() {
        let rows = [
            ("test-Case--now", "TEST_CASE_NOW"),
            ("a.b", "A"),
            ("/bin/to/test-Case.sh", "TEST_CASE"),
            ("./bin/to/testCase.sh", "TESTCASE"),
            ("check.app", "CHECK"),
        ];
        for (name, variable) in rows {
            assert_eq!(pid_variable(name), format!("CONTAINERPILOT_{variable}_PID"));
        }
    }

    #[test]
    fn a_child_learns_the_event_that_caused_it_and_the_addresses_behind_a_watch() {
        let mut environment = Environment { variables: BTreeMap::new() };
        let instance = |address: &str| Instance { id: "x".into(), address: address.into(), port: 80 };
        environment.watch_saw("my-app", &[instance("10.0.0.1"), instance("fd00::1")]);
        let got = environment.snapshot(Some(&Event::new(Code::Changed, "watch.my-app")));
        let want = [
            ("PILOT_WATCH_MY_APP", "10.0.0.1:80,[fd00::1]:80"),
            ("PILOT_EVENT", "changed"),
            ("PILOT_SOURCE", "watch.my-app"),
        ];
        assert_eq!(got, want.map(|(key, value)| (key.into(), value.into())));
    }
}
