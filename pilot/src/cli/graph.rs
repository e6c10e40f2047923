//! `pilot graph FILE`: the event graph of a configuration, rendered.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use super::config_file::Opened;
use super::{BAD_CONFIGURATION, config_file, surroundings};
use crate::graph::{Diagram, Format};
use pilot_core::graph::Graph;

pub(super) fn graph(config: Option<PathBuf>, format: Format) -> ExitCode {
    match rendered(config, format) {
        Ok(text) => {
            // A reader that has seen enough is no mistake.
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(report) => {
            eprintln!("{}", report.trim_end());
            ExitCode::from(BAD_CONFIGURATION)
        }
    }
}

fn rendered(config: Option<PathBuf>, format: Format) -> Result<String, String> {
    let (path, text) =
        config_file::open(config).and_then(Opened::read).map_err(|message| format!("error: {message}"))?;
    let loaded = surroundings::loaded(&path, &text);
    let plan = loaded.plan.as_ref().ok_or_else(|| loaded.report(&text))?;
    let graph = Graph::of(plan);
    Ok(Diagram { plan, graph: &graph, now: None }.render(format))
}
