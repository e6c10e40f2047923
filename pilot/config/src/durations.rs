//! Durations as v3 writes them (v3 spec 2.3): a plain integer is seconds, anything else is Go's duration syntax.
//!
//! Values are signed nanoseconds in 64 bits, as in Go; what does not fit is a mistake.

use std::time::Duration;

/// Why a text is not a duration. Reads as the end of a sentence: "timeout …".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum DurationError {
    /// No number where one must be.
    #[error("is not a duration")]
    NotADuration,
    /// A number without unit that is not whole seconds.
    #[error("has a number without a unit")]
    NoUnit,
    /// A unit that does not exist.
    #[error("has the unknown unit {0:?}")]
    UnknownUnit(String),
    /// More than 292 years.
    #[error("is longer than 292 years")]
    TooLong,
}

const SECOND: i64 = 1_000_000_000;
/// The longest time that the configuration takes anywhere, in whole seconds: what v3 can hold, some 292 years.
pub(super) const LONGEST_SECONDS: i64 = i64::MAX / SECOND;

/// Nanoseconds of a duration: whole seconds without a unit, or Go syntax. Empty text is zero.
pub(super) fn parse(text: &str) -> Result<i64, DurationError> {
    if text.is_empty() {
        return Ok(0);
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        let seconds: i64 = text.parse().map_err(|_| DurationError::TooLong)?;
        return seconds.checked_mul(SECOND).ok_or(DurationError::TooLong);
    }
    parse_go(text)
}

/// Nanoseconds of a duration in Go syntax only: `1h30m`, `-1.5s`, `0`.
pub(super) fn parse_go(text: &str) -> Result<i64, DurationError> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(DurationError::NotADuration);
    }
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(number_end);
        let unit_end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, next) = after.split_at(unit_end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
            return Err(DurationError::NotADuration);
        }
        let nanos = nanos_of(unit)?;
        let part = whole_part(whole, nanos)?;
        total = total.checked_add(part).ok_or(DurationError::TooLong)?;
        total = total.checked_add(fraction_part(fraction, nanos)).ok_or(DurationError::TooLong)?;
        rest = next;
    }
    Ok(if negative { -total } else { total })
}

fn nanos_of(unit: &str) -> Result<i64, DurationError> {
    Ok(match unit {
        "" => return Err(DurationError::NoUnit),
        "ns" => 1,
        // Latin micro sign and Greek mu.
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => SECOND,
        "m" => 60 * SECOND,
        "h" => 3600 * SECOND,
        unknown => return Err(DurationError::UnknownUnit(unknown.chars().take(20).collect())),
    })
}

fn whole_part(digits: &str, nanos: i64) -> Result<i64, DurationError> {
    if digits.is_empty() {
        return Ok(0);
    }
    let number: i64 = digits.parse().map_err(|_| DurationError::TooLong)?;
    number.checked_mul(nanos).ok_or(DurationError::TooLong)
}

/// Truncated to nanoseconds, as Go does.
fn fraction_part(digits: &str, nanos: i64) -> i64 {
    let (mut numerator, mut denominator) = (0i128, 1i128);
    // 18 digits are beyond a nanosecond of an hour.
    for digit in digits.bytes().take(18) {
        numerator = numerator * 10 + i128::from(digit - b'0');
        denominator *= 10;
    }
    i64::try_from(i128::from(nanos) * numerator / denominator).unwrap_or(0)
}

/// A positive length of time, or nothing.
pub(super) fn positive(nanos: i64) -> Option<Duration> {
    u64::try_from(nanos).ok().filter(|nanos| *nanos > 0).map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_go_syntax() {
        for (text, nanos) in [
            ("1", SECOND),
            ("+2", 2 * SECOND),
            ("-1", -SECOND),
            ("10us", 10_000),
            ("10\u{b5}s", 10_000),
            ("10\u{3bc}s", 10_000),
            ("1h", 3600 * SECOND),
            ("", 0),
            ("0", 0),
            ("-0", 0),
            ("1h30m", 5400 * SECOND),
            ("1.5s", 1_500_000_000),
            (".5s", 500_000_000),
            ("5.s", 5 * SECOND),
            ("-1.5h", -5400 * SECOND),
            ("1.0000000001s", SECOND),
            ("0.000000000000000000001h", 0),
            ("500ms", 500_000_000),
            ("9223372036", 9_223_372_036 * SECOND),
        ] {
            assert_eq!(parse(text), Ok(nanos), "{text}");
        }
    }

    #[test]
    fn what_go_refuses_is_refused() {
        use DurationError::*;
        for (text, why) in [
            ("x", NotADuration),
            ("-", NotADuration),
            ("s", NotADuration),
            (".s", NotADuration),
            ("1.2.3s", NotADuration),
            ("20yy", UnknownUnit("yy".into())),
            ("1d", UnknownUnit("d".into())),
            ("1 s", UnknownUnit(" s".into())),
            ("1.5", NoUnit),
            ("1h30", NoUnit),
            ("9223372037", TooLong),
            ("99999999999999999999", TooLong),
            ("300000000h", TooLong),
        ] {
            assert_eq!(parse(text), Err(why), "{text}");
        }
    }

    #[test]
    fn deregistration_takes_no_bare_seconds() {
        assert_eq!(parse_go("90"), Err(DurationError::NoUnit));
        assert_eq!(parse_go(""), Err(DurationError::NotADuration));
        assert_eq!(parse_go("90m"), Ok(5400 * SECOND));
    }
}
