//! Spans of time for people: `1m30s`, `3m12s`, `2d7h`. Whatever shows one uses this.

use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A span as it was set, exactly: `1m30s`, `500ms`, `1.5s`.
pub fn exact(span: Duration) -> String {
    let millis = span.as_millis();
    if !millis.is_multiple_of(1000) {
        return if millis < 1000 { format!("{millis}ms") } else { format!("{}s", span.as_secs_f64()) };
    }
    let seconds = span.as_secs();
    units(&[(seconds / HOUR, "h"), (seconds / MINUTE % 60, "m"), (seconds % 60, "s")])
}

/// How long something has lasted, in whole seconds: its two largest units, `3m12s`, `1h2m`, `2d7h`.
pub fn rough(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        DAY.. => units(&[(seconds / DAY, "d"), (seconds / HOUR % 24, "h")]),
        HOUR.. => units(&[(seconds / HOUR, "h"), (seconds / MINUTE % 60, "m")]),
        _ => units(&[(seconds / MINUTE, "m"), (seconds % 60, "s")]),
    }
}

/// The same of a number of seconds from JSON; one that makes no sense counts as none.
pub fn rough_seconds(seconds: f64) -> String {
    rough(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

fn units(parts: &[(u64, &str)]) -> String {
    let text: String =
        parts.iter().filter(|(number, _)| *number > 0).map(|(number, unit)| format!("{number}{unit}")).collect();
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_set_is_shown_exactly() {
        for (millis, text) in [(0, "0s"), (500, "500ms"), (1500, "1.5s"), (90_000, "1m30s"), (90_000_000, "25h")] {
            assert_eq!(exact(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn what_has_lasted_is_shown_in_its_two_largest_units() {
        for (seconds, text) in [
            (0.0, "0s"),
            (59.9, "59s"),
            (60.0, "1m"),
            (192.9, "3m12s"),
            (3725.0, "1h2m"),
            (90_000.0, "1d1h"),
            (-1.0, "0s"),
            (f64::NAN, "0s"),
        ] {
            assert_eq!(rough_seconds(seconds), text);
        }
    }
}
