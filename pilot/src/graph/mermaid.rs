//! A Mermaid flowchart, as README files and wikis show it.

use std::fmt::Write as _;

use super::Mood;
use super::figure::{Figure, Kind, Stroke};

pub(super) fn mermaid(figure: &Figure) -> String {
    let mut out = "flowchart LR\n".to_owned();
    for (at, shape) in figure.shapes.iter().enumerate() {
        let lines: Vec<String> = std::iter::once(&shape.title).chain(&shape.lines).map(|line| escaped(line)).collect();
        let text = lines.join("<br/>");
        let (open, close) = match shape.kind {
            Kind::Job => ("[", "]"),
            Kind::Watch => ("([", "])"),
            Kind::Outside => ("((", "))"),
            Kind::Nobody => ("[/", "/]"),
        };
        let class = match (shape.dead, shape.mood) {
            (true, _) => ":::dead",
            (false, Some(Mood::Well)) => ":::well",
            (false, Some(Mood::Unwell)) => ":::unwell",
            (false, Some(Mood::Over)) => ":::over",
            (false, Some(Mood::Quiet) | None) => "",
        };
        let _ = writeln!(out, "  n{at}{open}\"{text}\"{close}{class}");
    }
    for arrow in &figure.arrows {
        let label = if arrow.label.is_empty() { String::new() } else { format!("|\"{}\"|", escaped(&arrow.label)) };
        let line = match arrow.stroke {
            Stroke::Once => "-->",
            Stroke::Each => "==>",
            Stroke::Hook => "-.->",
            Stroke::Dead => "--x",
        };
        let _ = writeln!(out, "  n{} {line}{label} n{}", arrow.from, arrow.to);
    }
    out.push_str("  classDef dead stroke-dasharray: 4 3, color: #888\n  classDef well stroke: #1a7f37\n");
    out.push_str("  classDef unwell stroke: #cf222e\n  classDef over color: #888\n");
    out
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '"' | '<' | '>' | '&' | '#' | '`' | '\\' => {
                let _ = write!(out, "#{};", u32::from(c));
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
