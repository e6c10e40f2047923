//! One job's view of the environment: what of pilot's it inherits, with its own variables on top.
//!
//! Nothing of one job's reaches another: each gets a list of its own at its start, and pilot's own is never changed.

use std::ffi::{OsStr, OsString};

use pilot_core::plan::{Inherit, ProcessSettings, Variable};

/// The variables a process is started with.
pub(super) type Variables = Vec<(OsString, OsString)>;

/// What pilot itself says to its jobs, and what tells them of passed sockets: inherited whatever the job inherits.
const OURS: [&str; 3] = ["CONTAINERPILOT_", "PILOT_", "LISTEN_"];

/// `all` as far as the job inherits it, then what is said to it alone, then the variables whose value stands in the
/// configuration. Those that stand in files are for the job's own process to read.
pub(super) fn narrowed(all: Variables, to_it: Variables, settings: &ProcessSettings) -> Variables {
    let ProcessSettings { inherit, variables, .. } = settings;
    let stays = |name: &OsStr| inherits(inherit, name) && !to_it.iter().any(|(other, _)| other == name);
    let mut narrowed: Variables = all.into_iter().filter(|(name, _)| stays(name)).collect();
    narrowed.extend(to_it);
    narrowed.retain(|(name, _)| !own(settings, name));
    for (name, variable) in variables {
        match variable {
            Variable::Value(value) => narrowed.push((name.into(), value.expose().into())),
            Variable::Removed | Variable::File(_) => {}
        }
    }
    narrowed
}

fn own(settings: &ProcessSettings, name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| settings.variables.contains_key(name))
}

fn inherits(inherit: &Inherit, name: &OsStr) -> bool {
    let ours = || OURS.iter().any(|prefix| name.as_encoded_bytes().starts_with(prefix.as_bytes()));
    match inherit {
        Inherit::All => true,
        Inherit::Only(names) => name == "PATH" || names.iter().any(|other| name == &**other) || ours(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilot_core::plan::Secret;

    fn variables(pairs: &[(&str, &str)]) -> Variables {
        pairs.iter().map(|(name, value)| (name.into(), value.into())).collect()
    }

    fn pilots() -> Variables {
        variables(&[
            ("HOME", "/root"),
            ("PATH", "/bin"),
            ("TOKEN", "t"),
            ("PILOT_EVENT", "startup"),
            ("LISTEN_FDS", "1"),
        ])
    }

    #[test]
    fn without_settings_a_job_inherits_everything() {
        assert_eq!(narrowed(pilots(), Vec::new(), &ProcessSettings::default()), pilots());
    }

    #[test]
    fn a_job_inherits_what_it_names_and_what_pilot_says_itself() {
        let only = |names: &[&str]| ProcessSettings {
            inherit: Inherit::Only(names.iter().map(|name| (*name).to_owned()).collect()),
            ..ProcessSettings::default()
        };
        let nothing = variables(&[("PATH", "/bin"), ("PILOT_EVENT", "startup"), ("LISTEN_FDS", "1")]);
        assert_eq!(narrowed(pilots(), Vec::new(), &only(&[])), nothing);
        let home = [variables(&[("HOME", "/root")]), nothing].concat();
        assert_eq!(narrowed(pilots(), Vec::new(), &only(&["HOME", "UNSET"])), home);
    }

    #[test]
    fn what_is_said_to_it_alone_goes_before_what_it_inherits() {
        let only = ProcessSettings { inherit: Inherit::Only(Vec::new()), ..ProcessSettings::default() };
        let to_it = variables(&[("TOKEN", "its own"), ("NOTIFY_SOCKET", "@1")]);
        let want =
            [variables(&[("PATH", "/bin"), ("PILOT_EVENT", "startup"), ("LISTEN_FDS", "1")]), to_it.clone()].concat();
        assert_eq!(narrowed(pilots(), to_it, &only), want);
    }

    #[test]
    fn its_own_variables_go_before_those_of_pilot() {
        let own = [
            ("HOME", Variable::Value(Secret::new("/srv"))),
            ("TOKEN", Variable::Removed),
            ("PILOT_EVENT", Variable::File("/run/secrets/event".into())),
        ];
        let variables_of = own.into_iter().map(|(name, variable)| (name.to_owned(), variable)).collect();
        let settings = ProcessSettings { variables: variables_of, ..ProcessSettings::default() };
        let want = variables(&[("PATH", "/bin"), ("LISTEN_FDS", "1"), ("HOME", "/srv")]);
        assert_eq!(narrowed(pilots(), Vec::new(), &settings), want);
    }
}
