//! `restarts`: how often a job is run again (v3 spec 5.5) and, as an addition, how long pilot waits before it.

use pilot_core::plan::{Backoff, Count, Start};

use super::block::Block;
use super::keys;
use super::loose::Field;
use super::value::Kind;
use super::when::When;

const REMEDY: &str = "write a number, \"unlimited\" or \"never\"";

/// Reads `restarts`, which may be absent.
pub(super) fn read(field: Option<Field<'_>>, when: &When) -> (Count, Backoff) {
    let default = match when.start {
        Start::Interval(_) | Start::Cron(_) => Count::Unlimited,
        Start::Once { .. } | Start::Each { .. } | Start::Never { .. } => Count::Finite(0),
    };
    let Some(field) = field else { return (default, Backoff::default()) };
    let (max, backoff) = match &field.value.kind {
        Kind::Object(_) => match field.block(&keys::RESTARTS) {
            Some(block) => (block.get("max").map_or(Some(Count::Unlimited), |field| count(&field)), backoff(&block)),
            None => (None, Backoff::default()),
        },
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::List(_) => {
            (count(&field), Backoff::default())
        }
    };
    if max == Some(Count::Unlimited) && when.each {
        field.error(
            "may not be unlimited beside `when.each`: every event would start another endless row of runs",
            "write a number, or leave it out to run once for each event",
        );
    }
    (max.unwrap_or(default), backoff)
}

fn count(field: &Field<'_>) -> Option<Count> {
    let found = match &field.value.kind {
        Kind::Number(number) if *number >= 0.0 && *number < 9_007_199_254_740_992.0 => {
            Some(Count::Finite(number.trunc() as u64))
        }
        Kind::Text(text) if text == "unlimited" => Some(Count::Unlimited),
        Kind::Text(text) if text == "never" => Some(Count::Finite(0)),
        Kind::Text(text) => text.parse::<i64>().ok().and_then(|n| u64::try_from(n).ok()).map(Count::Finite),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::List(_) | Kind::Object(_) => None,
    };
    if found.is_none() {
        let remedy = match field.value.weak_text().as_deref() {
            // Docker's words.
            Some("always" | "unless-stopped" | "yes" | "true") => "write \"unlimited\"",
            Some("no" | "none" | "false") => "write \"never\"",
            _ => REMEDY,
        };
        field.error(format!("cannot be {}", field.value.shape()), remedy);
    }
    found
}

fn backoff(block: &Block<'_>) -> Backoff {
    let default = Backoff::default();
    let time = |key| block.filled(key).and_then(|field| field.length());
    let factor = block.get("growth").and_then(|field| field.number_in_range()).unwrap_or(default.factor);
    let jitter = block.get("jitter").and_then(|field| field.number_in_range()).unwrap_or(default.jitter);
    let initial = time("delay").unwrap_or(default.initial);
    // A long first delay lifts the default limit, not one that is written.
    let max = time("maxDelay").unwrap_or(default.max.max(initial));
    if let Some(field) = block.get("maxDelay").filter(|_| max < initial) {
        field.error("must not be shorter than the delay", "write a longer maxDelay, or a shorter delay");
    }
    Backoff { initial, factor, max, jitter, reset_after: time("resetAfter").unwrap_or(default.reset_after) }
}
