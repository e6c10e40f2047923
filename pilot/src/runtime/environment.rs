//! The environment children get: pilot's own, and what it knows about jobs and watches. v3 spec 1.5.
//!
//! A child gets a snapshot at the moment it is started. pilot's own environment is never changed.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use nix::unistd::Pid;

use super::net::host_port;
use super::notify::host;
use super::watch_files::WatchFiles;
use pilot_core::effect::Instance;
use pilot_core::event::Event;
use pilot_core::plan::{Plan, check_variable};

/// Tells children where the control socket is.
pub const SOCKET_VARIABLE: &str = "PILOT_SOCKET";

/// A watch whose list is longer, in bytes, has it in a file. Linux starts no program with a variable of 128 KiB
/// (`MAX_ARG_STRLEN`, execve(2)).
const LONGEST_LIST: usize = 32 << 10;
/// And so has one that would make the lists of all watches longer than this: all variables and arguments together have a limit too.
const ALL_LISTS: usize = 256 << 10;

/// The longest variable that `putenv` sets, name and value in bytes.
const LONGEST_VARIABLE: usize = 32 << 10;
/// `putenv` may not make the whole environment longer. Linux leaves a quarter of the stack's limit for it and the arguments, 2 MiB by
/// default and at least 128 KiB (execve(2)).
const WHOLE_ENVIRONMENT: usize = 1 << 20;

/// What children inherit.
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
    /// Lists that are too long for a variable.
    files: WatchFiles,
}

impl Environment {
    /// pilot's own environment, its process number and the advertised address of every job with a service (its first one's).
    pub fn new(plan: &Plan) -> Self {
        let mut environment = Environment { variables: std::env::vars_os().collect(), files: WatchFiles::default() };
        // Of a pilot that we are a job of.
        environment.variables.remove(&OsString::from(SOCKET_VARIABLE));
        for name in host::VARIABLES {
            environment.variables.remove(&OsString::from(name));
        }
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

    /// Why these variables must not be set: no program would start any more, or another one than the configuration names.
    pub fn objection<'v>(&self, variables: impl Iterator<Item = (&'v str, &'v str)> + Clone) -> Option<String> {
        if let Some((name, _)) = variables.clone().find(|(name, _)| loads_programs(name)) {
            return Some(format!("{name} changes how programs are loaded and cannot be set here"));
        }
        if variables.clone().any(|(name, _)| name == "PATH") {
            return Some("PATH decides which programs are started and cannot be set here".to_owned());
        }
        if let Some((name, value)) = variables.clone().find(|(name, value)| name.len() + value.len() > LONGEST_VARIABLE)
        {
            let size = name.len() + value.len();
            return Some(format!("{name:.40} would take {size} bytes, and a variable may take {LONGEST_VARIABLE}"));
        }
        let replaced: BTreeMap<&str, &str> = variables.collect();
        let kept =
            self.variables.iter().filter(|(name, _)| name.to_str().is_none_or(|name| !replaced.contains_key(name)));
        let kept: usize = kept.map(|(name, value)| name.len() + value.len()).sum();
        let new: usize = replaced.iter().map(|(name, value)| name.len() + value.len()).sum();
        (kept + new > WHOLE_ENVIRONMENT)
            .then(|| format!("the environment would take {} bytes, and it may take {WHOLE_ENVIRONMENT}", kept + new))
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

    /// The instances behind a watch, as `address:port` separated by commas; in a file, a line each, if there are too many.
    pub fn watch_saw(&mut self, watch: &str, instances: &[Instance]) {
        let addresses: Vec<String> =
            instances.iter().map(|Instance { address, port, .. }| host_port(address, *port)).collect();
        let list = addresses.join(",");
        let (variable, file_variable) = (watch_variable(watch), watch_file_variable(watch));
        self.variables.remove(&OsString::from(&variable));
        let others: usize = self.variables.iter().filter(|(name, _)| is_list(name)).map(|(_, list)| list.len()).sum();
        if list.len() <= LONGEST_LIST && others + list.len() <= ALL_LISTS {
            self.forget_file(watch);
            return self.set(&variable, list);
        }
        let is_news = !self.files.has(watch);
        match self.files.write(watch, &addresses) {
            Ok(path) => {
                if is_news {
                    let count = addresses.len();
                    tracing::warn!(
                        "watch {watch}: its {count} instances are too many for {variable}: jobs find them in the file {file_variable}"
                    );
                }
                self.variables.insert(file_variable.into(), path.into());
            }
            Err(error) => {
                self.forget_file(watch);
                let count = addresses.len();
                tracing::error!(
                    "watch {watch}: its {count} instances are too many for {variable}, and no file can be written for them ({error}): jobs do not see them"
                );
            }
        }
    }

    /// Nothing looks there any more.
    pub fn watch_ended(&mut self, watch: &str) {
        self.variables.remove(&OsString::from(watch_variable(watch)));
        self.forget_file(watch);
    }

    /// The variable of a file may be that of another watch's list, and is only touched where there is a file.
    fn forget_file(&mut self, watch: &str) {
        if self.files.remove(watch) {
            self.variables.remove(&OsString::from(watch_file_variable(watch)));
        }
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
fn loads_programs(name: &str) -> bool {
    const NAMES: [&str; 5] = ["GLIBC_TUNABLES", "GCONV_PATH", "BASH_ENV", "SHELLOPTS", "BASHOPTS"];
    name.starts_with("LD_") || name.starts_with("BASH_FUNC_") || NAMES.contains(&name)
}

fn watch_variable(watch: &str) -> String {
    format!("PILOT_WATCH_{}", upper(watch))
}

fn watch_file_variable(watch: &str) -> String {
    format!("PILOT_WATCH_{}_FILE", upper(watch))
}

/// Whether a variable holds the list of a watch.
fn is_list(name: &OsString) -> bool {
    name.to_str().is_some_and(|name| name.starts_with("PILOT_WATCH_") && !name.ends_with("_FILE"))
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

    fn nothing() -> Environment {
        Environment { variables: BTreeMap::new(), files: WatchFiles::default() }
    }

    fn instances(count: usize) -> Vec<Instance> {
        let instance =
            |at| Instance { id: format!("i{at}"), address: format!("10.0.{}.{}", at / 256, at % 256), port: 8080 };
        (0..count).map(instance).collect()
    }

    #[test]
    fn a_list_that_is_too_long_for_a_variable_is_in_a_file_until_it_is_short_again() {
        let mut environment = nothing();
        environment.watch_saw("db", &instances(8_000));
        let variables = environment.variables();
        assert_eq!(variables.keys().collect::<Vec<_>>(), ["PILOT_WATCH_DB_FILE"]);
        let path = &variables["PILOT_WATCH_DB_FILE"];
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!((text.lines().count(), text.lines().next()), (8_000, Some("10.0.0.0:8080")));
        environment.watch_saw("db", &instances(2));
        assert_eq!(
            environment.variables(),
            BTreeMap::from([("PILOT_WATCH_DB".to_owned(), "10.0.0.0:8080,10.0.0.1:8080".to_owned())])
        );
        assert!(!Path::new(path).exists());
        environment.watch_saw("db", &instances(8_000));
        environment.watch_ended("db");
        assert_eq!(environment.variables(), BTreeMap::new());
        assert!(!Path::new(path).exists());
    }

    /// `PILOT_WATCH_DB_FILE` is the list of a watch called `db-file`, too.
    #[test]
    fn a_watch_whose_name_ends_in_file_keeps_its_list() {
        let mut environment = nothing();
        environment.watch_saw("db-file", &instances(1));
        environment.watch_saw("db", &instances(2));
        environment.watch_ended("db");
        let want = BTreeMap::from([("PILOT_WATCH_DB_FILE".to_owned(), "10.0.0.0:8080".to_owned())]);
        assert_eq!(environment.variables(), want);
    }

    #[test]
    fn all_lists_together_leave_room_for_everything_else() {
        let mut environment = nothing();
        for watch in 0..40 {
            environment.watch_saw(&format!("w{watch}"), &instances(1_500));
        }
        let all: usize = environment.variables.iter().map(|(name, value)| name.len() + value.len()).sum();
        assert!(all < 300 << 10, "{all}");
        let files = environment.variables().keys().filter(|name| name.ends_with("_FILE")).count();
        assert!((25..40).contains(&files), "{files}");
    }

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
        let mut environment = nothing();
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
        let mut environment = nothing();
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
    fn what_would_keep_programs_from_starting_is_not_set() {
        let mut environment = nothing();
        let long = "x".repeat(140_000);
        let objection = |environment: &Environment, variables: &[(&str, &str)]| {
            environment.objection(variables.iter().copied()).unwrap_or_default()
        };
        assert_eq!(objection(&environment, &[("A", "1"), ("B", "")]), "");
        assert!(objection(&environment, &[("A", "1"), ("LD_PRELOAD", "x")]).contains("how programs are loaded"));
        assert!(objection(&environment, &[("PATH", "/evil")]).contains("which programs are started"));
        assert!(objection(&environment, &[("A", &long)]).contains("A would take 140001 bytes"));
        let most = "x".repeat(LONGEST_VARIABLE - 10);
        for at in 0..40 {
            let name = format!("V{at}");
            if objection(&environment, &[(&name, &most)]).is_empty() {
                environment.put(&name, &most);
            }
        }
        let all: usize = environment.variables.iter().map(|(name, value)| name.len() + value.len()).sum();
        assert!((900 << 10..=WHOLE_ENVIRONMENT).contains(&all), "{all}");
        assert!(objection(&environment, &[("W", &most)]).contains("the environment would take"));
        assert_eq!(objection(&environment, &[("V1", &most)]), "", "one that is replaced takes no more");
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
        let mut environment = nothing();
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
