//! Why a text is not valid JSON5, in words for a person: the cause and the remedy, from the crate's error and the tokens
//! around it. Looks at text that is not valid, so it trusts nothing.

use std::ops::Range;

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
    /// The first closing bracket that does not fit, and the one that it would have to close.
    odd: Option<(usize, Option<(usize, char)>)>,
    /// Without that one all fit.
    one_too_many: bool,
}

impl Brackets {
    /// Looks at all of them.
    pub fn of(text: &str) -> Self {
        let mut open: Vec<(usize, char)> = Vec::new();
        let mut brackets = Brackets { too_deep: None, unclosed: None, odd: None, one_too_many: false };
        let mut fits = true;
        for token in tokens(text) {
            match token.kind {
                TokenKind::Open(bracket) => open.push((token.at, bracket)),
                TokenKind::Close(bracket) => match open.last() {
                    Some((_, opened)) if (*opened == '{') == (bracket == '}') => _ = open.pop(),
                    last if brackets.odd.is_none() => brackets.odd = Some((token.at, last.copied())),
                    _ => {
                        fits = false;
                        open.pop();
                    }
                },
                TokenKind::Colon | TokenKind::Comma | TokenKind::Quoted | TokenKind::Word => {}
            }
            if open.len() > DEEPEST {
                brackets.too_deep = Some(token.at);
                return brackets;
            }
        }
        brackets.one_too_many = brackets.odd.is_some() && fits && open.is_empty();
        brackets.unclosed = open.last().copied();
        brackets
    }

    /// What is wrong with the closing bracket `found` at this place.
    fn closing(&self, text: &str, at: usize, found: char) -> SyntaxError {
        let first = self.odd.filter(|(odd, _)| *odd == at);
        match first {
            Some(_) if self.one_too_many => error(at, format!("there is one `{found}` too many"), "remove it"),
            Some((_, Some((opened, bracket)))) => {
                let line = text.get(..opened).map_or(1, |before| before.matches('\n').count() + 1);
                let (what, close) = if bracket == '{' { ("object", '}') } else { ("list", ']') };
                let message = format!("`{found}` stands where the {what} that begins in line {line} is still open");
                error(at, message, &format!("write `{close}` first, or remove the `{found}`"))
            }
            Some((_, None)) | None => error(at, format!("there is one `{found}` too many"), "remove it"),
        }
    }
}

/// The crate's error in words for a person.
pub(super) fn explain(text: &str, failure: &json5::Error, brackets: &Brackets, values: &[Range<usize>]) -> SyntaxError {
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
    if let Some(found) = of_another_language(text, token) {
        return found;
    }
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
        ErrorCode::TrailingCharacters if matches!(token, Some(Token { kind: TokenKind::Close(_), .. })) => {
            brackets.closing(text, start, token.and_then(|token| token.text.chars().next()).unwrap_or('}'))
        }
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
            after_a_value(text, start, token, brackets)
        }
        ErrorCode::ExpectedIdentifier | ErrorCode::InvalidKey | ErrorCode::ExpectedOpeningBrace => a_key(start, token),
        ErrorCode::ExpectedBool
        | ErrorCode::ExpectedNull
        | ErrorCode::ExpectedNumber
        | ErrorCode::ExpectedOpeningBracket
        | ErrorCode::ExpectedString
        | ErrorCode::ExpectedStringOrObject
        | ErrorCode::ExpectedValue => a_value(text, start, token, values),
    }
}

fn unclosed_text(at: usize) -> SyntaxError {
    error(at, "this text is not closed".into(), "write the closing quote on the same line")
}

/// What belongs into files of another kind.
fn of_another_language(text: &str, token: Option<Token<'_>>) -> Option<SyntaxError> {
    if let Some(token) = token.filter(|token| token.text.starts_with('#')) {
        return Some(error(token.at, "`#` does not begin a comment here".into(), "write `// ...` or `/* ... */`"));
    }
    let mut first = tokens(text);
    let (one, two) = (first.next()?, first.next());
    let key = matches!(one.kind, TokenKind::Word | TokenKind::Quoted);
    if one.text.starts_with("---") || key && two.is_some_and(|two| two.kind == TokenKind::Colon) {
        let message =
            "the configuration must begin with a brace: this looks like YAML, or the outer braces are missing";
        return Some(error(
            one.at,
            message.into(),
            "pilot reads JSON5: { consul: \"...\", jobs: [{ name: \"...\" }] }",
        ));
    }
    None
}

/// Neither a comma nor the end follows a value.
fn after_a_value(text: &str, at: usize, token: Option<Token<'_>>, brackets: &Brackets) -> SyntaxError {
    let after_quote = || text.get(..at).is_some_and(|before| before.ends_with(['"', '\'']));
    match token {
        Some(Token { kind: TokenKind::Close(found), .. }) => brackets.closing(text, at, found),
        Some(Token { kind: TokenKind::Comma, .. }) => error(at, "there is a comma too many".into(), "remove it"),
        Some(Token { kind: TokenKind::Colon, .. }) => {
            error(at, "a colon has no meaning here".into(), "write text that contains a colon in quotes")
        }
        Some(Token { kind: TokenKind::Word, .. }) if after_quote() => error(
            at,
            "the text before this ends at its quote: one quote is missing in this line, or one is too many".into(),
            "write a quote around each text, and `\\\"` for one inside of it",
        ),
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

fn a_value(text: &str, at: usize, token: Option<Token<'_>>, values: &[Range<usize>]) -> SyntaxError {
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
            let rendered = values.iter().any(|value| value.start < at + words.len() && value.end > at);
            let words = if !rendered && mask(text).contains(words) { words } else { "..." };
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
