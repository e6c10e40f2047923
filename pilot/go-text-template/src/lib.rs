//! Go `text/template` (Go 1.9 level, and `break`, `continue`, `slice` and line ends in actions of later ones) as
//! ContainerPilot v3 configurations use it (v3 spec section 2.4).
//!
//! Text and variables in, text out: this room reads no environment, file or clock. No input may make it panic, recurse
//! or allocate without limit (see `bounds`), and no error quotes the value of a variable: only places and names.

mod bounds;
mod compare;
mod error;
mod escape;
mod exec;
mod float;
mod funcs;
mod lex;
mod literal;
mod node;
mod parse;
mod printf;
mod strings;
mod value;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Range;

pub use error::TemplateError;

/// A rendered template, and what in it came from variables. Not printable: it may hold secrets.
#[derive(Clone, Default)]
pub struct Rendered {
    /// The text.
    pub text: String,
    /// The bytes of `text` that actions wrote (numbers and constants aside), in their order and apart from each other.
    pub values: Vec<Range<usize>>,
    /// The variables that were used although they are not set, each once, in the order of their use.
    pub unset: Vec<Unset>,
}

/// A variable that is not set and rendered as nothing. Asking whether it is set (`if`, `default`, `eq`) is no use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unset {
    /// The variable's name.
    pub name: String,
    /// The byte of the rendered text before which its value would stand.
    pub at: usize,
}

/// Renders `text` with `.` (and the function `env`) being `env`.
///
/// A variable that is not there renders as the empty string. The result is exactly the bytes v3 would have handed to
/// its JSON5 parser, except that values containing `=` are whole (v3 spec section 12.1, defect 9).
///
/// # Errors
/// The first mistake in the template: where it is, what is wrong and, where there is one, the remedy.
pub fn render(text: &str, env: &BTreeMap<String, String>) -> Result<String, TemplateError> {
    render_with_places(text, env).map(|rendered| rendered.text)
}

/// The same, and says which parts of the text are values of variables, and which variables are missing.
///
/// # Errors
/// As [`render`].
pub fn render_with_places(text: &str, env: &BTreeMap<String, String>) -> Result<Rendered, TemplateError> {
    parse::parse(text).and_then(|templates| exec::execute(&templates, env)).map_err(|fault| fault.locate(text))
}
