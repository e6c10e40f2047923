//! The three layouts of a line, v3 spec 4.2. Knows no thread, pipe or clock.
//!
//! All that is the same for the lines of one writer at one instant is built once, as a [`Frame`]; a line is then the
//! frame's two ends with the message between them.

use std::io::Write;
use std::sync::LazyLock;
use std::time::SystemTime;

use tz::TimeZone;

use super::time::{self, Precision};
use pilot_core::plan::{Level, LogFormat};

/// How lines look.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) format: LogFormat,
    /// Found out when the first line is written: a start without a line need not wait for it.
    pub(super) zone: LazyLock<TimeZone>,
}

/// A field of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) key: String,
    pub(super) value: Value,
}

/// The value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Quoted and escaped as the format asks.
    Text(String),
    /// A number or a truth value, written as it is in every format.
    Bare(String),
}

/// What stands before and after each message.
#[derive(Debug)]
pub(super) struct Frame {
    format: LogFormat,
    before: Vec<u8>,
    after: Vec<u8>,
}

impl Layout {
    /// The frame for lines with these fields, which must be sorted by key.
    pub(super) fn frame(&self, now: SystemTime, level: Level, fields: &[Field]) -> Frame {
        self.frame_in(self.format, now, level, fields)
    }

    /// The same in this format.
    pub(super) fn frame_in(&self, format: LogFormat, now: SystemTime, level: Level, fields: &[Field]) -> Frame {
        let (mut before, mut after) = (Vec::new(), Vec::new());
        match format {
            LogFormat::Default => {
                time::put(&mut before, now, &self.zone, Precision::Nanoseconds);
                for shown in ["job", "pid", "partial"] {
                    if let Some(field) = fields.iter().find(|field| field.key == shown) {
                        let text = match &field.value {
                            _ if shown == "partial" => "[partial]",
                            Value::Text(text) | Value::Bare(text) => text,
                        };
                        before.push(b' ');
                        put_printable(&mut before, text.as_bytes());
                    }
                }
                before.push(b' ');
            }
            LogFormat::Text => {
                before.extend_from_slice(b"time=\"");
                time::put(&mut before, now, &self.zone, Precision::Seconds);
                before.extend_from_slice(b"\" level=");
                before.extend_from_slice(word(level).as_bytes());
                before.push(b' ');
                for field in fields {
                    after.extend_from_slice(field.key.as_bytes());
                    after.push(b'=');
                    match &field.value {
                        Value::Text(text) => put_text_value(&mut after, text.as_bytes()),
                        Value::Bare(text) => after.extend_from_slice(text.as_bytes()),
                    }
                    after.push(b' ');
                }
            }
            LogFormat::Json => {
                let mut time = Vec::new();
                time::put(&mut time, now, &self.zone, Precision::Nanoseconds);
                let level = Value::Text(word(level).to_owned());
                let time = Value::Text(String::from_utf8_lossy(&time).into_owned());
                let fixed = [("level", &level), ("time", &time)];
                let given = fields.iter().map(|field| (field.key.as_str(), &field.value));
                let mut all: Vec<(&str, &Value)> = given.chain(fixed).collect();
                all.sort_by_key(|(key, _)| *key);
                before.push(b'{');
                for (key, value) in all.iter().filter(|(key, _)| *key < "msg") {
                    put_json_member(&mut before, key, value);
                    before.push(b',');
                }
                before.extend_from_slice(b"\"msg\":\"");
                after.push(b'"');
                for (key, value) in all.iter().filter(|(key, _)| *key > "msg") {
                    after.push(b',');
                    put_json_member(&mut after, key, value);
                }
                after.push(b'}');
            }
        }
        after.push(b'\n');
        Frame { format, before, after }
    }
}

impl Frame {
    /// Appends one line with a message of pilot's own, which may quote anybody: in every format it stays one line.
    pub(super) fn put_own(&self, out: &mut Vec<u8>, message: &[u8]) {
        match self.format {
            LogFormat::Default => {
                out.extend_from_slice(&self.before);
                put_printable(out, message);
                out.extend_from_slice(&self.after);
            }
            LogFormat::Text | LogFormat::Json => self.put(out, message),
        }
    }

    /// Appends one line with this message, which has no line end in it. In v3's default format it stands there as it is.
    pub(super) fn put(&self, out: &mut Vec<u8>, message: &[u8]) {
        out.extend_from_slice(&self.before);
        match self.format {
            LogFormat::Default => out.extend_from_slice(message),
            LogFormat::Text if message.is_empty() => {}
            LogFormat::Text => {
                out.extend_from_slice(b"msg=");
                put_text_value(out, message);
                out.push(b' ');
            }
            LogFormat::Json => put_json_text(out, message),
        }
        out.extend_from_slice(&self.after);
    }
}

/// v3's word for a level.
fn word(level: Level) -> &'static str {
    match level {
        Level::Panic => "panic",
        Level::Fatal => "fatal",
        Level::Error => "error",
        Level::Warn => "warning",
        Level::Info => "info",
        Level::Debug => "debug",
    }
}

/// v3 did not escape quotes inside quotes (its defect 17); we do, and so also the backslash, and whatever would end the line
/// or speak to a terminal.
fn put_text_value(out: &mut Vec<u8>, value: &[u8]) {
    if value.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')) {
        out.extend_from_slice(value);
        return;
    }
    out.push(b'"');
    put_escaped(out, value, &TEXT_PLAIN, put_text_escape);
    out.push(b'"');
}

/// Text that may come from outside, in a line without quotes: a newline in it does not make a second line.
fn put_printable(out: &mut Vec<u8>, text: &[u8]) {
    put_escaped(out, text, &PRINTABLE, put_text_escape);
}

/// Writes one character that may need an escape, as Go's `%q` does, and says how many bytes it took. Control characters of
/// C0 and C1, the line separators and what turns the writing direction are escaped.
fn put_text_escape(out: &mut Vec<u8>, byte: u8, rest: &[u8]) -> usize {
    let escape = |out: &mut Vec<u8>, text: std::fmt::Arguments<'_>| {
        // Writing to a Vec cannot fail.
        let _ = out.write_fmt(text);
    };
    match (byte, rest) {
        (b'"' | b'\\', _) => out.extend_from_slice(&[b'\\', byte]),
        (b'\n', _) => out.extend_from_slice(b"\\n"),
        (b'\r', _) => out.extend_from_slice(b"\\r"),
        (b'\t', _) => out.extend_from_slice(b"\\t"),
        (0xc2, [last @ 0x80..=0x9f, ..]) => {
            escape(out, format_args!("\\u00{last:02x}"));
            return 2;
        }
        // U+2028 to U+202E.
        (0xe2, [0x80, last @ 0xa8..=0xae, ..]) => {
            escape(out, format_args!("\\u20{:02x}", last - 0x80));
            return 3;
        }
        (0xc2 | 0xe2, _) => out.push(byte),
        _ => escape(out, format_args!("\\x{byte:02x}")),
    }
    1
}

fn put_json_member(out: &mut Vec<u8>, key: &str, value: &Value) {
    out.push(b'"');
    put_json_text(out, key.as_bytes());
    out.extend_from_slice(b"\":");
    match value {
        Value::Text(text) => {
            out.push(b'"');
            put_json_text(out, text.as_bytes());
            out.push(b'"');
        }
        Value::Bare(text) => out.extend_from_slice(text.as_bytes()),
    }
}

/// As Go's encoding/json writes it: `<`, `>`, `&` and the two line separators escaped, bad UTF-8 as U+FFFD byte by byte.
fn put_json_text(out: &mut Vec<u8>, text: &[u8]) {
    // Checking all at once is several times faster than looking for the bad parts.
    if std::str::from_utf8(text).is_ok() {
        put_escaped(out, text, &JSON_PLAIN, put_json_escape);
        return;
    }
    for chunk in text.utf8_chunks() {
        put_escaped(out, chunk.valid().as_bytes(), &JSON_PLAIN, put_json_escape);
        for _ in chunk.invalid() {
            out.extend_from_slice(b"\\ufffd");
        }
    }
}

/// Writes one character that may need an escape and says how many bytes it took.
fn put_json_escape(out: &mut Vec<u8>, byte: u8, rest: &[u8]) -> usize {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    match (byte, rest) {
        (b'"' | b'\\', _) => out.extend_from_slice(&[b'\\', byte]),
        (b'\n', _) => out.extend_from_slice(b"\\n"),
        (b'\r', _) => out.extend_from_slice(b"\\r"),
        (b'\t', _) => out.extend_from_slice(b"\\t"),
        (0xe2, [0x80, last @ (0xa8 | 0xa9), ..]) => {
            out.extend_from_slice(if *last == 0xa8 { b"\\u2028" } else { b"\\u2029" });
            return 3;
        }
        (0xe2, _) => out.push(byte),
        _ => {
            let digits = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digits[0], digits[1]]);
        }
    }
    1
}

/// Copies stretches of plain bytes whole; `escape` writes what is at a byte that is not plain.
fn put_escaped(out: &mut Vec<u8>, text: &[u8], plain: &[bool; 256], escape: impl Fn(&mut Vec<u8>, u8, &[u8]) -> usize) {
    let mut left = text;
    while let Some(at) = left.iter().position(|byte| !plain[usize::from(*byte)]) {
        let (stretch, special) = left.split_at(at);
        out.extend_from_slice(stretch);
        let Some((first, rest)) = special.split_first() else { break };
        let taken = escape(out, *first, rest);
        left = special.get(taken..).unwrap_or_default();
    }
    out.extend_from_slice(left);
}

/// Bytes that need no look: no control characters, and no first byte of one or of a line separator.
const PRINTABLE: [bool; 256] = {
    let mut plain = [true; 256];
    let mut control = 0;
    while control < 0x20 {
        plain[control] = false;
        control += 1;
    }
    plain[0x7f] = false;
    plain[0xc2] = false;
    plain[0xe2] = false;
    plain
};

const TEXT_PLAIN: [bool; 256] = {
    let mut plain = PRINTABLE;
    plain[b'"' as usize] = false;
    plain[b'\\' as usize] = false;
    plain
};

const JSON_PLAIN: [bool; 256] = {
    let mut plain = [true; 256];
    let mut control = 0;
    while control < 0x20 {
        plain[control] = false;
        control += 1;
    }
    plain[b'"' as usize] = false;
    plain[b'\\' as usize] = false;
    plain[b'<' as usize] = false;
    plain[b'>' as usize] = false;
    plain[b'&' as usize] = false;
    plain[0xe2] = false;
    plain
};
