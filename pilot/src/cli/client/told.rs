//! What happened and why, as text for people.

use super::shown::time;
use crate::runtime::control::explain::{EventReport, WaitReport, WhyReport};
use crate::runtime::postmortem::{EndReport, JobRemains, Postmortem};

/// One line an event, oldest first.
pub(super) fn events(events: &[EventReport]) -> String {
    events.iter().map(event).collect()
}

/// A message of the stream of events; an empty one only says that pilot is still there.
pub(super) fn shown_event(message: &str) -> Option<String> {
    if message.is_empty() {
        return None;
    }
    let gap = |_| "(some came too fast to be shown)\n".to_owned();
    Some(serde_json::from_str(message).map_or_else(gap, |report: EventReport| event(&report)))
}

/// Its number, seconds since pilot began, what it was, and the number of what caused it or that in words.
fn event(event: &EventReport) -> String {
    let cause = match (event.cause, &event.because) {
        (Some(id), _) => format!("  (cause: {id})"),
        (None, Some(text)) => format!("  (cause: {text})"),
        (None, None) => String::new(),
    };
    format!("{:>6}  +{:<9.3} {}{}{cause}\n", event.id, event.at, event.text, times(event))
}

fn times(event: &EventReport) -> String {
    if event.times > 1 { format!(", {} times", event.times) } else { String::new() }
}

/// The state, then what is waited for, then the story.
pub(super) fn why(report: &WhyReport) -> String {
    let job = &report.job;
    let mut text = format!("{}: {} for {}", job.name, job.state, time(job.state_for));
    if let Some(seconds) = job.restarts_in {
        text.push_str(&format!(", starts in {}", time(seconds)));
    }
    text.push('\n');
    if let Some(end) = report.end.as_ref().filter(|_| job.pid.is_none()) {
        text.push_str(&format!("  last: {}\n", line(end)));
    }
    for wait in &report.waits {
        text.push_str(&format!("  waits for {}\n", waited(wait)));
    }
    for next in &report.next {
        text.push_str(&format!("  in {}: {}\n", time(next.due_in), next.text));
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
    format!("{} ago: {}{}{cause}", time(event.ago), event.text, times(event))
}

/// The last ends, then what is known of each job that has ended.
pub(super) fn postmortem(report: &Postmortem) -> String {
    let mut text = String::new();
    if report.ends.is_empty() {
        text.push_str("no run has ended\n");
    }
    let width = report.ends.iter().map(|end| end.job.chars().count()).max().unwrap_or(0);
    for end in &report.ends {
        text.push_str(&format!("{:>7} ago  {:width$}  {}\n", time(end.ago), end.job, how(end)));
    }
    for job in &report.jobs {
        text.push_str(&remains(job));
    }
    text
}

fn how(end: &EndReport) -> String {
    let memory = match (end.oom_kills, end.signal.as_deref()) {
        (0, _) => "",
        (_, Some("SIGKILL")) => ", killed by the kernel: the container's memory was used up",
        (_, _) => ", and the kernel has killed a process: the container's memory was used up",
    };
    let stopped = if end.stopped { ", stopped by pilot" } else { "" };
    format!("{} after {:.1}s{stopped}{memory}", end.text, end.lasted)
}

fn remains(job: &JobRemains) -> String {
    let mut text = format!("\n{}:\n", job.name);
    for probe in &job.probes {
        let word = if probe.passed { "passed" } else { "failed" };
        text.push_str(&format!("  check {word} {} ago: {}\n", time(probe.ago), probe.note));
    }
    if job.lines.is_empty() {
        text.push_str("  no output is known\n");
    }
    for line in &job.lines {
        text.push_str(&format!("  | {line}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::postmortem::ProbeReport;

    fn end(job: &str, signal: Option<&str>, oom_kills: u64, stopped: bool) -> EndReport {
        let text = signal.map_or("exit status 3", |_| "signal: killed").to_owned();
        let code = signal.is_none().then_some(3);
        EndReport {
            job: job.into(),
            ago: 65.0,
            lasted: 2.14,
            text,
            code,
            signal: signal.map(str::to_owned),
            oom_kills,
            stopped,
        }
    }

    #[test]
    fn a_post_mortem_has_a_line_an_end_and_a_part_a_job() {
        let report = Postmortem {
            up_for: 100.0,
            exit_code: None,
            ends: vec![
                end("app", Some("SIGKILL"), 1, false),
                end("a-job", None, 2, false),
                end("b", Some("SIGKILL"), 0, true),
            ],
            jobs: vec![
                JobRemains {
                    name: "app".into(),
                    probes: vec![ProbeReport { ago: 3.0, passed: false, note: "refused".into() }],
                    lines: vec!["one".into(), "two".into()],
                },
                JobRemains { name: "b".into(), probes: Vec::new(), lines: Vec::new() },
            ],
        };
        let want =
            "\x20 1m 5s ago  app    signal: killed after 2.1s, killed by the kernel: the container's memory was used up
  1m 5s ago  a-job  exit status 3 after 2.1s, and the kernel has killed a process: the container's memory was used up
  1m 5s ago  b      signal: killed after 2.1s, stopped by pilot

app:
  check failed 3s ago: refused
  | one
  | two

b:
  no output is known
";
        assert_eq!(postmortem(&report), want);
        let nothing = Postmortem { up_for: 1.0, exit_code: None, ends: Vec::new(), jobs: Vec::new() };
        assert_eq!(postmortem(&nothing), "no run has ended\n");
    }
}
