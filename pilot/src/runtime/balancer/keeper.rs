//! One task a job: keeps the target in its group while that is wanted, takes it out when it is not, tells what it sees.
//!
//! No two calls for one target overlap. After a departure was asked for, nothing is registered any more until somebody
//! wants it again. Polls are slow and spread: the account's calls are few, and other containers need them too.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, info, warn};

use super::error::Error;
use super::sdk_settings::CALL;
use super::target::{TargetId, Task};
use super::target_group::{State, TargetGroup};
use crate::runtime::net::backoff::Backoff;
use crate::runtime::task;
use pilot_core::plan::{BalancerMode, LoadBalancer};

/// While something is expected to change soon.
const SOON: Duration = Duration::from_secs(5);
/// While nothing is: a look whether the target is still there.
const RECONCILE: Duration = Duration::from_secs(60);
/// Longest pause after failures.
const MAX_BACKOFF: Duration = Duration::from_secs(60);
/// A departure looks first whether it is needed; that look may take so long.
const FIRST_LOOK: Duration = Duration::from_secs(2);
/// A registration under way when a departure is asked for may finish within this time.
const LAST_CALL: Duration = Duration::from_secs(2);
/// A departure is over after this time, whatever AWS does.
pub const DEPARTURE: Duration = FIRST_LOOK.saturating_add(CALL);

/// What is reported about a job's target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The load balancer sends traffic to it.
    Healthy,
    /// It does not; the load balancer's word for it.
    NotHealthy(String),
    /// It could not be asked.
    Unknown,
    /// A departure that was asked for is over.
    Left(Departure),
    /// After a departure: the load balancer is done with the target.
    Drained,
}

/// How a departure went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Departure {
    /// The target was out already, or somebody else has begun to take it out.
    Already(String),
    /// The load balancer has been told.
    Asked,
    /// It could not be told; a sentence.
    Failed(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Nothing,
    In,
    Out,
}

/// Says what is wanted to the task of one job. Dropping it ends the task.
#[derive(Debug)]
pub struct Balancer {
    wishes: watch::Sender<Wish>,
}

impl Balancer {
    /// A task that does nothing yet. Must be called inside the tokio runtime.
    pub fn new(settings: LoadBalancer, http: reqwest::Client, report: impl Fn(News) + Send + 'static) -> Self {
        let (sender, wishes) = watch::channel(Wish::Nothing);
        let task = Task::of_this_container(http);
        let keeper =
            Keeper { settings, task, wishes, report: Box::new(report), known: None, seen: None, trouble: None };
        task::keep("the target in the load balancer", keeper).detach();
        Balancer { wishes: sender }
    }

    /// The job serves: register it (mode `self`), or get ready to take it out (mode `drain`). Comes back at once.
    pub fn enter(&self) {
        self.wishes.send_replace(Wish::In);
    }

    /// Take it out, within [`DEPARTURE`]; answered by [`News::Left`]. Comes back at once.
    pub fn leave(&self) {
        self.wishes.send_replace(Wish::Out);
    }
}

struct Keeper {
    settings: LoadBalancer,
    task: Task,
    wishes: watch::Receiver<Wish>,
    report: Box<dyn Fn(News) + Send>,
    /// The own target and the client, once they are found.
    known: Option<(TargetGroup, TargetId)>,
    /// The state that was reported last.
    seen: Option<State>,
    /// The failure that was said last; `None` when all is well.
    trouble: Option<Error>,
}

impl task::Service for Keeper {
    async fn run(&mut self) {
        self.keep().await;
    }

    /// What was wished last is looked at once more.
    fn panicked(&mut self, _: &task::Panic) {
        self.wishes.mark_changed();
    }
}

impl Keeper {
    async fn keep(&mut self) {
        while self.wishes.changed().await.is_ok() {
            loop {
                let wish = *self.wishes.borrow_and_update();
                let told_more = match wish {
                    Wish::Nothing => false,
                    Wish::In => self.stay().await,
                    Wish::Out => self.depart().await,
                };
                if !told_more {
                    break;
                }
            }
        }
    }

    /// Until something else is wanted. True if so.
    async fn stay(&mut self) -> bool {
        let mut backoff = Backoff::new(SOON, MAX_BACKOFF);
        loop {
            let pause = match self.look_after().await {
                Ok(pause) => {
                    backoff.reset();
                    if self.trouble.take().is_some() {
                        info!("AWS answers again: target group {}", self.settings.target_group.name());
                    }
                    pause.map(spread)
                }
                Err(error) => {
                    if self.trouble.is_none() {
                        (self.report)(News::Unknown);
                    }
                    self.complain(error);
                    Some(backoff.delay())
                }
            };
            let Some(pause) = pause else { return self.wait_for_wish(None).await };
            if self.wait_for_wish(Some(pause)).await {
                return true;
            }
        }
    }

    /// Brings about what is wanted while the job serves; the answer is when to look again.
    async fn look_after(&mut self) -> Result<Option<Duration>, Error> {
        let (group, target) = self.whereabouts().await?;
        match self.settings.mode {
            // ECS registers, and would have the target back if pilot did what it takes for mending.
            BalancerMode::Drain => return Ok(None),
            BalancerMode::Itself => {}
        }
        let state = group.state(&target).await?;
        let new = self.seen.as_ref() != Some(&state);
        if state.is_absent() || state.is_draining() {
            if self.task.is_stopping().await {
                debug!("ECS is stopping this task: target {target} is not registered");
                return Ok(Some(SOON));
            }
            self.register(&group, &target).await?;
            self.seen = None;
            (self.report)(News::NotHealthy(state.to_string()));
            return Ok(Some(SOON));
        }
        if new {
            let name = self.settings.target_group.name();
            if state.is_healthy() {
                info!("target {target} is healthy in target group {name}: the load balancer sends it traffic");
            } else {
                info!("target {target} in target group {name} is {state}");
            }
        }
        (self.report)(if state.is_healthy() { News::Healthy } else { News::NotHealthy(state.to_string()) });
        let pause = if state.is_healthy() { RECONCILE } else { SOON };
        self.seen = Some(state);
        Ok(Some(pause))
    }

    /// A call that was begun is waited for when a departure is asked for: cancelled, AWS may still carry it out, after
    /// the departure.
    async fn register(&mut self, group: &TargetGroup, target: &TargetId) -> Result<(), Error> {
        let mut wishes = self.wishes.clone();
        let leaving = async { drop(wishes.wait_for(|wish| *wish == Wish::Out).await) };
        let mut call = std::pin::pin!(group.register(target));
        let done = tokio::select! {
            biased;
            done = &mut call => done,
            () = leaving => timeout(LAST_CALL, call).await.unwrap_or(Err(Error::Timeout(LAST_CALL))),
        };
        done?;
        info!("registered target {target} in target group {}", self.settings.target_group.name());
        Ok(())
    }

    /// Takes the target out, reports, and then watches it drain until something else is wanted.
    async fn depart(&mut self) -> bool {
        let until = Instant::now() + DEPARTURE;
        self.seen = None;
        let departure = match timeout(DEPARTURE, self.deregister()).await {
            Ok(Ok(departure)) => departure,
            Ok(Err(error)) => Departure::Failed(error.to_string()),
            Err(_) => Departure::Failed(Error::Timeout(DEPARTURE).to_string()),
        };
        debug!("departure took {:?}", DEPARTURE - until.saturating_duration_since(Instant::now()));
        if let Departure::Failed(reason) = &departure {
            warn!("cannot take the target out of target group {}: {reason}", self.settings.target_group.name());
        }
        (self.report)(News::Left(departure));
        loop {
            if self.wait_for_wish(Some(spread(SOON))).await {
                return true;
            }
            let Ok((group, target)) = self.whereabouts().await else { continue };
            match group.state(&target).await {
                Ok(state) if state.is_absent() => {
                    (self.report)(News::Drained);
                    return self.wait_for_wish(None).await;
                }
                Ok(state) => debug!("target {target} is {state}"),
                Err(error) => debug!("target {target}: {error}"),
            }
        }
    }

    async fn deregister(&mut self) -> Result<Departure, Error> {
        let (group, target) = self.whereabouts().await?;
        let name = self.settings.target_group.name();
        if let Ok(Ok(state)) = timeout(FIRST_LOOK, group.state(&target)).await
            && (state.is_absent() || state.is_draining())
        {
            info!("target {target} is already out of target group {name}: {state}");
            if state.is_absent() {
                (self.report)(News::Drained);
            }
            return Ok(Departure::Already(state.to_string()));
        }
        group.deregister(&target).await?;
        info!("deregistered target {target} from target group {name}");
        Ok(Departure::Asked)
    }

    async fn whereabouts(&mut self) -> Result<(TargetGroup, TargetId), Error> {
        if let Some(known) = &self.known {
            return Ok(known.clone());
        }
        let target = self.task.target(&self.settings).await?;
        let group = TargetGroup::new(self.settings.target_group.clone());
        Ok(self.known.insert((group, target)).clone())
    }

    /// Waits for another wish, at most so long. True if there is one.
    async fn wait_for_wish(&mut self, limit: Option<Duration>) -> bool {
        let changed = self.wishes.changed();
        match limit {
            Some(limit) => tokio::select! {
                changed = changed => changed.is_ok(),
                () = sleep(limit) => false,
            },
            None => changed.await.is_ok(),
        }
    }

    fn complain(&mut self, error: Error) {
        let name = self.settings.target_group.name();
        if error.is_news_after(self.trouble.as_ref()) {
            warn!("target group {name}: {error}; the job keeps running, pilot retries");
        } else {
            debug!("target group {name}: {error}");
        }
        self.trouble = Some(error);
    }
}

/// Up to half longer, so that a hundred containers do not ask in step.
fn spread(pause: Duration) -> Duration {
    use std::hash::{BuildHasher, RandomState};
    let random = RandomState::new().hash_one(0u8) >> 40;
    let share = f64::from(u32::try_from(random).unwrap_or(0)) / f64::from(1u32 << 24);
    pause.mul_f64(1.0 + 0.5 * share)
}
