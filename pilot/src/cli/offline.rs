//! The subcommands that need no running pilot: they read a configuration, or print what is part of pilot.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command};

use super::OutputFormat;
use super::arguments::Action;
use super::check::{Check, Strictness};
use crate::graph::Format;

/// Made from the code by `make docs`, and held against it by tests.
const MANUAL: &str = include_str!("../../../docs/reference/pilot.1");
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", include_str!("../../../docs/reference/completions/pilot.bash")),
    ("fish", include_str!("../../../docs/reference/completions/pilot.fish")),
    ("zsh", include_str!("../../../docs/reference/completions/_pilot")),
];

pub(super) fn subcommands() -> [Command; 7] {
    let file = || Arg::new("file").value_name("FILE").value_parser(clap::value_parser!(PathBuf));
    let file = || file().help("Configuration file [default: the one pilot would run]");
    let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
    let names = |all: &[&'static str]| PossibleValuesParser::new(all);
    [
        Command::new("check")
            .about("Report errors and doubtful settings in a configuration")
            .after_help(
                "Exit code 1 if there is an error, or with --strict a warning.\nEach finding is explained in docs/reference/check.md.",
            )
            .arg(file())
            .arg(
                Arg::new("stop-timeout")
                    .long("stop-timeout")
                    .value_name("TIME")
                    .value_parser(pilot_config::duration)
                    .help("Time allowed for stopping, for example 30s"),
            )
            .arg(flag("strict").help("Fail on warnings too"))
            .arg(flag("json").help("Print the report as JSON")),
        Command::new("graph")
            .about("Show which event starts which job, and the order of stopping")
            .arg(file())
            .arg(
                Arg::new("format")
                    .long("format")
                    .value_name("FORMAT")
                    .value_parser(names(&Format::ALL.map(Format::name)))
                    .default_value("text")
                    .hide_possible_values(true)
                    .help("text, mermaid, dot, svg or json"),
            )
            .arg(flag("json").conflicts_with("format").help("Same as --format json"))
            .arg(flag("live").conflicts_with("file").help("Of the running pilot, with the state of each job")),
        Command::new("template").about("Print the rendered configuration template").arg(file()).arg(
            Arg::new("out")
                .long("out")
                .value_name("FILE")
                .value_parser(clap::value_parser!(PathBuf))
                .help("Write to this file instead of stdout"),
        ),
        Command::new("schema").about("Print the JSON Schema of the configuration, for editors"),
        Command::new("version").about("Print version and git hash"),
        Command::new("completion").about("Print a completion script").arg(
            Arg::new("shell")
                .value_name("SHELL")
                .required(true)
                .value_parser(names(&COMPLETIONS.map(|(name, _)| name)))
                .hide_possible_values(true)
                .help("bash, fish or zsh; in bash: source <(pilot completion bash)"),
        ),
        Command::new("man").about("Print the manual page: pilot man | man -l -"),
    ]
}

/// What one of these is asked to do. `config` is what the command line says before the subcommand.
pub(super) fn from_subcommand(name: &str, command: &ArgMatches, config: &Option<PathBuf>) -> Option<Action> {
    let file = || command.get_one::<PathBuf>("file").cloned().or_else(|| config.clone());
    let chosen = |name: &str| command.get_one::<String>(name).map(String::as_str).unwrap_or_default();
    Some(match name {
        "check" => Action::Check(Check {
            config: file(),
            stop_budget: command.get_one::<Duration>("stop-timeout").copied(),
            strictness: if command.get_flag("strict") { Strictness::Warnings } else { Strictness::Errors },
            format: if command.get_flag("json") { OutputFormat::Json } else { OutputFormat::Text },
        }),
        // The client asks for it.
        "graph" if command.get_flag("live") => return None,
        "graph" => Action::Graph { config: file(), format: graph_format(command)? },
        "template" => Action::Template { config: file(), out: command.get_one::<PathBuf>("out").cloned() },
        "schema" => Action::Schema,
        "version" => Action::Version,
        "completion" => {
            Action::Print(COMPLETIONS.iter().find(|(name, _)| *name == chosen("shell")).map(|(_, script)| *script)?)
        }
        "man" => Action::Print(MANUAL),
        _ => return None,
    })
}

/// The graph's format that is asked for.
pub(super) fn graph_format(graph: &ArgMatches) -> Option<Format> {
    if graph.get_flag("json") {
        return Some(Format::Json);
    }
    graph.get_one::<String>("format").and_then(|name| Format::named(name))
}
