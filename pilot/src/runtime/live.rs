//! The event graph of a running pilot: the picture of its plan, with what each job and watch does drawn in.

use std::time::Duration;

use super::snapshot::{JobView, Snapshot, WatchView};
use crate::picture::{Form, Live, Mood, Now, Picture, time};
use pilot_core::exit::Exit;
use pilot_core::graph::Graph;
use pilot_core::job::{State, Status};
use pilot_core::plan::Plan;

/// The picture of a plan with what a snapshot of it says.
pub(super) fn picture(plan: &Plan, snapshot: &Snapshot, form: Form) -> String {
    let now =
        Now { jobs: snapshot.jobs.iter().map(job).collect(), watches: snapshot.watches.iter().map(watch).collect() };
    Picture { plan, graph: &Graph::of(plan), now: Some(&now) }.drawn(form)
}

fn job(job: &JobView) -> Live {
    let lasting = seconds(job.state_for);
    let mut words = match (job.state, job.restarts_in) {
        (State::Restarting, Some(left)) => format!("starts again in {}", seconds(left)),
        (State::Waiting | State::Running | State::Restarting | State::Idle | State::Stopping, _) => {
            format!("{} for {lasting}", job.state.as_str())
        }
        (State::Stopped | State::Ended, _) => format!("{} {lasting} ago", job.state.as_str()),
    };
    if job.checked && job.state == State::Running {
        words.push_str(&format!(", {}", job.status.as_str()));
    }
    match job.restarts {
        0 => {}
        1 => words.push_str(", 1 restart"),
        restarts => words.push_str(&format!(", {restarts} restarts")),
    }
    if let Some(exit) = job.last_exit {
        words.push_str(&format!(", last: {exit}"));
    }
    Live { words, mood: mood(job) }
}

fn mood(job: &JobView) -> Mood {
    let failed = job.last_exit.is_some_and(|exit| exit != Exit::Code(0));
    match (job.state, job.status) {
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
    let mood = match watch.status {
        Status::Healthy | Status::AlwaysHealthy => Mood::Well,
        Status::Unhealthy => Mood::Unwell,
        Status::Idle | Status::Unknown | Status::Maintenance => Mood::Quiet,
    };
    Live { words: format!("{} for {}", watch.status.as_str(), seconds(watch.status_for)), mood }
}

fn seconds(span: Duration) -> String {
    time(Duration::from_secs(span.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running() -> JobView {
        JobView {
            name: "app".into(),
            state: State::Running,
            state_for: Duration::from_millis(192_900),
            restarts_in: None,
            status: Status::Unknown,
            status_for: Duration::ZERO,
            checked: false,
            pid: Some(17),
            runs: 1,
            restarts: 0,
            last_exit: None,
            services: Vec::new(),
        }
    }

    #[test]
    fn words_and_mood_say_what_a_job_does_and_whether_that_is_good() {
        let checked = |status| JobView { status, checked: true, ..running() };
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
        for (view, words, mood) in rows {
            assert_eq!(job(&view), Live { words: words.into(), mood }, "{view:?}");
        }
    }
}
