//! Something found in a configuration, and how it is shown: what, where, the line itself, and what to write instead.
//!
//! Never shows a secret: lines are printed from a masked copy of the text (the room `mask`).

use std::fmt::Write as _;

use super::mask::mask;
pub use super::rule::Rule;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// pilot does not start with it.
    Error,
    /// pilot starts, but something is probably not as meant.
    Warning,
    /// Nothing is wrong; something could be better, or is worth knowing.
    Note,
}

impl Severity {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

/// One thing found, with its place and its remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether it keeps pilot from starting.
    pub severity: Severity,
    /// Of which kind it is.
    pub rule: Rule,
    /// Line in the rendered text, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Where in the document, as `jobs[1].health.ttl`; empty for the whole file.
    pub path: String,
    /// What is wrong, as a sentence without a full stop.
    pub message: String,
    /// What to write instead, if that can be said.
    pub remedy: Option<String>,
}

/// Characters of a line shown at most where nothing is known of the terminal; a longer line is cut around the column.
pub const WIDTH: usize = 140;
/// Fewer are of no use, whatever the terminal says.
const LEAST: usize = 40;

/// All diagnostics in the manner of rustc, separated by empty lines: errors and warnings one by one, of notes of one kind
/// the first, and where the others are. `text` is what lines and columns refer to; of a line at most `width` characters are
/// shown.
pub fn print(diagnostics: &[Diagnostic], file_name: &str, text: &str, width: usize) -> String {
    let masked = mask(text);
    let lines: Vec<&str> = masked.split('\n').collect();
    let mut shown = Shown { out: String::new(), width: width.max(LEAST), number: 0, characters: Vec::new() };
    let mut told: Vec<Rule> = Vec::new();
    for (index, diagnostic) in diagnostics.iter().enumerate() {
        let is_note = diagnostic.severity == Severity::Note && diagnostic.rule != Rule::Configuration;
        if is_note && told.contains(&diagnostic.rule) {
            continue;
        }
        if index > 0 {
            shown.out.push('\n');
        }
        shown.take_line(diagnostic.line, &lines);
        shown.print(diagnostic, file_name);
        if is_note {
            told.push(diagnostic.rule);
            let same = |other: &&Diagnostic| other.severity == Severity::Note && other.rule == diagnostic.rule;
            let others: Vec<usize> = diagnostics.iter().skip(index + 1).filter(same).map(|other| other.line).collect();
            shown.print_others(&others);
        }
    }
    shown.out
}

/// What is printed so far, and the line that was last shown, which may be a whole file.
struct Shown {
    out: String,
    width: usize,
    number: usize,
    characters: Vec<char>,
}

impl Shown {
    fn take_line(&mut self, number: usize, lines: &[&str]) {
        if self.number != number {
            self.number = number;
            let line = number.checked_sub(1).and_then(|line| lines.get(line)).copied().unwrap_or("");
            let line = line.trim_end_matches('\r').chars();
            self.characters = line.map(|c| if c.is_control() { ' ' } else { c }).collect();
        }
    }

    fn print(&mut self, diagnostic: &Diagnostic, file_name: &str) {
        let Diagnostic { severity, line: number, column, message, remedy, rule: _, path: _ } = diagnostic;
        let word = severity.as_str();
        let number = number.to_string();
        let gutter = " ".repeat(number.len());
        let (shown, caret) = window(&self.characters, column.saturating_sub(1), self.width);
        let out = &mut self.out;
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{word}: {message}");
        let _ = writeln!(out, "{gutter}--> {file_name}:{number}:{column}");
        let _ = writeln!(out, "{gutter} |");
        let _ = writeln!(out, "{number} | {shown}");
        let _ = writeln!(out, "{gutter} | {}^", " ".repeat(caret));
        if let Some(remedy) = remedy {
            let _ = writeln!(out, "{gutter} = {}", mask(remedy));
        }
    }

    fn print_others(&mut self, lines: &[usize]) {
        const NAMED: usize = 5;
        let named: Vec<String> = lines.iter().take(NAMED).map(usize::to_string).collect();
        let more = if lines.len() > NAMED { ", ..." } else { "" };
        let _ = match lines.len() {
            0 => Ok(()),
            1 => writeln!(self.out, "  and once more, in line {}", named.concat()),
            count => writeln!(self.out, "  and {count} times more, in lines {}{more}", named.join(", ")),
        };
    }
}

/// The part of a line that is shown, one column a character, and where the caret stands in it.
fn window(line: &[char], column: usize, width: usize) -> (String, usize) {
    if line.len() <= width {
        return (line.iter().collect(), column.min(width));
    }
    let start = column.saturating_sub(width / 2).min(line.len() - width);
    let mut shown: String = line.iter().skip(start).take(width).collect();
    let mut caret = column.saturating_sub(start).min(width);
    if start > 0 {
        shown.insert_str(0, "... ");
        caret += 4;
    }
    if start + width < line.len() {
        shown.push_str(" ...");
    }
    (shown, caret)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: usize, column: usize) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            rule: Rule::Configuration,
            line,
            column,
            path: "jobs[0].health.ttl".into(),
            message: "job \"app\": health.ttl must be at least 1 second, not 0".into(),
            remedy: Some("write `ttl: 15`".into()),
        }
    }

    #[test]
    fn a_mistake_is_shown_like_rustc_does() {
        let text = format!("{}    ttl: 0,\n}}", "\n".repeat(11));
        assert_eq!(
            print(&[at(12, 10)], "demo.json5", &text, WIDTH),
            "error: job \"app\": health.ttl must be at least 1 second, not 0\n  --> demo.json5:12:10\n   |\n\
             12 |     ttl: 0,\n   |          ^\n   = write `ttl: 15`\n"
        );
    }

    #[test]
    fn a_very_long_line_is_cut_around_the_mistake() {
        let text = format!("{}X{}", "a".repeat(5000), "b".repeat(5000));
        let shown = print(&[at(1, 5001)], "f", &text, WIDTH);
        let mut lines = shown.lines().skip(3);
        let (line, caret) = (lines.next().unwrap(), lines.next().unwrap());
        assert!(line.len() < 160 && line.contains("... a") && line.ends_with("b ..."), "{line}");
        assert_eq!(line.find('X'), caret.find('^'));
    }

    #[test]
    fn a_line_fits_into_a_narrow_terminal() {
        let text = format!("{}X{}", "a".repeat(100), "b".repeat(100));
        let shown = print(&[at(1, 101)], "f", &text, 60);
        let lines: Vec<&str> = shown.lines().skip(3).take(2).collect();
        assert!(lines[0].len() <= 60 + 12 && lines[0].find('X') == lines[1].find('^'), "{shown}");
    }

    #[test]
    fn notes_of_one_kind_are_told_once_with_the_places_of_the_others() {
        let note = |line| Diagnostic { severity: Severity::Note, rule: Rule::LateFailure, remedy: None, ..at(line, 1) };
        let shown = print(&[note(1), at(2, 1), note(3), note(4)], "f", "a\nb\nc\nd", WIDTH);
        assert_eq!(shown.matches("note: ").count(), 1, "{shown}");
        assert!(shown.contains("  and 2 times more, in lines 3, 4\n"), "{shown}");
    }

    #[test]
    fn a_place_outside_of_the_text_is_no_reason_to_fall_over() {
        assert!(print(&[at(0, 0), at(99, 99)], "f", "", WIDTH).contains("--> f:99:99"));
    }
}
