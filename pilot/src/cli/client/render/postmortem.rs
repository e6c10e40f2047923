//! How jobs have ended, as text.

use crate::runtime::postmortem::{EndReport, JobPostmortem, Postmortem};
use crate::span::rough_seconds;

/// The last ends, then what is known of each job that has ended.
pub(in crate::cli::client) fn postmortem(report: &Postmortem) -> String {
    let mut text = String::new();
    if report.ends.is_empty() {
        text.push_str("nothing has ended yet\n");
    }
    let width = report.ends.iter().map(|end| end.job.chars().count()).max().unwrap_or(0);
    for end in &report.ends {
        text.push_str(&format!("{:>7} ago  {:width$}  {}\n", rough_seconds(end.ago), end.job, how(end)));
    }
    for job in &report.jobs {
        text.push_str(&of_job(job));
    }
    text
}

fn how(end: &EndReport) -> String {
    let memory = match (end.oom_kills, end.signal.as_deref()) {
        (0, _) => "",
        (_, Some("SIGKILL")) => ", killed by the kernel: out of memory in the container",
        (_, _) => ", and the kernel has killed a process: out of memory in the container",
    };
    let stopped = if end.stopped { ", stopped by pilot" } else { "" };
    format!("{} after {:.1}s{stopped}{memory}", end.text, end.lasted)
}

fn of_job(job: &JobPostmortem) -> String {
    let mut text = format!("\n{}:\n", job.name);
    for probe in &job.probes {
        let word = if probe.passed { "passed" } else { "failed" };
        text.push_str(&format!("  check {word} {} ago: {}\n", rough_seconds(probe.ago), probe.note));
    }
    if job.lines.is_empty() {
        text.push_str("  no output\n");
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
                JobPostmortem {
                    name: "app".into(),
                    probes: vec![ProbeReport { ago: 3.0, passed: false, note: "refused".into() }],
                    lines: vec!["one".into(), "two".into()],
                },
                JobPostmortem { name: "b".into(), probes: Vec::new(), lines: Vec::new() },
            ],
        };
        let want =
            "\x20  1m5s ago  app    signal: killed after 2.1s, killed by the kernel: out of memory in the container
   1m5s ago  a-job  exit status 3 after 2.1s, and the kernel has killed a process: out of memory in the container
   1m5s ago  b      signal: killed after 2.1s, stopped by pilot

app:
  check failed 3s ago: refused
  | one
  | two

b:
  no output
";
        assert_eq!(postmortem(&report), want);
        let nothing = Postmortem { up_for: 1.0, exit_code: None, ends: Vec::new(), jobs: Vec::new() };
        assert_eq!(postmortem(&nothing), "nothing has ended yet\n");
    }
}
