//! Tables for a terminal: columns as wide as their widest cell, two spaces between them.

/// On which side of its column a cell stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Texts.
    Left,
    /// Numbers.
    Right,
}

/// Cells longer than this, in characters, do not widen their column.
const MAX_WIDTH: usize = 48;

/// A line a row, indented by `indent` spaces; no line ends with a space.
pub fn table<const N: usize>(rows: &[[String; N]], align: [Align; N], indent: usize) -> String {
    let width = |column: usize| {
        let widths = rows.iter().map(|row| row[column].chars().count());
        widths.filter(|width| *width <= MAX_WIDTH).max().unwrap_or(0)
    };
    let columns: [(Align, usize); N] = std::array::from_fn(|column| (align[column], width(column)));
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(columns).map(|(cell, (align, width))| match align {
            Align::Left => format!("{cell:width$}"),
            Align::Right => format!("{cell:>width$}"),
        });
        let line = format!("{}{}", " ".repeat(indent), cells.collect::<Vec<_>>().join("  "));
        format!("{}\n", line.trim_end())
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_cells_but_for_very_long_ones() {
        let rows = [
            ["a".to_owned(), "7".to_owned(), "x".to_owned()],
            ["name".to_owned(), "12".to_owned(), String::new()],
            ["l".repeat(60), "3".to_owned(), String::new()],
        ];
        let text = table(&rows, [Align::Left, Align::Right, Align::Left], 1);
        let long = format!(" {}   3\n", "l".repeat(60));
        assert_eq!(text, format!(" a      7  x\n name  12\n{long}"));
    }
}
