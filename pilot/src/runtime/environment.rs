//! The environment children get: pilot's own, and what it knows about jobs and watches. v3 spec 1.5.
//!
//! A child gets a snapshot at the moment it is started. pilot's own environment is never changed.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use nix::unistd::Pid;

use super::net::host_port;
use pilot_core::effect::Instance;
use pilot_core::event::Event;
use pilot_core::plan::{Plan, check_variable};

/// Tells children where the control socket is.
pub const SOCKET_VARIABLE: &str = "PILOT_SOCKET";

/// What children inherit.
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
}

impl Environment {
    /// pilot's own environment, its process number and the advertised address of every job with a service (its first one's).
    pub fn new(plan: &Plan) -> Self {
        let mut environment = Environment { variables: std::env::vars_os().collect() };
        // Of a pilot that we are a job of.
        environment.variables.remove(&OsString::from(SOCKET_VARIABLE));
        environment.set("CONTAINERPILOT_PID", std::process::id().to_string());
        environment.announce_services(plan);
        environment
    }

    /// The advertised address of every job with a service (its first one's). Those of jobs that a reload has removed stay,
    /// as in v3.
    pub fn announce_services(&mut self, plan: &Plan) {
        for job in &plan.jobs {
            if let Some(service) = job.services.first() {
                self.set(&format!("CONTAINERPILOT_{}_IP", upper(&job.name)), service.address.to_string());
            }
        }
    }

    /// The control socket is served there.
    pub fn announce_socket(&mut self, path: &Path) {
        self.variables.insert(SOCKET_VARIABLE.into(), path.into());
    }

    /// `putenv`: for children started from now on. A name or value that no environment can hold is skipped, as in v3.
    pub fn put(&mut self, name: &str, value: &str) {
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            return;
        }
        self.set(name, value.to_owned());
    }

    /// All of it as text, for the template of a reload: what `putenv` has set and what pilot has exported is seen there,
    /// as in v3. May hold secrets.
    pub fn variables(&self) -> BTreeMap<String, String> {
        let text = |text: &OsString| text.to_string_lossy().into_owned();
        self.variables.iter().map(|(name, value)| (text(name), text(value))).collect()
    }

    /// A job or check has started; children started later can find it.
    pub fn process_started(&mut self, name: &str, pid: Pid) {
        for variable in pid_variables(name) {
            self.set(&variable, pid.to_string());
        }
    }

    /// It has ended.
    pub fn process_ended(&mut self, name: &str) {
        for variable in pid_variables(name) {
            self.variables.remove(&OsString::from(variable));
        }
    }

    /// The instances behind a watch, as `address:port` separated by commas.
    pub fn watch_saw(&mut self, watch: &str, instances: &[Instance]) {
        let addresses: Vec<String> =
            instances.iter().map(|Instance { address, port, .. }| host_port(address, *port)).collect();
        self.set(&watch_variable(watch), addresses.join(","));
    }

    /// Nothing looks there any more.
    pub fn watch_ended(&mut self, watch: &str) {
        self.variables.remove(&OsString::from(watch_variable(watch)));
    }

    /// The complete environment of a child, with the event that caused it.
    pub fn snapshot(&self, cause: Option<&Event>) -> Vec<(OsString, OsString)> {
        let mut variables: Vec<_> = self.variables.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        if let Some(event) = cause {
            variables.push(("PILOT_EVENT".into(), event.code.word().into()));
            variables.push(("PILOT_SOURCE".into(), event.source.clone().into()));
        }
        variables
    }

    fn set(&mut self, name: &str, value: String) {
        self.variables.insert(name.into(), value.into());
    }
}

/// Whether a variable makes the dynamic loader, the C library or a shell run code that its program did not ask for. What an
/// interpreter reads (`NODE_OPTIONS`, `JAVA_TOOL_OPTIONS`) is in common use for other things, and allowed.
pub fn loads_programs(name: &str) -> bool {
    const NAMES: [&str; 5] = ["GLIBC_TUNABLES", "GCONV_PATH", "BASH_ENV", "SHELLOPTS", "BASHOPTS"];
    name.starts_with("LD_") || name.starts_with("BASH_FUNC_") || NAMES.contains(&name)
}

fn watch_variable(watch: &str) -> String {
    format!("PILOT_WATCH_{}", upper(watch))
}

fn upper(name: &str) -> String {
    name.to_uppercase().replace(['-', '.'], "_")
}

/// Where a process is found: v3's variable, and for a check one that it shares with no other.
fn pid_variables(name: &str) -> impl Iterator<Item = String> {
    std::iter::once(pid_variable(name)).chain(name.strip_prefix("check.").map(check_variable))
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
    use pilot_core::event::Code;

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

    /// v3 spec 12.1, row 25.
    #[test]
    fn a_check_has_v3s_shared_variable_and_one_of_its_own() {
        let mut environment = Environment { variables: BTreeMap::new() };
        environment.process_started("check.app", Pid::from_raw(7));
        environment.process_started("check.my-db 2", Pid::from_raw(8));
        let all = |environment: &Environment| {
            let pair = |(key, value): (OsString, OsString)| format!("{}={}", key.display(), value.display());
            environment.snapshot(None).into_iter().map(pair).collect::<Vec<_>>()
        };
        let want = ["CONTAINERPILOT_CHECK_PID=8", "PILOT_CHECK_APP_PID=7", "PILOT_CHECK_MY_DB_2_PID=8"];
        assert_eq!(all(&environment), want, "the second overwrites the first, as in v3");
        environment.process_ended("check.app");
        assert_eq!(all(&environment), ["PILOT_CHECK_MY_DB_2_PID=8"]);
    }

    #[test]
    fn putenv_is_for_later_children_and_skips_what_no_environment_can_hold() {
        let mut environment = Environment { variables: BTreeMap::new() };
        for (name, value) in
            [("A", "1"), ("A", "2=3"), ("EMPTY", ""), ("", "x"), ("B=C", "x"), ("D\0", "x"), ("E", "\0")]
        {
            environment.put(name, value);
        }
        let want = [("A", "2=3"), ("EMPTY", "")];
        assert_eq!(environment.snapshot(None), want.map(|(key, value)| (key.into(), value.into())));
        let for_templates = want.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(environment.variables(), BTreeMap::from(for_templates), "a reload sees it too");
    }

    #[test]
    fn variables_that_load_code_into_programs_are_known() {
        for name in ["LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "GLIBC_TUNABLES", "BASH_ENV", "BASH_FUNC_ls%%"] {
            assert!(loads_programs(name), "{name}");
        }
        for name in ["PATH", "LDAP_URL", "ENV", "BASH", "NODE_OPTIONS", "ld_preload", ""] {
            assert!(!loads_programs(name), "{name}");
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
        environment.watch_ended("my-app");
        assert_eq!(environment.variables(), BTreeMap::new());
    }
}
