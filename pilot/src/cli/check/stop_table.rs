//! The worst case of a stop as a small table.

use std::fmt::Write as _;

use super::report::Stop;
use crate::table::{self, Align};

const HEADINGS: [&str; 9] = ["job", "begins", "runs", "hooks", "catalog", "balancer", "drain", "kill", "gone"];

/// Who may take how long, in the order in which they are gone.
pub(super) fn table(stop: &Stop) -> String {
    let mut jobs: Vec<_> = stop.jobs.iter().collect();
    jobs.sort_by(|a, b| a.gone.total_cmp(&b.gone));
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    rows.extend(jobs.iter().map(|job| {
        let part = |part: f64| if part == 0.0 { "-".to_owned() } else { format!("{part}s") };
        let begins = format!("{}s", job.begins);
        let (kill, gone) = (part(job.kill), format!("{}s", job.gone));
        let (balancer, drain) = (part(job.balancer), part(job.drain));
        [job.job.clone(), begins, part(job.runs), part(job.hooks), part(job.catalog), balancer, drain, kill, gone]
    }));
    let mut text = "Stopping, in the worst case:\n\n".to_owned();
    let align: [Align; 9] = std::array::from_fn(|column| if column == 0 { Align::Left } else { Align::Right });
    text.push_str(&table::table(&rows, align, 2));
    text.push_str(
        "\n  begins: its dependents are gone, and its own run has ended if it is a hook (runs);\n  \
         hooks: waits for jobs on its `stopping`; catalog, balancer: leaves Consul and its target\n  \
         group; drain: keeps serving; kill: from SIGTERM to SIGKILL.\n",
    );
    if stop.circular {
        text.push_str("  Some jobs wait for each other's end: the total is for all of them, one after the other.\n");
    }
    let budget = stop.budget.unwrap_or_default();
    let verdict = if stop.worst > budget { "which exceeds" } else { "within" };
    let _ = writeln!(text, "\n  {}s in total, {verdict} the {budget}s allowed.", stop.worst);
    text
}
