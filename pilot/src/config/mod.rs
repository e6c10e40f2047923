//! From a file and the environment to a [`Plan`]: render, parse, validate.
//!
//! Every mistake becomes a diagnostic with its place and its remedy, all of them at once. This room starts nothing,
//! connects to nothing and knows nothing of the runtime.

use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::core::plan::Plan;

pub mod diagnostic;
pub mod template;

mod block;
mod command;
mod consul;
mod control;
mod document;
mod durations;
mod environment;
mod health;
mod interfaces;
mod issues;
mod jobs;
mod limits;
mod logging;
mod mask;
mod mysql;
mod nearest;
mod numbers;
mod probe;
mod process;
mod restarts;
mod service;
mod shown;
mod sources;
mod syntax;
mod syntax_error;
mod telemetry;
mod tokens;
mod v2;
mod value;
mod watches;
mod weak;
mod when;

#[cfg(test)]
mod tests;

pub use control::control_socket;
pub use diagnostic::{Diagnostic, Severity, print};
use template::TemplateError;

/// What a configuration depends on beside its text; this room looks nothing up by itself.
#[derive(Default)]
pub struct Surroundings {
    /// Environment variables: the template's data, and Consul's overrides.
    pub env: BTreeMap<String, String>,
    /// The end of service IDs.
    pub hostname: String,
    /// Every address of this machine with the name of its interface; only asked for when something is advertised.
    pub interfaces: Interfaces,
}

/// Addresses with the names of their interfaces, looked up once, by the first who needs them.
pub type Interfaces = LazyCell<Vec<(String, IpAddr)>>;

/// What became of a text.
///
/// Not printable: the rendered text may hold secrets.
#[derive(Clone)]
pub struct Loaded {
    /// What the text is called in reports.
    pub file_name: String,
    /// The plan, if no diagnostic is an error.
    pub plan: Option<Plan>,
    /// All mistakes, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
    /// The text after template rendering, which the diagnostics refer to; `None` if rendering failed.
    pub rendered: Option<String>,
}

impl Loaded {
    /// The diagnostics for a person, with the lines they are about. `text` is what was loaded.
    pub fn report(&self, text: &str) -> String {
        let shown = self.rendered.as_deref().unwrap_or(text);
        let mut report = print(&self.diagnostics, &self.file_name, shown);
        if !report.is_empty() && shown != text {
            report.push_str("\nLines are those of the rendered template; see them with `pilot -template`.\n");
        }
        report
    }

    /// The rendered document as one line of JSON without its secrets; empty if there is none that can be read.
    pub fn shown(&self) -> String {
        self.rendered
            .as_deref()
            .and_then(|text| syntax::parse(text).ok())
            .map(|value| shown::json(&value))
            .unwrap_or_default()
    }
}

/// Renders, parses and validates a configuration. `file_name` is only shown.
pub fn load(file_name: &str, text: &str, surroundings: &Surroundings) -> Loaded {
    let file_name = file_name.to_owned();
    let rendered = match render(text, &surroundings.env) {
        Ok(rendered) => rendered,
        Err(diagnostic) => return Loaded { file_name, plan: None, diagnostics: vec![diagnostic], rendered: None },
    };
    let issues = issues::Issues::new(&rendered);
    let plan = match syntax::parse(&rendered) {
        Ok(value) => document::read(&value, &issues, surroundings),
        Err(syntax_error::SyntaxError { at, message, remedy }) => {
            issues.add(Severity::Error, at, "", message, remedy);
            None
        }
    };
    let diagnostics = issues.finish();
    let failed = diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    Loaded { file_name, plan: plan.filter(|_| !failed), diagnostics, rendered: Some(rendered) }
}

fn render(text: &str, env: &BTreeMap<String, String>) -> Result<String, Diagnostic> {
    template::render(text, env).map_err(|TemplateError { line, column, message, hint }| Diagnostic {
        severity: Severity::Error,
        line,
        column,
        path: String::new(),
        message: format!("could not apply template: {message}"),
        remedy: hint,
    })
}
