//! The words behind the flags: v3 does not look at them (spec 1.1), and images have some, from version 2 or by habit.
//! Who starts pilot as v3 was started gets the same, with a warning.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::Command;
use pilot_core::nearest::nearest;

/// v3's name. Under pilot's own a word that is no command is a mistake worth a message, but for one behind `-config FILE` as
/// v3 writes it, with one dash.
const OLD_NAME: &str = "containerpilot";
const OLD_FLAG: &str = "-config";

/// The arguments, as v3 is started only up to the first word that is neither a flag, nor a flag's value, nor a command.
pub(super) fn cut_off(mut arguments: Vec<OsString>, command: &Command) -> Vec<OsString> {
    let name = arguments.first().and_then(|path| Path::new(path).file_name());
    let is_old_name = name == Some(OsStr::new(OLD_NAME));
    if !is_old_name && !arguments.iter().any(|argument| is_old_flag(argument)) {
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
        && (is_old_name || !is_nearly_command(&arguments[at], command))
    {
        let ignored = arguments.split_off(at);
        let words: Vec<String> = ignored.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        eprintln!("warning: ignored, as ContainerPilot 3 ignored it: {}", words.join(" "));
    }
    arguments
}

fn is_old_flag(argument: &OsStr) -> bool {
    argument
        .to_str()
        .is_some_and(|text| text == OLD_FLAG || text.strip_prefix(OLD_FLAG).is_some_and(|rest| rest.starts_with('=')))
}

/// Whether a word is probably a command with a typing mistake: starting a second pilot would be no answer to that.
fn is_nearly_command(word: &OsStr, command: &Command) -> bool {
    let names: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
    word.to_str().is_some_and(|word| nearest(word, names.iter().copied()).is_some())
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
            ("pilot -config a node app.js --port 80", run(Some("a"))),
            ("pilot -config=a nginx", run(Some("a"))),
            ("pilot -config a statsu", None),
            ("pilot --config a node", None),
            ("pilot node", None),
            ("/opt/containerpilot/pilot node", None),
        ];
        for (line, want) in rows {
            assert_eq!(parse(line.split(' ').map(Into::into)).ok(), want, "{line}");
        }
    }
}
