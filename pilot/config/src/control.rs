//! The `control` block (v3 spec 8): where the control socket is, and what may be asked over it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use pilot_core::plan::{Control, DEFAULT_SOCKET};

use super::keys;
use super::loose::Field;
use super::tokens::{Kind, Token, tokens};

/// Reads the block, which may be absent.
pub(super) fn read(field: Option<Field<'_>>) -> Control {
    let block = field.and_then(|field| field.block(&keys::CONTROL));
    let block = block.as_ref();
    let path = block.and_then(|block| block.get("socket")).and_then(|field| {
        let path = field.text()?;
        if path.is_empty() {
            field.error("is empty", format!("write the path of a unix socket, or leave it out for {DEFAULT_SOCKET}"));
        }
        Some(path)
    });
    Control {
        configured: path.is_some(),
        socket: PathBuf::from(path.unwrap_or_else(|| DEFAULT_SOCKET.into())),
        putenv: block.and_then(|block| block.get("putenv")).and_then(|field| field.flag()).unwrap_or(true),
    }
}

/// The socket that a configuration names, whatever else is wrong with it: a client needs nothing more (defect 23).
pub fn control_socket(text: &str, env: &BTreeMap<String, String>) -> Option<String> {
    let rendered = go_text_template::render(text, env).ok();
    let path = written_in(rendered.as_deref().unwrap_or(text))?;
    // Of a template that cannot be rendered.
    (!path.is_empty() && !path.contains("{{")).then_some(path)
}

/// The last `control: { socket: "..." }` of the outermost object.
fn written_in(text: &str) -> Option<String> {
    let tokens: Vec<Token<'_>> = tokens(text).collect();
    let (mut depth, mut in_control, mut found) = (0u32, false, None);
    for (at, token) in tokens.iter().enumerate() {
        let value = tokens.get(at + 2).filter(|_| tokens.get(at + 1).is_some_and(|next| next.kind == Kind::Colon));
        match (token.kind, depth, value.map(|value| value.kind)) {
            (Kind::Open(_), ..) => depth += 1,
            (Kind::Close(_), ..) => depth = depth.saturating_sub(1),
            (Kind::Quoted | Kind::Word, 1, Some(kind)) => {
                in_control = kind == Kind::Open('{') && named(token) == "control"
            }
            (Kind::Quoted | Kind::Word, 2, Some(Kind::Quoted)) if in_control => {
                if named(token).eq_ignore_ascii_case("socket") {
                    found = value.map(named);
                }
            }
            (Kind::Colon | Kind::Comma | Kind::Quoted | Kind::Word, ..) => {}
        }
    }
    found
}

/// A key or a text without its quotes.
fn named(token: &Token<'_>) -> String {
    match token.kind {
        Kind::Quoted => json5::from_str(token.text).unwrap_or_default(),
        Kind::Word | Kind::Open(_) | Kind::Close(_) | Kind::Colon | Kind::Comma => token.text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Defect 23: v3's client needed a valid file.
    #[test]
    fn the_socket_is_found_in_a_file_whatever_else_is_wrong_with_it() {
        let rows = [
            ("{ control: { socket: '/a' } }", Some("/a")),
            ("{ \"control\": { \"socket\": \"/a\\u0062\" }, jobs: 5 }", Some("/ab")),
            ("{ nonsense: [1, 2, control: { Socket: '/a' }", None),
            ("{ jobs: [{ control: { socket: '/wrong' } }], control: { socket: '/a' }", Some("/a")),
            ("{ jobs: [ { name: 'x' exec: }, ], control: { socket: '/a' }, watches: ", Some("/a")),
            ("{ control: { socket: '/a' }, control: { socket: '/b' } }", Some("/b")),
            ("{ control: { other: { socket: '/wrong' } } }", None),
            ("{ jobs: [], // control: { socket: '/wrong' }\n }", None),
            ("{ control: { socket: '{{ .DIR }}/s' } }", Some("/run/s")),
            ("{ control: { socket: '{{ .DIR }}/s' }, x: {{ .Nope | nope }} }", None),
            ("{ control: { socket: '/a' }, x: {{ .Nope | nope }} }", Some("/a")),
            ("{ control: { socket: '' } }", None),
            ("{ control: '/a' }", None),
            ("", None),
        ];
        let env = [("DIR".to_owned(), "/run".to_owned())].into_iter().collect();
        for (text, socket) in rows {
            assert_eq!(control_socket(text, &env).as_deref(), socket, "{text}");
        }
    }
}
