//! Go `text/template` (Go 1.9 level) as ContainerPilot v3 configurations use it (v3 spec section 2.4).
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

pub use error::TemplateError;

/// Renders `text` with `.` (and the function `env`) being `env`.
///
/// A variable that is not there renders as the empty string. The result is exactly the bytes v3 would have handed to
/// its JSON5 parser, except that values containing `=` are whole (v3 spec section 12.1, defect 9).
///
/// # Errors
/// The first mistake in the template: where it is, what is wrong and, where there is one, the remedy.
pub fn render(text: &str, env: &BTreeMap<String, String>) -> Result<String, TemplateError> {
    parse::parse(text).and_then(|templates| exec::execute(&templates, env)).map_err(|fault| fault.locate(text))
}
