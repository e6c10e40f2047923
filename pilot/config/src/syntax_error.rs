//! Why a text is not valid JSON5, in words for a person: the cause and the remedy, from the crate's error and the tokens
//! around it. Looks at text that is not valid, so it trusts nothing.

use json5::ErrorCode;

use super::mask::mask;
use super::tokens::{Kind as TokenKind, Token, tokens};

/// Objects and lists may be nested this deep.
pub(super) const DEEPEST: usize = 64;

/// Why a text is not a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SyntaxError {
    /// Byte offset.
    pub at: usize,
    pub message: String,
    pub remedy: Option<String>,
}

/// An error with a remedy.
pub(super) fn error(at: usize, message: String, remedy: &str) -> SyntaxError {
    SyntaxError { at, message, remedy: Some(remedy.into()) }
}

/// What the brackets of a text, valid or not, say about it.
pub(super) struct Brackets {
    /// The bracket that goes too deep.
    pub too_deep: Option<usize>,
    /// The innermost bracket that is open at the end.
    unclosed: Option<(usize, char)>,
}

impl Brackets {
    /// Looks at all of them.
    pub fn of(text: &str) -> Self {
        let mut open = Vec::new();
        for token in tokens(text) {
            match token.kind {
                TokenKind::Open(bracket) => open.push((token.at, bracket)),
                TokenKind::Close(_) => {
                    open.pop();
                }
                TokenKind::Colon | TokenKind::Comma | TokenKind::Quoted | TokenKind::Word => {}
            }
            if open.len() > DEEPEST {
                return Brackets { too_deep: Some(token.at), unclosed: None };
            }
        }
        Brackets { too_deep: None, unclosed: open.last().copied() }
    }
}

/// The crate's error in words for a person.
pub(super) fn explain(text: &str, failure: &json5::Error, brackets: &Brackets) -> SyntaxError {
    let at = failure.position().map_or(text.len(), |position| offset(text, position));
    let Some(code) = failure.code() else {
        return error(
            at,
            "this is not valid JSON5".into(),
            "an escape `\\uXXXX` must be a character or a pair of halves",
        );
    };
    // The token that the error is in: the crate may stop in the middle of a word.
    let last = tokens(text).take_while(|token| token.at <= at).last();
    let token = last.filter(|token| token.at + token.text.len() > at);
    let start = token.map_or(at, |token| token.at);
    match code {
        ErrorCode::LineTerminatorInString => unclosed_text(last.map_or(at, |token| token.at)),
        // The crate gives such an error the place of the object around it.
        ErrorCode::EofParsingString | ErrorCode::EofParsingEscapeSequence => {
            unclosed_text(tokens(text).last().map_or(at, |token| token.at))
        }
        ErrorCode::EofParsingComment => {
            let comment = text.rfind("/*").unwrap_or(at);
            error(comment, "this comment is not closed".into(), "write `*/` at its end")
        }
        ErrorCode::InvalidEscapeSequence | ErrorCode::InvalidBytes => error(
            at,
            "this escape does not exist".into(),
            "write `\\\\` for a backslash; JSON5 knows \\n \\t \\\" \\uXXXX",
        ),
        ErrorCode::LeadingZero => error(
            start,
            "a number may not begin with 0".into(),
            "write it without the zero, or as `0x…` for hexadecimal",
        ),
        ErrorCode::OverflowParsingNumber => error(start, "this number is too large".into(), "write a smaller one"),
        ErrorCode::TrailingCharacters => error(
            start,
            "there is text after the end of the configuration".into(),
            "remove it, or a closing brace before it",
        ),
        ErrorCode::ExpectedComment => {
            error(at, "a lone `/` has no meaning here".into(), "comments are `// …` or `/* … */`")
        }
        ErrorCode::EofParsingArray
        | ErrorCode::EofParsingObject
        | ErrorCode::EofParsingValue
        | ErrorCode::EofParsingIdentifier
        | ErrorCode::EofParsingBool
        | ErrorCode::EofParsingNull
        | ErrorCode::EofParsingNumber => match brackets.unclosed {
            Some((at, '{')) => error(at, "this brace is not closed".into(), "write `}` where the object ends"),
            Some((at, _)) => error(at, "this bracket is not closed".into(), "write `]` where the list ends"),
            None => error(start, "the file ends in the middle of a value".into(), "write the rest of it"),
        },
        ErrorCode::ExpectedColon => error(start, "a colon is missing after the key".into(), "write `key: value`"),
        ErrorCode::ExpectedClosingBrace | ErrorCode::ExpectedClosingBracket | ErrorCode::ExpectedComma => {
            after_a_value(start, token, code)
        }
        ErrorCode::ExpectedIdentifier | ErrorCode::InvalidKey | ErrorCode::ExpectedOpeningBrace => a_key(start, token),
        ErrorCode::ExpectedBool
        | ErrorCode::ExpectedNull
        | ErrorCode::ExpectedNumber
        | ErrorCode::ExpectedOpeningBracket
        | ErrorCode::ExpectedString
        | ErrorCode::ExpectedStringOrObject
        | ErrorCode::ExpectedValue => a_value(text, start, token),
    }
}

fn unclosed_text(at: usize) -> SyntaxError {
    error(at, "this text is not closed".into(), "write the closing quote on the same line")
}

/// Neither a comma nor the end follows a value.
fn after_a_value(at: usize, token: Option<Token<'_>>, code: ErrorCode) -> SyntaxError {
    let close = if code == ErrorCode::ExpectedClosingBracket { ']' } else { '}' };
    match token {
        Some(Token { kind: TokenKind::Close(found), .. }) => error(
            at,
            format!("`{found}` closes what was opened by its counterpart of the other kind"),
            &format!("write `{close}`"),
        ),
        Some(Token { kind: TokenKind::Comma, .. }) => error(at, "there is a comma too many".into(), "remove it"),
        Some(Token { kind: TokenKind::Colon, .. }) => {
            error(at, "a colon has no meaning here".into(), "write text that contains a colon in quotes")
        }
        _ => error(at, "a comma is missing before this".into(), "write `,` after the value before it"),
    }
}

fn a_key(at: usize, token: Option<Token<'_>>) -> SyntaxError {
    match token {
        Some(Token { kind: TokenKind::Comma, .. }) => error(at, "there is a comma too many".into(), "remove it"),
        Some(Token { kind: TokenKind::Open('{'), .. }) => error(
            at,
            "a key must stand here, not a brace".into(),
            "write `key: {` (is a `{{` of a template left over?)",
        ),
        _ => error(
            at,
            "this is not a key".into(),
            "write keys with other characters than letters, digits, `_` and `$` in quotes",
        ),
    }
}

fn a_value(text: &str, at: usize, token: Option<Token<'_>>) -> SyntaxError {
    match token {
        Some(Token { kind: TokenKind::Comma, .. }) => {
            error(at, "there is a comma where a value must stand".into(), "write the value, or remove the comma")
        }
        Some(Token { kind: TokenKind::Close(_), .. }) => error(at, "a value is missing before this".into(), "write it"),
        Some(Token { kind: TokenKind::Word, .. }) => {
            // `consul:8500` is one text for a person and three tokens for us.
            let rest = text.get(at..).unwrap_or_default();
            let end = rest.find(|c: char| c.is_whitespace() || ",{}[]\"'".contains(c)).unwrap_or(rest.len());
            let words = rest.get(..end.min(60)).unwrap_or_default();
            // What is masked in the line is not to stand below it.
            let words = if mask(text).contains(words) { words } else { "..." };
            error(at, "text must stand in quotes".into(), &format!("write \"{words}\""))
        }
        _ => error(
            at,
            "a value must stand here".into(),
            "write text in quotes, a number, true, false, null, [...] or {...}",
        ),
    }
}

/// Byte offset of the crate's position, whose lines and columns count from 0 and whose lines end as in JSON5.
fn offset(text: &str, wanted: json5::Position) -> usize {
    let (mut line, mut column) = (0, 0);
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        if (line, column) >= (wanted.line, wanted.column) {
            return at;
        }
        if matches!(c, '\n' | '\r' | '\u{2028}' | '\u{2029}') {
            if c == '\r' {
                characters.next_if(|(_, c)| *c == '\n');
            }
            line += 1;
            column = 0;
        } else {
            column += 1;
        }
    }
    text.len()
}
