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

/// Characters of a line shown at most; a longer line is cut around the column.
const SHOWN: usize = 140;

/// All diagnostics in the manner of rustc, separated by empty lines. `text` is what lines and columns refer to.
pub fn print(diagnostics: &[Diagnostic], file_name: &str, text: &str) -> String {
    let masked = mask(text);
    let lines: Vec<&str> = masked.split('\n').collect();
    let mut out = String::new();
    for (index, diagnostic) in diagnostics.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        let line = diagnostic.line.checked_sub(1).and_then(|line| lines.get(line)).copied().unwrap_or("");
        print_one(&mut out, diagnostic, file_name, line.trim_end_matches('\r'));
    }
    out
}

fn print_one(out: &mut String, diagnostic: &Diagnostic, file_name: &str, line: &str) {
    let Diagnostic { severity, line: number, column, message, remedy, rule: _, path: _ } = diagnostic;
    let word = severity.as_str();
    let number = number.to_string();
    let gutter = " ".repeat(number.len());
    let (shown, caret) = window(line, column.saturating_sub(1));
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

/// The part of a line that is shown, one column a character, and where the caret stands in it.
fn window(line: &str, column: usize) -> (String, usize) {
    let characters: Vec<char> = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if characters.len() <= SHOWN {
        return (characters.into_iter().collect(), column.min(SHOWN));
    }
    let start = column.saturating_sub(SHOWN / 2).min(characters.len() - SHOWN);
    let mut shown: String = characters.iter().skip(start).take(SHOWN).collect();
    let mut caret = column.saturating_sub(start).min(SHOWN);
    if start > 0 {
        shown.insert_str(0, "... ");
        caret += 4;
    }
    if start + SHOWN < characters.len() {
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
            print(&[at(12, 10)], "demo.json5", &text),
            "error: job \"app\": health.ttl must be at least 1 second, not 0\n  --> demo.json5:12:10\n   |\n\
             12 |     ttl: 0,\n   |          ^\n   = write `ttl: 15`\n"
        );
    }

    #[test]
    fn a_very_long_line_is_cut_around_the_mistake() {
        let text = format!("{}X{}", "a".repeat(5000), "b".repeat(5000));
        let shown = print(&[at(1, 5001)], "f", &text);
        let mut lines = shown.lines().skip(3);
        let (line, caret) = (lines.next().unwrap(), lines.next().unwrap());
        assert!(line.len() < 160 && line.contains("... a") && line.ends_with("b ..."), "{line}");
        assert_eq!(line.find('X'), caret.find('^'));
    }

    #[test]
    fn a_place_outside_of_the_text_is_no_reason_to_fall_over() {
        assert!(print(&[at(0, 0), at(99, 99)], "f", "").contains("--> f:99:99"));
    }
}
