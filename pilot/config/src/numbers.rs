//! Numbers and claims in text, as Go 1.9 reads them (v3 spec 2.3).

use super::value::{Kind, Value};

/// A whole number: numbers are truncated, booleans are 1 and 0, text is read like a number in Go.
pub(super) fn whole(value: &Value) -> Option<i64> {
    match &value.kind {
        // 2^63 is the first float that does not fit.
        Kind::Number(number) if number.abs() < 9_223_372_036_854_775_808.0 => Some(number.trunc() as i64),
        Kind::Bool(value) => Some(i64::from(*value)),
        Kind::Text(text) => go_integer(text),
        Kind::Null | Kind::Number(_) | Kind::List(_) | Kind::Object(_) => None,
    }
}

/// Go 1.9's `ParseInt` with base 0: a leading `0x` is hexadecimal, another leading `0` octal.
fn go_integer(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits) = match digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        Some(digits) => (16, digits),
        None if digits.starts_with('0') && digits.len() > 1 => (8, digits),
        None => (10, digits),
    };
    // Another sign after ours is no digit.
    if !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    let number = i128::from_str_radix(digits, radix).ok()?;
    i64::try_from(if negative { -number } else { number }).ok()
}

/// Go's `ParseBool`.
pub(super) fn go_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_read_weakly() {
        for (text, number) in [
            ("8080", Some(8080)),
            ("+5", Some(5)),
            ("-0x1F", Some(-31)),
            ("0X1f", Some(31)),
            ("010", Some(8)),
            ("0", Some(0)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("08", None),
            ("0x", None),
            ("", None),
            ("-", None),
            ("--1", None),
            ("1_000", None),
            ("1.0", None),
            (" 1", None),
        ] {
            assert_eq!(go_integer(text), number, "{text}");
        }
        let of = |kind| whole(&Value { at: 0, kind, rendered: false });
        for (number, read) in [(1.9, Some(1)), (-1.9, Some(-1)), (f64::NAN, None), (f64::INFINITY, None), (1e300, None)]
        {
            assert_eq!(of(Kind::Number(number)), read);
        }
        assert_eq!((of(Kind::Bool(true)), of(Kind::Null), of(Kind::List(Vec::new()))), (Some(1), None, None));
    }
}
