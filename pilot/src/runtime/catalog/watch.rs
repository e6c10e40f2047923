//! Follows something outside this container and reports what it looks like: a service by blocking queries, or a probe.
//!
//! One request at a time. An outage is never reported as an empty service: the last known instances stay until the agent
//! says otherwise. A server that answers without blocking costs at most [`Pace::REFILL`] requests a second.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, sleep, sleep_until};
use tracing::{debug, info, warn};

use super::backoff::Backoff;
use super::client::{Client, ServiceQuery};
use super::error::Error;
use crate::runtime::probe::{Finding, Prober};
use pilot_core::effect::Instance;
use pilot_core::plan::Probe;

/// One long poll waits this long for a change.
const WAIT: Duration = Duration::from_secs(60);

/// Reports the passing instances of a service, sorted by id: the first answer, and then every other set (addresses and ports
/// are compared, v3 spec section 7). Never ends; dropping the future ends it.
///
/// `interval` spaces the requests where the server does not support blocking, and is the longest back-off.
pub async fn follow(
    watch: String,
    client: Client,
    query: ServiceQuery,
    interval: Duration,
    mut report: impl FnMut(Vec<Instance>),
) {
    let mut backoff = Backoff::new(interval.min(Duration::from_secs(1)), interval);
    let mut pace = Pace::full();
    let mut trouble: Option<Error> = None;
    let mut known: Option<Vec<Instance>> = None;
    let mut index: Option<u64> = None;
    loop {
        pace.take().await;
        say_look(&watch);
        match client.health(&query, index.map(|index| (index, WAIT))).await {
            Ok(answer) => {
                backoff.reset();
                if trouble.take().is_some() {
                    info!("Consul answers again: watching {}", query.service);
                }
                if known.as_ref().is_none_or(|known| !is_same_set(known, &answer.instances)) {
                    known = Some(answer.instances.clone());
                    report(answer.instances);
                }
                let blocking = answer.index.is_some();
                // An index that goes backwards is another history (a restored or restarted server): begin anew.
                index = answer.index.filter(|new| index.is_none_or(|old| *new >= old));
                if !blocking {
                    sleep(interval).await;
                }
            }
            Err(error) => {
                if error.is_news_after(trouble.as_ref()) {
                    warn!("failed to query {}: {error} (the known instances stay; pilot keeps trying)", query.service);
                } else {
                    debug!("failed to query {}: {error}", query.service);
                }
                trouble = Some(error);
                index = None;
                sleep(backoff.delay()).await;
            }
        }
    }
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

/// A bucket of requests: a burst of changes is followed at once, constant answers are slowed down.
struct Pace {
    left: f64,
    at: Instant,
}

impl Pace {
    /// Requests that may follow each other without a pause.
    const BURST: f64 = 20.0;
    /// Requests a second in the long run.
    const REFILL: f64 = 2.0;

    fn full() -> Self {
        Pace { left: Self::BURST, at: Instant::now() }
    }

    async fn take(&mut self) {
        let now = Instant::now();
        self.left = (self.left + now.duration_since(self.at).as_secs_f64() * Self::REFILL).min(Self::BURST);
        self.at = now;
        if self.left < 1.0 {
            self.at = now + Duration::from_secs_f64((1.0 - self.left) / Self::REFILL);
            self.left = 1.0;
            sleep_until(self.at).await;
        }
        self.left -= 1.0;
    }
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

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_at_once_and_the_long_run_is_slow() {
        let start = Instant::now();
        let mut pace = Pace::full();
        for _ in 0..20 {
            pace.take().await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        for _ in 0..20 {
            pace.take().await;
        }
        assert!(start.elapsed() >= Duration::from_millis(9_900), "{:?}", start.elapsed());
    }
}
