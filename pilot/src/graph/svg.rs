//! The diagram as SVG: columns of boxes, curved arrows, a legend, the order of stopping.

use std::fmt::Write as _;

use super::figure::{Figure, Kind, Shape, Stroke};
use super::layers::{Layers, Slot, layers};
use super::text::steps;
use super::{Diagram, Mood};

/// Width of a character of the font in pixels, a little generous.
const LETTER: f64 = 7.3;
const SMALL: f64 = 6.2;
const LINE: f64 = 16.0;
const MARGIN: f64 = 36.0;
const GAP: f64 = 22.0;
/// Between two columns, for the arrows and their words.
const AISLE: f64 = 150.0;
const PASSAGE: f64 = 14.0;

#[derive(Clone, Copy, Default)]
struct Rect {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

pub(super) fn svg(diagram: &Diagram<'_>, figure: &Figure) -> String {
    let layers = layers(figure);
    let (rects, width, height) = places(figure, &layers);
    let notes = stop_lines(diagram);
    let below =
        figure.arrows.iter().zip(&layers.routes).filter(|(arrow, _)| is_back(&rects, arrow.from, arrow.to)).count();
    let bottom = height + below as f64 * 18.0;
    let longest = notes.iter().map(|line| line.chars().count()).max().unwrap_or(0).max(60);
    let width = width.max(longest as f64 * SMALL + 2.0 * MARGIN);
    let total = bottom + 34.0 + notes.len() as f64 * LINE + MARGIN;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{total:.0}\" viewBox=\"0 0 {width:.0} {total:.0}\" role=\"img\">\n\
         <title>{}</title>\n{STYLE}",
        "The event graph: which event starts which job"
    );
    let mut depth: u32 = 0;
    for (arrow, route) in figure.arrows.iter().zip(&layers.routes) {
        let back = is_back(&rects, arrow.from, arrow.to);
        let (path, label) = if back {
            depth += 1;
            around(rects[arrow.from], rects[arrow.to], height - MARGIN + f64::from(depth) * 18.0, depth)
        } else {
            through(route.iter().map(|slot| rects[*slot]).collect())
        };
        let class = match arrow.stroke {
            Stroke::Once => "once",
            Stroke::Each => "each",
            Stroke::Hook => "hook",
            Stroke::Dead => "dead",
        };
        let _ = writeln!(out, "<path class=\"{class}\" d=\"{path}\" marker-end=\"url(#tip)\"/>");
        if !arrow.label.is_empty() {
            let _ = writeln!(
                out,
                "<text class=\"label {class}\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                label.0,
                label.1 - 4.0,
                escaped(&arrow.label)
            );
        }
    }
    for (shape, rect) in figure.shapes.iter().zip(&rects) {
        draw(&mut out, shape, *rect);
    }
    legend(&mut out, bottom + 16.0);
    for (number, line) in notes.iter().enumerate() {
        let y = bottom + 34.0 + (number as f64 + 0.6) * LINE;
        let _ = writeln!(out, "<text class=\"note\" x=\"{MARGIN}\" y=\"{y:.1}\">{}</text>", escaped(line));
    }
    out.push_str("</svg>\n");
    out
}

/// The status page shows it, and allows exactly this style: there are no `style` attributes.
const STYLE: &str = "<style>\n\
text { font: 12px ui-monospace, monospace; fill: #1f2328 }\n\
.name { font-weight: bold } .line, .label, .note, .key { font-size: 10.5px; fill: #59636e }\n\
rect, ellipse { fill: #ffffff; stroke: #59636e; stroke-width: 1.2 } .bare { fill: #f6f8fa }\n\
path { fill: none; stroke: #59636e; stroke-width: 1.3 } path.each { stroke-width: 2.6 } path.hook { stroke-dasharray: 6 4 }\n\
path.dead { stroke: #cf222e; stroke-dasharray: 2 3 } .label.dead { fill: #cf222e }\n\
.label { paint-order: stroke; stroke: #ffffff; stroke-width: 3px }\n\
.never rect { stroke: #cf222e; stroke-dasharray: 4 3 } .well rect { stroke: #1a7f37; stroke-width: 2.4 }\n\
.unwell rect { stroke: #cf222e; stroke-width: 2.4 } .over rect { fill: #f6f8fa }\n\
.tip { fill: #59636e; stroke: none } .paper { stroke: none }\n\
</style>\n\
<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7.5\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" \
markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M0 0 L8 4 L0 8 z\" class=\"tip\"/></marker></defs>\n\
<rect x=\"0\" y=\"0\" width=\"100%\" height=\"100%\" class=\"paper\"/>\n";

/// The rectangle of each slot, and the size of all.
fn places(figure: &Figure, layers: &Layers) -> (Vec<Rect>, f64, f64) {
    let size = |slot: usize| match layers.slots[slot] {
        Slot::Shape(shape) => size_of(&figure.shapes[shape]),
        Slot::Passage => (0.0, PASSAGE),
    };
    let height_of = |column: &Vec<usize>| column.iter().map(|slot| size(*slot).1 + GAP).sum::<f64>() - GAP;
    let height = layers.columns.iter().map(height_of).fold(0.0, f64::max);
    let mut rects = vec![Rect::default(); layers.slots.len()];
    let mut x = MARGIN;
    for column in &layers.columns {
        let widest = column.iter().map(|slot| size(*slot).0).fold(0.0, f64::max);
        let mut y = MARGIN + (height - height_of(column)) / 2.0;
        for slot in column {
            let (width, tall) = size(*slot);
            rects[*slot] = match layers.slots[*slot] {
                Slot::Shape(_) => Rect { x, y, width: widest.max(width), height: tall },
                Slot::Passage => Rect { x, y, width: widest, height: tall },
            };
            y += tall + GAP;
        }
        x += widest + AISLE;
    }
    ((rects), (x - AISLE + MARGIN).max(2.0 * MARGIN), height.max(0.0) + 2.0 * MARGIN)
}

fn size_of(shape: &Shape) -> (f64, f64) {
    let longest = shape.lines.iter().map(|line| line.chars().count() as f64 * SMALL).fold(0.0, f64::max);
    let title = shape.title.chars().count() as f64 * LETTER;
    (title.max(longest).max(40.0) + 24.0, (shape.lines.len() as f64 + 1.0) * LINE + 12.0)
}

fn draw(out: &mut String, shape: &Shape, rect: Rect) {
    let class = match (shape.dead, shape.mood) {
        (true, _) => "never",
        (false, Some(Mood::Well)) => "well",
        (false, Some(Mood::Unwell)) => "unwell",
        (false, Some(Mood::Over)) => "over",
        (false, Some(Mood::Quiet) | None) => "quiet",
    };
    let round = match shape.kind {
        Kind::Job | Kind::Nobody => 3.0,
        Kind::Watch | Kind::Outside => rect.height / 2.0,
    };
    let bare = if shape.kind == Kind::Outside { " class=\"bare\"" } else { "" };
    let Rect { x, y, width, height } = rect;
    let _ = writeln!(
        out,
        "<g class=\"{class}\"><rect{bare} x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{round:.1}\"/>"
    );
    let middle = x + width / 2.0;
    let _ = writeln!(
        out,
        "<text class=\"name\" x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
        y + LINE + 2.0,
        escaped(&shape.title)
    );
    for (number, line) in shape.lines.iter().enumerate() {
        let _ = writeln!(
            out,
            "<text class=\"line\" x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            y + (number as f64 + 2.0) * LINE + 1.0,
            escaped(line)
        );
    }
    out.push_str("</g>\n");
}

/// Whether an arrow leads to the left, or nowhere to the right.
fn is_back(rects: &[Rect], from: usize, to: usize) -> bool {
    rects[to].x <= rects[from].x
}

/// A smooth way through all places, and where its words stand.
fn through(stops: Vec<Rect>) -> (String, (f64, f64)) {
    let mut path = String::new();
    let mut label = (0.0, 0.0);
    let middle = |rect: &Rect| rect.y + rect.height / 2.0;
    for (index, pair) in stops.windows(2).enumerate() {
        let [from, to] = pair else { continue };
        let (x1, y1) = (from.x + from.width, middle(from));
        let (x2, y2) = (to.x - if index + 2 == stops.len() { 1.0 } else { 0.0 }, middle(to));
        if index == 0 {
            let _ = write!(path, "M{x1:.1} {y1:.1}");
        } else {
            // Across the column of the passage.
            let _ = write!(path, " L{x1:.1} {y1:.1}");
        }
        let bend = (x2 - x1) / 2.0;
        let _ = write!(path, " C{:.1} {y1:.1} {:.1} {y2:.1} {x2:.1} {y2:.1}", x1 + bend, x2 - bend);
        // On the last leg, nearer to the target, where arrows of one source are apart.
        let t: f64 = 0.6;
        label = (x1 + (x2 - x1) * t, y1 + (y2 - y1) * (3.0 * t * t - 2.0 * t * t * t));
    }
    (path, label)
}

/// Out to the right, below everything, and in from the left: only where no shapes are.
fn around(from: Rect, to: Rect, depth: f64, number: u32) -> (String, (f64, f64)) {
    let middle = |rect: Rect| rect.y + rect.height / 2.0;
    let apart = f64::from(number % 4) * 4.0;
    let (x1, y1, x2, y2) = (from.x + from.width, middle(from), to.x - 1.0, middle(to));
    let path = format!(
        "M{x1:.1} {y1:.1} h{apart:.0} q12 0 12 12 V{:.1} q0 12 -12 12 H{:.1} q-12 0 -12 -12 V{:.1} q0 -12 12 -12 H{x2:.1}",
        depth - 12.0,
        x2 - 8.0 - apart,
        y2 + 12.0
    );
    (path, ((x1 + x2) / 2.0, depth))
}

fn legend(out: &mut String, y: f64) {
    let mut x = MARGIN;
    for (class, words) in
        [("once", "starts it once"), ("each", "every time"), ("hook", "when it stops"), ("dead", "never comes")]
    {
        let _ = writeln!(out, "<path class=\"{class}\" d=\"M{x:.0} {y:.0} h28\" marker-end=\"url(#tip)\"/>");
        let _ = writeln!(out, "<text class=\"key\" x=\"{:.0}\" y=\"{:.0}\">{words}</text>", x + 34.0, y + 4.0);
        x += 34.0 + words.len() as f64 * SMALL + 20.0;
    }
}

fn stop_lines(diagram: &Diagram<'_>) -> Vec<String> {
    let step = steps(&diagram.graph.stops_after);
    let Some(last) = step.iter().copied().max() else { return Vec::new() };
    let mut lines = vec!["Stops in this order:".to_owned()];
    for number in 0..=last {
        let all = diagram.plan.jobs.iter().zip(&step).filter(|(_, at)| **at == number);
        let names: Vec<&str> = all.map(|(job, _)| job.name.as_str()).collect();
        lines.push(format!("{}. {}", number + 1, names.join(", ")));
    }
    lines
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            // XML has no other control characters.
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
