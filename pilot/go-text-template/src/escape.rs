//! Go's escapes: `html`, `js` and `urlquery`, and the quoting of `%q`.

use super::bounds::Output;
use super::error::Cause;

pub(super) fn html(out: &mut Output, text: &str) -> Result<(), Cause> {
    text.chars().try_for_each(|c| match c {
        '\0' => out.push("\u{fffd}"),
        '"' => out.push("&#34;"),
        '\'' => out.push("&#39;"),
        '&' => out.push("&amp;"),
        '<' => out.push("&lt;"),
        '>' => out.push("&gt;"),
        c => out.push_char(c),
    })
}

pub(super) fn js(out: &mut Output, text: &str) -> Result<(), Cause> {
    text.chars().try_for_each(|c| match c {
        '\\' => out.push("\\\\"),
        '\'' => out.push("\\'"),
        '"' => out.push("\\\""),
        '<' => out.push("\\x3C"),
        '>' => out.push("\\x3E"),
        c if is_printable(c) => out.push_char(c),
        c => out.push(&format!("\\u{:04X}", u32::from(c))),
    })
}

pub(super) fn urlquery(out: &mut Output, text: &str) -> Result<(), Cause> {
    text.bytes().try_for_each(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push_char(char::from(byte)),
        b' ' => out.push("+"),
        byte => out.push(&format!("%{byte:02X}")),
    })
}

/// Go's quoted form of a text, or with `'` of a character; `ascii` escapes everything else.
pub(super) fn quote(out: &mut Output, text: &str, quote: char, ascii: bool) -> Result<(), Cause> {
    out.push_char(quote)?;
    for c in text.chars() {
        match c {
            '\x07' => out.push("\\a")?,
            '\x08' => out.push("\\b")?,
            '\x0c' => out.push("\\f")?,
            '\n' => out.push("\\n")?,
            '\r' => out.push("\\r")?,
            '\t' => out.push("\\t")?,
            '\x0b' => out.push("\\v")?,
            '\\' => out.push("\\\\")?,
            c if c == quote => {
                out.push("\\")?;
                out.push_char(c)?;
            }
            c if is_printable(c) && (c.is_ascii() || !ascii) => out.push_char(c)?,
            c if c < ' ' => out.push(&format!("\\x{:02x}", u32::from(c)))?,
            c if c <= '\u{ffff}' => out.push(&format!("\\u{:04x}", u32::from(c)))?,
            c => out.push(&format!("\\U{:08x}", u32::from(c)))?,
        }
    }
    out.push_char(quote)
}

/// Near to Go's `unicode.IsPrint`: no controls, no white space but the blank, nothing invisible or private.
fn is_printable(c: char) -> bool {
    let invisible = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{e000}'..='\u{f8ff}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{f0000}'..);
    c == ' ' || !(c.is_control() || c.is_whitespace() || invisible)
}
