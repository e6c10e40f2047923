//! Collects diagnostics: turns byte offsets into lines and columns, and keeps going, so that all mistakes are found.

use std::cell::RefCell;

use super::diagnostic::{Diagnostic, Rule, Severity};

/// All that was found in one text so far.
pub(super) struct Issues<'a> {
    text: &'a str,
    /// Byte offset of each line's first character.
    lines: Vec<usize>,
    found: RefCell<Vec<Diagnostic>>,
}

impl<'a> Issues<'a> {
    /// Nothing found yet in `text`.
    pub fn new(text: &'a str) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Issues { text, lines, found: RefCell::default() }
    }

    /// Adds one at a byte offset.
    pub fn add(&self, severity: Severity, rule: Rule, at: usize, path: &str, message: String, remedy: Option<String>) {
        let (line, column) = self.place(at);
        let path = path.to_owned();
        self.found.borrow_mut().push(Diagnostic { severity, rule, line, column, path, message, remedy });
    }

    /// Whether one of them keeps pilot from starting.
    pub fn has_error(&self) -> bool {
        self.found.borrow().iter().any(|found| found.severity == Severity::Error)
    }

    /// All of them in the order of the text.
    pub fn finish(self) -> Vec<Diagnostic> {
        let mut found = self.found.into_inner();
        found.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
        found
    }

    /// Line and column, from 1, of a byte offset.
    fn place(&self, at: usize) -> (usize, usize) {
        let line = self.lines.partition_point(|start| *start <= at).max(1);
        let start = self.lines.get(line - 1).copied().unwrap_or(0);
        let column = self.text.get(start..at).map_or(0, |before| before.chars().count());
        (line, column + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_characters_from_one() {
        let issues = Issues::new("ä\nöx\n\nz");
        for (at, place) in [(0, (1, 1)), (3, (2, 1)), (5, (2, 2)), (7, (3, 1)), (8, (4, 1)), (9, (4, 2)), (99, (4, 1))]
        {
            assert_eq!(issues.place(at), place, "{at}");
        }
    }
}
