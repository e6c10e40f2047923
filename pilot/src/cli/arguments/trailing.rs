//! Words behind the flags: v3 ignores them (spec 1.1), and images have some, from version 2 or by habit.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::Command;

/// v3's name. Under pilot's own a word that is no command is a mistake worth a message.
const OLD_NAME: &str = "containerpilot";

/// The arguments, under the old name only up to the first word that is neither a flag, nor a flag's value, nor a command.
pub(super) fn cut_off(mut arguments: Vec<OsString>, command: &Command) -> Vec<OsString> {
    let name = arguments.first().and_then(|path| Path::new(path).file_name());
    if name != Some(OsStr::new(OLD_NAME)) {
        return arguments;
    }
    let mut is_value = false;
    let first = arguments.iter().skip(1).position(|argument| {
        let is_word =
            !is_value && (!argument.as_encoded_bytes().starts_with(b"-") || argument == "-" || argument == "--");
        is_value = !is_value && takes_value(argument, command);
        is_word
    });
    if let Some(at) = first.map(|at| at + 1)
        && !is_command(&arguments[at], command)
    {
        arguments.truncate(at);
    }
    arguments
}

fn is_command(word: &OsStr, command: &Command) -> bool {
    word == "help" || command.get_subcommands().any(|known| word == known.get_name())
}

/// Whether the next argument is this flag's value.
fn takes_value(flag: &OsStr, command: &Command) -> bool {
    let name = flag.to_str().map(|flag| flag.trim_start_matches('-')).unwrap_or_default();
    command.get_arguments().any(|known| known.get_long() == Some(name) && known.get_action().takes_values())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::{Action, parse};

    #[test]
    fn under_its_old_name_it_ignores_the_words_that_v3_ignored() {
        let run = |config: Option<&str>| Some(Action::Run { config: config.map(PathBuf::from) });
        let rows = [
            ("/bin/containerpilot -config a node app.js --port 80", run(Some("a"))),
            ("containerpilot --config=a -- node", run(Some("a"))),
            ("containerpilot /usr/bin/node", run(None)),
            ("containerpilot -version node", Some(Action::Version)),
            ("containerpilot -config a ping", parse(["pilot", "-config", "a", "ping"].map(Into::into)).ok()),
            ("containerpilot -confg a", None),
            ("pilot -config a node", None),
            ("/opt/containerpilot/pilot node", None),
        ];
        for (line, want) in rows {
            assert_eq!(parse(line.split(' ').map(Into::into)).ok(), want, "{line}");
        }
    }
}
