//! Records ends of runs and results of checks, for a post-mortem.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::memory::Kills;
use super::report::{EndReport, JobPostmortem, Postmortem, ProbeReport};
use crate::runtime::output::Output;
use pilot_core::effect::Verdict;
use pilot_core::exit::Exit;

/// Ends that are kept, of all jobs together.
const MAX_ENDS: usize = 32;
/// Results of checks that are kept of each job.
const MAX_PROBES: usize = 3;
/// Characters of what a check said.
const MAX_NOTE: usize = 200;

/// The end of one run.
#[derive(Clone, Debug)]
pub struct End {
    pub(in crate::runtime) job: String,
    /// On the engine's clock.
    pub(in crate::runtime) at: Duration,
    pub(in crate::runtime) lasted: Duration,
    pub(in crate::runtime) exit: Exit,
    /// Why it could not be started.
    pub(in crate::runtime) reason: Option<String>,
    /// Whether pilot was stopping it.
    pub(in crate::runtime) stopping: bool,
}

#[derive(Clone, Debug)]
struct Kept {
    end: End,
    oom_kills: u64,
}

#[derive(Clone, Debug)]
struct Probe {
    at: Duration,
    passed: bool,
    note: String,
}

/// How much a report may hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    ends: usize,
    jobs: usize,
    lines: usize,
    characters: usize,
}

/// For people who ask.
const SCREEN: Limits = Limits { ends: MAX_ENDS, jobs: 8, lines: 10, characters: 500 };
/// For a log: Docker cuts lines after 16 KiB.
const LINE: Limits = Limits { ends: 10, jobs: 4, lines: 5, characters: 300 };

/// What is kept of the last ends and checks.
#[derive(Debug, Default)]
pub struct Recorder {
    ends: VecDeque<Kept>,
    probes: HashMap<String, VecDeque<Probe>>,
    kills: Option<Kills>,
}

impl Recorder {
    /// The kernel's kills are counted from now on. Not before the first job: it need not wait for that.
    pub fn begin(&mut self) {
        self.kills.get_or_insert_with(Kills::of_this_container);
    }

    pub(in crate::runtime) fn ended(&mut self, end: End) {
        if self.ends.len() == MAX_ENDS {
            self.ends.pop_front();
        }
        let failed = end.exit != Exit::Code(0) && end.reason.is_none();
        let oom_kills = self.kills.as_mut().filter(|_| failed).map_or(0, Kills::new_ones);
        self.ends.push_back(Kept { end, oom_kills });
    }

    pub(in crate::runtime) fn probed(&mut self, job: &str, verdict: &Verdict, at: Duration) {
        let probe = Probe { at, passed: verdict.pass, note: cut(&verdict.note, MAX_NOTE) };
        match self.probes.get_mut(job) {
            Some(probes) => {
                if probes.len() == MAX_PROBES {
                    probes.pop_front();
                }
                probes.push_back(probe);
            }
            None => {
                self.probes.insert(job.to_owned(), VecDeque::from([probe]));
            }
        }
    }

    /// Forgets the checks of jobs that are gone; their ends stay.
    pub(in crate::runtime) fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.probes.retain(|job, _| keep(job));
    }

    /// Whether a job of this name has ended, be it gone by now.
    pub fn knows(&self, job: &str) -> bool {
        self.ends.iter().any(|kept| kept.end.job == job)
    }

    /// The answer for people: of all jobs, or of one.
    pub fn report(&self, job: Option<&str>, output: &Output, now: Duration) -> Postmortem {
        self.within(SCREEN, job, output, now)
    }

    /// What is said at the end of everything.
    pub fn last_report(&self, output: &Output, now: Duration) -> Postmortem {
        self.within(LINE, None, output, now)
    }

    fn within(&self, limits: Limits, job: Option<&str>, output: &Output, now: Duration) -> Postmortem {
        let of_it = |kept: &&Kept| job.is_none_or(|job| kept.end.job == job);
        let ends: Vec<&Kept> = self.ends.iter().rev().filter(of_it).collect();
        // Those that went by themselves first: what was stopped because of them tells less.
        let (own, other): (Vec<&Kept>, Vec<&Kept>) = ends.iter().partition(|kept| kept.is_a_failure());
        let mut names: Vec<&str> = job.into_iter().collect();
        for kept in own.iter().chain(&other) {
            if !names.contains(&kept.end.job.as_str()) {
                names.push(&kept.end.job);
            }
        }
        names.truncate(limits.jobs);
        let mut shown: Vec<&Kept> = own.iter().chain(&other).copied().take(limits.ends).collect();
        shown.sort_by_key(|kept| std::cmp::Reverse(kept.end.at));
        Postmortem {
            up_for: now.as_secs_f64(),
            exit_code: None,
            ends: shown.into_iter().map(|kept| kept.report(now)).collect(),
            jobs: names.into_iter().map(|name| self.of_job(name, limits, output, now)).collect(),
        }
    }

    fn of_job(&self, name: &str, limits: Limits, output: &Output, now: Duration) -> JobPostmortem {
        let probes = self.probes.get(name).into_iter().flatten().rev().map(|probe| ProbeReport {
            ago: now.saturating_sub(probe.at).as_secs_f64(),
            passed: probe.passed,
            note: probe.note.clone(),
        });
        let lines = output.last_lines(name, limits.lines).iter().map(|line| cut(line, limits.characters)).collect();
        JobPostmortem { name: name.to_owned(), probes: probes.collect(), lines }
    }
}

impl Kept {
    fn is_a_failure(&self) -> bool {
        self.end.exit != Exit::Code(0) && !self.end.stopping
    }

    fn report(&self, now: Duration) -> EndReport {
        let End { job, at, lasted, exit, reason, stopping } = &self.end;
        let (code, signal) = match exit {
            Exit::Code(code) => (Some(*code), None),
            Exit::Signal(number) => {
                let name = nix::sys::signal::Signal::try_from(*number).map(|signal| signal.to_string());
                (None, Some(name.unwrap_or_else(|_| number.to_string())))
            }
        };
        EndReport {
            job: job.clone(),
            ago: now.saturating_sub(*at).as_secs_f64(),
            lasted: lasted.as_secs_f64(),
            text: reason.clone().unwrap_or_else(|| exit.to_string()),
            code,
            signal,
            oom_kills: self.oom_kills,
            stopped: *stopping,
        }
    }
}

/// The first characters of a text.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilot_core::plan::{Level, LogFormat, LogOutput, Logging};

    fn output() -> Output {
        Output::open(&Logging { level: Level::Info, format: LogFormat::Default, output: LogOutput::Stderr }).unwrap()
    }

    fn end(job: &str, at: u64, exit: Exit) -> End {
        End {
            job: job.into(),
            at: Duration::from_secs(at),
            lasted: Duration::from_secs(1),
            exit,
            reason: None,
            stopping: false,
        }
    }

    #[test]
    fn the_newest_are_kept_up_to_a_limit() {
        let mut recorder = Recorder::default();
        for at in 0..1000 {
            recorder.ended(end("app", at, Exit::Code(1)));
            recorder.probed(
                "app",
                &Verdict { pass: at % 2 == 0, note: "x".repeat(1000), exit: None },
                Duration::from_secs(at),
            );
        }
        let report = recorder.report(None, &output(), Duration::from_secs(1000));
        assert_eq!((report.ends.len(), report.ends[0].ago, report.ends[31].ago), (MAX_ENDS, 1.0, 32.0));
        let probes = &report.jobs[0].probes;
        assert_eq!((probes.len(), probes[0].ago, probes[0].passed), (MAX_PROBES, 1.0, false));
        assert_eq!(probes[0].note.chars().count(), MAX_NOTE + 1);
        recorder.retain(|_| false);
        let report = recorder.report(None, &output(), Duration::from_secs(1000));
        assert_eq!((report.ends.len(), report.jobs[0].probes.len()), (MAX_ENDS, 0), "a job that is gone");
    }

    /// When one job has ended everything, those that were stopped because of it ended after it.
    #[test]
    fn who_failed_comes_before_who_was_stopped_because_of_it() {
        let mut recorder = Recorder::default();
        recorder.ended(end("culprit", 1, Exit::Signal(11)));
        for number in 0..20 {
            recorder.ended(End { stopping: true, ..end(&format!("job {number}"), 2, Exit::Signal(15)) });
        }
        let report = recorder.last_report(&output(), Duration::from_secs(3));
        assert_eq!((report.jobs.len(), report.jobs[0].name.as_str()), (4, "culprit"));
        let culprit = report.ends.last().unwrap();
        assert_eq!((report.ends.len(), culprit.job.as_str()), (10, "culprit"));
        assert_eq!((culprit.code, culprit.signal.as_deref(), culprit.stopped), (None, Some("SIGSEGV"), false));
        let one = recorder.report(Some("job 3"), &output(), Duration::from_secs(3));
        assert_eq!((one.ends.len(), one.jobs.len(), one.ends[0].stopped), (1, 1, true));
    }
}
