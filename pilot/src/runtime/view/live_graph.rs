//! The event graph of a running pilot: the diagram of its plan, with what each job and watch does now.

use super::{JobView, Snapshot, WatchView};
use crate::graph::{Diagram, Format, Live, Mood, Now};
use crate::span;
use pilot_core::exit::Exit;
use pilot_core::graph::Graph;
use pilot_core::plan::Plan;
use pilot_core::state::{State, Status};

/// The diagram of a plan with what a snapshot of it says.
pub(in crate::runtime) fn render(plan: &Plan, snapshot: &Snapshot, format: Format) -> String {
    let now =
        Now { jobs: snapshot.jobs.iter().map(job).collect(), watches: snapshot.watches.iter().map(watch).collect() };
    Diagram { plan, graph: &Graph::of(plan), now: Some(&now) }.render(format)
}

fn job(job: &JobView) -> Live {
    let lasting = span::rough(job.state_for);
    let mut text = match (job.state, job.restarts_in) {
        (State::Restarting, Some(left)) => format!("starts again in {}", span::rough(left)),
        (State::Waiting | State::Running | State::Restarting | State::Idle | State::Stopping, _) => {
            format!("{} for {lasting}", job.state.as_str())
        }
        (State::Stopped | State::Ended, _) => format!("{} {lasting} ago", job.state.as_str()),
    };
    if job.checked && job.state == State::Running {
        text.push_str(&format!(", {}", job.health.as_str()));
    }
    match job.restarts {
        0 => {}
        1 => text.push_str(", 1 restart"),
        restarts => text.push_str(&format!(", {restarts} restarts")),
    }
    if let Some(exit) = job.last_exit {
        text.push_str(&format!(", last: {exit}"));
    }
    Live { text, mood: mood(job) }
}

fn mood(job: &JobView) -> Mood {
    let failed = job.last_exit.is_some_and(|exit| exit != Exit::Code(0));
    match (job.state, job.health) {
        (State::Running, Status::Unhealthy) => Mood::Unwell,
        (State::Running, Status::Healthy | Status::AlwaysHealthy) => Mood::Well,
        (State::Running, Status::Idle | Status::Unknown) if !job.checked => Mood::Well,
        (State::Running, Status::Idle | Status::Unknown | Status::Maintenance) => Mood::Quiet,
        (State::Restarting | State::Idle | State::Ended, _) if failed => Mood::Unwell,
        (State::Ended | State::Stopped, _) => Mood::Over,
        (State::Waiting | State::Restarting | State::Idle | State::Stopping, _) => Mood::Quiet,
    }
}

fn watch(watch: &WatchView) -> Live {
    let mood = match watch.health {
        Status::Healthy | Status::AlwaysHealthy => Mood::Well,
        Status::Unhealthy => Mood::Unwell,
        Status::Idle | Status::Unknown | Status::Maintenance => Mood::Quiet,
    };
    Live { text: format!("{} for {}", watch.health.as_str(), span::rough(watch.health_for)), mood }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use pilot_core::plan::Count;

    fn running() -> JobView {
        JobView {
            name: "app".into(),
            state: State::Running,
            state_for: Duration::from_millis(192_900),
            restarts_in: None,
            health: Status::Unknown,
            health_for: Duration::ZERO,
            checked: false,
            reason: None,
            pid: Some(17),
            runs: 1,
            restarts: 0,
            restarts_left: Count::Unlimited,
            last_exit: None,
            services: Vec::new(),
        }
    }

    #[test]
    fn text_and_mood_say_what_a_job_does_and_whether_that_is_good() {
        let checked = |health| JobView { health, checked: true, ..running() };
        let ended = |state, code| JobView { state, last_exit: Some(Exit::Code(code)), ..running() };
        let waiting = JobView { state: State::Waiting, ..running() };
        let again = JobView {
            restarts_in: Some(Duration::from_millis(4100)),
            restarts: 2,
            last_exit: Some(Exit::Signal(11)),
            ..ended(State::Restarting, 0)
        };
        let rows = [
            (running(), "running for 3m12s", Mood::Well),
            (checked(Status::Unknown), "running for 3m12s, unknown", Mood::Quiet),
            (checked(Status::Healthy), "running for 3m12s, healthy", Mood::Well),
            (checked(Status::Unhealthy), "running for 3m12s, unhealthy", Mood::Unwell),
            (checked(Status::Maintenance), "running for 3m12s, maintenance", Mood::Quiet),
            (waiting, "waiting for 3m12s", Mood::Quiet),
            (again, "starts again in 4s, 2 restarts, last: signal: segmentation fault", Mood::Unwell),
            (ended(State::Idle, 0), "idle for 3m12s, last: exit status 0", Mood::Quiet),
            (ended(State::Idle, 1), "idle for 3m12s, last: exit status 1", Mood::Unwell),
            (ended(State::Ended, 0), "ended 3m12s ago, last: exit status 0", Mood::Over),
            (ended(State::Ended, 3), "ended 3m12s ago, last: exit status 3", Mood::Unwell),
            (ended(State::Stopped, 3), "stopped 3m12s ago, last: exit status 3", Mood::Over),
            (ended(State::Stopping, 3), "stopping for 3m12s, last: exit status 3", Mood::Quiet),
        ];
        for (view, text, mood) in rows {
            assert_eq!(job(&view), Live { text: text.into(), mood }, "{view:?}");
        }
    }
}
