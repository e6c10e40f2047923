//! Go's `fmt`: how values print, and the verbs of `printf`. A verb that does not fit its value is not an error in Go:
//! the output then says `%!verb(type=value)`.

use super::bounds::{Output, WIDTH};
use super::error::Cause;
use super::escape;
use super::float::{self, Form};
use super::value::Value;
use std::rc::Rc;

/// The value as `{{ . }}`, `print` and `%v` show it.
pub(super) fn value(out: &mut Output, value: &Value<'_>) -> Result<(), Cause> {
    Spec::default().value(out, 'v', value)
}

/// A blank between two operands when neither is a text.
pub(super) fn print(out: &mut Output, values: &[Value<'_>]) -> Result<(), Cause> {
    let mut after_text = true;
    for each in values {
        let is_text = matches!(each, Value::Text(_));
        if !is_text && !after_text {
            out.push(" ")?;
        }
        value(out, each)?;
        after_text = is_text;
    }
    Ok(())
}

/// A blank between all operands and a line feed.
pub(super) fn println(out: &mut Output, values: &[Value<'_>]) -> Result<(), Cause> {
    for (i, each) in values.iter().enumerate() {
        if i > 0 {
            out.push(" ")?;
        }
        value(out, each)?;
    }
    out.push("\n")
}

/// What `html`, `js` and `urlquery` escape.
pub(super) fn joined(values: &[Value<'_>]) -> Result<Rc<str>, Cause> {
    if let [Value::Text(text)] = values {
        return Ok(text.clone());
    }
    let shown: Vec<_> = values
        .iter()
        .map(|value| if matches!(value, Value::Nil) { Value::text("<no value>") } else { value.clone() })
        .collect();
    let mut out = Output::default();
    print(&mut out, &shown)?;
    Ok(Rc::from(out.into_string()))
}

/// `printf FORMAT VALUE…`
pub(super) fn printf(out: &mut Output, format: &str, values: &[Value<'_>]) -> Result<(), Cause> {
    let mut scan = Scan { rest: format, values, next: 0, reordered: false, bad_index: false };
    while let Some((text, after)) = scan.rest.split_once('%') {
        out.push(text)?;
        scan.rest = after;
        scan.verb(out)?;
    }
    out.push(scan.rest)?;
    let extra = values.get(scan.next..).unwrap_or(&[]);
    if scan.reordered || extra.is_empty() {
        return Ok(());
    }
    out.push("%!(EXTRA ")?;
    for (i, each) in extra.iter().enumerate() {
        if i > 0 {
            out.push(", ")?;
        }
        Spec::default().typed(out, each)?;
    }
    out.push(")")
}

/// A format on its way through its verbs.
struct Scan<'a, 'e> {
    rest: &'a str,
    values: &'a [Value<'e>],
    next: usize,
    /// `%[2]d` was used: then Go does not complain about values that were not.
    reordered: bool,
    bad_index: bool,
}

impl Scan<'_, '_> {
    /// One verb; its `%` is consumed already.
    fn verb(&mut self, out: &mut Output) -> Result<(), Cause> {
        let mut spec = Spec::default();
        while let Some(flag) = self.rest.chars().next().filter(|c| matches!(c, '#' | '0' | '+' | '-' | ' ')) {
            match flag {
                '#' => spec.sharp = true,
                '0' => spec.zero = !spec.minus,
                '+' => spec.plus = true,
                '-' => spec.minus = true,
                _ => spec.space = true,
            }
            spec.zero &= !spec.minus;
            self.rest = self.rest.get(1..).unwrap_or("");
        }
        self.bad_index = false;
        let indexed = self.index();
        if self.eat('*') {
            spec.width = self.star(out, "%!(BADWIDTH)")?.map(|width| {
                spec.minus |= width < 0;
                spec.zero &= width >= 0;
                usize::try_from(width.unsigned_abs()).unwrap_or(WIDTH)
            });
        } else {
            spec.width = self.number()?;
            self.bad_index |= indexed && spec.width.is_some();
        }
        if self.eat('.') {
            self.bad_index |= indexed && spec.width.is_none();
            self.index();
            spec.precision = if self.eat('*') {
                self.star(out, "%!(BADPREC)")?.and_then(|precision| usize::try_from(precision).ok())
            } else {
                Some(self.number()?.unwrap_or(0))
            };
        }
        self.index();
        let Some(verb) = self.rest.chars().next() else { return out.push("%!(NOVERB)") };
        self.eat(verb);
        match self.values.get(self.next) {
            _ if verb == '%' => out.push("%"),
            _ if self.bad_index => out.push(&format!("%!{verb}(BADINDEX)")),
            None => out.push(&format!("%!{verb}(MISSING)")),
            Some(value) => {
                self.next += 1;
                if verb == 'v' {
                    (spec.go_syntax, spec.sharp, spec.plus) = (spec.sharp, false, false);
                }
                spec.value(out, verb, value)
            }
        }
    }

    fn eat(&mut self, c: char) -> bool {
        let rest = self.rest.strip_prefix(c);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// `[2]`: take the second value next.
    fn index(&mut self) -> bool {
        let Some(inside) = self.rest.strip_prefix('[') else { return false };
        self.reordered = true;
        let (number, after) = inside.split_once(']').unwrap_or(("", inside));
        self.rest = after;
        match number.parse::<usize>().ok().and_then(|number| number.checked_sub(1)) {
            Some(index) if index < self.values.len() => self.next = index,
            Some(_) | None => self.bad_index = true,
        }
        true
    }

    fn number(&mut self) -> Result<Option<usize>, Cause> {
        let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at_checked(end).unwrap_or(("", self.rest));
        self.rest = rest;
        if digits.is_empty() {
            return Ok(None);
        }
        digits.parse().ok().filter(|number| *number <= WIDTH).map(Some).ok_or_else(too_wide)
    }

    /// `*`: the number is the next value.
    fn star(&mut self, out: &mut Output, bad: &str) -> Result<Option<i64>, Cause> {
        let value = self.values.get(self.next);
        self.next = (self.next + 1).min(self.values.len());
        match value {
            Some(Value::Int(number)) if number.unsigned_abs() <= WIDTH as u64 => Ok(Some(*number)),
            Some(Value::Int(_)) => Err(too_wide()),
            Some(_) | None => out.push(bad).map(|()| None),
        }
    }
}

fn too_wide() -> Cause {
    Cause::new(format!("a width or precision in `printf` is larger than {WIDTH}"))
}

/// The flags of one verb.
#[derive(Clone, Copy, Default)]
struct Spec {
    plus: bool,
    minus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    /// `%#v`
    go_syntax: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

impl Spec {
    fn value(self, out: &mut Output, verb: char, value: &Value<'_>) -> Result<(), Cause> {
        if verb == 'T' {
            return self.pad(out, value.type_name());
        }
        match value {
            Value::Nil if verb == 'v' => self.pad(out, "<nil>"),
            Value::Nil => out.push(&format!("%!{verb}(<nil>)")),
            Value::Bool(is_true) if matches!(verb, 'v' | 't') => self.pad(out, if *is_true { "true" } else { "false" }),
            Value::Int(int) => self.int(out, verb, *int),
            Value::Float(float) => self.float(out, verb, *float),
            Value::Text(text) => self.text(out, verb, text),
            Value::Unset(_) => self.text(out, verb, ""),
            Value::Ints(ints) => self.list(out, verb, value, ints.iter().map(|int| Value::Int(*int))),
            Value::Texts(texts) => self.list(out, verb, value, texts.iter().map(|text| Value::Text(text.clone()))),
            Value::Env(env) => {
                let (open, between, close) = if self.go_syntax { ("{", ", ", "}") } else { ("[", " ", "]") };
                out.push(if self.go_syntax { value.type_name() } else { "map" })?;
                out.push(open)?;
                for (i, (name, value)) in env.iter().enumerate() {
                    out.push(if i > 0 { between } else { "" })?;
                    self.text(out, verb, name)?;
                    out.push(":")?;
                    self.text(out, verb, value)?;
                }
                out.push(close)
            }
            Value::Bool(_) => self.misfit(out, verb, value),
        }
    }

    fn list<'e>(
        self,
        out: &mut Output,
        verb: char,
        list: &Value<'_>,
        elements: impl Iterator<Item = Value<'e>>,
    ) -> Result<(), Cause> {
        let (open, between, close) = if self.go_syntax { ("{", ", ", "}") } else { ("[", " ", "]") };
        out.push(if self.go_syntax { list.type_name() } else { "" })?;
        out.push(open)?;
        for (i, element) in elements.enumerate() {
            out.push(if i > 0 { between } else { "" })?;
            self.value(out, verb, &element)?;
        }
        out.push(close)
    }

    /// `%!d(string=text)`
    fn misfit(self, out: &mut Output, verb: char, value: &Value<'_>) -> Result<(), Cause> {
        out.push(&format!("%!{verb}("))?;
        self.typed(out, value)?;
        out.push(")")
    }

    /// `string=text`
    fn typed(self, out: &mut Output, value: &Value<'_>) -> Result<(), Cause> {
        out.push(value.type_name())?;
        if matches!(value, Value::Nil) {
            return Ok(());
        }
        out.push("=")?;
        self.value(out, 'v', value)
    }

    fn text(self, out: &mut Output, verb: char, text: &str) -> Result<(), Cause> {
        let cut = |text| self.precision.map_or(text, |precision| truncated(text, precision));
        match verb {
            'v' if !self.go_syntax => self.pad(out, cut(text)),
            's' => self.pad(out, cut(text)),
            'v' | 'q' if self.sharp && !text.contains(['`', '\u{feff}']) && !text.contains(is_not_raw) => {
                self.pad(out, &format!("`{}`", cut(text)))
            }
            'v' | 'q' => {
                let mut quoted = Output::default();
                escape::quote(&mut quoted, cut(text), '"', self.plus)?;
                self.pad(out, &quoted.into_string())
            }
            'x' | 'X' => {
                let mut hex = Output::default();
                let prefix = if verb == 'x' { "0x" } else { "0X" };
                for (i, byte) in text.bytes().take(self.precision.unwrap_or(usize::MAX)).enumerate() {
                    if self.space && i > 0 {
                        hex.push(" ")?;
                    }
                    if self.sharp && (self.space || i == 0) {
                        hex.push(prefix)?;
                    }
                    hex.push(&if verb == 'x' { format!("{byte:02x}") } else { format!("{byte:02X}") })?;
                }
                self.pad(out, &hex.into_string())
            }
            _ => self.misfit(out, verb, &Value::text(text)),
        }
    }

    fn int(self, out: &mut Output, verb: char, int: i64) -> Result<(), Cause> {
        let character = || u32::try_from(int).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER);
        let magnitude = int.unsigned_abs();
        match verb {
            'v' | 'd' => self.digits(out, int, "", &magnitude.to_string()),
            'b' => self.digits(out, int, "", &format!("{magnitude:b}")),
            'o' => {
                let digits = format!("{magnitude:o}");
                self.digits(out, int, if self.sharp && int != 0 { "0" } else { "" }, &digits)
            }
            'x' => self.digits(out, int, if self.sharp { "0x" } else { "" }, &format!("{magnitude:x}")),
            'X' => self.digits(out, int, if self.sharp { "0X" } else { "" }, &format!("{magnitude:X}")),
            'c' => self.pad(out, character().encode_utf8(&mut [0; 4])),
            'q' => {
                let mut quoted = Output::default();
                escape::quote(&mut quoted, character().encode_utf8(&mut [0; 4]), '\'', self.plus)?;
                self.pad(out, &quoted.into_string())
            }
            'U' => Spec { zero: false, ..self }.pad(out, &format!("U+{int:04X}")),
            _ => self.misfit(out, verb, &Value::Int(int)),
        }
    }

    /// Sign, prefix and digits; zeros fill up to the precision or, with the flag `0`, to the width.
    fn digits(self, out: &mut Output, int: i64, prefix: &str, digits: &str) -> Result<(), Cause> {
        let sign = self.sign(int < 0);
        let zeros = match (self.precision, self.width) {
            (Some(precision), _) => precision,
            (None, Some(width)) if self.zero => width.saturating_sub(sign.len()),
            (None, _) => 0,
        };
        let digits = if self.precision == Some(0) && int == 0 { "" } else { digits };
        let number = if digits.is_empty() { String::new() } else { format!("{sign}{prefix}{digits:0>zeros$}") };
        Spec { zero: false, ..self }.pad(out, &number)
    }

    fn float(self, out: &mut Output, verb: char, float: f64) -> Result<(), Cause> {
        let (form, precision) = match verb {
            'v' | 'g' | 'G' => (Form::General, self.precision),
            'e' | 'E' => (Form::Exponent, Some(self.precision.unwrap_or(6))),
            'f' | 'F' => (Form::Point, Some(self.precision.unwrap_or(6))),
            _ => return self.misfit(out, verb, &Value::Float(float)),
        };
        let number = float::format(float, form, precision);
        let number = if matches!(verb, 'E' | 'G') { number.replace('e', "E") } else { number };
        let (is_negative, unsigned) = match number.strip_prefix('-') {
            Some(unsigned) => (true, unsigned),
            None => (false, number.strip_prefix('+').unwrap_or(&number)),
        };
        // Go shows the plus of infinity even without the flag.
        let plus = self.plus || (float.is_infinite() && !self.space);
        let sign = Spec { plus, ..self }.sign(is_negative);
        match self.width {
            Some(width) if self.zero && float.is_finite() => {
                let zeros = width.saturating_sub(sign.len());
                out.push(&format!("{sign}{unsigned:0>zeros$}"))
            }
            Some(_) | None => Spec { zero: false, ..self }.pad(out, &format!("{sign}{unsigned}")),
        }
    }

    fn sign(self, is_negative: bool) -> &'static str {
        match (is_negative, self.plus, self.space) {
            (true, ..) => "-",
            (false, true, _) => "+",
            (false, false, true) => " ",
            (false, false, false) => "",
        }
    }

    /// The text, filled up to the width with blanks, or with the flag `0` with zeros (in Go texts, too).
    fn pad(self, out: &mut Output, text: &str) -> Result<(), Cause> {
        let width = self.width.unwrap_or(0);
        let missing = if width == 0 { 0 } else { width.saturating_sub(text.chars().count()) };
        let fill = if self.zero { "0" } else { " " }.repeat(missing);
        let (before, after) = if self.minus { ("", fill.as_str()) } else { (fill.as_str(), "") };
        out.push(before)?;
        out.push(text)?;
        out.push(after)
    }
}

/// The first `count` characters.
fn truncated(text: &str, count: usize) -> &str {
    text.char_indices().nth(count).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

/// Controls but the tab cannot stand in back quotes.
fn is_not_raw(c: char) -> bool {
    c != '\t' && c.is_ascii_control()
}
