//! The command line: v3's flags (one or two dashes) and subcommands.
//!
//! Reads the environment and files for everybody else. Prints for people and decides exit codes; supervises nothing.

mod arguments;
mod check;
mod client;
mod config_file;
mod graph;
mod notify;
mod offline;
mod run;
mod surroundings;
mod template;
mod wait;

use std::process::ExitCode;

use arguments::Action;

use crate::runtime::process::{child_spec, exec_shim};

/// The configuration is wrong or could not be read.
const BAD_CONFIGURATION: u8 = 1;
/// pilot was called wrongly.
const BAD_USAGE: u8 = 2;

/// In which form a command shows what it has to say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum OutputFormat {
    /// For people.
    #[default]
    Text,
    /// For tools.
    Json,
}

/// What `main` does.
pub fn main() -> ExitCode {
    let mut raw = std::env::args_os().skip(1);
    if raw.next().is_some_and(|first| first == child_spec::FLAG) {
        return exec_shim::become_program(raw);
    }
    match arguments::parse(std::env::args_os()) {
        Ok(Action::Run { config }) => run::run(config),
        Ok(Action::Check(check)) => check::check(check),
        Ok(Action::Graph { config, format }) => graph::graph(config, format),
        Ok(Action::Print(text)) => print(text),
        Ok(Action::Schema) => print(&pilot_config::schema()),
        Ok(Action::Template { config, out }) => template::render(config, out),
        Ok(Action::Notify { assignments }) => notify::notify(&assignments),
        Ok(Action::Wait(wait)) => wait::wait(&wait),
        Ok(Action::Client { command, socket, config }) => client::run(&command, socket, config),
        Ok(Action::Version) => {
            println!("Version: {}\nGitHash: {}", env!("CARGO_PKG_VERSION"), env!("PILOT_GIT_HASH"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = error.print();
            if error.use_stderr() { ExitCode::from(BAD_USAGE) } else { ExitCode::SUCCESS }
        }
    }
}

/// A reader that has seen enough is no mistake.
fn print(text: &str) -> ExitCode {
    let _ = std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes());
    ExitCode::SUCCESS
}
