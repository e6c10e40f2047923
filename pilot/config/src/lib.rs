//! From a file and the environment to a [`Plan`]: render, parse, validate.
//!
//! Every mistake becomes a diagnostic with its place and its remedy, all of them at once. This room starts nothing,
//! connects to nothing and knows nothing of the runtime.

use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Range;
use std::time::Duration;

use tz::TimeZone;

use pilot_core::plan::{Consul, MysqlProbe, Plan};

pub mod diagnostic;
pub mod rule;

mod address;
mod balancer;
mod block;
mod command;
#[cfg(test)]
#[path = "../../src/committed.rs"]
mod committed;
mod concealed;
mod consul;
mod control;
mod cron;
mod document;
mod durations;
mod environment;
mod findings;
mod foreign;
#[cfg(fuzzing)]
pub mod fuzz_room;
mod health;
mod interfaces;
mod issues;
mod jobs;
mod keys;
mod limits;
mod logging;
mod loose;
mod mask;
mod masked_json;
mod mysql;
mod numbers;
mod probe;
mod process;
mod rendering;
mod restarts;
mod service;

mod signal_name;
mod sources;
mod syntax;
mod syntax_error;
mod telemetry;
mod tokens;
mod v2;
mod value;
mod waits;
mod watches;
mod when;
mod zone;

#[cfg(test)]
mod tests;

pub use control::control_socket;
pub use diagnostic::{Diagnostic, Rule, Severity, print};
use document::Document;
pub use findings::Question;
use go_text_template::{Rendered, TemplateError};
use issues::Purpose;
pub use signal_name::signal;

/// What a configuration depends on beside its text; this room looks nothing up by itself.
#[derive(Default)]
pub struct Surroundings {
    /// Environment variables: the template's data, and Consul's overrides.
    pub env: BTreeMap<String, String>,
    /// The end of service IDs.
    pub hostname: String,
    /// Every address of this machine with the name of its interface; only asked for when something is advertised.
    pub interfaces: Interfaces,
    /// The addresses of this ECS task; only asked for when a service is advertised by them.
    pub task: Task,
    /// The time zones of this machine.
    pub zones: Zones,
}

/// Looks up a time zone by its name, or the container's own by the empty name; only asked for a cron job.
pub struct Zones(pub fn(&str) -> Option<TimeZone>);

/// A machine without time zone data.
impl Default for Zones {
    fn default() -> Self {
        Zones(|name| matches!(name, "" | "UTC").then(TimeZone::utc))
    }
}

/// Addresses with the names of their interfaces, looked up once, by the first who needs them.
pub type Interfaces = LazyCell<Vec<(String, IpAddr)>>;

/// The addresses of this ECS task, looked up once, by the first who needs them.
pub type Task = LazyCell<TaskAddresses>;

/// What ECS' task metadata says about where this container is reached. Empty outside ECS.
#[derive(Clone, Debug, Default)]
pub struct TaskAddresses {
    /// The addresses, the one to advertise first.
    pub found: Vec<IpAddr>,
    /// Why there are none although this is a task.
    pub problem: Option<String>,
}

/// What became of a text.
///
/// Not printable: the rendered text may hold secrets.
#[derive(Clone)]
pub struct Loaded {
    /// What the text is called in reports.
    pub file_name: String,
    /// The plan, if nothing in the text is an error; that a stop takes longer than the asker grants is an error without being one.
    pub plan: Option<Plan>,
    /// All mistakes, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
    /// The text after template rendering, which the diagnostics refer to; `None` if rendering failed.
    pub rendered: Option<String>,
    /// The bytes of it that are values of variables.
    values: Vec<Range<usize>>,
}

impl Loaded {
    /// The diagnostics for a person, with the lines they are about. `text` is what was loaded.
    pub fn report(&self, text: &str) -> String {
        self.report_within(text, diagnostic::WIDTH)
    }

    /// The same with at most `width` characters of a line.
    pub fn report_within(&self, text: &str, width: usize) -> String {
        let rendered = self.rendered.as_deref().unwrap_or(text);
        let mut report = print(&self.diagnostics, &self.file_name, &mask::mask_values(rendered, &self.values), width);
        if !report.is_empty() && rendered != text {
            report.push_str(
                "\nLines are those of the rendered template, with values of variables masked; `pilot -template` prints them.\n",
            );
        }
        report
    }

    /// The rendered document as one line of JSON without its secrets; empty if there is none that can be read.
    pub fn shown(&self) -> String {
        self.rendered
            .as_deref()
            .and_then(|text| syntax::parse_rendered(text, &self.values).ok())
            .map(|value| masked_json::json(&value))
            .unwrap_or_default()
    }
}

/// Renders, parses and validates a configuration that is about to be used. `file_name` is only shown.
pub fn load(file_name: &str, text: &str, surroundings: &Surroundings) -> Loaded {
    read(file_name, text, surroundings, Purpose::Start, findings::find_at_start)
}

/// The same, and then looks at what the parts of it mean for each other: what can never happen, what takes too long, what
/// could be better.
pub fn examine(file_name: &str, text: &str, surroundings: &Surroundings, question: &Question) -> Loaded {
    read(file_name, text, surroundings, Purpose::Check, |document| findings::find(document, question))
}

fn read(
    file_name: &str,
    text: &str,
    surroundings: &Surroundings,
    purpose: Purpose,
    look: impl FnOnce(&Document<'_>),
) -> Loaded {
    let file_name = file_name.to_owned();
    let Rendered { text: rendered, values, unset } = match render(text, &surroundings.env) {
        Ok(rendered) => rendered,
        Err(diagnostic) => {
            return Loaded { file_name, plan: None, diagnostics: vec![diagnostic], rendered: None, values: Vec::new() };
        }
    };
    let issues = issues::Issues::new(&rendered, &values, purpose);
    rendering::look(&rendered, &values, &unset, &issues);
    zone::look(surroundings, &issues);
    let mut plan = None;
    match syntax::parse_rendered(&rendered, &values) {
        Ok(value) => {
            let document = document::read(&value, &issues, surroundings).filter(|_| !issues.has_error());
            plan = document.map(|document| {
                look(&document);
                document.plan
            });
        }
        Err(syntax_error::SyntaxError { at, message, remedy }) => {
            issues.add(Severity::Error, Rule::Syntax, at, "", message, remedy);
        }
    }
    let diagnostics = issues.finish();
    Loaded { file_name, plan, diagnostics, rendered: Some(rendered), values }
}

/// The JSON Schema of a configuration, for editors.
pub fn schema() -> String {
    serde_json::to_string_pretty(&keys::schema::schema()).unwrap_or_default() + "\n"
}

/// A text without what may be secret in it, for showing.
pub fn masked(text: &str) -> String {
    mask::mask(text)
}

/// A length of time as the configuration writes it: whole seconds, or numbers with units.
pub fn duration(text: &str) -> Result<Duration, String> {
    match durations::parse(text) {
        Ok(nanos) => u64::try_from(nanos).map(Duration::from_nanos).map_err(|_| "must not be negative".to_owned()),
        Err(failure) => Err(format!("{failure}; {}", loose::duration_remedy(&failure))),
    }
}

/// The server that `mysql://user@host:port/database` names; `None` if it is no such URL.
pub fn mysql_url(text: &str) -> Option<MysqlProbe> {
    mysql::from_url(text)
}

/// The Consul agent at `host:port`, with the token and the TLS that the environment names; `None` if that is no address.
pub fn consul_at(address: &str, env: &BTreeMap<String, String>) -> Option<Consul> {
    consul::from_address(address, env)
}

/// Whether a text is `host:port`.
pub fn is_host_and_port(text: &str) -> bool {
    matches!(probe::host_and_port(text), Some((_, Some(_))))
}

fn render(text: &str, env: &BTreeMap<String, String>) -> Result<Rendered, Diagnostic> {
    go_text_template::render_with_places(text, env).map_err(|TemplateError { line, column, message, hint }| {
        Diagnostic {
            severity: Severity::Error,
            rule: Rule::Template,
            line,
            column,
            path: String::new(),
            message: format!("could not apply template: {message}"),
            remedy: hint,
        }
    })
}
