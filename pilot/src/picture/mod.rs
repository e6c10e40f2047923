//! The event graph as a picture: text for a terminal, Mermaid, DOT, SVG that needs nothing else, and JSON for machines.
//!
//! Depends on the core alone and is deterministic, so that any room can draw, and a test can hold a picture against its
//! file. States of a running pilot may be drawn in; where they come from is the caller's business.

mod dot;
mod figure;
mod json;
mod layers;
mod mermaid;
mod svg;
#[cfg(test)]
mod tests;
mod text;
mod words;

use pilot_core::graph::Graph;
use pilot_core::plan::Plan;
pub use words::time;

/// What is drawn.
#[derive(Clone, Copy)]
pub struct Picture<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// Its graph.
    pub graph: &'a Graph,
    /// What there is now; `None` of a plan that does not run.
    pub now: Option<&'a Now>,
}

/// The forms of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For a terminal.
    Text,
    /// A Mermaid flowchart.
    Mermaid,
    /// A Graphviz digraph.
    Dot,
    /// An SVG document.
    Svg,
    /// JSON for machines.
    Json,
}

impl Form {
    /// All of them.
    pub const ALL: [Form; 5] = [Form::Text, Form::Mermaid, Form::Dot, Form::Svg, Form::Json];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Form::Text => "text",
            Form::Mermaid => "mermaid",
            Form::Dot => "dot",
            Form::Svg => "svg",
            Form::Json => "json",
        }
    }

    /// The form of this name.
    pub fn named(name: &str) -> Option<Form> {
        Form::ALL.into_iter().find(|form| form.name() == name)
    }
}

/// What all of a plan do now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// The jobs, in the order of the plan.
    pub jobs: Vec<Live>,
    /// The watches, in the order of the plan.
    pub watches: Vec<Live>,
}

/// What a job or a watch does now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Live {
    /// For people: `running for 2m`.
    pub words: String,
    /// At a glance.
    pub mood: Mood,
}

/// At a glance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// It waits, or nothing is known.
    Quiet,
    /// It does what it is there for.
    Well,
    /// It does not.
    Unwell,
    /// It is over.
    Over,
}

impl Picture<'_> {
    /// In one of the forms.
    pub fn drawn(&self, form: Form) -> String {
        match form {
            Form::Text => self.text(),
            Form::Mermaid => self.mermaid(),
            Form::Dot => self.dot(),
            Form::Svg => self.svg(),
            Form::Json => self.json(),
        }
    }

    /// For a terminal: who starts by what, who watches, who stops when.
    pub fn text(&self) -> String {
        text::text(self)
    }

    /// A Mermaid flowchart.
    pub fn mermaid(&self) -> String {
        mermaid::mermaid(&figure::Figure::of(self))
    }

    /// The graph itself as JSON, with the words that people get.
    pub fn json(&self) -> String {
        json::json(self)
    }

    /// A Graphviz digraph.
    pub fn dot(&self) -> String {
        dot::dot(&figure::Figure::of(self))
    }

    /// An SVG document without scripts, fonts or anything else from outside.
    pub fn svg(&self) -> String {
        svg::svg(self, &figure::Figure::of(self))
    }
}
