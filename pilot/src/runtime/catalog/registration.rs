//! Keeps each service in the catalog as it is wanted: one task a service, the latest wish wins.
//!
//! Callers only say what they want and never wait. No two calls for one service overlap. After a withdrawal nothing is
//! written any more until something new is announced: `deregister` is the last call, over within [`WITHDRAWAL`].
//! A service whose definition has changed is registered again, under the same id.
//! A passing announcement is good for one TTL; after that it is stale news and pilot does not repeat it by itself.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderValue;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tracing::{debug, info, warn};

use super::client::Client;
use super::error::Error;
use crate::runtime::net::backoff::Backoff;
use crate::runtime::task;
use pilot_core::effect::Announcement;
use pilot_core::plan::{CheckStatus, Service};

/// A withdrawal is over after this time, whatever the agent does.
const WITHDRAWAL: Duration = Duration::from_secs(2);
/// Of which a call that is already under way gets at most so much to finish in order.
const LAST_CALL: Duration = Duration::from_secs(1);
/// What nobody sends heartbeats for (an initial status, a failure) is verified this often.
const LOOK_AFTER: Duration = Duration::from_secs(10);
/// First and longest delay between attempts.
const RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

/// The end of a withdrawal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawn {
    /// [`Service::id`].
    pub id: String,
    /// Whether the agent has confirmed; if not, the TTL ends the service's life in the catalog.
    pub result: Result<(), Error>,
}

/// Says what is wanted to one task a service. Dropping it ends the tasks after the wishes they already have.
pub struct Registrar {
    client: Client,
    wishes: HashMap<String, watch::Sender<Wish>>,
    withdrawn: mpsc::UnboundedSender<Withdrawn>,
}

#[derive(Clone)]
struct Wish {
    /// As it is defined now; a reload may have changed it.
    service: Arc<Service>,
    client: Client,
    /// `None`: out of the catalog.
    desired: Option<Announcement>,
    announced: Instant,
    /// Withdrawals asked for so far; each is done and reported, even if something was announced right after it.
    withdrawals: u64,
    withdrawn: Instant,
}

impl Registrar {
    /// A registrar that has done nothing yet; the end of every withdrawal is sent to `withdrawn`.
    pub fn new(client: Client, withdrawn: mpsc::UnboundedSender<Withdrawn>) -> Self {
        Registrar { client, wishes: HashMap::new(), withdrawn }
    }

    /// Says what the catalog should say; comes back at once. Must be called inside the tokio runtime.
    pub fn announce(&mut self, service: &Service, announcement: Announcement) {
        self.wish(service, |wish| {
            wish.desired = Some(announcement);
            wish.announced = Instant::now();
        });
    }

    /// Takes the service out of the catalog (asked for even if it was never in, like v3) and reports the end of that.
    pub fn withdraw(&mut self, service: &Service) {
        self.wish(service, |wish| {
            wish.desired = None;
            wish.withdrawals += 1;
            wish.withdrawn = Instant::now();
        });
    }

    /// Another agent, or another way to the same one: services that are wanted are registered there, and taken out at the
    /// agent before if it is another one.
    pub fn turn_to(&mut self, client: Client) {
        for wish in self.wishes.values() {
            wish.send_modify(|wish| wish.client = client.clone());
        }
        self.client = client;
    }

    /// There is no catalog any more: everything is taken out, and nobody is told.
    pub fn leave(self) {
        for wish in self.wishes.values() {
            wish.send_modify(|wish| {
                wish.desired = None;
                wish.withdrawals += 1;
                wish.withdrawn = Instant::now();
            });
        }
    }

    /// Forgets services that were withdrawn for good.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.wishes.retain(|id, _| keep(id));
    }

    fn wish(&mut self, service: &Service, change: impl FnOnce(&mut Wish)) {
        let wish = match self.wishes.entry(service.id.clone()) {
            Entry::Occupied(task) => task.into_mut(),
            Entry::Vacant(place) => {
                let (now, service) = (Instant::now(), Arc::new(service.clone()));
                let (sender, wishes) = watch::channel(Wish {
                    service: Arc::clone(&service),
                    client: self.client.clone(),
                    desired: None,
                    announced: now,
                    withdrawals: 0,
                    withdrawn: now,
                });
                let keeper = Keeper {
                    service,
                    client: self.client.clone(),
                    wishes,
                    withdrawn: self.withdrawn.clone(),
                    withdrawals: 0,
                    registered: false,
                    token: None,
                    moved: false,
                    trouble: None,
                    backoff: Backoff::new(RETRY.0, RETRY.1),
                };
                task::keep(format!("the registration of {}", keeper.service.name), keeper).detach();
                place.insert(sender)
            }
        };
        wish.send_modify(|wish| {
            if *wish.service != *service {
                wish.service = Arc::new(service.clone());
            }
            change(wish);
        });
    }
}

/// The task of one service.
struct Keeper {
    service: Arc<Service>,
    client: Client,
    wishes: watch::Receiver<Wish>,
    withdrawn: mpsc::UnboundedSender<Withdrawn>,
    /// Withdrawals done so far.
    withdrawals: u64,
    /// The agent has confirmed a registration and nothing we know of has taken it back.
    registered: bool,
    /// What it was registered with: the agent writes into the catalog with that, whatever token comes later.
    token: Option<HeaderValue>,
    /// It was registered with the agent before this one.
    moved: bool,
    /// The failure that was said last; `None` when all is well.
    trouble: Option<Error>,
    backoff: Backoff,
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

/// Why an attempt ended early.
enum Stop {
    /// A withdrawal has been asked for meanwhile.
    Withdrawn,
    /// A call failed; the words are v3's.
    Failed(&'static str, Error),
}

const REGISTRATION: &str = "service registration failed";
const UPDATE: &str = "service update TTL failed";

impl Keeper {
    async fn keep(&mut self) {
        let mut again: Option<Instant> = None;
        loop {
            let due = async {
                match again {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = self.wishes.changed() => if changed.is_err() { return },
                () = due => {}
            }
            let wish = self.wishes.borrow_and_update().clone();
            if wish.service != self.service {
                // The agent learns of the new definition with the next registration, which replaces the old one.
                self.service = Arc::clone(&wish.service);
                self.registered = false;
            }
            if !wish.client.is(&self.client) {
                self.turn_to(wish.client.clone()).await;
            }
            if wish.withdrawals > self.withdrawals {
                self.deregister(&wish).await;
            }
            again = self.bring_about(&wish).await.map(|delay| Instant::now() + delay);
        }
    }

    /// Makes the catalog say what is wished; the answer is when to look again if no new wish comes first.
    async fn bring_about(&mut self, wish: &Wish) -> Option<Duration> {
        let outcome = match &wish.desired {
            None => return None,
            Some(Announcement::Initial) => self.initial().await.map(|()| Some(LOOK_AFTER)),
            Some(Announcement::Passing { .. }) if wish.announced.elapsed() >= self.service.ttl => {
                debug!("the last passing check of {} is older than its TTL and is not sent", self.service.name);
                return None;
            }
            Some(Announcement::Passing { output }) => self.pass(output).await.map(|()| None),
            Some(Announcement::Failing { .. }) if !self.registered && !self.moved => return None,
            Some(Announcement::Failing { output }) => {
                self.fail(output).await.map(|()| self.registered.then_some(LOOK_AFTER))
            }
        };
        match outcome {
            Ok(again) => {
                if self.trouble.take().is_some() {
                    info!("Consul agent answers again: service {} is up to date", self.service.name);
                }
                self.backoff.reset();
                again
            }
            Err(Stop::Withdrawn) => None,
            Err(Stop::Failed(what, error)) => {
                if error.is_news_after(self.trouble.as_ref()) {
                    warn!("{what}: {error} (service {}; retrying)", self.service.name);
                } else {
                    debug!("{what}: {error} (service {})", self.service.name);
                }
                self.trouble = Some(error);
                Some(self.backoff.delay())
            }
        }
    }

    /// Whether the agent holds a token for the service that is not today's.
    async fn is_token_outdated(&self) -> bool {
        self.registered && self.client.token().await.is_ok_and(|token| token != self.token)
    }

    /// Another token: the agent has to get it before it can write anything of this service into the catalog.
    async fn renew_token(&mut self, status: CheckStatus) -> Result<(), Stop> {
        if self.is_token_outdated().await {
            info!("the token has changed: registering {} again, with the new one", self.service.name);
            self.register(status).await?;
        }
        Ok(())
    }

    async fn initial(&mut self) -> Result<(), Stop> {
        let status = self.service.initial_status.unwrap_or(CheckStatus::Critical);
        self.renew_token(status).await?;
        if self.registered {
            let knows = self.client.knows(&self.service);
            self.registered = self.unless_withdrawn(UPDATE, knows).await?;
        }
        if self.registered {
            return Ok(());
        }
        if self.trouble.is_none() {
            info!("Registering service {} with initial status set to {}", self.service.name, status.as_str());
        }
        self.register(status).await
    }

    /// Updates the check, and registers the service first where the agent does not have it (any more).
    async fn pass(&mut self, output: &str) -> Result<(), Stop> {
        self.renew_token(CheckStatus::Passing).await?;
        if self.registered {
            match self.update(CheckStatus::Passing, output).await {
                Err(Stop::Failed(what, error @ Error::UnknownCheck(_))) => {
                    warn!("{what}: {error}; registering {} again", self.service.name);
                    self.registered = false;
                }
                other => return other,
            }
        }
        self.register(CheckStatus::Passing).await?;
        self.update(CheckStatus::Passing, output).await
    }

    /// Turns the check critical. A service that the agent has removed meanwhile, perhaps because it was critical for too
    /// long, stays away until it passes.
    async fn fail(&mut self, output: &str) -> Result<(), Stop> {
        self.renew_token(CheckStatus::Critical).await?;
        if self.moved {
            self.register(CheckStatus::Critical).await?;
        }
        match self.update(CheckStatus::Critical, output).await {
            Err(Stop::Failed(what, error @ Error::UnknownCheck(_))) => {
                info!("{what}: {error}; {} is registered again when it passes", self.service.name);
                self.registered = false;
                Ok(())
            }
            other => other,
        }
    }

    async fn register(&mut self, status: CheckStatus) -> Result<(), Stop> {
        // Read before the call reads it: if it changes in between it is taken for outdated, never the other way round.
        let token = self.client.token().await.unwrap_or_default();
        let call = self.client.register(&self.service, status);
        self.unless_withdrawn(REGISTRATION, call).await?;
        (self.registered, self.token, self.moved) = (true, token, false);
        info!("Service registered: {}", self.service.name);
        Ok(())
    }

    async fn update(&self, status: CheckStatus, output: &str) -> Result<(), Stop> {
        self.unless_withdrawn(UPDATE, self.client.update_check(&self.service, status, output)).await
    }

    /// The fence. Nothing is begun after a withdrawal was asked for; a call under way is waited for, because a cancelled one
    /// may still be carried out by the agent, after our `deregister`.
    async fn unless_withdrawn<T>(
        &self,
        what: &'static str,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Stop> {
        let done = self.withdrawals;
        let mut wishes = self.wishes.clone();
        let asked = async {
            if wishes.wait_for(|wish| wish.withdrawals > done).await.is_err() {
                // Nobody is left who could withdraw.
                std::future::pending::<()>().await;
            }
        };
        let mut call = pin!(call);
        tokio::select! {
            biased;
            () = asked => {
                let _ = timeout(LAST_CALL, call).await;
                Err(Stop::Withdrawn)
            }
            result = &mut call => result.map_err(|error| Stop::Failed(what, error)),
        }
    }

    /// Starts over with another agent. The same one in other words keeps the service until it is registered again.
    async fn turn_to(&mut self, client: Client) {
        if self.registered && !self.client.asks_the_agent_of(&client) {
            let result = timeout(WITHDRAWAL, self.client.deregister(&self.service)).await;
            if let Err(error) = result.unwrap_or_else(|_| Err(self.client.silent(WITHDRAWAL))) {
                info!("deregistering failed: {error} (service {}, at the agent before the reload)", self.service.name);
            }
        }
        self.moved |= std::mem::take(&mut self.registered);
        self.trouble = None;
        self.backoff.reset();
        self.client = client;
    }

    async fn deregister(&mut self, wish: &Wish) {
        debug!("deregistering: {}", self.service.id);
        let call = async {
            if self.is_token_outdated().await {
                // Without it the agent forgets the service and cannot take it out of the catalog. Should it fail, so will that.
                let _ = self.client.register(&self.service, CheckStatus::Critical).await;
            }
            self.client.deregister(&self.service).await
        };
        let result = timeout_at(wish.withdrawn + WITHDRAWAL, call).await;
        let result = result.unwrap_or_else(|_| Err(self.client.silent(WITHDRAWAL)));
        if let Err(error) = &result {
            info!("deregistering failed: {error}");
        }
        (self.registered, self.moved) = (false, false);
        for _ in self.withdrawals..wish.withdrawals {
            // Nobody listens any more when pilot is past its stop.
            let _ = self.withdrawn.send(Withdrawn { id: self.service.id.clone(), result: result.clone() });
        }
        self.withdrawals = wish.withdrawals;
    }
}
