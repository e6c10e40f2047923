//! Go's constants as they are written: `"text"`, `'c'`, `0x1F`, `010`, `1.5e3`.

use super::error::Cause;
use super::node::Term;

/// The text of a quoted string, given with its quotes.
pub(super) fn text(quoted: &str) -> Result<String, Cause> {
    let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or("");
    // Bytes, because `\xc3\xa9` is one character.
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((piece, after)) = unescape(rest, '"') {
        match piece {
            Piece::Char(c) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            Piece::Byte(byte) => bytes.push(byte),
            Piece::Bad => return Err(bad_escape()),
        }
        rest = after;
    }
    String::from_utf8(bytes).map_err(|_| Cause::new("the text's \\x escapes are not valid UTF-8"))
}

/// The code point of a character constant, given with its quotes.
pub(super) fn character(quoted: &str) -> Result<i64, Cause> {
    let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or("");
    match unescape(inner, '\'') {
        Some((Piece::Char(c), "")) => Ok(i64::from(u32::from(c))),
        Some((Piece::Byte(byte), "")) => Ok(i64::from(byte)),
        Some((Piece::Bad, _)) => Err(bad_escape()),
        Some(_) | None => Err(Cause::new("a character constant holds exactly one character").hint("text takes \"")),
    }
}

fn bad_escape() -> Cause {
    Cause::new("unknown escape in a quoted text").hint("a backslash is written \\\\; `back quotes` need no escapes")
}

enum Piece {
    Char(char),
    Byte(u8),
    Bad,
}

/// The next character of a quoted text, escapes resolved, and what follows it.
fn unescape(text: &str, quote: char) -> Option<(Piece, &str)> {
    let mut chars = text.chars();
    let first = chars.next()?;
    if first != '\\' {
        return Some((Piece::Char(first), chars.as_str()));
    }
    let mut number = |kind: char, digits: usize, radix: u32| {
        // An octal escape has no letter before its digits.
        let digits_start = if kind == 'o' { text.get(1..) } else { text.get(2..) };
        let (digits, after) = digits_start?.split_at_checked(digits)?;
        chars = after.chars();
        u32::from_str_radix(digits, radix).ok().filter(|_| !digits.starts_with('+'))
    };
    let as_byte = |code: Option<u32>| code.and_then(|code| u8::try_from(code).ok()).map_or(Piece::Bad, Piece::Byte);
    let as_char = |code: Option<u32>| code.and_then(char::from_u32).map_or(Piece::Bad, Piece::Char);
    let escape = text.chars().nth(1);
    let piece = match escape {
        Some('x') => as_byte(number('x', 2, 16)),
        Some('u') => as_char(number('u', 4, 16)),
        Some('U') => as_char(number('U', 8, 16)),
        Some('0'..='7') => as_byte(number('o', 3, 8)),
        Some(c) => {
            chars.next();
            match c {
                'a' => Piece::Char('\x07'),
                'b' => Piece::Char('\x08'),
                'f' => Piece::Char('\x0c'),
                'n' => Piece::Char('\n'),
                'r' => Piece::Char('\r'),
                't' => Piece::Char('\t'),
                'v' => Piece::Char('\x0b'),
                '\\' => Piece::Char('\\'),
                c if c == quote => Piece::Char(c),
                _ => Piece::Bad,
            }
        }
        None => Piece::Bad,
    };
    Some((piece, chars.as_str()))
}

/// A number: an integer in Go's base-0 syntax, or a float when it has a point or an exponent.
pub(super) fn number<'t>(text: &str) -> Result<Term<'t>, Cause> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let hex = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X"));
    let bad = || Cause::new(format!("bad number `{text}`"));
    if hex.is_none() && unsigned.contains(['.', 'e', 'E']) {
        // Rust also reads words such as `infinity`.
        let digits = unsigned.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'));
        let float = text.parse::<f64>().ok().filter(|float| digits && float.is_finite()).ok_or_else(bad)?;
        return Ok(Term::Float(float));
    }
    let (digits, radix) = match hex {
        Some(digits) => (digits, 16),
        None if unsigned.len() > 1 && unsigned.starts_with('0') => (unsigned, 8),
        None => (unsigned, 10),
    };
    // `from_str_radix` would take a second sign.
    let magnitude = i128::from_str_radix(digits, radix).ok().filter(|_| !digits.starts_with(['+', '-']));
    let signed = magnitude.map(|magnitude| if text.starts_with('-') { -magnitude } else { magnitude });
    match signed.map(i64::try_from) {
        Some(Ok(integer)) => Ok(Term::Int(integer)),
        Some(Err(_)) => Err(Cause::new(format!("`{text}` does not fit 64 bits"))),
        None => Err(bad()),
    }
}
