//! Text from outside, made fit for a log line, a check's output in the catalog, a page.

/// Longest line, in bytes.
const MAX_BYTES: usize = 199;

/// Text from outside as one short printable line: no control characters, no line separators, under 200 bytes.
pub(crate) fn one_line(text: &str) -> String {
    let printable = |c: char| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c };
    let mut line = String::with_capacity(text.len().min(MAX_BYTES));
    for c in text.chars().map(printable).skip_while(|c| c.is_whitespace()) {
        if line.len() + c.len_utf8() > MAX_BYTES {
            break;
        }
        line.push(c);
    }
    line.truncate(line.trim_end().len());
    line
}
