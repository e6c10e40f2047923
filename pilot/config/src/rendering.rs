//! What rendering itself gives reason to doubt: variables that are not set, and values that do not fit into the quotes
//! around them.

use std::ops::Range;

use go_text_template::Unset;

use super::diagnostic::{Rule, Severity};
use super::issues::Issues;
use super::tokens::{Kind, tokens};

/// Warns about both. `values` are the bytes of `text` that are values of variables.
pub(super) fn look(text: &str, values: &[Range<usize>], unset: &[Unset], issues: &Issues<'_>) {
    for Unset { name, at } in unset {
        let message = format!("the variable {name} is not set, and nothing stands here instead");
        let remedy = "set it; write `{{ .NAME | default \"\" }}` if it may be missing, or `{{ .NAME | required \"why\" }}` if not";
        issues.add(Severity::Warning, Rule::UnsetVariable, *at, "", message, Some(remedy.to_owned()));
    }
    let mut quoted = tokens(text).filter(|token| token.kind == Kind::Quoted).peekable();
    for value in values {
        // The quotes around a value begin before it, so that its own do not matter here.
        while quoted.next_if(|token| token.at + token.text.len() <= value.start).is_some() {}
        let around = quoted.peek().filter(|token| token.at < value.start);
        let odd = around.and_then(|token| odd_one(text.get(value.clone())?, token.text.chars().next()?));
        if let Some(odd) = odd {
            let message = format!("the value of a variable holds {odd}, which means something inside of quotes");
            let remedy = "write `{{ printf \"%q\" .NAME }}` and no quotes around it";
            issues.add(Severity::Warning, Rule::UnescapedValue, value.start, "", message, Some(remedy.to_owned()));
        }
    }
}

/// The first character in a value that text in such quotes does not take as it is.
fn odd_one(value: &str, quote: char) -> Option<&'static str> {
    value.chars().find_map(|c| match c {
        c if c == quote => Some("a quote"),
        '\\' => Some("a backslash"),
        '\n' | '\r' => Some("a line end"),
        _ => None,
    })
}
