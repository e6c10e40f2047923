//! `pilot graph FILE`: the event graph of a configuration, as a picture.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use super::{BAD_CONFIGURATION, surroundings};
use crate::core::graph::Graph;
use crate::picture::Picture;

/// The forms of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Mermaid,
    Dot,
    Svg,
}

impl Form {
    pub const NAMES: [(&str, Form); 4] =
        [("text", Form::Text), ("mermaid", Form::Mermaid), ("dot", Form::Dot), ("svg", Form::Svg)];
}

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
    let picture = Picture { plan, graph: &graph, live: None };
    Ok(match form {
        Form::Text => picture.text(),
        Form::Mermaid => picture.mermaid(),
        Form::Dot => picture.dot(),
        Form::Svg => picture.svg(),
    })
}
