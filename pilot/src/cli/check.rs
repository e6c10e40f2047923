//! `pilot check FILE`: every mistake at once, with its place and its remedy.

use std::path::PathBuf;
use std::process::ExitCode;

use super::{BAD_CONFIGURATION, surroundings};
use crate::config::Severity;

pub(super) fn check(config: Option<PathBuf>) -> ExitCode {
    let (path, text) = match surroundings::read(config) {
        Ok(read) => read,
        Err(message) => {
            eprintln!("error: {message}");
            return ExitCode::from(BAD_CONFIGURATION);
        }
    };
    let loaded = surroundings::loaded(&path, &text);
    print!("{}", loaded.report(&text));
    let errors = loaded.diagnostics.iter().filter(|found| found.severity == Severity::Error).count();
    let warnings = loaded.diagnostics.len() - errors;
    match (errors, &loaded.plan) {
        (0, Some(plan)) => {
            // Telemetry's own job is not in the file.
            let jobs = plan.jobs.len() - usize::from(plan.telemetry.is_some());
            let watches = plan.watches.len();
            println!(
                "{}: good, with {}, {} and {}",
                path.display(),
                count(jobs, "job"),
                count(watches, "watch"),
                count(warnings, "warning")
            );
            ExitCode::SUCCESS
        }
        _ => {
            println!("{}: {}, {}", path.display(), count(errors, "error"), count(warnings, "warning"));
            ExitCode::from(BAD_CONFIGURATION)
        }
    }
}

fn count(number: usize, what: &str) -> String {
    let ending = match (number, what.ends_with("ch")) {
        (1, _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    format!("{number} {what}{ending}")
}
