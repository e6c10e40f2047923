//! The container's own time zone, which cron expressions and log lines go by.

use super::Surroundings;
use super::diagnostic::{Rule, Severity};
use super::issues::Issues;

/// Warns about a `TZ` that means nothing on this machine: then it is UTC, as in v3.
pub(super) fn look(around: &Surroundings, issues: &Issues<'_>) {
    let Some(zone) = around.env.get("TZ").map(|zone| zone.trim_start_matches(':')).filter(|zone| !zone.is_empty())
    else {
        return;
    };
    if (around.zones.0)(zone).is_none() {
        let message = format!("TZ is {zone:?}, which is no time zone of this machine, so that it is UTC");
        let remedy = "add tzdata to the image, or write rules such as TZ=\"CET-1CEST,M3.5.0,M10.5.0/3\"";
        issues.add(Severity::Warning, Rule::UnknownZone, 0, "", message, Some(remedy.to_owned()));
    }
}
