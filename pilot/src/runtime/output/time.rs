//! RFC 3339 time in the container's zone: TZ, else `/etc/localtime`, else UTC (an empty root has neither).

use std::env;
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use tz::{DateTime, LocalTimeType, TimeZone};

/// How much of a second is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Precision {
    /// Whole seconds.
    Seconds,
    /// Up to nanoseconds, trailing zeros trimmed (Go's `RFC3339Nano`).
    Nanoseconds,
}

/// The container's zone. Read once; a zone that cannot be read is UTC, as in Go.
pub fn local_zone() -> TimeZone {
    let zone = match env::var("TZ") {
        Ok(name) if name.is_empty() => return TimeZone::utc(),
        Ok(name) => TimeZone::from_posix_tz(&name),
        Err(_) => TimeZone::local(),
    };
    zone.unwrap_or_else(|_| TimeZone::utc())
}

/// Appends the time.
pub(super) fn put(out: &mut Vec<u8>, now: SystemTime, zone: &TimeZone, precision: Precision) {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    let local = zone.find_local_time_type(seconds).copied().unwrap_or(LocalTimeType::utc());
    let Ok(at) = DateTime::from_timespec_and_local(seconds, since.subsec_nanos(), local) else { return };
    let (date, hour) = ((at.year(), at.month(), at.month_day()), at.hour());
    // Writing to a Vec cannot fail.
    let _ = write!(out, "{:04}-{:02}-{:02}T{hour:02}:{:02}:{:02}", date.0, date.1, date.2, at.minute(), at.second());
    if precision == Precision::Nanoseconds && at.nanoseconds() > 0 {
        let _ = write!(out, ".{:09}", at.nanoseconds());
        while out.last() == Some(&b'0') {
            out.pop();
        }
    }
    let offset = local.ut_offset() / 60;
    if offset == 0 {
        out.push(b'Z');
    } else {
        let sign = if offset < 0 { '-' } else { '+' };
        let _ = write!(out, "{sign}{:02}:{:02}", offset.abs() / 60, offset.abs() % 60);
    }
}
