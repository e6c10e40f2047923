//! The source of an error event is a text that begins with who made it.

/// Whether an error's text is of this process: `NAME: what happened`.
pub(super) fn is_of(text: &str, name: &str) -> bool {
    text.strip_prefix(name).is_some_and(|rest| rest.starts_with(": "))
}
