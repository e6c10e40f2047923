//! Hooks with which ContainerPilot 3 never came to its end (v3 spec 10.3). pilot does; who moves may want to know.

use pilot_core::event::Code;
use pilot_core::graph::{Edge, Graph, Mode, Node};
use pilot_core::plan::{Count, Start};

use super::super::diagnostic::{Rule, Severity};
use super::super::document::Document;
use super::super::waits::Waits;

pub(super) fn find(document: &Document<'_>, graph: &Graph) {
    for edge in graph.edges.iter().filter(|edge| edge.is_hook()) {
        let (Some(job), Some(place)) = (document.plan.jobs.get(edge.to.0), document.jobs.get(edge.to.0)) else {
            continue;
        };
        if job.exec.is_none() {
            continue;
        }
        if job.restarts == Count::Unlimited {
            let complaint =
                "without limit is what ContainerPilot 3 never ended with: this job runs while another stops";
            let remedy = "pilot runs it once while it stops; leave `restarts` out to say so".to_owned();
            place.within(&["restarts"]).find(Severity::Note, Rule::HungInV3, complaint, remedy);
        }
        if edge.mode == Mode::Each && edge.event.code == Code::Stopping && source_ends(document, edge) {
            let complaint =
                "of a stop is what ContainerPilot 3 waited for without end when the source stopped by itself";
            let remedy = "pilot does not wait for it; `once` says the same, as a job stops once".to_owned();
            Waits::of(place).event(&edge.event).find(Severity::Note, Rule::HungInV3, complaint, remedy);
        }
    }
}

/// Whether the job that is hooked on ends by itself.
fn source_ends(document: &Document<'_>, edge: &Edge) -> bool {
    let Some(Node::Job(at)) = edge.from else { return false };
    document.plan.jobs.get(at.0).is_some_and(|job| {
        job.exec.is_some() && job.restarts != Count::Unlimited && matches!(job.start, Start::Once { .. })
    })
}
