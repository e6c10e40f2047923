//! Schedules against cron(8)'s own rules, written down here a second time as its manual and its source have them.

use proptest::prelude::*;
use tz::{TimeZone, UtcDateTime};

use crate::plan::{Schedule, Zone};

/// A field as cron(8) reads it: which numbers are in it, and whether it begins with a star.
struct Field {
    numbers: Vec<bool>,
    star: bool,
}

fn field(text: &str, least: usize, most: usize) -> Field {
    let mut numbers = vec![false; most + 1];
    for part in text.split(',') {
        let (range, step) = part.split_once('/').map_or((part, 1), |(range, step)| (range, step.parse().unwrap()));
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (least, most),
            Some((from, to)) => (from.parse().unwrap(), to.parse().unwrap()),
            None => (range.parse().unwrap(), range.parse().unwrap()),
        };
        (from..=to).step_by(step).for_each(|number| numbers[number] = true);
    }
    Field { numbers, star: text.starts_with('*') }
}

/// No day of a year takes longer to fall on one weekday again: 29 February around 2100, which is no leap year.
const YEARS: i64 = 41;

/// The first minute after this one, in UTC, or none that ever comes.
fn next_after(text: &str, utc: i64) -> Option<i64> {
    let parts: Vec<&str> = text.split(' ').collect();
    let (minutes, hours) = (field(parts[0], 0, 59), field(parts[1], 0, 23));
    let (days, months) = (field(parts[2], 1, 31), field(parts[3], 1, 12));
    let mut weekdays = field(parts[4], 0, 7);
    // Both are Sunday.
    let sunday = weekdays.numbers[0] || weekdays.numbers[7];
    weekdays.numbers[0] = sunday;
    let first_day = utc.div_euclid(86_400);
    for day in first_day..first_day + YEARS * 366 {
        let date = UtcDateTime::from_timespec(day * 86_400, 0).unwrap();
        let of_month = days.numbers[usize::from(date.month_day())];
        let of_week = weekdays.numbers[usize::from(date.week_day())];
        let matches = if days.star || weekdays.star { of_month && of_week } else { of_month || of_week };
        if !matches || !months.numbers[usize::from(date.month())] {
            continue;
        }
        for minute in (0..1440).filter(|at| hours.numbers[at / 60] && minutes.numbers[at % 60]) {
            let at = day * 86_400 + i64::try_from(minute).unwrap() * 60;
            if at > utc {
                return Some(at);
            }
        }
    }
    None
}

fn ours(text: &str, utc: i64) -> Option<i64> {
    let zone = Zone { name: "UTC".into(), rules: TimeZone::utc() };
    Schedule::new(text, zone).ok().and_then(|schedule| schedule.next_after(utc))
}

fn some_field(least: u32, most: u32) -> impl Strategy<Value = String> {
    let number = move || least..=most;
    let part = prop_oneof![
        number().prop_map(|number| number.to_string()),
        (number(), number()).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
        (number(), number(), 1u32..9).prop_map(|(a, b, step)| format!("{}-{}/{step}", a.min(b), a.max(b))),
    ];
    prop_oneof![
        3 => Just("*".to_owned()),
        2 => (1..=most).prop_map(|step| format!("*/{step}")),
        4 => prop::collection::vec(part, 1..3).prop_map(|parts| parts.join(",")),
    ]
}

#[test]
fn the_first_sunday_of_a_month() {
    // 1 January 2026 is a Thursday.
    let new_year = 1_767_225_600;
    assert_eq!(ours("0 0 1-7 * */7", new_year), Some(new_year + 3 * 86_400));
    assert_eq!(next_after("0 0 1-7 * */7", new_year), Some(new_year + 3 * 86_400));
}

#[test]
fn a_day_that_must_fit_both_fields_may_be_years_away() {
    // Christmas on a Sunday: 2022, then 2033.
    let (text, christmas) = ("* * 25 12 */7", 1_672_012_740);
    assert_eq!(ours(text, christmas), Some(2_019_081_600));
    assert_eq!(next_after(text, christmas), Some(2_019_081_600));
    // 29 February on a Sunday: 2088, then 2128.
    let (text, leap_day) = ("0 0 29 2 */7", 3_728_851_200);
    assert_eq!(next_after(text, leap_day - 1), Some(leap_day));
    assert_eq!(next_after(text, leap_day), Some(4_991_068_800));
    assert_eq!(ours(text, leap_day), Some(4_991_068_800));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_random_expression_is_due_when_cron_says(
        text in (some_field(0, 59), some_field(0, 23), some_field(1, 31), some_field(1, 12), some_field(0, 7))
            .prop_map(|(a, b, c, d, e)| [a, b, c, d, e].join(" ")),
        utc in 1_600_000_000i64..1_900_000_000,
    ) {
        let mut now = utc;
        for _ in 0..3 {
            let wanted = next_after(&text, now);
            prop_assert_eq!(ours(&text, now), wanted, "{} after {}", text, now);
            let Some(next) = wanted else { break };
            now = next;
        }
    }
}
