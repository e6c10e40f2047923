//! `pilot graph FILE`: the event graph of a configuration, as a picture.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use super::{BAD_CONFIGURATION, surroundings};
use crate::picture::{Form, Picture};
use pilot_core::graph::Graph;

pub(super) fn graph(config: Option<PathBuf>, form: Form) -> ExitCode {
    match drawn(config, form) {
        Ok(picture) => {
            // A reader that has seen enough is no mistake.
            let _ = std::io::stdout().write_all(picture.as_bytes());
            ExitCode::SUCCESS
        }
        Err(report) => {
            eprintln!("{}", report.trim_end());
            ExitCode::from(BAD_CONFIGURATION)
        }
    }
}

fn drawn(config: Option<PathBuf>, form: Form) -> Result<String, String> {
    let (path, text) = surroundings::read(config).map_err(|message| format!("error: {message}"))?;
    let loaded = surroundings::loaded(&path, &text);
    let plan = loaded.plan.as_ref().ok_or_else(|| loaded.report(&text))?;
    let graph = Graph::of(plan);
    Ok(Picture { plan, graph: &graph, now: None }.drawn(form))
}
