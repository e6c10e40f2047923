//! What happened and why, as text for people.

use super::shown::time;
use crate::runtime::control::explain::{EventReport, WaitReport, WhyReport};

/// One line an event, oldest first.
pub(super) fn events(events: &[EventReport]) -> String {
    events.iter().map(|event| format!("{:>6}  {}\n", event.id, line(event))).collect()
}

/// The state, then what is waited for, then the story.
pub(super) fn why(report: &WhyReport) -> String {
    let job = &report.job;
    let mut text = format!("{} is {} since {}", job.name, job.state, time(job.state_for));
    if let Some(seconds) = job.restarts_in {
        text.push_str(&format!(", and starts in {}", time(seconds)));
    }
    text.push('\n');
    if let Some(end) = report.end.as_ref().filter(|_| job.pid.is_none()) {
        text.push_str(&format!("  last: {}\n", line(end)));
    }
    for wait in &report.waits {
        text.push_str(&format!("  waits for {}\n", waited(wait)));
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
        (true, Some(ago)) => format!(" (there since {})", time(ago)),
        (true, None) => " (was there)".to_owned(),
        (false, Some(ago)) => format!(" (last seen {} ago)", time(ago)),
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
    let times = if event.times > 1 { format!(" ({} times)", event.times) } else { String::new() };
    format!("{} ago: {}{times}{cause}", time(event.ago), event.text)
}
