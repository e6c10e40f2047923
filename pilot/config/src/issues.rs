//! Collects diagnostics: turns byte offsets into lines and columns, and keeps going, so that all mistakes are found.

use std::cell::{Cell, RefCell};
use std::ops::Range;

use super::concealed::Concealer;
use super::diagnostic::{Diagnostic, Rule, Severity};

/// What a text is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To run it here and now.
    Start,
    /// To know whether it is right, perhaps on another machine than it runs on.
    Check,
}

/// Bytes between two places whose column is known, so that it is found without counting from the beginning.
const BLOCK: usize = 1024;

/// All that was found in one text so far.
pub(super) struct Issues<'a> {
    text: &'a str,
    /// Byte offset of each line's first character.
    lines: Vec<usize>,
    /// Characters before each block of the text.
    blocks: Vec<usize>,
    concealer: Concealer<'a>,
    pub purpose: Purpose,
    found: RefCell<Vec<Diagnostic>>,
    /// The text has a key that ContainerPilot 3 does not know.
    pub has_additions: Cell<bool>,
}

impl<'a> Issues<'a> {
    /// Nothing found yet in `text`, in which these bytes are values of variables.
    pub fn new(text: &'a str, values: &[Range<usize>], purpose: Purpose) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let mut before = 0;
        let count = |block: &[u8]| {
            let at_its_start = before;
            before += characters(block);
            at_its_start
        };
        let blocks = text.as_bytes().chunks(BLOCK).map(count).collect();
        let concealer = Concealer::new(values.iter().filter_map(|value| text.get(value.clone())));
        Issues { text, lines, blocks, concealer, purpose, found: RefCell::default(), has_additions: Cell::new(false) }
    }

    /// Adds one at a byte offset.
    pub fn add(&self, severity: Severity, rule: Rule, at: usize, path: &str, message: String, remedy: Option<String>) {
        let (line, column) = self.place(at);
        let path = self.concealer.concealed(path.to_owned());
        let message = self.concealer.concealed(message);
        let remedy = remedy.map(|remedy| self.concealer.concealed(remedy));
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
        let column = if at <= self.text.len() { self.characters_before(at) - self.characters_before(start) } else { 0 };
        (line, column + 1)
    }

    fn characters_before(&self, at: usize) -> usize {
        let block = at / BLOCK;
        let before = self.blocks.get(block).copied();
        let rest = self.text.as_bytes().get(block * BLOCK..at).unwrap_or_default();
        before.unwrap_or_else(|| self.blocks.last().map_or(0, |_| characters(self.text.as_bytes()))) + characters(rest)
    }
}

/// Characters that begin in these bytes of a text.
fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| (**byte as i8) >= -0x40).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_characters_from_one() {
        let issues = Issues::new("ä\nöx\n\nz", &[], Purpose::Check);
        for (at, place) in [(0, (1, 1)), (3, (2, 1)), (5, (2, 2)), (7, (3, 1)), (8, (4, 1)), (9, (4, 2)), (99, (4, 1))]
        {
            assert_eq!(issues.place(at), place, "{at}");
        }
    }
}
