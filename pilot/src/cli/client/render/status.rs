//! How things are, as text: jobs, everything on one screen, health.

use super::super::Wanted;
use crate::runtime::control::report::{HealthReport, JobHealth, JobReport};
use crate::runtime::control::status::{ServiceReport, StatusReport, WatchReport};
use crate::span::rough_seconds;
use crate::table::{Align, table};

/// A table, one line a job.
pub(in crate::cli::client) fn jobs(jobs: &[JobReport]) -> String {
    let header = ["JOB", "STATE", "SINCE", "PID", "HEALTH", "RESTARTS", "LAST EXIT"].map(str::to_owned);
    let rows = jobs.iter().map(|job| {
        let state = match job.restarts_in {
            Some(seconds) => format!("{} in {}", job.state, rough_seconds(seconds)),
            None => job.state.clone(),
        };
        [
            job.name.clone(),
            state,
            rough_seconds(job.state_for),
            or_dash(job.pid.map(|pid| pid.to_string())),
            or_dash(job.health.clone()),
            job.restarts.to_string(),
            or_dash(job.last_exit.clone()),
        ]
    });
    lines(&[header].into_iter().chain(rows).collect::<Vec<_>>())
}

/// One screen: pilot, jobs, services, watches, and what comes next; what there is none of is left out.
pub(in crate::cli::client) fn status(status: &StatusReport) -> String {
    let is = |word: &'static str, so: bool| so.then_some(word);
    let states =
        [is("stopping", status.stopping), is("reloading", status.reloading), is("in maintenance", status.maintenance)];
    let states: String = states.into_iter().flatten().map(|word| format!(", {word}")).collect();
    let mut text =
        format!("pilot {}, process {}, up {}{states}\n", status.version, status.pid, rough_seconds(status.up_for));
    text.push_str(&format!("\n{}", jobs(&status.jobs)));
    if !status.services.is_empty() {
        text.push_str(&format!("\n{}", services(&status.services)));
    }
    if !status.watches.is_empty() {
        text.push_str(&format!("\n{}", watches(&status.watches)));
    }
    let reasons = failing(status);
    if !reasons.is_empty() {
        text.push_str(&format!("\nfailing:\n{reasons}"));
    }
    if !status.next.is_empty() {
        text.push_str("\nnext:\n");
    }
    for next in &status.next {
        text.push_str(&format!("  in {}: {}\n", rough_seconds(next.due_in), next.text));
    }
    text
}

/// A line for each job and watch whose last check failed, with the reason.
fn failing(status: &StatusReport) -> String {
    let jobs = status.jobs.iter().map(|job| (job.name.clone(), &job.reason));
    let watches = status.watches.iter().map(|watch| (format!("watch.{}", watch.name), &watch.reason));
    jobs.chain(watches).filter_map(|(name, reason)| Some(format!("  {name}: {}\n", reason.as_ref()?))).collect()
}

fn lines<const N: usize>(rows: &[[String; N]]) -> String {
    table(rows, [Align::Left; N], 0)
}

fn services(services: &[ServiceReport]) -> String {
    let header = ["SERVICE", "JOB", "ADDRESS", "HEALTH"].map(str::to_owned);
    let row = |service: &ServiceReport| {
        [service.name.clone(), service.job.clone(), service.address.clone(), service.health.clone()]
    };
    lines(&[header].into_iter().chain(services.iter().map(row)).collect::<Vec<_>>())
}

fn watches(watches: &[WatchReport]) -> String {
    let header = ["WATCH", "SERVICE", "HEALTH", "SINCE", "INSTANCES"].map(str::to_owned);
    let row = |watch: &WatchReport| {
        let instances = Some(watch.instances.join(" ")).filter(|text| !text.is_empty());
        let service = or_dash(watch.service.clone());
        [watch.name.clone(), service, watch.health.clone(), rough_seconds(watch.health_for), or_dash(instances)]
    };
    lines(&[header].into_iter().chain(watches.iter().map(row)).collect::<Vec<_>>())
}

fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "-".to_owned())
}

/// One line: whether it is well, and every job that is not ready.
pub(in crate::cli::client) fn health(report: &HealthReport, wanted: Wanted) -> String {
    let verdict = match (wanted, report.healthy, report.ready) {
        (Wanted::Healthy, true, _) => "healthy",
        (Wanted::Healthy, false, _) => "not healthy",
        (Wanted::Ready, _, true) => "ready",
        (Wanted::Ready, _, false) => "not ready",
    };
    let notes: Vec<String> = report.jobs.iter().filter(|job| !job.note.is_empty()).map(note).collect();
    match (notes.is_empty(), report.jobs.is_empty()) {
        (false, _) => format!("{verdict}: {}", notes.join("; ")),
        (true, true) => format!("{verdict}: no job has a health check"),
        (true, false) => verdict.to_owned(),
    }
}

fn note(JobHealth { name, note, .. }: &JobHealth) -> String {
    format!("{name} {note}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::control::status::NextReport;

    fn job(name: &str, state: &str, state_for: f64) -> JobReport {
        JobReport {
            name: name.into(),
            state: state.into(),
            state_for,
            restarts_in: None,
            pid: None,
            runs: 1,
            restarts: 0,
            restarts_left: None,
            health: None,
            health_for: None,
            reason: None,
            last_exit: None,
            services: Vec::new(),
        }
    }

    #[test]
    fn jobs_are_a_table_that_fits_them() {
        let app = JobReport { pid: Some(17), health: Some("healthy".into()), ..job("app", "running", 192.9) };
        let worker = JobReport {
            restarts_in: Some(2.5),
            restarts: 14,
            last_exit: Some("exit status 1".into()),
            ..job("a-worker", "restarting", 0.2)
        };
        let want = "\
JOB       STATE             SINCE  PID  HEALTH   RESTARTS  LAST EXIT
app       running           3m12s  17   healthy  0         -
a-worker  restarting in 2s  0s     -    -        14        exit status 1
";
        assert_eq!(jobs(&[app, worker]), want);
    }

    #[test]
    fn status_is_one_screen_of_what_there_is() {
        let mut status = StatusReport {
            version: "1.0.0".into(),
            pid: 1,
            up_for: 192.9,
            stopping: false,
            maintenance: true,
            reloading: false,
            jobs: vec![job("app", "running", 192.9)],
            services: Vec::new(),
            watches: Vec::new(),
            next: Vec::new(),
        };
        let bare = "\
pilot 1.0.0, process 1, up 3m12s, in maintenance

JOB  STATE    SINCE  PID  HEALTH  RESTARTS  LAST EXIT
app  running  3m12s  -    -       0         -
";
        assert_eq!(super::status(&status), bare);
        status.services = vec![ServiceReport {
            name: "web".into(),
            job: "app".into(),
            address: "[::1]:80".into(),
            health: "healthy".into(),
        }];
        status.watches = vec![WatchReport {
            name: "db".into(),
            service: Some("mysql".into()),
            health: "healthy".into(),
            health_for: 9.0,
            reason: None,
            instances: vec!["10.0.0.2:3306".into(), "10.0.0.3:3306".into()],
        }];
        status.watches[0].reason = Some("connection refused".into());
        status.next = vec![NextReport { job: "app".into(), due_in: 2.5, text: "app is restarted".into() }];
        let more = "
SERVICE  JOB  ADDRESS   HEALTH
web      app  [::1]:80  healthy

WATCH  SERVICE  HEALTH   SINCE  INSTANCES
db     mysql    healthy  9s     10.0.0.2:3306 10.0.0.3:3306

failing:
  watch.db: connection refused

next:
  in 2s: app is restarted
";
        assert_eq!(super::status(&status), format!("{bare}{more}"));
    }

    #[test]
    fn health_is_one_line() {
        let job = |name: &str, note: &str| JobHealth { name: name.into(), readiness: String::new(), note: note.into() };
        let report = |healthy, ready, jobs: &[JobHealth]| HealthReport { healthy, ready, jobs: jobs.to_vec() };
        let fine = job("db", "");
        let starting = job("app", "has not started yet");
        let failing = job("app", "is unhealthy: HTTP 500");
        let rows = [
            (report(true, true, &[]), Wanted::Healthy, "healthy: no job has a health check"),
            (report(true, true, std::slice::from_ref(&fine)), Wanted::Healthy, "healthy"),
            (
                report(true, false, &[fine.clone(), starting.clone()]),
                Wanted::Healthy,
                "healthy: app has not started yet",
            ),
            (report(true, false, &[fine.clone(), starting]), Wanted::Ready, "not ready: app has not started yet"),
            (report(false, false, &[fine, failing]), Wanted::Healthy, "not healthy: app is unhealthy: HTTP 500"),
        ];
        for (report, wanted, text) in rows {
            assert_eq!(health(&report, wanted), text);
        }
    }
}
