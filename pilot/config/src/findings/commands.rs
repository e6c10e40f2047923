//! Commands: checks that start a process for what pilot can ask by itself, and text that is meant for a shell.

use pilot_core::graph::Graph;
use pilot_core::plan::{Command, Probe};

use super::super::diagnostic::{Rule, Severity};
use super::super::document::Document;
use super::super::numbers::whole;
use super::super::value::Kind;
use super::super::weak::Field;
use super::native;

pub(super) fn find(document: &Document<'_>, graph: &Graph) {
    for (job, place) in document.plan.jobs.iter().zip(&document.jobs) {
        if let Some(command) = &job.exec {
            look_for_shell(&place.within(&["exec"]), command);
        }
        let Some(Probe::Exec(command)) = job.health.as_ref().and_then(|health| health.probe.as_ref()) else { continue };
        let exec = place.within(&["health", "exec"]);
        look_for_shell(&exec, command);
        // Who waits for the check's own exits needs the process.
        let source = format!("check.{}", job.name);
        if graph.edges.iter().any(|edge| edge.event.source == source) {
            continue;
        }
        if let Some(instead) = native::instead_of(command, local_port(place)) {
            exec.find(
                Severity::Note,
                Rule::ForkPerProbe,
                "starts a process for every check, which pilot can do without",
                format!("write `{instead}` instead of `exec`"),
            );
        }
    }
}

/// The port that the job listens on; it may advertise another one.
fn local_port(job: &Field<'_>) -> Option<u16> {
    let port = job.value.member("port").and_then(whole)?;
    u16::try_from(port).ok().filter(|port| *port != 0)
}

/// A command in one text that only a shell would understand; a list is taken as it is and meant so.
fn look_for_shell(exec: &Field<'_>, command: &Command) {
    if !matches!(exec.value.kind, Kind::Text(_)) {
        return;
    }
    let operator = |word: &&String| ["&&", "||", "|", ">", ">>", "<", "2>&1", "&", ";"].contains(&word.as_str());
    let quote = |word: &&String| word.starts_with(['\'', '"']) || word.ends_with(['\'', '"']);
    if let Some(word) = command.args.iter().find(|word| operator(word) || quote(word)) {
        exec.find(
            Severity::Warning,
            Rule::NoShell,
            &format!("is run without a shell: {word:?} is handed to the program as it is"),
            "write the words as a list, or [\"/bin/sh\", \"-c\", \"...\"] where there is a shell".to_owned(),
        );
    }
}
