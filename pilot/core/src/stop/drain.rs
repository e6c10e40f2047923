//! Step 4: the job is out of the catalog and of its target group, and serves on until nobody asks any more.

use std::sync::Arc;

use crate::effect::Effect;
use crate::engine::Engine;
use crate::event::{Code, Event};
use crate::limits::{COUNT_EVERY, TELL_EVERY};
use crate::plan::{InFlight, JobId, Level};
use crate::state::{Draining, StopStep};

impl Engine {
    /// Begins a job's drain, or ends it at once if there is nothing to wait for.
    pub(super) fn drain(&mut self, id: JobId) {
        let Some(job) = self.jobs.get(id) else { return };
        let (settings, runs) = (Arc::clone(&job.settings), job.run().is_some());
        let Some(drain) = &settings.drain else { return self.end(id) };
        if self.lifecycle.hurried || !runs || drain.longest().is_zero() {
            return self.end(id);
        }
        let name = &settings.name;
        let planned = self.after(drain.longest());
        let until = self.drain_in_time(id, planned);
        let quiet = self.after(drain.min).min(until);
        let (least, most) = (quiet.saturating_sub(self.now), until.saturating_sub(self.now));
        let mut text = match drain.in_flight {
            InFlight::Unknown => format!("{name} drains: it serves on for {least:.0?}"),
            InFlight::Connections(_) | InFlight::Url(_) => {
                format!(
                    "{name} drains: it serves on for at least {least:.0?}, then until nothing is in flight, at most {most:.0?}"
                )
            }
        };
        if until < planned {
            text.push_str(&format!(" (instead of {:.0?}: the stop budget leaves no more)", drain.longest()));
        }
        self.say(Level::Info, Some(id), text);
        let count_at = (drain.in_flight != InFlight::Unknown).then_some(self.now);
        let tell_at = self.after(TELL_EVERY);
        let draining = Draining { quiet, until, in_flight: None, quiet_passed: false, count_at, tell_at };
        self.enter_step(id, StopStep::Drain(draining));
        self.publish(Event::new(Code::Draining, name.clone()));
        self.effect(Effect::Drain { job: id });
    }

    fn draining_mut(&mut self, id: JobId) -> Option<&mut Draining> {
        match self.step_mut(id) {
            Some(StopStep::Drain(draining)) => Some(draining),
            _ => None,
        }
    }

    /// The load balancer sends nothing any more.
    pub(crate) fn drained(&mut self, id: JobId) {
        let now = self.now;
        let Some(draining) = self.draining_mut(id).filter(|draining| draining.quiet > now) else { return };
        draining.quiet = now;
        let name = self.job(id).map(|job| job.name.as_str()).unwrap_or_default();
        let text = format!("{name}: the load balancer is done with the target");
        self.say(Level::Info, Some(id), text);
    }

    pub(crate) fn counted(&mut self, id: JobId, in_flight: Option<u64>) {
        let next = self.after(COUNT_EVERY);
        if let Some(draining) = self.draining_mut(id) {
            draining.in_flight = in_flight;
            draining.count_at = Some(next);
        }
    }

    pub(crate) fn tick_drain(&mut self, id: JobId) {
        let (now, next_line) = (self.now, self.after(TELL_EVERY));
        let Some(settings) = self.jobs.get(id).map(|job| Arc::clone(&job.settings)) else { return };
        let Some(draining) = self.draining_mut(id) else { return };
        draining.quiet_passed = now >= draining.quiet;
        let counts = settings.drain.as_ref().is_some_and(|drain| drain.in_flight != InFlight::Unknown);
        let idle = draining.quiet_passed && (!counts || draining.in_flight == Some(0));
        if now >= draining.until || idle {
            return self.end_drain(id);
        }
        // The answer sets the next one.
        let count = draining.count_at.take_if(|at| *at <= now).is_some();
        let tell = (draining.tell_at <= now).then(|| draining.clone());
        if let Some(told) = tell {
            draining.tell_at = next_line;
            self.say(Level::Info, Some(id), told.line(&settings.name, now));
        }
        if count {
            self.effect(Effect::CountInFlight { job: id });
        }
    }

    /// The process's turn: told to stop now.
    pub(super) fn end_drain(&mut self, id: JobId) {
        let Some(in_flight) = self.draining_mut(id).map(|draining| draining.in_flight) else { return };
        let name = self.job(id).map(|job| job.name.clone()).unwrap_or_default();
        let what = match in_flight {
            Some(0) => "nothing is in flight".to_owned(),
            Some(number) => format!("{number} still in flight"),
            None => "its time is over".to_owned(),
        };
        self.say(Level::Info, Some(id), format!("{name} has drained: {what}"));
        self.publish(Event::new(Code::Drained, name));
        self.end(id);
    }

    /// Who drains already, for a reload or because a person stopped it, has the scheduler's budget from now on.
    pub(super) fn shorten_drains(&mut self) {
        for id in self.ids() {
            let Some(planned) = self.draining_mut(id).map(|draining| draining.until) else { continue };
            let within = self.drain_in_time(id, planned);
            if within >= planned {
                continue;
            }
            if let Some(draining) = self.draining_mut(id) {
                (draining.until, draining.quiet) = (within, draining.quiet.min(within));
            }
            let name = self.job(id).map(|job| job.name.as_str()).unwrap_or_default();
            let left = within.saturating_sub(self.now);
            let text = format!("{name} drains for {left:.0?} at most: the stop budget leaves no more");
            self.say(Level::Info, Some(id), text);
        }
    }
}

impl Draining {
    /// A line that tells how far it is.
    fn line(&self, name: &str, now: std::time::Duration) -> String {
        let left = self.until.saturating_sub(now);
        let what = match self.in_flight {
            Some(number) => format!("{number} in flight"),
            None if now < self.quiet => "new requests may still come".to_owned(),
            None => "what is in flight is not known".to_owned(),
        };
        format!("{name} drains: {what}, {left:.0?} left at most")
    }
}
