//! Masks what may be secret in a text that is about to be shown: the values of `password`, `token`, `headers`, `env` and
//! the like, and the password in a URL.
//!
//! Works on any text, valid or not. Keeps every line and column, so that a caret still points to its place.

use std::ops::Range;

use super::tokens::{Kind, Token, tokens};

/// A copy of `text` with asterisks instead of secrets.
pub(super) fn mask(text: &str) -> String {
    let all: Vec<Token<'_>> = tokens(text).collect();
    let mut masked = String::with_capacity(text.len());
    let mut copied = 0;
    // Bracket depth inside the value of a secret key.
    let mut depth = 0usize;
    // The next value belongs to a secret key.
    let mut armed = false;
    for (index, token) in all.iter().enumerate() {
        let secret = depth > 0 || armed;
        let is_key = matches!(all.get(index + 1), Some(Token { kind: Kind::Colon, .. }));
        match token.kind {
            Kind::Open(_) if secret => depth += 1,
            Kind::Close(_) => depth = depth.saturating_sub(1),
            Kind::Open(_) | Kind::Colon => continue,
            Kind::Comma => {}
            Kind::Quoted | Kind::Word if is_key && !armed => {
                armed = depth == 0 && is_secret_key(token.text);
                continue;
            }
            // An unquoted text such as `token: abc:def` is not valid, yet not to be shown: masked until the comma.
            Kind::Quoted | Kind::Word => {
                masked.push_str(text.get(copied..token.at).unwrap_or_default());
                masked.push_str(&if secret { stars(token.text) } else { without_password(token.text) });
                copied = token.at + token.text.len();
                continue;
            }
        }
        armed = false;
    }
    masked.push_str(text.get(copied..).unwrap_or_default());
    masked
}

/// A copy of `text` with asterisks instead of these bytes, which are in their order and apart from each other.
pub(super) fn mask_values(text: &str, values: &[Range<usize>]) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut copied = 0;
    for value in values {
        masked.push_str(text.get(copied..value.start).unwrap_or_default());
        let hidden = text.get(value.clone()).unwrap_or_default();
        masked.extend(hidden.chars().map(|c| if matches!(c, '\n' | '\r') { c } else { '*' }));
        copied = value.end;
    }
    masked.push_str(text.get(copied..).unwrap_or_default());
    masked
}

/// `password`, `api-token`, `headers`; not `passwordFile` and `passwordEnv`, which only say where the secret is.
pub(super) fn is_secret_key(key: &str) -> bool {
    let key = key.trim_matches(['"', '\'']).to_ascii_lowercase();
    if key == "env" {
        return true;
    }
    let points_elsewhere = key.ends_with("file") || key.ends_with("env");
    !points_elsewhere && ["password", "token", "secret", "headers", "authorization"].iter().any(|s| key.contains(s))
}

/// The same length and the same line ends, and nothing else that could be read.
fn stars(text: &str) -> String {
    text.chars().map(|c| if matches!(c, '"' | '\'' | '\n' | '\r') { c } else { '*' }).collect()
}

/// Masks `secret` in `scheme://user:secret@host` and in `user:secret@host`.
pub(super) fn without_password(text: &str) -> String {
    let start = text.find("://").map_or(0, |scheme| scheme + 3);
    let masked = text.rfind('@').and_then(|end| {
        let user_info = text.get(start..end)?;
        let colon = start + user_info.find(':')? + 1;
        Some([text.get(..colon)?, &stars(text.get(colon..end)?), text.get(end..)?].concat())
    });
    masked.unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::mask;

    #[test]
    fn secrets_are_masked_and_columns_stay() {
        for (text, shown) in [
            ("{token: 'abc', port: 1}", "{token: '***', port: 1}"),
            ("{\"Password\" : 123}", "{\"Password\" : ***}"),
            ("{headers: {A: 'x', 'B': ['y']}, url: 'u'}", "{headers: {A: '*', 'B': ['*']}, url: 'u'}"),
            ("{headers: {\n  A: \"x\"\n}, b: 1}", "{headers: {\n  A: \"*\"\n}, b: 1}"),
            ("{env: {A: 'x', B: {file: '/y'}}, envFile: 'z'}", "{env: {A: '*', B: {file: '**'}}, envFile: 'z'}"),
            ("{passwordFile: '/run/x', tokenFile: 'y'}", "{passwordFile: '/run/x', tokenFile: 'y'}"),
            ("mysql: 'mysql://pilot:geheim@db/x'", "mysql: 'mysql://pilot:******@db/x'"),
            ("http: 'http://a:8080/x'", "http: 'http://a:8080/x'"),
            ("{token: abc:def, port: 1}", "{token: ***:***, port: 1}"),
            ("{password: 'a\nb', c: 1", "{password: '*\n*'******"),
            (
                "{a: 'u:pw@h', b: 'http://u:p@w@h:1/x', c: 'a@b.c'}",
                "{a: 'u:**@h', b: 'http://u:***@h:1/x', c: 'a@b.c'}",
            ),
        ] {
            assert_eq!(mask(text), shown);
        }
    }
}
