//! What went wrong, where, and what to do about it. Messages hold names and types, never the value of a variable:
//! values may be secrets and errors are logged.

/// A template that cannot be parsed or rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("could not apply template: line {line}, column {column}: {message}{}", .hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default())]
pub struct TemplateError {
    /// Line in the template, from 1.
    pub line: usize,
    /// Column in that line, in characters, from 1.
    pub column: usize,
    /// The cause.
    pub message: String,
    /// The remedy, where one is known.
    pub hint: Option<String>,
}

/// A cause whose place is not known yet: functions do not know where they are called from.
pub(super) struct Cause {
    message: String,
    hint: Option<String>,
}

impl Cause {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Cause { message: message.into(), hint: None }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Cause { hint: Some(hint.into()), ..self }
    }

    /// `at` is a byte offset into the template.
    pub(super) fn at(self, at: usize) -> Fault {
        Fault { at, cause: self }
    }
}

/// A cause with its place.
pub(super) struct Fault {
    at: usize,
    cause: Cause,
}

impl Fault {
    pub(super) fn new(at: usize, message: impl Into<String>) -> Self {
        Cause::new(message).at(at)
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Fault { cause: self.cause.hint(hint), ..self }
    }

    /// The public form, with line and column instead of an offset.
    pub(super) fn locate(self, text: &str) -> TemplateError {
        let (line, column) = place(text, self.at);
        TemplateError { line, column, message: self.cause.message, hint: self.cause.hint }
    }
}

/// Line and column (in characters), both from 1, of a byte offset.
pub(super) fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(line_start..).map_or(0, |line| line.chars().count());
    (before.matches('\n').count() + 1, column + 1)
}
