//! Follows something outside this container and reports what it looks like: a service by blocking queries, or a probe.
//!
//! One request at a time. An outage is never reported as an empty service: the last known instances stay until the agent
//! says otherwise. A server that answers without blocking costs at most [`PER_SECOND`] requests a second.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, sleep, sleep_until};
use tracing::{debug, info, warn};

use super::client::{Client, Health, ServiceQuery};
use super::error::Error;
use super::instances::Instances;
use crate::runtime::net::backoff::Backoff;
use crate::runtime::net::rate::RateLimit;
use crate::runtime::probe::{Finding, Prober};
use pilot_core::effect::Instance;
use pilot_core::plan::Probe;

/// What a watch on a service reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    /// The passing instances, sorted by id.
    Instances(Vec<Instance>),
    /// The agent cannot be asked, and why; what was seen last still counts.
    Trouble(String),
    /// The agent can be asked again.
    Answers,
}

/// One long poll waits this long for a change.
const WAIT: Duration = Duration::from_secs(60);
/// Requests of one watch that may follow each other without a pause: a burst of changes is followed at once.
const BURST: u32 = 20;
/// Requests a second in the long run.
const PER_SECOND: u32 = 2;
/// An answer that is too long to be read will be so for a while.
const TOO_LONG_PAUSE: Duration = Duration::from_secs(30);

/// How often is looked and told.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Spaces the requests where the server does not support blocking, and is the longest back-off.
    pub interval: Duration,
    /// From the beginning to the first look.
    pub first_look: Duration,
    /// From one change that is reported to the next at least.
    pub min_interval: Duration,
}

/// Reports the passing instances of a service, sorted by id: the first answer, and then every other set (addresses and ports
/// are compared, v3 spec section 7), but no more often than `pace` says: then the last one counts. Never ends; dropping the
/// future ends it.
pub async fn follow(watch: String, client: Client, query: ServiceQuery, pace: Pace, mut report: impl FnMut(Sight)) {
    let interval = pace.interval;
    sleep(pace.first_look).await;
    let mut backoff = Backoff::new(interval.min(Duration::from_secs(1)), interval);
    let mut rate = RateLimit::new(PER_SECOND, BURST);
    let mut trouble: Option<Error> = None;
    let mut known: Option<Vec<Instance>> = None;
    let mut index: Option<u64> = None;
    let mut leaves_out = false;
    let mut changes = Changes { least: pace.min_interval, told_at: None, pending: None };
    loop {
        rate.take().await;
        say_look(&watch);
        let look = client.health(&query, index.map(|index| (index, WAIT)));
        let mut answer = tokio::select! {
            answer = look => answer,
            instances = changes.due() => {
                if known.as_ref().is_none_or(|known| !is_same_set(known, &instances)) {
                    known = Some(instances.clone());
                    report(Sight::Instances(instances));
                }
                continue;
            }
        };
        if is_empty(&answer) && known.as_ref().is_some_and(|known| !known.is_empty()) {
            answer = confirm(&client, &query).await;
        }
        match answer {
            Ok(answer) => {
                let Instances { usable, left_out } = answer.instances;
                if let Some((count, id)) = left_out.as_ref().filter(|_| !leaves_out) {
                    warn!(
                        "watching {}: {count} of its instances are left out, because their address is none (first: {id:?})",
                        query.service
                    );
                }
                leaves_out = left_out.is_some();
                backoff.reset();
                if trouble.take().is_some() {
                    info!("Consul answers again: watching {}", query.service);
                    report(Sight::Answers);
                }
                changes.pending = None;
                if known.as_ref().is_none_or(|known| !is_same_set(known, &usable)) {
                    // Absence at first is no change.
                    if let Some(now) = changes.tell(usable, known.is_some()) {
                        known = Some(now.clone());
                        report(Sight::Instances(now));
                    }
                }
                let blocking = answer.index.is_some();
                // An index that goes backwards is another history (a restored or restarted server): start over.
                index = answer.index.filter(|new| index.is_none_or(|old| *new >= old));
                if !blocking {
                    sleep(interval).await;
                }
            }
            Err(error) => {
                if error.is_news_after(trouble.as_ref()) {
                    warn!("failed to query {}: {error} (keeping the instances seen last; retrying)", query.service);
                } else {
                    debug!("failed to query {}: {error}", query.service);
                }
                if trouble.as_ref() != Some(&error) {
                    report(Sight::Trouble(error.to_string()));
                }
                let pause = if matches!(error, Error::TooLong { .. }) { TOO_LONG_PAUSE } else { Duration::ZERO };
                trouble = Some(error);
                index = None;
                sleep(backoff.delay().max(pause)).await;
            }
        }
    }
}

/// Holds back what changes too soon after the change before.
struct Changes {
    least: Duration,
    told_at: Option<Instant>,
    /// The last state, which is told when it is time, if it is still another one then.
    pending: Option<Vec<Instance>>,
}

impl Changes {
    /// These instances, if they may be told now; otherwise they are pending.
    fn tell(&mut self, instances: Vec<Instance>, something_was_known: bool) -> Option<Vec<Instance>> {
        let now = Instant::now();
        if self.told_at.is_some_and(|at| at + self.least > now) {
            self.pending = Some(instances);
            return None;
        }
        if something_was_known || !instances.is_empty() {
            self.told_at = Some(now);
        }
        Some(instances)
    }

    /// Comes back with what is pending when it is time.
    async fn due(&mut self) -> Vec<Instance> {
        match (&self.pending, self.told_at) {
            (Some(_), Some(at)) => sleep_until(at + self.least).await,
            _ => std::future::pending().await,
        }
        self.told_at = Some(Instant::now());
        self.pending.take().unwrap_or_default()
    }
}

fn is_empty(answer: &Result<Health, Error>) -> bool {
    answer.as_ref().is_ok_and(|answer| answer.instances == Instances::default())
}

/// Nobody is there where somebody was: that is also what a token sees which has lost its rights, and agents before 1.12 do not
/// tell the two apart. So it is asked what the token may see, and then once more who is there.
async fn confirm(client: &Client, query: &ServiceQuery) -> Result<Health, Error> {
    if !client.may_read(&query.service).await? {
        return Err(Error::Filtered { permission: format!("service:read for {}", query.service) });
    }
    client.health(query, None).await
}

/// Probes at once and then every `interval`, never twice at a time, and reports every finding and how long it took to
/// find. Never ends.
pub async fn follow_probe(
    watch: String,
    prober: Prober,
    (probe, limit): (Probe, Duration),
    interval: Duration,
    mut report: impl FnMut(Finding, Duration),
) {
    let mut ticks = tokio::time::interval(interval.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        say_look(&watch);
        let began = Instant::now();
        let finding = prober.run(&probe, Some(limit)).await;
        report(finding, began.elapsed());
    }
}

/// v3's line for a look, which it takes by a timer (v3 spec, appendix B).
fn say_look(watch: &str) {
    debug!("timer: {{TimerExpired watch.{watch}.poll}}");
}

/// v3 looks at the service's address and port only; tags, ids and nodes may change unseen.
fn is_same_set(one: &[Instance], other: &[Instance]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(a, b)| a.address == b.address && a.port == b.port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(id: &str, port: u16) -> Instance {
        Instance { id: id.into(), address: "10.0.0.1".into(), port }
    }

    #[test]
    fn sets_are_compared_by_address_and_port_alone() {
        assert!(is_same_set(&[instance("a", 1)], &[instance("b", 1)]));
        assert!(!is_same_set(&[instance("a", 1)], &[instance("a", 2)]));
        assert!(!is_same_set(&[instance("a", 1)], &[]));
        assert!(is_same_set(&[], &[]));
    }
}
