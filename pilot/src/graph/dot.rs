//! A Graphviz digraph.

use std::fmt::Write as _;

use super::Mood;
use super::figure::{Figure, Kind, Stroke};

pub(super) fn dot(figure: &Figure) -> String {
    let mut out = "digraph pilot {\n  rankdir=LR;\n  node [shape=box, fontname=\"monospace\"];\n  edge [fontname=\"monospace\", fontsize=11];\n".to_owned();
    for (at, shape) in figure.shapes.iter().enumerate() {
        let lines: Vec<String> = std::iter::once(&shape.title).chain(&shape.lines).map(|line| escaped(line)).collect();
        let form = match shape.kind {
            Kind::Job => "",
            Kind::Watch => ", shape=ellipse",
            Kind::Outside => ", shape=circle",
            Kind::Nobody => ", shape=parallelogram",
        };
        let look = match (shape.dead, shape.mood) {
            (true, _) => ", style=dashed, color=gray50, fontcolor=gray40",
            (false, Some(Mood::Well)) => ", color=\"#1a7f37\", penwidth=2",
            (false, Some(Mood::Unwell)) => ", color=\"#cf222e\", penwidth=2",
            (false, Some(Mood::Over)) => ", fontcolor=gray40",
            (false, Some(Mood::Quiet) | None) => "",
        };
        let _ = writeln!(out, "  n{at} [label=\"{}\"{form}{look}];", lines.join("\\n"));
    }
    for arrow in &figure.arrows {
        let look = match arrow.stroke {
            Stroke::Once => "",
            Stroke::Each => ", style=bold",
            Stroke::Hook => ", style=dashed",
            Stroke::Dead => ", style=dotted, color=gray50, arrowhead=tee",
        };
        let _ = writeln!(out, "  n{} -> n{} [label=\"{}\"{look}];", arrow.from, arrow.to, escaped(&arrow.label));
    }
    out.push_str("}\n");
    out
}

fn escaped(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(plain).collect::<String>().replace('\\', "\\\\").replace('"', "\\\"")
}
