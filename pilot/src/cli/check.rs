//! `pilot check FILE`: everything that is wrong, doubtful or worth knowing, each with its place and its remedy.
//!
//! One report, shown as text for people or as JSON for tools (`docs/reference/check.md` describes both). Starts nothing.

mod report;
mod stop_table;
#[cfg(test)]
mod tests;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use super::config_file::Opened;
use super::{BAD_CONFIGURATION, OutputFormat, config_file, surroundings};
use pilot_config::{Loaded, Question};
use report::CheckReport;

/// Columns of a terminal that says nothing of its width.
const NARROW: usize = 80;
/// What stands around the part of a line that is shown: its number, and dots where it is cut.
const MARGIN: usize = 16;

/// What a check is asked to do.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Check {
    pub config: Option<PathBuf>,
    /// The time there is to stop.
    pub stop_budget: Option<Duration>,
    pub strictness: Strictness,
    pub format: OutputFormat,
}

/// What makes a check fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Strictness {
    /// Errors.
    #[default]
    Errors,
    /// Warnings too.
    Warnings,
}

pub(super) fn check(check: Check) -> ExitCode {
    let (path, text) = match config_file::open(check.config).and_then(Opened::read) {
        Ok(read) => read,
        Err(message) => {
            eprintln!("error: {message}");
            return ExitCode::from(BAD_CONFIGURATION);
        }
    };
    let loaded = surroundings::examined(&path, &text, &Question { stop_budget: check.stop_budget });
    let report = CheckReport::of(&loaded, check.stop_budget, check.strictness);
    match check.format {
        OutputFormat::Text => print!("{}", report.text(&shown(&loaded, &text))),
        OutputFormat::Json => println!("{}", report.json()),
    }
    if report.is_good() { ExitCode::SUCCESS } else { ExitCode::from(BAD_CONFIGURATION) }
}

/// The findings for a person, as wide as the terminal.
fn shown(loaded: &Loaded, text: &str) -> String {
    if !std::io::stdout().is_terminal() {
        return loaded.report(text);
    }
    let columns = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok()).unwrap_or(NARROW);
    loaded.report_within(text, usize::saturating_sub(columns, MARGIN))
}
