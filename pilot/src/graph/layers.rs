//! Where shapes stand: in columns from left to right along the arrows, ordered so that few arrows cross.
//!
//! Longest path, barycentres, no randomness. An arrow over several columns gets a free place in each of them.

use std::collections::HashMap;

use super::figure::Figure;

/// A place in the diagram: a shape, or the passage of an arrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Shape(usize),
    Passage,
}

/// The columns, and the way of each arrow through them.
pub(super) struct Layers {
    /// What stands where.
    pub slots: Vec<Slot>,
    /// Slots by column, from top to bottom.
    pub columns: Vec<Vec<usize>>,
    /// The slots that each arrow passes, from its shape to its shape.
    pub routes: Vec<Vec<usize>>,
}

pub(super) fn layers(figure: &Figure) -> Layers {
    let column = columns(figure);
    let mut slots: Vec<Slot> = (0..figure.shapes.len()).map(Slot::Shape).collect();
    let mut columns: Vec<Vec<usize>> = vec![Vec::new(); column.iter().max().map_or(0, |last| last + 1)];
    for (shape, at) in column.iter().enumerate() {
        columns[*at].push(shape);
    }
    let mut routes = Vec::new();
    for arrow in &figure.arrows {
        let (from, to) = (column[arrow.from], column[arrow.to]);
        let mut route = vec![arrow.from];
        for passed in columns.iter_mut().take(to).skip(from + 1) {
            passed.push(slots.len());
            route.push(slots.len());
            slots.push(Slot::Passage);
        }
        route.push(arrow.to);
        routes.push(route);
    }
    let mut layers = Layers { slots, columns, routes };
    let neighbours = layers.neighbours();
    for round in 0..8 {
        layers.sort(&neighbours, round % 2 == 0);
    }
    layers
}

/// The column of each shape: one to the right of whatever points to it. Arrows that close a circle do not count.
fn columns(figure: &Figure) -> Vec<usize> {
    let count = figure.shapes.len();
    let mut state = vec![0u8; count];
    let mut forward = Vec::new();
    for shape in 0..count {
        visit(figure, shape, &mut state, &mut forward);
    }
    let mut column = vec![0; count];
    for _ in 0..count {
        for (from, to) in &forward {
            column[*to] = column[*to].max(column[*from] + 1);
        }
    }
    column
}

fn visit(figure: &Figure, shape: usize, state: &mut [u8], forward: &mut Vec<(usize, usize)>) {
    // A stack of its own: a chain of jobs may be long.
    let mut stack = vec![(shape, 0)];
    if state[shape] != 0 {
        return;
    }
    state[shape] = 1;
    while let Some((at, next)) = stack.pop() {
        let mut arrows = figure.arrows.iter().filter(|arrow| arrow.from == at).skip(next);
        match arrows.next() {
            Some(arrow) => {
                stack.push((at, next + 1));
                if state[arrow.to] == 1 {
                    continue;
                }
                forward.push((at, arrow.to));
                if state[arrow.to] == 0 {
                    state[arrow.to] = 1;
                    stack.push((arrow.to, 0));
                }
            }
            None => state[at] = 2,
        }
    }
}

impl Layers {
    /// Orders each column by where its neighbours in the column before (or after) stand.
    fn sort(&mut self, neighbours: &[Vec<usize>], rightwards: bool) {
        let order: Vec<usize> = if rightwards {
            (1..self.columns.len()).collect()
        } else {
            (0..self.columns.len().saturating_sub(1)).rev().collect()
        };
        for column in order {
            let adjacent = if rightwards { column - 1 } else { column + 1 };
            let height = self.columns[adjacent].len().max(1) as f64;
            let places: HashMap<usize, usize> =
                self.columns[adjacent].iter().enumerate().map(|(place, slot)| (*slot, place)).collect();
            let mut keyed: Vec<(f64, usize)> = Vec::new();
            for (at, slot) in self.columns[column].iter().enumerate() {
                let places_of_neighbours: Vec<usize> =
                    neighbours[*slot].iter().filter_map(|other| places.get(other).copied()).collect();
                let own = (at as f64 + 0.5) / self.columns[column].len() as f64 * height;
                let key = if places_of_neighbours.is_empty() {
                    own
                } else {
                    places_of_neighbours.iter().map(|place| *place as f64 + 0.5).sum::<f64>()
                        / places_of_neighbours.len() as f64
                };
                keyed.push((key, *slot));
            }
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            self.columns[column] = keyed.into_iter().map(|(_, slot)| slot).collect();
        }
    }

    /// What each slot has an arrow to or from.
    fn neighbours(&self) -> Vec<Vec<usize>> {
        let mut neighbours = vec![Vec::new(); self.slots.len()];
        for pair in self.routes.iter().flat_map(|route| route.windows(2)) {
            if let [one, other] = pair {
                neighbours[*one].push(*other);
                neighbours[*other].push(*one);
            }
        }
        neighbours
    }
}
