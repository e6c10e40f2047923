//! `exec`: a program and its arguments (v3 spec 5.2). No shell, no quotes, no variables.

use pilot_core::number::go_printed;
use pilot_core::plan::Command;

use super::loose::Field;
use super::value::Kind;

/// Reads `exec`: text is cut at every single space, a list is taken as it is.
pub(super) fn read(field: &Field<'_>) -> Option<Command> {
    let words: Vec<String> = match &field.value.kind {
        Kind::Text(text) if text.is_empty() => return no_program(field, "is empty"),
        Kind::Text(text) => text.trim().split(' ').map(str::to_owned).collect(),
        Kind::List(items) if items.is_empty() => return no_program(field, "is an empty list"),
        Kind::List(_) => field.items()?.iter().map(argument).collect::<Option<_>>()?,
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Object(_) => {
            return no_program(field, &format!("must be text or a list, not {}", field.value.shape()));
        }
    };
    let mut words = words.into_iter();
    let program = words.next()?;
    if program.is_empty() {
        field.warn("names no program, so that every start fails", "write the program first");
    }
    Some(Command { program, args: words.collect() })
}

fn no_program(field: &Field<'_>, complaint: &str) -> Option<Command> {
    field.error(complaint, "write \"program argument\" or [\"program\", \"argument\"], or leave it out");
    None
}

/// An element of the list, printed as v3 (Go) prints it.
fn argument(item: &Field<'_>) -> Option<String> {
    match &item.value.kind {
        Kind::Text(text) => Some(text.clone()),
        Kind::Number(number) => Some(go_printed(*number)),
        Kind::Bool(value) => Some(value.to_string()),
        Kind::Null => Some("<nil>".into()),
        Kind::List(_) | Kind::Object(_) => item.text(),
    }
}
