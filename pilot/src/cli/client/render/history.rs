//! What happened and why, as text.

use crate::runtime::control::explain::{EventReport, WaitReport, WhyReport};
use crate::span::rough_seconds;

/// One line an event, oldest first.
pub(in crate::cli::client) fn events(events: &[EventReport]) -> String {
    events.iter().map(event).collect()
}

/// A message of the stream of events; an empty one only says that pilot is still there.
pub(in crate::cli::client) fn event_message(message: &str) -> Option<String> {
    if message.is_empty() {
        return None;
    }
    let gap = |_| "(some events were skipped: they came too fast)\n".to_owned();
    Some(serde_json::from_str(message).map_or_else(gap, |report: EventReport| event(&report)))
}

/// Its number, seconds since pilot began, what it was, and the number of what caused it, or its cause as text.
fn event(event: &EventReport) -> String {
    let cause = match (event.cause, &event.because) {
        (Some(id), _) => format!("  (cause: {id})"),
        (None, Some(text)) => format!("  (cause: {text})"),
        (None, None) => String::new(),
    };
    format!("{:>6}  +{:<9.3} {}{}{}{cause}\n", event.id, event.at, event.text, reason(event), times(event))
}

fn times(event: &EventReport) -> String {
    if event.times > 1 { format!(", {} times", event.times) } else { String::new() }
}

fn reason(event: &EventReport) -> String {
    event.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default()
}

/// The state, then what is waited for, then the story.
pub(in crate::cli::client) fn why(report: &WhyReport) -> String {
    let job = &report.job;
    let mut text = format!("{}: {} for {}", job.name, job.state, rough_seconds(job.state_for));
    if let Some(seconds) = job.restarts_in {
        text.push_str(&format!(", starts in {}", rough_seconds(seconds)));
    }
    text.push('\n');
    if let Some(reason) = &job.reason {
        text.push_str(&format!("  last check failed: {reason}\n"));
    }
    if let Some(end) = report.end.as_ref().filter(|_| job.pid.is_none()) {
        text.push_str(&format!("  last: {}\n", line(end)));
    }
    for wait in &report.waits {
        text.push_str(&format!("  waiting for {}\n", waited(wait)));
    }
    for next in &report.next {
        text.push_str(&format!("  in {}: {}\n", rough_seconds(next.due_in), next.text));
    }
    text.push_str(&story(&report.story));
    if !report.first.is_empty() {
        text.push_str("before its restarts:\n");
        text.push_str(&story(&report.first));
    }
    text
}

fn waited(wait: &WaitReport) -> String {
    let seen = match (wait.seen, wait.last_seen) {
        (true, Some(ago)) => format!(" (seen {} ago)", rough_seconds(ago)),
        (true, None) => " (seen)".to_owned(),
        (false, Some(ago)) => format!(" (last seen {} ago)", rough_seconds(ago)),
        (false, None) => " (not seen yet)".to_owned(),
    };
    let obstacle = wait.obstacle.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
    format!("{}{seen}{obstacle}", wait.event)
}

fn story(story: &[EventReport]) -> String {
    let step = |(number, event): (usize, &EventReport)| {
        let because = if number == 0 { "" } else { "because " };
        format!("  {because}{}\n", line(event))
    };
    story.iter().enumerate().map(step).collect()
}

fn line(event: &EventReport) -> String {
    let cause = match &event.because {
        Some(text) => format!(", because {text}"),
        None => String::new(),
    };
    format!("{} ago: {}{}{}{cause}", rough_seconds(event.ago), event.text, reason(event), times(event))
}
