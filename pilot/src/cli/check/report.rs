//! The report of a check: one model, and its two forms.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use super::Strictness;
use super::stop_table;
use pilot_config::{Diagnostic, Loaded, Severity, masked};
use pilot_core::plan::Plan;
use pilot_core::stop::worst_case::StopPlan;

/// What a check found. Its JSON is described in `docs/reference/check.md`; keys are added, never changed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CheckReport {
    /// The version of this form.
    schema: u32,
    file: String,
    verdict: Verdict,
    errors: usize,
    warnings: usize,
    notes: usize,
    /// Only of a file that pilot starts with.
    jobs: Option<usize>,
    watches: Option<usize>,
    findings: Vec<Finding>,
    /// Only of a file that pilot starts with.
    stop: Option<Stop>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Good,
    Bad,
}

#[derive(Debug, Serialize)]
struct Finding {
    severity: &'static str,
    rule: &'static str,
    line: usize,
    column: usize,
    path: String,
    message: String,
    remedy: Option<String>,
}

/// The worst case of a stop. All times in seconds, counted from the request to stop.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stop {
    pub worst: f64,
    pub budget: Option<f64>,
    /// Jobs wait for each other's end in a circle.
    pub circular: bool,
    pub jobs: Vec<JobStop>,
}

#[derive(Debug, Serialize)]
pub(super) struct JobStop {
    pub job: String,
    pub after: Vec<String>,
    pub begins: f64,
    pub runs: f64,
    pub hooks: f64,
    pub catalog: f64,
    pub balancer: f64,
    pub drain: f64,
    pub kill: f64,
    pub gone: f64,
}

impl CheckReport {
    pub fn of(loaded: &Loaded, budget: Option<Duration>, strictness: Strictness) -> Self {
        let count = |severity| loaded.diagnostics.iter().filter(|found| found.severity == severity).count();
        let (errors, warnings, notes) = (count(Severity::Error), count(Severity::Warning), count(Severity::Note));
        let tolerated = match strictness {
            Strictness::Errors => true,
            Strictness::Warnings => warnings == 0,
        };
        let plan = loaded.plan.as_ref();
        let verdict = if errors == 0 && plan.is_some() && tolerated { Verdict::Good } else { Verdict::Bad };
        CheckReport {
            schema: 1,
            file: loaded.file_name.clone(),
            verdict,
            errors,
            warnings,
            notes,
            // Telemetry's own job is not in the file.
            jobs: plan.map(|plan| plan.jobs.len() - usize::from(plan.telemetry.is_some())),
            watches: plan.map(|plan| plan.watches.len()),
            findings: loaded.diagnostics.iter().map(finding).collect(),
            stop: plan.map(|plan| stop(plan, budget)),
        }
    }

    pub fn is_good(&self) -> bool {
        self.verdict == Verdict::Good
    }

    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// For people; `findings` are the diagnostics with the lines they are about.
    pub fn text(&self, findings: &str) -> String {
        let mut text = findings.to_owned();
        if let Some(stop) = self.stop.as_ref().filter(|stop| stop.budget.is_some()) {
            let gap = if text.is_empty() { "" } else { "\n" };
            let _ = writeln!(text, "{gap}{}", stop_table::table(stop));
        }
        if !text.is_empty() && !text.ends_with("\n\n") {
            text.push('\n');
        }
        let found = [(self.errors, "error"), (self.warnings, "warning"), (self.notes, "note")];
        let found: Vec<String> = found.iter().map(|(number, what)| count(*number, what)).collect();
        let _ = match (self.jobs, self.watches, &self.stop) {
            (Some(jobs), Some(watches), Some(stop)) if self.errors == 0 => {
                let verdict = match self.verdict {
                    Verdict::Good => "good",
                    Verdict::Bad => "not good enough for --strict",
                };
                let of = format!("{}, {}; stops within {}s", count(jobs, "job"), count(watches, "watch"), stop.worst);
                writeln!(text, "{}: {verdict}: {of}; {}, {}", self.file, found[1], found[2])
            }
            _ => writeln!(text, "{}: {}, {}", self.file, found[0], found[1]),
        };
        text
    }
}

fn finding(found: &Diagnostic) -> Finding {
    Finding {
        severity: found.severity.as_str(),
        rule: found.rule.as_str(),
        line: found.line,
        column: found.column,
        path: found.path.clone(),
        message: found.message.clone(),
        remedy: found.remedy.as_deref().map(masked),
    }
}

fn stop(plan: &Plan, budget: Option<Duration>) -> Stop {
    let stop = StopPlan::of(plan);
    let name = |at: usize| plan.jobs.get(at).map(|job| job.name.clone()).unwrap_or_default();
    let jobs = stop.jobs.iter().enumerate().map(|(at, job)| JobStop {
        job: name(at),
        after: job.after.iter().map(|before| name(before.0)).collect(),
        begins: job.begins.as_secs_f64(),
        runs: job.runs.as_secs_f64(),
        hooks: job.hooks.as_secs_f64(),
        catalog: job.catalog.as_secs_f64(),
        balancer: job.balancer.as_secs_f64(),
        drain: job.drain.as_secs_f64(),
        kill: job.grace.as_secs_f64(),
        gone: job.gone.as_secs_f64(),
    });
    Stop {
        worst: stop.worst.as_secs_f64(),
        budget: budget.or(plan.stop_budget).map(|budget| budget.as_secs_f64()),
        circular: stop.circular,
        jobs: jobs.collect(),
    }
}

fn count(number: usize, what: &str) -> String {
    let ending = match (number, what.ends_with("ch")) {
        (1, _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    format!("{number} {what}{ending}")
}
