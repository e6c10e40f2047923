//! When a cron job is due: an expression, and the time zone whose clock it is about.

use std::cmp::Ordering;
use std::fmt;

use croner::errors::CronError;
use croner::parser::{CronParser, Seconds, Year};
use croner::{CivilDate, CivilDateTime, CivilTime, Cron, CronDateTime, Resolution, Weekday};
use tz::datetime::FoundDateTimeKind;
use tz::{DateTime, TimeZone, UtcDateTime};

/// A cron expression of five fields, or a word such as `@daily`, in a time zone.
///
/// Where the clock of the zone is put forward or back (daylight saving time), Debian's cron(8) is followed. A schedule whose
/// minutes or hours begin with `*` goes by the clock's face: it runs in both passes of a repeated hour and not at all in a
/// skipped one. A schedule that names its minutes and hours runs once: in the first pass, or as soon as the gap is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// As it is written.
    pub text: String,
    /// Whose clock is meant.
    pub zone: Zone,
    /// Minutes or hours begin with `*`.
    by_the_face: bool,
    /// By the face one expression; else one for each time of day, because croner runs just those exactly once a day.
    times: Vec<Cron>,
}

/// A time zone, under the name it was asked for by.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone {
    /// `Europe/Berlin`; empty for the container's own.
    pub name: String,
    /// When its clock shows what.
    pub rules: TimeZone,
}

/// The names of the fields, in their order.
pub const CRON_FIELDS: [&str; 5] = ["minute", "hour", "day of month", "month", "day of week"];

/// Why a text is no schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadSchedule {
    /// Not five fields, and no word that is known.
    Fields(usize),
    /// This field, an index into [`CRON_FIELDS`], cannot be what it is.
    Field(usize),
    /// Such a day is in no calendar: the 30th of February.
    Never,
}

impl Schedule {
    /// Reads an expression.
    pub fn new(text: &str, zone: Zone) -> Result<Schedule, BadSchedule> {
        let cron = parse(text).map_err(|_| complaint(text))?;
        // The calendar repeats itself: what does not come after some moment never does.
        if cron.find_next_occurrence(&LocalTime { utc: 0, zone: &zone.rules }, false).is_err() {
            return Err(BadSchedule::Never);
        }
        let fields: Vec<&str> = cron.pattern.as_str().split_whitespace().collect();
        let [minutes, hours, days @ ..] = fields.as_slice() else { return Err(BadSchedule::Fields(fields.len())) };
        let by_the_face = [minutes, hours].into_iter().any(|field| field.starts_with(['*', '?']));
        let times = if by_the_face {
            vec![cron]
        } else {
            let (minutes, hours) = (cron.pattern.minutes.values(), cron.pattern.hours.values());
            let times = hours.iter().flat_map(|hour| minutes.iter().map(move |minute| (hour, minute)));
            let single = times.map(|(hour, minute)| parse(&format!("{minute} {hour} {}", days.join(" "))));
            single.collect::<Result<_, _>>().map_err(|_| complaint(text))?
        };
        Ok(Schedule { text: text.to_owned(), zone, by_the_face, times })
    }

    /// The first moment after this one at which it is due, both in seconds since 1970.
    pub fn next_after(&self, utc: i64) -> Option<i64> {
        let now = LocalTime { utc, zone: &self.zone.rules };
        let next = |cron: &Cron| cron.find_next_occurrence(&now, false).ok().map(|next| next.utc);
        self.times.iter().filter_map(next).min()
    }

    /// Whether it goes by the clock's face, that is at least once an hour on its days, or every few hours.
    pub fn goes_by_the_face(&self) -> bool {
        self.by_the_face
    }
}

/// The zone's rules are hundreds of numbers and say nothing to a reader.
impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.name.is_empty() { "local" } else { &self.name })
    }
}

fn parse(text: &str) -> Result<Cron, CronError> {
    // cron(8) knows the word, croner does not.
    let text = if text.trim().eq_ignore_ascii_case("@midnight") { "@daily" } else { text };
    let mut days = text.split_whitespace().skip(2).step_by(2);
    // cron(8): a day must match both fields if one of them begins with `*`, be it `*/2`; else one of them is enough.
    let both = days.any(|field| field.starts_with(['*', '?']));
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).dom_and_dow(both);
    parser.build().parse(text)
}

fn complaint(text: &str) -> BadSchedule {
    let fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() != CRON_FIELDS.len() {
        return BadSchedule::Fields(fields.len());
    }
    let alone = |place: usize, field: &str| {
        let mut all = ["*"; CRON_FIELDS.len()];
        if let Some(one) = all.get_mut(place) {
            *one = field;
        }
        parse(&all.join(" "))
    };
    let bad = fields.iter().enumerate().find(|(place, field)| alone(*place, field).is_err());
    bad.map_or(BadSchedule::Never, |(place, _)| BadSchedule::Field(place))
}

/// A moment and the clock that croner is to read it on.
#[derive(Clone)]
struct LocalTime<'a> {
    utc: i64,
    zone: &'a TimeZone,
}

impl LocalTime<'_> {
    /// What the clock shows; `None` where no year has a number.
    fn face(&self) -> Option<UtcDateTime> {
        let offset = self.zone.find_local_time_type(self.utc).map_or(0, |local| i64::from(local.ut_offset()));
        UtcDateTime::from_timespec(self.utc.checked_add(offset)?, 0).ok()
    }
}

impl CronDateTime for LocalTime<'_> {
    fn to_civil(&self) -> CivilDateTime {
        let Some(face) = self.face() else {
            return CivilDateTime::new(CivilDate::from_parts_unchecked(1970, 1, 1), CivilTime::MIDNIGHT);
        };
        CivilDateTime::new(
            CivilDate::from_parts_unchecked(face.year(), face.month().into(), face.month_day().into()),
            CivilTime::from_parts_unchecked(face.hour().into(), face.minute().into(), face.second().into()),
        )
    }

    fn civil_weekday(&self) -> Weekday {
        self.face().map_or(Weekday::Thursday, |face| Weekday::from_days_from_sunday(face.week_day().into()))
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Self>, CronError> {
        // Every part of a civil time fits, or croner's own check has failed.
        let part = |number: u32| u8::try_from(number).map_err(|_| CronError::InvalidTime);
        let found = DateTime::find(
            civil.year(),
            part(civil.month())?,
            part(civil.day())?,
            part(civil.hour())?,
            part(civil.minute())?,
            part(civil.second())?,
            0,
            self.zone.as_ref(),
        );
        let moment = |kind: FoundDateTimeKind| match kind {
            FoundDateTimeKind::Normal(time) => Some(LocalTime { utc: time.unix_time(), zone: self.zone }),
            FoundDateTimeKind::Skipped { .. } => None,
        };
        let mut moments = found.map_err(|_| CronError::InvalidTime)?.into_inner().into_iter().filter_map(moment);
        Ok(match (moments.next(), moments.next()) {
            (None, _) => Resolution::Gap,
            (Some(only), None) => Resolution::Single(only),
            (Some(earlier), Some(later)) => Resolution::Ambiguous(earlier, later),
        })
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        Some(LocalTime { utc: self.utc.checked_add(seconds)?, zone: self.zone })
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.utc.cmp(&other.utc)
    }
}
