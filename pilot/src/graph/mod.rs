//! The event graph as a diagram: text for a terminal, Mermaid, DOT, SVG that needs nothing else, and JSON for machines.
//!
//! Depends on the core alone and is deterministic, so that any room can draw, and a test can hold a diagram against its
//! file. States of a running pilot may be drawn in; where they come from is the caller's business.

mod dot;
mod figure;
mod json;
mod labels;
mod layers;
mod mermaid;
mod svg;
#[cfg(test)]
mod tests;
mod text;

use pilot_core::graph::Graph;
use pilot_core::plan::Plan;

/// What is rendered.
#[derive(Clone, Copy)]
pub struct Diagram<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// Its graph.
    pub graph: &'a Graph,
    /// What there is now; `None` of a plan that does not run.
    pub now: Option<&'a Now>,
}

/// The formats there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
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

impl Format {
    /// All of them.
    pub const ALL: [Format; 5] = [Format::Text, Format::Mermaid, Format::Dot, Format::Svg, Format::Json];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Format::Text => "text",
            Format::Mermaid => "mermaid",
            Format::Dot => "dot",
            Format::Svg => "svg",
            Format::Json => "json",
        }
    }

    /// The format of this name.
    pub fn named(name: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.name() == name)
    }
}

/// What the jobs and watches of a plan do now.
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
    pub text: String,
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

impl Diagram<'_> {
    /// In one of the formats.
    pub fn render(&self, format: Format) -> String {
        match format {
            Format::Text => self.text(),
            Format::Mermaid => self.mermaid(),
            Format::Dot => self.dot(),
            Format::Svg => self.svg(),
            Format::Json => self.json(),
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

    /// The graph itself as JSON, with the texts that people get.
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
