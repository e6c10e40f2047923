//! The tokens of a JSON5 text, each with its place: brackets, colons, commas, quoted texts and bare words.
//!
//! Tolerant: it never fails, so that it can also look at a text that is not valid (to find an unclosed bracket, to mask
//! a secret). Whether the text is valid JSON5 is for the `json5` crate to say.

/// A kind of token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `{` or `[`
    Open(char),
    /// `}` or `]`
    Close(char),
    /// `:`
    Colon,
    /// `,`
    Comma,
    /// Text in single or double quotes.
    Quoted,
    /// Anything else: a number, a literal, a key without quotes.
    Word,
}

/// A token and the bytes it stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub kind: Kind,
    /// Byte offset of its first character.
    pub at: usize,
    /// The token as written, with its quotes.
    pub text: &'a str,
}

/// Tokens of `text`, from the first to the last.
pub(super) fn tokens(text: &str) -> Tokens<'_> {
    Tokens { text, at: 0 }
}

/// Iterator of [`tokens`].
#[derive(Clone, Debug)]
pub(super) struct Tokens<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip_blank();
        let rest = self.text.get(self.at..)?;
        let first = rest.chars().next()?;
        let (kind, length) = match first {
            '{' | '[' => (Kind::Open(first), 1),
            '}' | ']' => (Kind::Close(first), 1),
            ':' => (Kind::Colon, 1),
            ',' => (Kind::Comma, 1),
            '"' | '\'' => (Kind::Quoted, quoted_length(rest, first)),
            // A lone `/` begins a word, so that every step moves on.
            _ => (Kind::Word, first.len_utf8() + word_length(rest.get(first.len_utf8()..)?)),
        };
        let token = Token { kind, at: self.at, text: rest.get(..length)? };
        self.at += length;
        Some(token)
    }
}

impl Tokens<'_> {
    /// Moves over white space and comments.
    fn skip_blank(&mut self) {
        while let Some(rest) = self.text.get(self.at..) {
            let blank = rest.len() - rest.trim_start_matches(is_blank).len();
            let length = if blank > 0 {
                blank
            } else if rest.starts_with("//") {
                rest.find(ends_line).unwrap_or(rest.len())
            } else if let Some(comment) = rest.strip_prefix("/*") {
                comment.find("*/").map_or(rest.len(), |end| end + 4)
            } else {
                return;
            };
            if length == 0 {
                return;
            }
            self.at += length;
        }
    }
}

fn is_blank(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}

fn ends_line(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

/// Bytes up to and with the closing quote; up to the end of the line when there is none.
fn quoted_length(rest: &str, quote: char) -> usize {
    let mut characters = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        if c == quote {
            return at + 1;
        }
        if c == '\n' || c == '\r' {
            return at;
        }
        if c == '\\'
            && let Some((_, '\r')) = characters.next()
        {
            // A line continuation by CR LF is one escape.
            characters.next_if(|(_, c)| *c == '\n');
        }
    }
    rest.len()
}

fn word_length(rest: &str) -> usize {
    rest.find(|c: char| is_blank(c) || "{}[]:,\"'/".contains(c)).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        tokens(text).map(|token| token.text).collect()
    }

    #[test]
    fn a_text_is_cut_into_its_tokens() {
        assert_eq!(
            words("{a: [1, 'x\\'y', \"z{\"] /* { */, // [\n b:-0x1F}\r\n"),
            ["{", "a", ":", "[", "1", ",", "'x\\'y'", ",", "\"z{\"", "]", ",", "b", ":", "-0x1F", "}"]
        );
    }

    #[test]
    fn a_string_over_several_lines_is_one_token() {
        assert_eq!(words("'a\\\r\nb' c"), ["'a\\\r\nb'", "c"]);
        assert_eq!(words("'a\\\nb' c"), ["'a\\\nb'", "c"]);
    }

    #[test]
    fn what_is_not_closed_ends_with_the_line_or_the_text() {
        assert_eq!(words("'abc\nd"), ["'abc", "d"]);
        assert_eq!(words("a /* b"), ["a"]);
        assert_eq!(words("a / b \\"), ["a", "/", "b", "\\"]);
        assert_eq!(words("'a\\"), ["'a\\"]);
    }
}
