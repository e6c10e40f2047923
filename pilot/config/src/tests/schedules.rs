//! `when.cron`, `when.overlap` and runs without a limit: additions to v3.

use std::time::Duration;

use super::*;
use pilot_core::plan::{Count, Overlap, Schedule, Start};

fn cron(members: &str) -> (Job, Schedule) {
    let job = job(members);
    match job.start.clone() {
        Start::Cron(schedule) => (job, schedule),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_cron_expression_and_a_time_zone_are_a_schedule() {
    let (job, schedule) = cron("name: 'x', exec: 'a', when: {cron: '30 3 * * MON-FRI', timezone: 'Europe/Berlin'}");
    assert_eq!((schedule.text.as_str(), format!("{:?}", schedule.zone)), ("30 3 * * MON-FRI", "Europe/Berlin".into()));
    assert_eq!((job.restarts, job.timeout, job.overlap), (Count::Unlimited, None, Overlap::Queue));
    // Friday, 2 January 2026, 12:00 UTC; the next is Monday's.
    assert_eq!(schedule.next_after(1_767_355_200), Some(1_767_580_200), "02:30 UTC is 03:30 in Berlin");
    let (_, local) = cron("name: 'x', when: {cron: '@daily'}, restarts: 3");
    assert_eq!(local.next_after(0), Some(82_800), "the machine's own midnight");
    for text in [
        "@hourly",
        "@midnight",
        "@weekly",
        "@monthly",
        "@yearly",
        "0 0 1 1 *",
        " */5  * * * * ",
        "0 0 L * *",
        "0 0 * * 1#1",
    ] {
        cron(&format!("name: 'x', when: {{cron: '{text}'}}"));
    }
}

#[test]
fn what_is_no_schedule_is_refused_with_the_field_that_is_wrong() {
    let with = |text: &str| format!("name: 'x', when: {{cron: '{text}'}}");
    let say = |text: &str| format!("job \"x\": when.cron {text}");
    let fields = "fields instead of five (minute, hour, day of month, month, day of week)";
    job_refused(&[
        (&with("60 * * * *"), &say("has \"60\" as the minute")),
        (&with("*/0 * * * *"), &say("has \"*/0\" as the minute")),
        (&with("5-1 * * * *"), &say("has \"5-1\" as the minute")),
        (&with("* 24 * * *"), &say("has \"24\" as the hour")),
        (&with("* * 0 * *"), &say("has \"0\" as the day of month")),
        (&with("* * * 13 *"), &say("has \"13\" as the month")),
        (&with("* * * * MOO"), &say("has \"MOO\" as the day of week")),
        (&with("* * * * 8"), &say("has \"8\" as the day of week")),
        (&with("0 0 30 2 *"), &say("names a day that never comes: \"0 0 30 2 *\"")),
        (&with("0-59 0-23 30 2 *"), &say("names a day that never comes: \"0-59 0-23 30 2 *\"")),
        (&with("*/5 * * *"), &say(&format!("has 4 {fields}: \"*/5 * * *\""))),
        (&with("0 */5 * * * *"), &say(&format!("has 6 {fields}: \"0 */5 * * * *\""))),
        (&with("@reboot"), &say("does not know \"@reboot\"")),
        ("name: 'x', when: {cron: 5}", &say(&format!("has 1 {fields}: 5"))),
        ("name: 'x', when: {cron: []}", &say("must be text, not a list")),
        (
            "name: 'x', when: {cron: '@daily', timezone: 'Europe/Berln'}",
            "job \"x\": when.timezone is not a time zone of this machine: \"Europe/Berln\"",
        ),
        ("name: 'x', when: {interval: 5, timezone: 'UTC'}", "job \"x\": when.timezone has no meaning without cron"),
        (
            "name: 'x', when: {cron: '@daily', interval: 5}",
            "job \"x\": when has both `interval` and `cron`, and only one of them can decide",
        ),
        (
            "name: 'x', when: {cron: '@daily', source: 'x'}",
            "job \"x\": when.source has no meaning beside cron, which waits for nobody",
        ),
        (
            "name: 'x', when: {cron: '@daily', timeout: 5}",
            "job \"x\": when.timeout has no meaning beside cron, which waits as long as it takes",
        ),
    ]);
}

#[test]
fn overlap_is_skip_queue_or_kill() {
    for (word, overlap) in [("skip", Overlap::Skip), ("Queue", Overlap::Queue), ("kill", Overlap::Kill)] {
        assert_eq!(job(&format!("name: 'x', when: {{interval: 5, overlap: '{word}'}}")).overlap, overlap);
    }
    job_refused(&[
        ("name: 'x', when: {interval: 5, overlap: 'wait'}", "job \"x\": when.overlap does not know \"wait\""),
        (
            "name: 'x', when: {source: 'x', each: 'healthy', overlap: 'skip'}",
            "job \"x\": when.overlap has no meaning without interval or cron",
        ),
    ]);
}

#[test]
fn an_interval_jobs_run_may_take_as_long_as_it_likes() {
    let timeout = |text: &str| job(&format!("name: 'x', when: {{interval: 5}}, timeout: {text}")).timeout;
    assert_eq!(
        (timeout("'never'"), timeout("'9s'"), timeout("null")),
        (None, Some(Duration::from_secs(9)), Some(Duration::from_secs(5)))
    );
    assert_eq!(job("name: 'x', timeout: 'never'").timeout, None);
    job_refused(&[("name: 'x', timeout: 'ever'", "job \"x\": timeout is not a duration: \"ever\"")]);
}
