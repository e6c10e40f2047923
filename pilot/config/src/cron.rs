//! `when.cron`, its time zone, and `when.overlap`: words for people about what the core's [`Schedule`] refuses.

use pilot_core::plan::{BadSchedule, CRON_FIELDS, Overlap, Schedule, Zone};

use super::Surroundings;
use super::block::Block;
use super::loose::Field;

/// What each field may be, in the order of [`CRON_FIELDS`].
const FIELDS: [&str; 5] = [
    "minutes are 0 to 59: \"0\", \"*/5\", \"0,30\", \"10-20\"",
    "hours are 0 to 23: \"3\", \"*/2\", \"8-18\", \"6,18\"",
    "days are 1 to 31, or `L` for the last one: \"1\", \"1,15\"",
    "months are 1 to 12 or JAN to DEC: \"1-3\", \"*/3\"",
    "days of the week are 0 (Sunday) to 7 or SUN to SAT: \"MON-FRI\", \"6,7\", \"MON#1\" for the first Monday",
];

/// Reads an expression and the zone beside it.
pub(super) fn read(field: &Field<'_>, block: &Block<'_>, around: &Surroundings) -> Option<Schedule> {
    let zone = zone(block.filled("timezone").as_ref(), around);
    let text = field.text()?;
    let bad = match Schedule::new(&text, zone?) {
        Ok(schedule) => return Some(schedule),
        Err(bad) => bad,
    };
    match bad {
        BadSchedule::Fields(_) if text.trim_start().starts_with('@') => field.error(
            format!("does not know {}", field.value.shape()),
            "words are @hourly, @daily (@midnight), @weekly, @monthly and @yearly; to start at startup leave `when` out",
        ),
        BadSchedule::Fields(count) => field.error(
            format!("has {count} fields instead of five ({}): {}", CRON_FIELDS.join(", "), field.value.shape()),
            "write \"*/5 * * * *\" for every five minutes; for less than a minute write `interval`",
        ),
        BadSchedule::Field(place) => {
            let written = text.split_whitespace().nth(place).unwrap_or_default();
            field.error(format!("has {} as the {}", field.quoted(written), CRON_FIELDS[place]), FIELDS[place]);
        }
        BadSchedule::Never => field
            .error(format!("names a day that never comes: {}", field.value.shape()), "write a day that the month has"),
    }
    None
}

fn zone(field: Option<&Field<'_>>, around: &Surroundings) -> Option<Zone> {
    let name = match field {
        Some(field) => field.text()?,
        None => String::new(),
    };
    let rules = (around.zones.0)(&name);
    if let (Some(field), None) = (field, &rules) {
        field.error(
            format!("is not a time zone of this machine: {}", field.value.shape()),
            "write \"UTC\", a name such as \"Europe/Berlin\" (the image needs tzdata), or rules such as \"CET-1CEST,M3.5.0,M10.5.0/3\"",
        );
    }
    Some(Zone { name, rules: rules? })
}

/// What a periodic job does when its time comes while it runs.
pub(super) fn overlap(block: &Block<'_>) -> Overlap {
    const WORDS: [(&str, Overlap); 3] = [("skip", Overlap::Skip), ("queue", Overlap::Queue), ("kill", Overlap::Kill)];
    block.filled("overlap").and_then(|field| field.choice(&WORDS)).unwrap_or_default()
}
