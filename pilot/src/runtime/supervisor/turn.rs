//! Turns of the loop: whoever has something to say is heard, nobody is heard for long, and time and signals come first.
//!
//! Every source of messages has a budget a turn, and before every message of any of them one signal is obeyed and the timers
//! are looked at. So no peer, however much it sends, holds up anything by more than one message; and after each turn all
//! other tasks have theirs.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::oneshot;

use super::clock::Clock;
use super::{Report, Supervisor};
use crate::runtime::catalog::Withdrawn;
use crate::runtime::control::Request;
use crate::runtime::process::signals::Arrived;
use crate::runtime::view::{Snapshot, View};
use pilot_core::effect::{Input, UserSignal};

/// How often the remains of process groups are looked at while there are any; the kernel tells nobody of their end.
const LINGERING: Duration = Duration::from_millis(20);

/// When the system had no thread to give for the output, it is asked again after so long; lines wait meanwhile.
const WITHOUT_OUTPUT: Duration = Duration::from_millis(200);

/// What wakes the loop.
enum Message {
    Signal(Arrived),
    /// Something is due, or more children have ended than belonged into the last turn.
    Timer,
    Withdrawn(Withdrawn),
    Report(Report),
    Request(Request),
    /// Something was said on the readiness socket.
    Notice,
    View(oneshot::Sender<View>),
}

/// Where messages come from that somebody else decides the number of, and how many are taken a turn.
#[derive(Clone, Copy)]
enum Source {
    Withdrawals,
    Reports,
    Requests,
    /// One is what fits into a millisecond.
    Notices,
    Views,
}

const SOURCES: [(Source, usize); 5] =
    [(Source::Withdrawals, 16), (Source::Reports, 16), (Source::Requests, 4), (Source::Notices, 1), (Source::Views, 2)];

impl Supervisor {
    /// Waits until somebody has something to say, and hears everybody once. The exit code, if that is the end.
    pub(super) async fn turn(&mut self, inputs: &mut VecDeque<Input>) -> ControlFlow<u8> {
        let first = self.next().await;
        self.hear(first, inputs);
        self.settle(inputs)?;
        for (source, budget) in SOURCES {
            for _ in 0..budget {
                self.hear_urgent(inputs)?;
                let Some(message) = self.waiting(source) else { break };
                self.hear(message, inputs);
                self.settle(inputs)?;
            }
        }
        // Tasks, and the tasks' sockets, have their turn too.
        tokio::task::yield_now().await;
        ControlFlow::Continue(())
    }

    /// What cannot wait: a signal, and what is due.
    fn hear_urgent(&mut self, inputs: &mut VecDeque<Input>) -> ControlFlow<u8> {
        if let Some(arrived) = self.signals.take() {
            self.hear(Message::Signal(arrived), inputs);
            self.settle(inputs)?;
        }
        if self.wake_at().is_some_and(|at| at <= Instant::now()) {
            self.hear(Message::Timer, inputs);
            self.settle(inputs)?;
        }
        ControlFlow::Continue(())
    }

    async fn next(&mut self) -> Message {
        let (since, due) = (Instant::now(), self.wake_at());
        // Whether the output has a thread is asked only when there is time for it.
        let again = self.output.begin().is_err().then(|| since + WITHOUT_OUTPUT);
        let heartbeat = Clock::heartbeat(since, due);
        let wake = [due, again, heartbeat].into_iter().flatten().min();
        let timer = async {
            match wake {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        let message = tokio::select! {
            biased;
            arrived = self.signals.next() => Message::Signal(arrived),
            () = timer => Message::Timer,
            Some(withdrawn) = self.catalog.withdrawn.recv() => Message::Withdrawn(withdrawn),
            Some(report) = self.reports.recv() => Message::Report(report),
            Some(request) = self.control.requests.recv() => Message::Request(request),
            () = self.notices.arrival() => Message::Notice,
            Some(viewer) = self.exporter.viewers.recv() => Message::View(viewer),
        };
        let now = Instant::now();
        if let (Message::Timer, Some(due)) = (&message, due.filter(|due| *due <= now)) {
            self.observers.meters.woke_late(now.saturating_duration_since(due));
        }
        self.clock.woke(since, wake, now);
        message
    }

    /// A message that is there already.
    fn waiting(&mut self, source: Source) -> Option<Message> {
        match source {
            Source::Withdrawals => self.catalog.withdrawn.try_recv().ok().map(Message::Withdrawn),
            Source::Reports => self.reports.try_recv().ok().map(Message::Report),
            Source::Requests => self.control.requests.try_recv().ok().map(Message::Request),
            // Costs one system call if there is none.
            Source::Notices => Some(Message::Notice),
            Source::Views => self.exporter.viewers.try_recv().ok().map(Message::View),
        }
    }

    /// When something is due, on the system's clock.
    fn wake_at(&self) -> Option<Instant> {
        let lingering = self.children.has_lingering_groups().then(|| self.looked_at_groups + LINGERING);
        let unreaped = self.unreaped.then(Instant::now);
        let due = [self.engine.next_timeout(), self.probes.next_deadline()].into_iter().flatten().min();
        let leftovers = self.children.next_look_at_leftovers();
        [due.map(|due| self.clock.at(due)), lingering, unreaped, leftovers].into_iter().flatten().min()
    }

    fn hear(&mut self, message: Message, inputs: &mut VecDeque<Input>) {
        match message {
            Message::Signal(arrived) => match arrived {
                Arrived::Child => self.reap(inputs),
                Arrived::Stop => inputs.push_back(Input::Stop),
                Arrived::Hup => inputs.push_back(Input::Signal(UserSignal::Hup)),
                Arrived::Usr2 => inputs.push_back(Input::Signal(UserSignal::Usr2)),
                Arrived::Usr1 => self.output.reopen(),
            },
            Message::Timer => self.time_passed(inputs),
            Message::Withdrawn(withdrawn) => inputs.extend(self.withdrawn(&withdrawn)),
            Message::Report(report) => match report {
                Report::Input(input) => inputs.push_back(input),
                Report::CannotServe(why, otherwise) => self.cannot_serve(&why, otherwise, inputs),
                Report::WatchTrouble(watch, trouble) => self.watches.set_trouble(watch, trouble),
                Report::Loaded(loaded) => self.loaded(*loaded, inputs),
                #[cfg(test)]
                Report::Panic => panic!("a defect of the loop"),
            },
            Message::Request(request) => self.answer(request, inputs),
            Message::Notice => inputs.extend(self.notices.take(self.clock.now())),
            Message::View(viewer) => {
                // Whoever asked may have gone.
                let _ = viewer.send(View::new(&self.engine, self.snapshot()));
            }
        }
    }

    /// What there is now.
    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot::take(&self.engine, &self.children, self.clock.now(), |watch| self.watches.trouble(watch))
    }

    fn time_passed(&mut self, inputs: &mut VecDeque<Input>) {
        if self.unreaped || self.children.has_lingering_groups() {
            self.reap(inputs);
        }
        self.end_overdue_probes(inputs);
        self.press_leftovers();
        inputs.push_back(if self.engine.goes_by_the_clock() {
            Input::Clock { utc: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() }
        } else {
            Input::Tick
        });
    }

    fn reap(&mut self, inputs: &mut VecDeque<Input>) {
        inputs.extend(self.reap_children());
        self.observers.meters.checks_unended(self.children.unended());
    }

    /// Reaps, and tells what has ended.
    pub(super) fn reap_children(&mut self) -> Vec<Input> {
        self.looked_at_groups = Instant::now();
        let (ended, more) = self.children.reap(&mut self.environment, &mut self.notices, self.clock.now());
        self.unreaped = more;
        for input in &ended {
            if let Input::Exited { run, .. } | Input::StartFailed { run, .. } = input {
                self.notices.ended(*run);
            }
        }
        ended
    }

    fn press_leftovers(&mut self) {
        self.children.press_leftovers(Instant::now());
        self.observers.meters.checks_unended(self.children.unended());
    }
}
