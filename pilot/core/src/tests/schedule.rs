//! When a schedule is due: tables of known examples, and any expression against a clock that is read minute by minute.

use proptest::prelude::*;
use tz::{DateTime, TimeZone};

use crate::plan::{Schedule, Zone};

pub const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

pub fn schedule(text: &str, zone: &str) -> Schedule {
    let rules = if zone == "UTC" { TimeZone::utc() } else { TimeZone::from_posix_tz(zone).unwrap() };
    Schedule::new(text, Zone { name: zone.into(), rules }).unwrap()
}

/// Seconds since 1970 of `2026-03-29 01:59:30` in UTC.
pub fn utc(text: &str) -> i64 {
    let part = |from: usize, to: usize| text[from..to].parse::<u8>().unwrap();
    let (year, second) = (text[..4].parse().unwrap(), if text.len() > 16 { part(17, 19) } else { 0 });
    let zone = TimeZone::utc();
    let found = DateTime::find(year, part(5, 7), part(8, 10), part(11, 13), part(14, 16), second, 0, zone.as_ref());
    found.unwrap().unique().unwrap().unix_time()
}

fn shown(at: i64, zone: &TimeZone) -> String {
    DateTime::from_timespec(at, 0, zone.as_ref()).unwrap().to_string().replace(".000000000", "")
}

/// The next times after a moment, as the zone's clock shows them.
fn next(text: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
    let schedule = schedule(text, zone);
    let times = std::iter::successors(Some(utc(after)), |at| schedule.next_after(*at));
    times.skip(1).take(count).map(|at| shown(at, &schedule.zone.rules)).collect()
}

#[test]
fn known_expressions_are_due_when_cron_says() {
    let rows: [(&str, &str, &[&str]); 16] = [
        ("* * * * *", "2026-01-01 00:00:30", &["2026-01-01T00:01:00Z", "2026-01-01T00:02:00Z"]),
        ("*/5 * * * *", "2026-01-01 00:57", &["2026-01-01T01:00:00Z", "2026-01-01T01:05:00Z"]),
        ("0 * * * *", "2026-12-31 23:59:59", &["2027-01-01T00:00:00Z"]),
        ("30 3 * * *", "2026-01-01 03:30", &["2026-01-02T03:30:00Z"]),
        ("0 0 1 * *", "2026-01-31 12:00", &["2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"]),
        ("0 0 31 * *", "2026-01-31 12:00", &["2026-03-31T00:00:00Z", "2026-05-31T00:00:00Z"]),
        ("0 0 29 2 *", "2026-01-01 00:00", &["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"]),
        // 2026-01-01 is a Thursday.
        ("0 0 * * 0", "2026-01-01 00:00", &["2026-01-04T00:00:00Z"]),
        ("0 0 * * 7", "2026-01-01 00:00", &["2026-01-04T00:00:00Z"]),
        ("0 0 * * MON-WED", "2026-01-01 00:00", &["2026-01-05T00:00:00Z", "2026-01-06T00:00:00Z"]),
        // Both days are restricted: either.
        ("0 0 13 * FRI", "2026-02-01 00:00", &["2026-02-06T00:00:00Z", "2026-02-13T00:00:00Z"]),
        ("0 0 L * *", "2026-02-01 00:00", &["2026-02-28T00:00:00Z", "2026-03-31T00:00:00Z"]),
        ("0 0 * * MON#2", "2026-01-01 00:00", &["2026-01-12T00:00:00Z", "2026-02-09T00:00:00Z"]),
        (
            "15,45 6-8/2 * JAN,jul *",
            "2026-01-31 08:45",
            &["2026-07-01T06:15:00Z", "2026-07-01T06:45:00Z", "2026-07-01T08:15:00Z"],
        ),
        ("@weekly", "2026-01-01 00:00", &["2026-01-04T00:00:00Z"]),
        ("@yearly", "2026-01-01 00:00", &["2027-01-01T00:00:00Z"]),
    ];
    for (text, after, times) in rows {
        assert_eq!(next(text, "UTC", after, times.len()), times, "{text} after {after}");
    }
}

// In Berlin the clock goes from 02:00 to 03:00 on 2026-03-29 (01:00 UTC) and from 03:00 to 02:00 on 2026-10-25 (01:00 UTC).
#[test]
fn an_hour_that_is_skipped_runs_named_times_once_it_is_over_and_no_others() {
    let rows: [(&str, &[&str]); 5] = [
        ("30 2 * * *", &["2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"]),
        ("15,45 2,14 * * *", &["2026-03-29T03:00:00+02:00", "2026-03-29T14:15:00+02:00"]),
        ("0 3 * * *", &["2026-03-29T03:00:00+02:00", "2026-03-30T03:00:00+02:00"]),
        ("*/30 * * * *", &["2026-03-29T01:30:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-29T03:30:00+02:00"]),
        ("0 */2 * * *", &["2026-03-29T04:00:00+02:00"]),
    ];
    for (text, times) in rows {
        assert_eq!(next(text, BERLIN, "2026-03-29 00:10", times.len()), times, "{text}");
    }
}

#[test]
fn an_hour_that_is_repeated_runs_named_times_in_its_first_pass_and_the_others_in_both() {
    let rows: [(&str, &[&str]); 5] = [
        ("30 2 * * *", &["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]),
        ("15,45 2,14 * * *", &["2026-10-25T02:15:00+02:00", "2026-10-25T02:45:00+02:00", "2026-10-25T14:15:00+01:00"]),
        ("0 3 * * *", &["2026-10-25T03:00:00+01:00"]),
        (
            "*/30 * * * *",
            &[
                "2026-10-25T02:00:00+02:00",
                "2026-10-25T02:30:00+02:00",
                "2026-10-25T02:00:00+01:00",
                "2026-10-25T02:30:00+01:00",
                "2026-10-25T03:00:00+01:00",
            ],
        ),
        ("0 */2 * * *", &["2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00", "2026-10-25T04:00:00+01:00"]),
    ];
    for (text, times) in rows {
        assert_eq!(next(text, BERLIN, "2026-10-24 23:50", times.len()), times, "{text}");
    }
    // Begun in the second pass: the first one is over.
    assert_eq!(next("30 2 * * *", BERLIN, "2026-10-25 01:10", 1), ["2026-10-26T02:30:00+01:00"]);
}

/// A field of these numbers as the generator writes it.
fn field(least: u32, most: u32) -> impl Strategy<Value = String> {
    let number = move || least..=most;
    prop_oneof![
        4 => Just("*".to_owned()),
        2 => (1u32..most).prop_map(|step| format!("*/{step}")),
        3 => number().prop_map(|n| n.to_string()),
        2 => (number(), number()).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
        2 => (number(), number()).prop_map(|(a, b)| format!("{a},{b}")),
    ]
}

/// Whether a field that the generator wrote holds a number.
fn holds(field: &str, least: u32, number: u32) -> bool {
    field.split(',').any(|part| match (part.strip_prefix("*/"), part.split_once('-')) {
        _ if part == "*" => true,
        (Some(step), _) => (number - least).is_multiple_of(step.parse().unwrap()),
        (None, Some((a, b))) => (a.parse().unwrap()..=b.parse().unwrap()).contains(&number),
        (None, None) => part.parse() == Ok(number),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Against the definition: read the clock of each minute and compare. Away from changes of the clock.
    #[test]
    fn a_schedule_is_due_at_the_first_minute_whose_face_matches(
        minute in field(0, 59), hour in field(0, 23), day in field(1, 31), weekday in field(0, 6),
        zone in prop::sample::select(vec!["UTC", "XXX-5:45", "XXX3:30"]),
        after in 1_700_000_000i64..1_800_000_000,
    ) {
        let text = format!("{minute} {hour} {day} * {weekday}");
        let schedule = schedule(&text, zone);
        let matches = |at: i64| {
            let face = DateTime::from_timespec(at, 0, schedule.zone.rules.as_ref()).unwrap();
            let (by_day, by_weekday) = (holds(&day, 1, face.month_day().into()), holds(&weekday, 0, face.week_day().into()));
            // cron(8): one is enough if neither field begins with `*`.
            let either = !day.starts_with('*') && !weekday.starts_with('*');
            holds(&minute, 0, face.minute().into())
                && holds(&hour, 0, face.hour().into())
                && if either { by_day || by_weekday } else { by_day && by_weekday }
        };
        // Long enough for most; a day that is further away is only checked to be right.
        let first = after - after.rem_euclid(60) + 60;
        let expected = (0..5 * 24 * 60).map(|n| first + n * 60).find(|at| matches(*at));
        match (schedule.next_after(after), expected) {
            (Some(got), Some(expected)) => prop_assert_eq!(got, expected, "{}", text),
            (Some(got), None) => prop_assert!(matches(got) && got > first, "{}", text),
            (None, _) => prop_assert!(false, "{} has no next time", text),
        }
    }

    /// With changes of the clock: always forward, and a named time never twice on one day.
    #[test]
    fn whatever_the_clock_does_time_goes_forward_and_no_named_time_comes_twice(
        minute in 0u32..60, hour in 0u32..24,
        zone in prop::sample::select(vec![
            BERLIN, "EST5EDT,M3.2.0,M11.1.0", "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "CST6CDT,M4.1.0/0,M10.5.0/0",
        ]),
        after in 1_700_000_000i64..1_800_000_000,
    ) {
        let named = schedule(&format!("{minute} {hour} * * *"), zone);
        let times: Vec<i64> = std::iter::successors(Some(after), |at| named.next_after(*at)).skip(1).take(400).collect();
        prop_assert!(times.windows(2).all(|pair| pair[0] < pair[1]));
        let day = |at: i64| shown(at, &named.zone.rules)[..10].to_owned();
        prop_assert!(times.windows(2).all(|pair| day(pair[0]) != day(pair[1])), "one a day");
        let face = schedule(&format!("{minute} * * * *"), zone);
        let times: Vec<i64> = std::iter::successors(Some(after), |at| face.next_after(*at)).skip(1).take(500).collect();
        prop_assert!(times.windows(2).all(|pair| (1_800..=7_200).contains(&(pair[1] - pair[0]))), "every hour");
    }

    #[test]
    fn no_text_makes_it_panic(text in "[*?/,0-9LW#@a-zA-Z -]{0,20}", at in any::<i64>()) {
        let zone = Zone { name: String::new(), rules: TimeZone::from_posix_tz(BERLIN).unwrap() };
        if let Ok(schedule) = Schedule::new(&text, zone) {
            let _ = schedule.next_after(at);
        }
    }
}
